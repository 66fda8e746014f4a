"""Foreign rows against the rules of the tables: what is kept, what is not, and why, with the line of each.

All checks are vectorised. A row gets the first reason that applies; a cell that cannot be understood but is not
essential (a year) is left out and reported, and its row stays.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from recommenders.data.sources._records import Records
from recommenders.data.sources._titles import split_year

_EMPTY = frozenset({"", "NA", "N/A", "n/a", "nan", "NaN", "null", "NULL", "None", "\\N", "(no genres listed)"})
_LATEST = 4_102_444_800  # 2100-01-01 in seconds; larger numbers are milli-, micro- or nanoseconds
_CONTROL = r"[\x00-\x1f\x7f\x85\u2028\u2029]+"
_YEAR = r"(?<!\d)((?:1\d|20)\d\d)(?!\d)"


@dataclass
class Checked:
    """The rows of one file under examination; `reasons` (N,) holds "" for a row that is kept."""

    records: Records
    reasons: np.ndarray = field(init=False)
    merged: int = 0
    cells: list[tuple[int, str, str]] = field(default_factory=list)  # line, why, content

    def __post_init__(self) -> None:
        self.reasons = np.full(len(self.records.frame), "", dtype=object)

    def reject(self, rows: np.ndarray, why: str) -> None:
        """Rows (N,) bool that break a rule, unless they already broke an earlier one."""
        self.reasons[rows & (self.reasons == "")] = why

    def leave_out(self, rows: np.ndarray, why: str, column: pd.Series) -> None:
        """Cells that are not taken over although their row is."""
        for n in np.flatnonzero(rows & self.kept):
            self.cells.append((int(self.records.lines[n]), why, str(column.iloc[n])))

    @property
    def kept(self) -> np.ndarray:
        return self.reasons == ""

    def column(self, name: str) -> pd.Series:
        """One column of text, stripped; Parquet lists are joined with |."""
        cells = self.records.frame[name]
        if cells.dtype == object:
            cells = cells.map(lambda c: "|".join(c) if isinstance(c, tuple) else str(c)).astype("str")
        return cells.str.strip()

    def table(self) -> pd.DataFrame:
        """What was not taken over: line, what ("row" or "cell"), reason, content; in the order of the lines."""
        out = np.flatnonzero(~self.kept)
        frame = self.records.frame.iloc[out]
        content = frame.astype("str").agg(" ¦ ".join, axis=1).str.slice(0, 300) if len(frame) else []
        rows = pd.DataFrame(
            {"line": self.records.lines[out], "what": "row", "reason": self.reasons[out], "content": content}
        )
        torn = pd.DataFrame([(t.line, "row", t.why, "") for t in self.records.torn], columns=rows.columns)
        cells = pd.DataFrame([(line, "cell", why, c[:300]) for line, why, c in self.cells], columns=rows.columns)
        parts = [part for part in (rows, torn, cells) if len(part)]
        together = pd.concat(parts) if parts else rows
        together = together.sort_values("line", kind="stable").reset_index(drop=True)
        # One line a row, whatever was in the cells: a bare carriage return would break the report itself.
        together["content"] = together["content"].astype("str").str.replace(_CONTROL, " ", regex=True)
        together.insert(0, "file", self.records.path.name)
        return together


def empty(column: pd.Series) -> np.ndarray:
    """(N,) bool: cells that say that there is nothing."""
    return column.isin(_EMPTY).to_numpy()


def no_id(column: pd.Series) -> np.ndarray:
    return column.isin(("", "\\N")).to_numpy()


def unique(checked: Checked, ids: pd.Series, what: str) -> None:
    """The first of rows with the same id stays."""
    first = ids.where(checked.kept)
    checked.reject((first.duplicated() & first.notna()).to_numpy(), f"{what} repeated (the first one is kept)")


def years(checked: Checked, column: pd.Series) -> pd.Series:
    """Int64 years out of "1995", "1995.0", "1995-11-22" or "22-Nov-1995"; what has none is left out and reported."""
    found = pd.to_numeric(column.str.extract(_YEAR)[0], errors="coerce")
    checked.leave_out((found.isna() & ~empty(column)).to_numpy(), "year not understood", column)
    return found.astype("Int64")


def years_in_titles(titles: pd.Series) -> tuple[pd.Series, pd.Series] | None:
    """Titles and years apart where most titles end in a year ("Heat (1995)"); None where they do not."""
    ends = titles.str.contains(r"\(\d{4}\)\s*$", regex=True)
    if not len(titles) or ends.mean() < 0.5:
        return None
    parts = [split_year(title) for title in titles]
    apart = pd.Series([title for title, _ in parts], index=titles.index, dtype="str")
    return apart, pd.Series([year for _, year in parts], index=titles.index, dtype="Int64")


def separator(column: pd.Series, candidates: str) -> str:
    """The character between several names in a cell: the candidate that most cells have, else the first."""
    counts = {s: int(column.str.contains(s, regex=False).sum()) for s in candidates}
    best = max(counts, key=lambda s: counts[s])
    return best if counts[best] else candidates[0]


def names(column: pd.Series, between: str) -> list[tuple[str, ...]]:
    """Multi-valued cells as tuples without repeats; cells repeat often, so each distinct one is split once."""
    split: dict[str, tuple[str, ...]] = {}
    for cell in column.unique():
        parts = (p.strip() for p in str(cell).split(between))
        split[cell] = tuple(dict.fromkeys(p for p in parts if p not in _EMPTY))
    return [split[cell] for cell in column]


def numbers(checked: Checked, column: pd.Series, what: str) -> np.ndarray:
    """(N,) float64; rows without a finite number are rejected (and hold 0)."""
    found = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    checked.reject(empty(column), f"no {what}")
    checked.reject(~np.isfinite(found) | (np.abs(found) > np.finfo(np.float32).max), f"{what} is not a number")
    return np.where(np.isfinite(found), found, 0.0)


def seconds(checked: Checked, column: pd.Series, note: Callable[[str], None]) -> np.ndarray:
    """(N,) int64 seconds since 1970 out of seconds, milli-, micro-, nanoseconds or ISO dates; 0 where a cell is empty.

    The unit is that of the whole column (by its median); rows whose time cannot be understood are rejected.
    """
    blank = empty(column)
    found = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    numeric = np.isfinite(found)
    if numeric.any():
        size = float(np.median(np.abs(found[numeric])))
        unit = next(u for u in (1, 1e3, 1e6, 1e9) if size / u <= _LATEST or u == 1e9)
        if unit > 1:
            note(f"times are taken as {({1e3: 'milli', 1e6: 'micro', 1e9: 'nano'})[unit]}seconds")
        found = found / unit
    dates = column.where(~blank & ~numeric)
    if dates.notna().any():
        parsed = pd.to_datetime(dates, errors="coerce", utc=True, format="ISO8601")
        stamps = (parsed - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy(np.float64, na_value=np.nan)
        found = np.where(numeric, found, stamps)
    known = np.isfinite(found) & (found >= 0) & (found <= _LATEST)
    checked.reject(~blank & ~known, "time not understood")
    if blank.any():
        note(f"{int(blank.sum())} rows have no time; they count as the oldest")
    return np.where(known, found, 0).astype(np.int64)
