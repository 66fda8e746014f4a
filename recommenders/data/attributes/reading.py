"""Cells of foreign tables: what says nothing, and what stands between several names."""

import re
from functools import lru_cache

import pandas as pd

SEPARATORS = ("|", ";", ",", "/")
BLANK = frozenset(("", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "\\N", "?", "(no genres listed)"))


def is_blank(value: object) -> bool:
    """Whether a cell says that there is nothing."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return True
    return isinstance(value, str) and value.strip() in BLANK


@lru_cache(maxsize=65_536)
def listed(cell: str, separator: str) -> tuple[str, ...]:
    """The names of a cell, each once; brackets and quotes of a written list are no part of them."""
    inside = cell.strip()
    if inside[:1] in "[(" and inside[-1:] in "])":
        inside = inside[1:-1]
    parts = (p.strip().strip("'\"").strip() for p in inside.split(separator))
    return tuple(dict.fromkeys(p for p in parts if p not in BLANK))


NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
