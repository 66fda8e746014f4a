"""What tells one item from the others beside it: "the only one under 2 hours", "the oldest of these".

A statement is a condition on an attribute that exactly this one keeps, or its being the first in an order.
Nothing here names an attribute: kinds say which conditions may tell an item apart, and how that is put.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from app.events import Reason
from recommenders.data import Attribute, Catalogue, Condition, Flag, Levels, Named, Number, Operator, Year

_COMMON = (0.003, 0.45)  # the share of a catalogue that has a name which may tell: neither a name of its own nor usual
_FEW = 60  # names of a sort (genres, moods); more are themes, each of its own
_TAKEN = 0.5  # what a statement counts once another item has one of that attribute
_PREPOSITIONS = ("with ", "without ", "in ", "on ", "for ", "from ", "of ", "by ", "at ")


@dataclass(frozen=True)
class _Fact:
    """weight  how much it says: surprising, compact ones first"""

    place: int  # among the items
    attribute: str
    text: str
    weight: float
    condition: Condition | None = None


def standing_out(catalogue: Catalogue, items: Sequence[int]) -> Mapping[int, Reason]:
    """item -> the one statement that holds of it and of no other of these, with the condition or order that it rests on
    as evidence; items that nothing tells apart are left out. The same items give the same statements."""
    if len(items) < 2:
        return {}
    facts = [f for a in catalogue.schema.shown for f in _facts(a, catalogue, items)]
    chosen: dict[int, Reason] = {}
    used: set[str] = set()
    while facts:
        best = max(facts, key=lambda f: f.weight * (_TAKEN if f.attribute in used else 1))
        chosen[items[best.place]] = Reason(text=best.text, evidence=_evidence(catalogue, items, best))
        used.add(best.attribute)
        facts = [f for f in facts if f.place != best.place]
    return chosen


def _evidence(catalogue: Catalogue, items: Sequence[int], fact: _Fact) -> dict[str, object]:
    told = {catalogue.ids.ids[i]: catalogue.attributes.tell(fact.attribute, i) for i in items}
    rests_on = {} if fact.condition is None else {"condition": fact.condition.model_dump(mode="json")}
    return {"attribute": fact.attribute, **rests_on, "values": told}


def _facts(a: Attribute, catalogue: Catalogue, items: Sequence[int]) -> Iterator[_Fact]:
    cells = [catalogue.attributes.cells(a.name)[i] for i in items]
    if (
        a.spoiler or a.aside or any(a.unknown(cell) for cell in cells)
    ):  # nobody knows whether another one is the only one, or the first
        return
    if a.told:
        yield from _only(a, catalogue, cells)
    yield from _first(a, catalogue, items)


# -- the only one -----------------------------------------------------------------------------------------------------


@singledispatch
def _only(a: Attribute, catalogue: Catalogue, cells: Sequence[Any]) -> Iterator[_Fact]:
    """Conditions that exactly one of the cells keeps; all are known."""
    yield from ()


def _one(a: Attribute, cells: Sequence[Any], condition: Condition) -> int | None:
    """The place of the one item that keeps the condition; None where none or several do."""
    keep = [n for n, cell in enumerate(cells) if a.holds(cell, condition)]
    return keep[0] if len(keep) == 1 else None


@_only.register
def _(a: Flag, catalogue: Catalogue, cells: Sequence[Any]) -> Iterator[_Fact]:
    for holds in (True, False) if a.opposite else (True,):
        condition = a.condition("is", holds)
        if (place := _one(a, cells, condition)) is not None:
            rare = 1 - float(catalogue.attributes.mask((condition,)).mean())
            yield _Fact(place, a.name, f"The only {_described(a.bare(condition))}", 0.3 + 0.7 * rare, condition)


def _described(label: str) -> str:
    """ "a sequel" -> "sequel", "with a twist" -> "one with a twist", "vegan" -> "one that is vegan"."""
    article, _, rest = label.partition(" ")
    if article in ("a", "an"):
        return rest
    if article == "one":
        return label
    return f"one {label}" if label.startswith(_PREPOSITIONS) else f"one that is {label}"


@_only.register
def _(a: Named, catalogue: Catalogue, cells: Sequence[Any]) -> Iterator[_Fact]:
    names = catalogue.attributes.values.get(a.name, ())
    if len(names) > _FEW and not a.prefix:
        return
    have = [(cell,) if isinstance(cell, str) else tuple(cell) for cell in cells]
    for place, mine in enumerate(have):
        others = {name for n, theirs in enumerate(have) if n != place for name in theirs}
        for name in mine:
            condition = a.condition(a.any_of, name)
            share = float(catalogue.attributes.mask((condition,)).mean())
            if name not in others and _COMMON[0] <= share <= _COMMON[1]:
                weight = (0.5 if a.heard and not a.proper else 0.3) + 0.2 * (1 - share)
                yield _Fact(place, a.name, f"The only {_named(a, condition, catalogue)}", weight, condition)


def _named(a: Named, condition: Condition, catalogue: Catalogue) -> str:
    """ "one in French", "horror film", "one whose mood is dreamy"."""
    before, behind = a.phrase(condition)
    if behind.startswith(("a ", "an ")):  # "an original story"
        return behind.partition(" ")[2]
    if behind:
        return f"one {behind}" if behind.startswith((*_PREPOSITIONS, "based ", "whose ")) else f"{behind} one"
    if a.together:  # names of sorts of items
        noun = next(iter(catalogue.nouns[2:]), "")
        if noun in before:  # "film-noir"; also where there is no noun
            return before if noun else f"one with {before}"
        return f"{before} {noun}"
    if a.said in before.split():  # "happy ending"
        return f"one with {'an' if before[0] in 'aeiou' else 'a'} {before}"
    return f"one whose {a.said} is {before}"


@_only.register
def _(a: Number, catalogue: Catalogue, cells: Sequence[Any]) -> Iterator[_Fact]:
    if not (a.dimension or a.unit) or a.counted:
        return
    if a.words.there:  # there is some of it, or none
        yield from _bound(a, cells, a.condition("at least", 1), 0.5)
        return
    spread = _spread(a, catalogue)
    lows, highs = sorted(low for low, _ in cells), sorted(high for _, high in cells)
    if a.span == "choice":
        yield from _possible(a, cells, [lows[0], *([highs[-1]] if np.isfinite(highs[-1]) else [])])
    elif spread and np.isfinite(highs).all():
        if (edge := _round(a, highs[0], lows[1], above=True)) is not None:
            condition = a.condition("at most", _figure(edge - a.step))
            yield from _bound(a, cells, condition, (lows[1] - highs[0]) / spread)
        if (edge := _round(a, highs[-2], lows[-1], above=False)) is not None:
            condition = a.condition("at least", _figure(edge + a.step))
            yield from _bound(a, cells, condition, (lows[-1] - edge) / spread)


def _possible(a: Number, cells: Sequence[Any], values: Sequence[float]) -> Iterator[_Fact]:
    """ "The only one for 6 players": of cells that leave a choice."""
    for value in values:
        condition = a.condition("is", _figure(value))
        if (place := _one(a, cells, condition)) is not None:
            yield _Fact(place, a.name, f"The only one {' '.join(filter(None, a.phrase(condition)))}", 0.6, condition)


def _bound(a: Attribute, cells: Sequence[Any], condition: Condition, gap: float) -> Iterator[_Fact]:
    if (place := _one(a, cells, condition)) is not None:
        behind = " ".join(filter(None, a.phrase(condition)))
        yield _Fact(place, a.name, f"The only one {behind}", 0.45 + 0.45 * min(1.0, gap), condition)


@_only.register
def _(a: Year, catalogue: Catalogue, cells: Sequence[Any]) -> Iterator[_Fact]:
    spread = _spread(a, catalogue)
    years = sorted(int(cell) for cell in cells)
    bounds: tuple[tuple[range, Operator, int], ...] = (
        (range(years[0] + 1, years[1] + 1), "at most", -1),  # "before 1970": the nearest round year
        (range(years[-1], years[-2], -1), "at least", 0),
    )
    for gap, operator, beyond in bounds:
        edge = next((y for step in (10, 5) for y in gap if y % step == 0), None)
        if edge is not None and spread:
            yield from _bound(a, cells, a.condition(operator, edge + beyond), len(gap) / spread)


@_only.register
def _(a: Levels, catalogue: Catalogue, cells: Sequence[Any]) -> Iterator[_Fact]:
    if a.adjectives:
        return  # those are told by an order: "the least violent"
    for level in a.levels:
        condition = a.condition("is", level)
        if (place := _one(a, cells, condition)) is not None:
            rare = 1 - float(catalogue.attributes.mask((condition,)).mean())
            yield _Fact(
                place, a.name, f"The only one whose {a.said} is {a.bare(condition)}", 0.2 + 0.2 * rare, condition
            )


def _spread(a: Attribute, catalogue: Catalogue) -> float:
    """What most of the catalogue lies within: how large a difference is large."""
    keys = [k for cell in catalogue.attributes.cells(a.name) if (k := a.key(cell)) is not None]
    low, high = np.quantile(keys, (0.1, 0.9))
    return float(high - low)


def _round(a: Number, low: float, high: float, *, above: bool) -> float | None:
    """The roundest number that parts two values: above the one and at most the other, or from the one on and below the
    other. None where there is none, or no round one."""
    for step in (60, 30, 10, 5) if a.unit == "minutes" else (1000, 500, 100, 50, 20, 10, 5, 1):
        if step * 20 < high:
            return None
        edge = (np.floor(low / step) + 1) * step if above else (np.ceil(high / step) - 1) * step
        if (low < edge <= high) if above else (low <= edge < high):
            return float(edge)
    return None


def _figure(value: float) -> int | float:
    value = round(value, 2)
    return int(value) if value.is_integer() else value


# -- the first in an order --------------------------------------------------------------------------------------------


def _first(a: Attribute, catalogue: Catalogue, items: Sequence[int]) -> Iterator[_Fact]:
    """ "The oldest of these", where one alone is it and there is a word for that."""
    for rising in (True, False):
        if not (word := _foremost(a, rising=rising)):
            continue
        keys = [a.key(catalogue.attributes.cells(a.name)[i]) or 0.0 for i in items]
        order = sorted(range(len(items)), key=lambda n: keys[n], reverse=not rising)
        ahead = abs(keys[order[0]] - keys[order[1]])
        if ahead and _agreed(a, catalogue, items, order[0], rising=rising):
            spread = abs(keys[order[0]] - keys[order[-1]])
            good = a.better == ("low" if rising else "high")
            weight = (0.5 if good else 0.3) + 0.15 * ahead / spread
            yield _Fact(order[0], a.name, f"The {word} of these", weight)


def _foremost(a: Attribute, *, rising: bool) -> str:
    """What the first is called; "" where that would be no praise of an attribute that has a better side, or no word."""
    if a.better and rising != (a.better == "low"):
        return ""
    if isinstance(a, Levels):
        return a.foremost(rising) if a.adjectives and (a.better or not rising) else ""
    word = a.foremost(rising) if isinstance(a, Year | Number) else ""
    return "" if word.endswith(f" {a.said}") else word


def _agreed(a: Attribute, catalogue: Catalogue, items: Sequence[int], place: int, *, rising: bool) -> bool:
    """Whether what is told beside it agrees: of an attribute that is not told itself, those of its unit."""
    if a.told:
        return True
    told = [b for b in catalogue.schema.told if isinstance(a, Number) and isinstance(b, Number) and b.unit == a.unit]
    firsts = (catalogue.attributes.ordered(b.name, items, rising=rising)[0] for b in told)
    return bool(told) and all(first == items[place] for first in firsts)
