"""What the columns of a foreign table look like: one attribute a column, by asking every kind, and one for two columns
that are the least and the most of the same ("min_players", "max_players")."""

from collections.abc import Iterator, Sequence

import pandas as pd

from recommenders.data.attributes.attribute import Attribute
from recommenders.data.attributes.reading import Sample, name_parts
from recommenders.data.attributes.schema import kinds, read_attribute

_ENDS = {
    **dict.fromkeys(("min", "minimum", "from", "low", "least"), 0),
    **dict.fromkeys(("max", "maximum", "to", "high", "most"), 1),
}
"""Words of a column's name that make it the least (0) or the most (1) of something."""


def found_in(name: str, column: pd.Series) -> Attribute:
    """The attribute that a column is most likely to be, by asking every kind; hidden where it says nothing, or
    the same of every item. Looks at a sample; no cell is parsed for good."""
    sample = Sample.of(column)
    bids = [bid for kind in kinds().values() if (bid := kind.found(name, sample)) is not None]
    best = max(bids, key=lambda bid: bid[0])[1]
    says_one = len(sample.counts) < 2 and getattr(best, "blank_is_no", False) is False
    return best.model_copy(update={"hidden": True}) if says_one and len(column) > 1 else best


def inferred(table: pd.DataFrame, columns: Sequence[str]) -> tuple[Attribute, ...]:
    """What these columns of a table are, in their order; of a pair the one that it makes, in the first one's place."""
    pairs = {low: (low, high, name) for low, high, name in _pairs(columns, table)}
    seconds = {high for _, high, _ in pairs.values()}
    found = (_pair(table, *pairs[c]) if c in pairs else found_in(c, table[c]) for c in columns if c not in seconds)
    return tuple(found)


def _pairs(columns: Sequence[str], table: pd.DataFrame) -> Iterator[tuple[str, str, str]]:
    """(column of the least, column of the most, name of what they are the ends of), where both are numbers."""
    ends: dict[str, dict[int, str]] = {}
    for column in columns:
        parts = name_parts(column)
        marks = [p for p in parts if p in _ENDS]
        rest = "_".join(p for p in parts if p not in _ENDS)
        if len(marks) == 1 and rest and rest not in table.columns:
            ends.setdefault(rest, {}).setdefault(_ENDS[marks[0]], column)
    for name, both in ends.items():
        if len(both) == 2 and all(found_in(c, table[c]).kind == "number" for c in both.values()):
            yield both[0], both[1], name


def _pair(table: pd.DataFrame, low: str, high: str, name: str) -> Attribute:
    """One number of two columns: named without its ends, with ranges."""
    column = table[low].astype(str).str.cat(table[high].astype(str), sep="-")
    ends = found_in(low, table[low]), found_in(high, table[high])
    made = found_in(name, column)
    row = {**(made if made.kind == "number" else ends[0]).model_dump(), "kind": "number", "name": name}
    hidden = all(e.hidden for e in ends)
    return read_attribute({**row, "derived": (low, high), "hidden": hidden})
