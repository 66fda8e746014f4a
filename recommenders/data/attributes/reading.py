"""Cells of foreign tables: what says nothing, what stands between several names, and a sample to judge a column by."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

SEPARATORS = ("|", ";", ",", "/")
BLANK = frozenset(("", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "\\N", "?", "(no genres listed)"))
MOST = 0.9
"""The share of a column's known cells that must fit a kind for the column to be of it; the others are reported."""
_LOOKED_AT = 20_000  # cells of a column: enough to tell 10,000 names that come again from as many that do not


def is_blank(value: object) -> bool:
    """Whether a cell says that there is nothing."""
    if isinstance(value, str):
        return value in BLANK or value.strip() in BLANK
    return value is None or value is pd.NA or (isinstance(value, float) and value != value)


@lru_cache(maxsize=65_536)
def listed(cell: str, separator: str) -> tuple[str, ...]:
    """The names of a cell, each once; brackets and quotes of a written list are no part of them."""
    inside = cell.strip()
    if inside[:1] in "[(" and inside[-1:] in "])":
        inside = inside[1:-1]
    parts = (p.strip().strip("'\"").strip() for p in inside.split(separator))
    return tuple(dict.fromkeys(p for p in parts if p not in BLANK))


@dataclass(frozen=True)
class Sample:
    """Cells of a column as text, blank ones left out: each distinct one with how often it occurs among those looked at,
    which are `size` in all, spread evenly over the column; and what the blank ones have."""

    counts: Mapping[str, int]
    blanks: frozenset[str]

    @classmethod
    def of(cls, column: pd.Series) -> "Sample":
        empty = column.map(is_blank).astype(bool) if column.dtype == object else column.isna() | column.isin(BLANK)
        known = column[~empty]
        if len(known) > _LOOKED_AT:
            known = known.iloc[np.linspace(0, len(known) - 1, _LOOKED_AT).astype(int)]
        counts = known.astype(str).str.strip().value_counts(sort=False)
        written = {str(cell): int(n) for cell, n in counts.items() if cell not in BLANK}
        return cls(written, frozenset((*map(str, column[empty].unique()), *(set(counts.index) - set(written)))))

    @cached_property
    def size(self) -> int:
        return sum(self.counts.values())

    @cached_property
    def again(self) -> float:
        """0..1: the share of cells that repeat one that was there before."""
        return 1 - len(self.counts) / self.size if self.size else 0.0

    @cached_property
    def length(self) -> float:
        """Characters a cell, on average."""
        return self.mean(len)

    def share(self, fits: Callable[[str], object]) -> float:
        """0..1: the share of cells that fit."""
        return self.mean(lambda cell: bool(fits(cell)))

    def mean(self, of: Callable[[str], float]) -> float:
        return sum(of(cell) * n for cell, n in self.counts.items()) / self.size if self.size else 0.0


def name_parts(column: str) -> tuple[str, ...]:
    """The words of a column's name: "Play Time (min)" -> play, time, min; "minPlayers" -> min, players."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    return tuple(p for p in re.split(r"[^a-zA-Z0-9äöüß€$£%]+", spaced.lower()) if p)


def one_of(plural: str) -> str:
    """A column's name as what one of its names is called: "mechanics" -> "mechanic", "Categories" -> "category"."""
    words = " ".join(name_parts(plural))
    if words.endswith("ies"):
        return f"{words[:-3]}y"
    return words[:-1] if words.endswith("s") and not words.endswith(("ss", "us", "is", "series")) else words
