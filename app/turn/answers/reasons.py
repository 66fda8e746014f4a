"""Why an item: reasons on a card, and the answers to "why?" and "why not?", in people's words.

Every reason keeps the evidence that it rests on: ranks, scores and names of models stand there, for the trace and for
checks, and in no sentence. Nothing is said that the evidence does not bear.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from app.events import Reason
from app.turn.answers.item_facts import shared, tells_apart
from app.turn.answers.voice import Voice, sentence
from app.understanding import in_order
from app.wants import shortened
from app.words import ordinal_word, stem
from recommenders.contract import Explanation, Influence, Request
from recommenders.data import (
    GEM,
    RATING,
    RATINGS,
    WEIGHTED,
    Attribute,
    Catalogue,
    Condition,
    Flag,
    Levels,
    Named,
    Number,
    Year,
    adjective,
    both,
)
from recommenders.texts import content_words

MOST_REASONS = 3  # on a card; "why?" tells more
_ENOUGH = 2  # reasons; with fewer, what recommends it to anybody is told too
_CLOSE = 25  # the rank up to which being close is a reason; nobody is persuaded by the 46th closest
_FIRST = 20  # what would change is told against the first so many
_MEANT = 0.45  # cosine from which a mood or theme is what a wish means
_BEST = 0.9  # share of the catalogue that is behind what is called "one of the best"


def reasons(voice: Voice, explanation: Explanation, request: Request, said: Sequence[str] = ()) -> list[Reason]:
    """Short statements for one pick, each with the evidence that it rests on; never none, at most MOST_REASONS.

    said  checked sentences of a model, which come first
    """
    found = _specific(voice, explanation, request)
    if len(found) < _ENOUGH:
        found += [_general(voice, explanation)] if not found else _praised(voice, explanation)
    checked = [Reason(text=sentence, evidence={"checked": "grounding", **found[0].evidence}) for sentence in said]
    return [*checked, *found][:MOST_REASONS]


def _specific(voice: Voice, e: Explanation, request: Request) -> list[Reason]:
    alike, influenced = _alike(voice, e, request), _influenced(voice, e)
    if alike and influenced and not request.like:
        alike = []  # both say it of what was liked; what the recommender did counts
    found = [*_asked(voice, e, request), *_wished(voice, e, request), *alike, *influenced]
    return found or [*_sharing(e), *_close_to_words(e)][:1]


# -- what was asked for -----------------------------------------------------------------------------------------------


def _asked(voice: Voice, e: Explanation, request: Request) -> list[Reason]:
    """The conditions that it meets: "As you asked: Horror, with Al Pacino"; "Short enough: 1 hour 28 minutes"."""
    met = [
        (c, said)
        for c in in_order(request.conditions, voice.catalogue.schema)
        if not c.excludes and (said := _met(voice.catalogue, e, c))
    ]
    evidence: dict[str, object] = {"matched": _plain(e)}
    if not met:
        return []
    if len(met) == 1 and (alone := _alone(voice.catalogue, met[0][0], met[0][1])):
        return [Reason(text=alone, evidence=evidence)]
    return [Reason(text=f"As you asked: {', '.join(dict.fromkeys(said for _, said in met))}", evidence=evidence)]


def _met(c: Catalogue, e: Explanation, condition: Condition) -> str:
    """What of a condition an item has: "Horror", "with Al Pacino", "short enough (1 hour 30 minutes)"."""
    a, values = c.schema[condition.attribute], e.matched.get(condition.attribute, ())
    if not values:
        return ""
    if isinstance(a, Named):
        mine = [v for v in values if v in condition.values]
        return f"{a.prefix} {both(mine)}".strip() if mine else ""
    if isinstance(a, Year):
        return f"from {values[0]}"
    if isinstance(a, Number) and (word := _enough(a, condition)):
        return f"{word} ({values[0]})"
    if isinstance(a, Flag):
        return a.phrase(condition)[1]
    said = c.attributes.states(a.name, e.item, "it")
    if isinstance(a, Levels) and condition.operator == "at most" and c.attributes.cells(a.name)[e.item]:
        said = said.replace("it has ", "it has only ", 1)
    for opening in ("it has ", "it is ", "it "):
        if said.startswith(opening):
            return said.removeprefix(opening)
    return said


def _enough(a: Number, condition: Condition) -> str:
    """ "Short enough", for a bound on one side."""
    if condition.operator not in ("at most", "at least"):
        return ""
    word = adjective(a.dimension, little=condition.operator == "at most")
    return f"{word} enough" if word else ""


def _alone(c: Catalogue, condition: Condition, said: str) -> str:
    """One condition in a sentence of its own."""
    a = c.schema[condition.attribute]
    if isinstance(a, Number) and said.endswith(")") and " enough (" in said:
        word, _, value = said.rstrip(")").partition(" (")
        return f"{word.capitalize()}: {value}"
    return f"{said[:1].upper()}{said[1:]}, as you asked" if isinstance(a, Year) else ""


def _wished(voice: Voice, e: Explanation, request: Request) -> list[Reason]:
    """What of an item meets the words of a wish, or their meaning; else where the words stand."""
    if not request.wish:
        return []
    called = e.matched.get("called", ())
    said = {v.lower() for name, values in e.matched.items() if name != "called" for v in values}
    names = [n for n in _vocabulary(voice.catalogue, e.item) if n not in said or n in request.wish.lower().split()]
    by_word = [n for n in names if _stems(n) & _stems(request.wish)]
    near = {} if called else voice.nearness(request.wish, names)
    by_meaning = {n: s for n, s in near.items() if s >= _MEANT and n not in by_word}
    meant = [*(n for n in called if n in names), *sorted(by_meaning, key=lambda n: -by_meaning[n])]
    meeting = list(dict.fromkeys([*by_word, *meant]))[:3]
    words = e.matched.get("words", ())
    if meeting:
        evidence: dict[str, object] = {
            "wish": request.wish,
            "has": meeting,
            "nearness": {n: round(by_meaning[n], 2) for n in meeting if n in by_meaning},
            "matched": _plain(e),
        }
        return [Reason(text=f"You asked for “{shortened(request.wish)}”: {', '.join(meeting)}", evidence=evidence)]
    if words:
        quoted = both([f"“{w}”" for w in words])
        where = _place_of(voice.catalogue, e.item, words)
        return [
            Reason(
                text=f"{quoted} {'is' if len(words) == 1 else 'are'} in its {where}",
                evidence={"wish": request.wish, "matched": _plain(e)},
            )
        ]
    return []


def _vocabulary(c: Catalogue, item: int) -> list[str]:
    """The words for an item that its attributes have: moods, themes, sorts."""
    found: list[str] = []
    for a in c.schema.told:
        if isinstance(a, Named) and tells_apart(c, a):
            cell = c.attributes.cells(a.name)[item]
            found += [cell] if isinstance(cell, str) and cell else list(cell)
    return list(dict.fromkeys(n.lower() for n in found))


def _stems(text: str) -> set[str]:
    return {stem(w) for w in content_words(text).values()}


def _place_of(c: Catalogue, item: int, words: Sequence[str]) -> str:
    wanted = {stem(w) for w in words}
    if wanted <= _stems(c.titles[item]):
        return "title"
    return "description" if wanted <= _stems(c.texts[item]) else "entry"


# -- what it is like, and whose taste it fits -------------------------------------------------------------------------


def _alike(voice: Voice, e: Explanation, request: Request) -> list[Reason]:
    """Close to what was named or liked, and in what."""
    place = next((p for p in e.provenance if p.source == "similar"), None)
    if place is not None and place.rank <= _CLOSE and (missing := voice.lacking(request.relatives)):
        return [
            Reason(text=f"In the spirit of {both(missing[:3])}", evidence={"source": "similar", "rank": place.rank})
        ]
    near = [i for i in (request.like or request.liked[::-1]) if i != e.item]  # the latest liked first
    if place is None or not near or place.rank > _CLOSE:
        return []
    common = {i: shared(voice.catalogue, e.item, i) for i in near}
    most = max(near, key=lambda i: len(common[i]))
    text = (
        f"Like {voice.label(most)}: {', '.join(common[most])}" if common[most] else f"Close to {voice.labels(near, 3)}"
    )
    evidence = {"source": "similar", "rank": place.rank, "like": _ids(voice, near), "shared": common[most]}
    return [Reason(text=text, evidence=evidence)]


def supporting(e: Explanation) -> tuple[Influence, ...]:
    """The history items that clearly spoke for an item: without one it would stand lower; the strongest first."""
    ups = [x for x in e.influences if x.change > 0 and x.rank_without > e.rank]
    return tuple(x for x in ups if x.change >= 0.25 * ups[0].change)


def opposing(e: Explanation) -> tuple[Influence, ...]:
    """The history items without which the item would stand higher."""
    return tuple(x for x in e.influences if x.change < 0 and x.rank_without < e.rank)


def _influenced(voice: Voice, e: Explanation) -> list[Reason]:
    """What of the history spoke for it, and what both have in common."""
    best = supporting(e)[:2]
    if not best:
        return []
    names = both([voice.label(x.item) for x in best])
    because = f"Because you {'liked' if all(voice.liked(x.item) for x in best) else 'know'} {names}"
    common = shared(voice.catalogue, e.item, best[0].item) if len(best) == 1 else _common_to_all(voice, e, best)
    text = f"{because}: {', '.join(common)}" if common else because
    evidence = {"model": e.model, "rank": e.rank, "influences": _influences(voice, best), "shared": common}
    return [Reason(text=text, evidence=evidence)]


def _common_to_all(voice: Voice, e: Explanation, best: Sequence[Influence]) -> list[str]:
    first, second = (shared(voice.catalogue, e.item, x.item) for x in best)
    return [s for s in first if s in second]


def _sharing(e: Explanation) -> list[Reason]:
    if people := e.shared.get("people", ()):
        return [Reason(text=f"With {both(people[:2])}, as in what you liked", evidence={"people": list(people)})]
    if genres := e.shared.get("genres", ()):
        return [Reason(text=f"{both(genres[:2])}, like what you liked", evidence={"genres": list(genres)})]
    return []


def _close_to_words(e: Explanation) -> list[Reason]:
    place = next((p for p in e.provenance if p.source == "said"), None)
    if place is None or place.rank > _CLOSE:
        return []
    return [Reason(text="Close to what you told me so far", evidence={"source": "said", "rank": place.rank})]


# -- what recommends it to anybody ------------------------------------------------------------------------------------


def _general(voice: Voice, e: Explanation) -> Reason:
    """What is told of an item for which nothing that was asked or liked speaks: a true fact that recommends it, else
    what it is."""
    if praised := _praised(voice, e):
        return praised[0]
    evidence = _standing(voice, e)
    c = voice.catalogue
    for a in c.schema.told:
        said = isinstance(a, Named) and not a.proper and not a.prefix and not a.aside and a.nothing == ()
        if said and (cell := c.attributes.cells(a.name)[e.item]):
            evidence[a.name] = list(cell)
            first, *rest = [v.lower() for v in cell[:3]]
            return Reason(text=both([first[:1].upper() + first[1:], *rest]), evidence=evidence)
    if voice.state.items:
        return Reason(text="Fits what you liked so far as a whole", evidence=evidence)
    return Reason(text="Something to start with, until I know your taste", evidence=evidence)


def _standing(voice: Voice, e: Explanation) -> dict[str, object]:
    return {"model": e.model, "rank": e.rank, "score": e.score, "history": len(voice.state.items)}


def _praised(voice: Voice, e: Explanation) -> list[Reason]:
    """The best fact that recommends an item to anybody, with what it rests on; nothing where there is none."""
    evidence = _standing(voice, e)
    fact = next(_praise(voice, e, evidence), "")
    return [Reason(text=fact, evidence=evidence)] if fact else []


def _praise(voice: Voice, e: Explanation, evidence: dict[str, object]) -> Iterator[str]:
    """Such facts, the best first; what they rest on goes into the evidence."""
    c = voice.catalogue
    tell = {n: c.attributes.tell(n, e.item) if n in c.schema else "" for n in (RATING, RATINGS, WEIGHTED, GEM)}
    evidence |= {n: told for n, told in tell.items() if told}
    rated = f"{tell[RATING]} from {_people(tell[RATINGS])}" if tell[RATING] and tell[RATINGS] else ""
    if rated and _among_the_best(c, WEIGHTED, e.item):
        yield f"One of the best rated here: {rated}"
    if rated and GEM in c.schema and c.attributes.cells(GEM)[e.item]:
        yield f"A hidden gem: {rated}"
    for a in c.schema.told:
        if _prize(a) and (cell := c.attributes.cells(a.name)[e.item]) and cell[1]:
            said = c.attributes.states(a.name, e.item, "it").removeprefix("it ")
            yield said[:1].upper() + said[1:]
    if tell[RATINGS] and _among_the_best(c, RATINGS, e.item):
        yield f"One of the best known here: {_people(tell[RATINGS])} rated it"
    elif e.model == "popularity" and e.rank <= max(1, round((1 - _BEST) * len(c))):
        yield "One of the most chosen here"


def _prize(a: Attribute) -> bool:
    return isinstance(a, Number) and bool(a.words.having and a.words.there)


def _people(n: str) -> str:
    return f"{n} {'person' if n == '1' else 'people'}"


def _among_the_best(c: Catalogue, name: str, item: int) -> bool:
    if name not in c.schema:
        return False
    a = c.schema[name]
    keys = np.array([k for cell in c.attributes.cells(name) if (k := a.key(cell)) is not None])
    own = a.key(c.attributes.cells(name)[item])
    return own is not None and len(keys) > 0 and own >= np.quantile(keys, _BEST)


# -- why, why not -----------------------------------------------------------------------------------------------------


def why(voice: Voice, e: Explanation, request: Request | None, *, brief: bool = False) -> str:
    """Why an item was recommended, in two or three sentences: what speaks for it, and what would change that."""
    found = _specific(voice, e, request or Request()) or [_general(voice, e)]
    first, *more = [r.text for r in found[: 1 if brief else 2]]
    said = [f"{voice.label(e.item)} – {first[:1].lower()}{first[1:]}.", *map(sentence, more)]
    ups, downs = supporting(e), opposing(e)
    if ups:
        said.append(_without(voice, e, ups[0]))
    elif voice.state.items:
        said.append("No single thing that you liked decides it.")
    elif not brief:
        said.append("I know nothing of your taste yet: tell me what you liked, and my picks will change.")
    if downs and not brief:
        said.append(f"{voice.label(downs[0].item)} in your history speaks against it.")
    return " ".join(said)


def _without(voice: Voice, e: Explanation, x: Influence) -> str:
    """What one item of the history changes."""
    if e.rank <= _FIRST < x.rank_without:
        return f"Without {voice.label(x.item)} it would not be among the first {_FIRST}."
    return f"Without {voice.label(x.item)} it would stand further back."


def why_not(voice: Voice, e: Explanation, request: Request | None, shown: Sequence[int]) -> str:
    """Why an item is not among the picks."""
    item, label = e.item, voice.label(e.item)
    if item in shown:
        place = list(shown).index(item) + 1
        return f"It is among them: {label} is the {ordinal_word(place)} pick."
    if item in voice.state.disliked:
        return f"You rejected {label}, so it is left out."
    if item in voice.state.items:
        return f"{label} is in your history already, so it is left out; ask for things you know to see it."
    if request is not None and (breaks := voice.catalogue.attributes.objections(item, request.conditions)):
        return f"{label} does not fit what you asked: {both(list(breaks))}."
    said = [f"Nothing rules {label} out; others fit better."]
    ups, downs = supporting(e), opposing(e)
    if downs:
        said.append(f"{voice.label(downs[0].item)} in your history speaks against it.")
    elif ups:
        said.append(f"What speaks for it most is {voice.label(ups[0].item)}.")
    return " ".join(said)


def first_of(voice: Voice, explanations: Sequence[Explanation]) -> list[str]:
    """Which of several to begin with, and why: what suits the person, or what people rate higher."""
    c = voice.catalogue
    said = [f"{c.label(e.item)} is in your history already." for e in explanations if e.item in voice.state.items]
    fresh = [e for e in explanations if e.item not in voice.state.items]
    if len(fresh) < 2:
        return said
    if voice.state.items:
        best = min(fresh, key=lambda e: e.rank)
        because = f", above all because of {voice.label(ups[0].item)}" if (ups := supporting(best)) else ""
        return [*said, f"For you I would begin with {c.label(best.item)}{because}."]
    known = [e for e in fresh if WEIGHTED in c.schema and c.attributes.tell(WEIGHTED, e.item)]
    if len(known) == len(fresh):
        best = max(known, key=lambda e: c.attributes.cells(WEIGHTED)[e.item])
        people = [f"{c.titles[e.item]} {c.attributes.tell(RATING, e.item)}" for e in known]
        return [*said, f"People here give {both(people)}; I would begin with {c.label(best.item)}."]
    best = min(fresh, key=lambda e: e.rank)
    return [*said, f"I would begin with {c.label(best.item)}."]


def _influences(voice: Voice, influences: Sequence[Influence]) -> list[dict[str, object]]:
    ids = voice.catalogue.ids.ids
    return [{"item_id": ids[x.item], "change": x.change, "rank_without": x.rank_without} for x in influences]


def _ids(voice: Voice, items: Sequence[int]) -> list[str]:
    return [voice.catalogue.ids.ids[i] for i in items]


def _plain(e: Explanation) -> dict[str, list[str]]:
    return {k: list(v) for k, v in e.matched.items()}
