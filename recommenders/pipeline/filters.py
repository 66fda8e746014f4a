"""Hard constraints as a mask over the catalogue: exact, from inverted lists, remembered.

A constraint is a promise to the person, so it is never scored, only kept. The slow formula of the same thing stands in
the tests, row by row.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from app.errors import UnknownName, did_you_mean
from recommenders.contract import Filters
from recommenders.data import Catalogue

_REMEMBERED = 256  # masks a catalogue; the oldest is forgotten


class FilterIndex:
    """The inverted lists of one catalogue: name -> the items that have it, in order."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._size = len(catalogue)
        self._years = catalogue.years  # (I,)
        self._lists = {
            "genre": _inverted(catalogue.genres),
            "person": _inverted(catalogue.people),
            "language": _inverted([(x,) if x else () for x in catalogue.languages]),
        }
        self._harmless = {
            note: np.array([level in ("none", "mild") for level in levels], bool)
            for note, levels in catalogue.content.items()
        }
        self._masks: dict[Filters, np.ndarray] = {}

    def mask(self, filters: Filters) -> np.ndarray:
        """(I,) bool, read-only: which items keep every constraint. UnknownName when a name is not the catalogue's."""
        known = self._masks.get(filters)
        if known is None:
            known = self._mask(filters)
            known.setflags(write=False)
            while len(self._masks) >= _REMEMBERED:
                self._masks.pop(next(iter(self._masks)), None)
            self._masks[filters] = known
        return known

    def items(self, kind: str, name: str) -> np.ndarray:
        """The items that have this "genre", "person" or "language"."""
        lists = self._lists[kind]
        if name not in lists:
            if not lists:
                raise UnknownName(f"unknown {kind} {name!r}: this catalogue names no {_PLURAL[kind]}")
            raise UnknownName(f"unknown {kind} {name!r}{did_you_mean(name, lists)}")
        return lists[name]

    def _mask(self, f: Filters) -> np.ndarray:
        ok = np.ones(self._size, bool)
        for genre in f.genres:
            ok &= self._any("genre", (genre,))
        for kind, names in (("genre", f.any_genres), ("person", f.people), ("language", f.languages)):
            if names:
                ok &= self._any(kind, names)
        for kind, names in (("genre", f.without_genres), ("person", f.without_people)):
            if names:
                ok &= ~self._any(kind, names)
        for note in f.without_content:
            if note not in self._harmless:
                raise UnknownName(f"unknown content note {note!r}: this catalogue notes {self._noted()}")
            ok &= self._harmless[note]
        if f.year_from is not None:
            ok &= (self._years >= f.year_from) & (self._years != 0)
        if f.year_to is not None:
            ok &= (self._years <= f.year_to) & (self._years != 0)
        return ok

    def _noted(self) -> str:
        return ", ".join(self._harmless) or "no contents"

    def _any(self, kind: str, names: Iterable[str]) -> np.ndarray:
        ok = np.zeros(self._size, bool)
        for name in names:
            ok[self.items(kind, name)] = True
        return ok


_PLURAL = {"genre": "genres", "person": "people", "language": "languages"}


def _inverted(rows: Sequence[Sequence[str]]) -> Mapping[str, np.ndarray]:
    lists: dict[str, list[int]] = {}
    for item, names in enumerate(rows):
        for name in names:
            lists.setdefault(name, []).append(item)
    return {name: np.array(items, np.int64) for name, items in lists.items()}


def index_of(catalogue: Catalogue) -> FilterIndex:
    """The inverted lists of a catalogue, made once and kept with it (as its cached properties are)."""
    kept = vars(catalogue)
    if "_filter_index" not in kept:
        kept["_filter_index"] = FilterIndex(catalogue)
    return kept["_filter_index"]


def mask(catalogue: Catalogue, filters: Filters) -> np.ndarray:
    """(I,) bool, read-only: the items of the catalogue that keep every constraint of `filters`."""
    return index_of(catalogue).mask(filters)


def in_words(filters: Filters) -> list[str]:
    """Each constraint for people: ["genre Horror", "from 1990", "without War"]."""
    return [words for words, _ in parts(filters)]


def parts(filters: Filters) -> list[tuple[str, Filters]]:
    """Each constraint in words, with the filters that remain when it alone is dropped."""
    f = filters
    found: list[tuple[str, Filters]] = []

    def add(words: str, **without: object) -> None:
        found.append((words, Filters(**{**vars(f), **without})))

    for genre in f.genres:
        add(f"genre {genre}", genres=tuple(g for g in f.genres if g != genre))
    if f.any_genres:
        add(f"genre {' or '.join(f.any_genres)}", any_genres=())
    for genre in f.without_genres:
        add(f"not {genre}", without_genres=tuple(g for g in f.without_genres if g != genre))
    if f.people:
        add(f"with {' or '.join(f.people)}", people=())
    for person in f.without_people:
        add(f"without {person}", without_people=tuple(p for p in f.without_people if p != person))
    if f.languages:
        add(f"in {' or '.join(f.languages)}", languages=())
    for note in f.without_content:
        add(f"no {note}", without_content=tuple(n for n in f.without_content if n != note))
    if f.year_from is not None:
        add(f"from {f.year_from} on", year_from=None)
    if f.year_to is not None:
        add(f"up to {f.year_to}", year_to=None)
    return found
