"""What a model's sentence may say in this turn: the recommender's results as Evidence for the grounding check."""

from collections.abc import Iterable

from app.turn.answers import wording
from app.turn.answers.grounding import Evidence, Known
from app.turn.answers.wording import Voice
from app.turn.desk import Desk
from app.understanding import nouns, years
from recommenders.contract import Explanation, Request
from recommenders.texts import content_words


def known(voice: Voice, item: int) -> Known:
    c = voice.catalogue
    return Known(c.titles[item], int(c.years[item]) or None, c.genres[item], c.people[item], voice.liked(item))


def for_opening(voice: Voice, request: Request, shown: int) -> Evidence:
    """The sentence above the picks: how many, and what was asked; no pick is named there."""
    f = request.filters
    phrase = years.phrase(f.year_from, f.year_to)
    return Evidence(
        items=tuple(known(voice, i) for i in request.like),
        genres=f.genres,  # of `any_genres` each pick has one, not each of them
        people=f.people if len(f.people) == 1 else (),
        without=f.without_genres,
        phrases=tuple(filter(None, [phrase, *(f"in {x}" for x in f.languages)])),
        numbers=(shown,),
        words=(*content_words(request.wish).values(), *nouns(voice.catalogue)),
    )


def for_reason(voice: Voice, e: Explanation, request: Request | None) -> Evidence:
    """A sentence about one pick: itself, the history items that spoke for it, what of the request it has."""
    likes = request.like if request is not None else ()
    supporters = [x.item for x in wording.supporting(e)[:4]]
    items = dict.fromkeys([e.item, *supporters, *likes])
    c, year = voice.catalogue, int(voice.catalogue.years[e.item])
    return Evidence(
        items=tuple(known(voice, i) for i in items),
        genres=c.genres[e.item],  # the sentence stands on the item's card, so it need not be named
        people=c.people[e.item],
        phrases=(f"from {year}", f"of {year}") if year else (),
        words=(*e.matched.get("words", ()), *nouns(c)),
    )


def for_table(voice: Voice, desk: Desk, items: Iterable[int] = ()) -> Evidence:
    """A reply about what is on the table."""
    named = tuple(known(voice, i) for i in dict.fromkeys([*items, *desk.table.ever]))
    return Evidence(items=named, words=nouns(voice.catalogue))
