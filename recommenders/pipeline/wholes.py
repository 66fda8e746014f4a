"""Which items are parts of one whole: films of one series, volumes of one work.

Who asks for something like one part knows of the others. Parts have the same name of an attribute that is marked
`parts`, or titles that are the same but for a number or what follows a colon ("Scream", "Scream 2"; "Alien: Covenant").
"""

import re
from collections import deque
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from app import words
from recommenders.data import Catalogue, Condition, Named

EVERY = 5  # places of a list, of which other parts of a whole take one at most

_PARENTHESES = re.compile(r"\([^()]*\)")
_ARTICLES = ("the", "a", "an")
_NUMBER = re.compile(r"\d{1,2}|[ivx]{1,4}")
_PART = ("part", "chapter", "episode", "volume", "vol")


class Wholes:
    """Of one catalogue. Immutable."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        marked = [a for a in catalogue.schema if a.parts]
        self._attributes = frozenset(a.name for a in marked)
        self._names = tuple(a.name for a in marked if isinstance(a, Named))

    def parts(self, of: Catalogue, rows: Sequence[int]) -> np.ndarray:
        """(I,) bool: items that belong to the whole of one of these rows of a catalogue with the same attributes."""
        found = np.zeros(len(self._catalogue), bool)
        for row in rows:
            for key in _keys(of, row, self._names):
                found[self._items.get(key, [])] = True
        return found

    def asked(self, conditions: Sequence[Condition]) -> bool:
        """Whether parts of a whole are asked for: "another film of the series"."""
        return any(c.attribute in self._attributes for c in conditions)

    @cached_property
    def _items(self) -> dict[tuple[str, ...], list[int]]:
        found: dict[tuple[str, ...], list[int]] = {}
        for item in range(len(self._catalogue)):
            for key in _keys(self._catalogue, item, self._names):
                found.setdefault(key, []).append(item)
        return found


def few(order: np.ndarray, parts: np.ndarray, n: int) -> np.ndarray:
    """The first n of an order, with at most one of `parts` (bool, of the same length) in the first EVERY places, two in
    twice as many; where nothing else is left they follow all the same."""
    waiting, others = (deque(order[rows].tolist()) for rows in (parts, ~parts))
    place = {item: at for at, item in enumerate(order.tolist())}
    found: list[int] = []
    taken = 0
    while len(found) < n and (waiting or others):
        admitted = waiting and taken <= len(found) // EVERY
        if others and not (admitted and place[waiting[0]] < place[others[0]]):
            found.append(others.popleft())
        else:
            found.append(waiting.popleft())
            taken += 1
    return np.array(found, np.int64)


def _keys(catalogue: Catalogue, row: int, names: Sequence[str]) -> list[tuple[str, ...]]:
    cells = [(name, catalogue.attributes.cells(name)[row]) for name in names]
    stem = title_stem(catalogue.titles[row])
    marked = [(name, value) for name, cell in cells for value in ((cell,) if isinstance(cell, str) else cell) if value]
    return [*marked, ("title", *stem)] if stem else [*marked]


def title_stem(title: str) -> tuple[str, ...]:
    """The words of a title that the parts of a whole share."""
    head = words.folded(_PARENTHESES.sub(" ", title).split(":", 1)[0])
    while len(head) > 1 and (_NUMBER.fullmatch(head[-1]) or head[-1] in _PART):
        head = head[:-1]
    return head[1:] if len(head) > 1 and head[0] in _ARTICLES else head
