"""What an item is, as a row of yes and no: one column a value of an attribute, and what all people made of it.

A wish calls for such columns ("cheer me up": feel-good, funny, a happy ending), whatever words it uses. Columns are
known by attribute and value, so that what was learnt on one catalogue serves any other that has some of them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from recommenders.data import Attribute, Catalogue, Flag, Levels, Named, Year

Column = tuple[str, str]
"""(attribute, value); KNOWN, POPULAR and RATED have no attribute."""
KNOWN, POPULAR, RATED = ("", "known"), ("", "popular"), ("", "rated")
COMMON = 8  # items that a name needs to be a column, where an attribute has many names
MANY = 100  # names


def values(a: Attribute, cell: object) -> tuple[str, ...]:
    """The values of a cell that columns are made of; () where there are none."""
    if cell is None or a.unknown(cell):
        return ()
    if isinstance(a, Named):
        return (cell,) if isinstance(cell, str) else tuple(cell)  # type: ignore[arg-type]
    if isinstance(a, Levels):
        return (a.levels[int(cell)],)  # type: ignore[call-overload]
    if isinstance(a, Flag):
        return ("yes" if cell else "no",)
    if isinstance(a, Year):
        return (f"{int(a.key(cell) or 0) // 10 * 10}s",)
    return ()


def columns(catalogue: Catalogue) -> list[Column]:
    """The columns that a catalogue can teach: sorts, levels, flags, decades, names that come often. No people: who
    is in a film is asked for by name, not by a wish."""
    found: list[Column] = []
    for a in catalogue.schema:
        if a.hidden or a.counted or getattr(a, "proper", False):
            continue
        counts = Counter(v for cell in catalogue.attributes.cells(a.name) for v in values(a, cell))
        least = COMMON if len(counts) > MANY else 1
        found += [(a.name, v) for v, n in counts.items() if n >= least]
    return [*found, KNOWN, POPULAR, RATED]


def matrix(catalogue: Catalogue, wanted: Sequence[Column]) -> np.ndarray:
    """(I, K) float32: which item has which of these columns; columns that the catalogue lacks are 0."""
    place = {column: k for k, column in enumerate(wanted)}
    found = np.zeros((len(catalogue), len(wanted)), np.float32)
    described = np.zeros(len(catalogue), bool)
    for a in catalogue.schema:
        if a.hidden or a.counted:
            continue
        for item, cell in enumerate(catalogue.attributes.cells(a.name)):
            for value in values(a, cell):
                k = place.get((a.name, value))
                if k is not None:
                    found[item, k] = 1.0
        if a.kind == "text":
            described |= catalogue.attributes.column(a.name).known()
    for column, amounts in ((KNOWN, described.astype(np.float32)), *_judged(catalogue)):
        if column in place:
            found[:, place[column]] = amounts
    return found


def _judged(catalogue: Catalogue) -> Iterator[tuple[Column, np.ndarray]]:
    """How many people chose an item and how they rated it, standardised over the catalogue."""
    for column, name, logarithm in ((POPULAR, "number_of_ratings", True), (RATED, "weighted_rating", False)):
        if name in catalogue.schema:
            cells = catalogue.attributes.cells(name)
            amounts = np.array([0.0 if c is None else c[0] for c in cells], np.float32)
            amounts = np.log1p(amounts) if logarithm else np.where(amounts > 0, amounts, amounts[amounts > 0].mean())
            yield column, (amounts - amounts.mean()) / max(float(amounts.std()), 1e-6)
