"""What a model's sentence may say in this turn: the recommender's results as Evidence for the grounding check."""

from collections.abc import Iterable

from app.turn.answers.grounding import Evidence, Known
from app.turn.answers.reasons import supporting
from app.turn.answers.voice import Voice
from app.turn.desk import Desk
from recommenders.contract import Explanation, Request
from recommenders.data import Condition, Named, Schema
from recommenders.texts import content_words


def known(voice: Voice, item: int) -> Known:
    c = voice.catalogue
    return Known(c.titles[item], int(c.years[item]) or None, c.genres[item], c.people[item], voice.liked(item))


def for_opening(voice: Voice, request: Request, shown: int) -> Evidence:
    """The sentence above the picks: how many, and what was asked; no pick is named there."""
    schema = voice.catalogue.schema
    wanted = [c for c in request.conditions if not c.excludes]
    every = [n for c in wanted if _sort(schema, c) and c.operator == "has all" for n in c.values]
    people = [c for c in wanted if _proper(schema, c)]
    unwanted = [n for c in request.conditions if c.excludes and _sort(schema, c) for n in c.values]
    others = [c for c in wanted if c not in people and not (_sort(schema, c) and c.operator in ("has all", "has any"))]
    return Evidence(
        items=tuple(known(voice, i) for i in request.like),
        genres=tuple(map(str, every)),  # of "has any" each pick has one, not each of them
        people=tuple(str(n) for c in people if len(c.values) == 1 for n in c.values),
        without=tuple(map(str, unwanted)),
        phrases=tuple(filter(None, (p for c in others for p in _phrases(schema, c)))),
        numbers=(shown,),
        words=(*content_words(request.wish).values(), *voice.catalogue.nouns),
    )


def _sort(schema: Schema, condition: Condition) -> bool:
    a = schema[condition.attribute]
    return isinstance(a, Named) and not a.proper


def _proper(schema: Schema, condition: Condition) -> bool:
    a = schema[condition.attribute]
    return isinstance(a, Named) and a.proper


def _phrases(schema: Schema, condition: Condition) -> tuple[str, ...]:
    """How a sentence may say the condition word for word: without what was remarked on it."""
    a = schema[condition.attribute]
    return (a.bare(condition), *(f"{a.prefix} {n}" for n in condition.values if isinstance(a, Named) and a.prefix))


def for_reason(voice: Voice, e: Explanation, request: Request | None) -> Evidence:
    """A sentence about one pick: itself, the history items that spoke for it, what of the request it has."""
    likes = request.like if request is not None else ()
    supporters = [x.item for x in supporting(e)[:4]]
    items = dict.fromkeys([e.item, *supporters, *likes])
    c, year = voice.catalogue, int(voice.catalogue.years[e.item])
    return Evidence(
        items=tuple(known(voice, i) for i in items),
        genres=c.genres[e.item],  # the sentence stands on the item's card, so it need not be named
        people=c.people[e.item],
        phrases=(f"from {year}", f"of {year}") if year else (),
        words=(*e.matched.get("words", ()), *c.nouns),
    )


def for_table(voice: Voice, desk: Desk, items: Iterable[int] = ()) -> Evidence:
    """A reply about what is on the table."""
    named = tuple(known(voice, i) for i in dict.fromkeys([*items, *desk.table.ever]))
    return Evidence(items=named, words=voice.catalogue.nouns)
