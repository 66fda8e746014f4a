"""Text tables and Parquet as columns of strings, with the line that every record stands on.

CSV and TSV are read by Python's csv module rather than a faster reader, because it alone tells the physical line of
each record (quoted cells may hold line breaks) and hands over records with too many or too few cells instead of failing
or guessing. Cells go straight into Arrow arrays, so memory stays near the file's size.
"""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from app.errors import DataError
from app.progress import Progress, quiet

_CHUNK = 50_000  # records
_SEPARATORS = (",", "\t", ";", "|")
_LONGEST_CELL = 16_000_000  # characters


@dataclass(frozen=True)
class Torn:
    """A record whose cells do not fit the head: where it stands and what is wrong."""

    line: int
    why: str


@dataclass(frozen=True)
class Records:
    """A table as read: `frame` has one str column a cell of the head ("" where empty; Parquet lists become tuples),
    `lines` (N,) int64 where each record begins in the file (Parquet: its row number), `torn` what could not be read.

    read = len(frame) + len(torn), always.
    """

    path: Path
    frame: pd.DataFrame
    lines: np.ndarray
    torn: tuple[Torn, ...]
    notes: tuple[str, ...]


def read(
    path: Path,
    *,
    separator: str | None = None,
    quoted: bool | None = None,
    encoding: str | None = None,
    progress: Progress = quiet,
) -> Records:
    """A .parquet file, or any other as delimited text.

    separator  None guesses from the head among comma, tab, semicolon and |
    quoted     whether "…" encloses cells; None: yes, but not in tab-separated files, where quotes are usually text
    encoding   None: UTF-8 (with or without mark), UTF-16 with mark, else Windows-1252, which is noted
    """
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    if path.suffix.lower() in (".parquet", ".pq"):
        return _parquet(path)
    return _text(path, separator, quoted, encoding, progress)


def _text(path: Path, separator: str | None, quoted: bool | None, encoding: str | None, progress: Progress) -> Records:
    notes: list[str] = []
    encoding = encoding or _encoding(path, notes)
    total = path.stat().st_size
    csv.field_size_limit(_LONGEST_CELL)
    try:
        with path.open("rb") as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
            separator = separator or _separator(text.readline(), path)
            quoted = separator != "\t" if quoted is None else quoted
            raw.seek(0)
        with path.open("rb") as raw, io.TextIOWrapper(raw, encoding, newline="") as text:
            quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
            rows = csv.reader(text, delimiter=separator, quoting=quoting)
            first = next(rows, [])
            head = _head(first, path)
            chunks: list[pa.Table] = []
            lines: list[np.ndarray] = []
            torn: list[Torn] = []
            if any(_is_number(cell) for cell in first):
                head = [str(n) for n in range(1, len(first) + 1)]
                notes.append(
                    f"{path.name} has no line of column names (its first line holds numbers): "
                    f"its columns are called {', '.join(head)}"
                )
                chunks.append(pa.table([pa.array([cell], pa.string()) for cell in first], names=head))
                lines.append(np.array([1], np.int64))
            for cells, starts in _chunks(rows, len(head), torn):
                chunks.append(pa.table([pa.array(c, pa.string()) for c in cells], names=head))
                lines.append(np.array(starts, np.int64))
                progress(min(raw.tell(), total), total, f"reading {path.name}")
            progress(total, total, f"reading {path.name}")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not {encoding} ({error}); name its encoding with --encoding") from error
    except LookupError as error:
        raise DataError(f"unknown encoding {encoding!r}; for example: utf-8, cp1252, latin-1, utf-16") from error
    table = pa.concat_tables(chunks) if chunks else pa.table([pa.array([], pa.string())] * len(head), names=head)
    frame = table.to_pandas(types_mapper={pa.string(): pd.StringDtype("pyarrow", na_value=np.nan)}.get)
    return Records(path, frame, np.concatenate([*lines, np.empty(0, np.int64)]), tuple(torn), tuple(notes))


def _chunks(rows: Iterator[list[str]], width: int, torn: list[Torn]) -> Iterator[tuple[list[list[str]], list[int]]]:
    """Records of `width` cells as columns, some at a time, with their lines; the others go to `torn`.

    Empty lines are not records.
    """
    whole: list[list[str]] = []
    starts: list[int] = []
    line = rows.line_num + 1  # type: ignore[attr-defined]
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            torn.append(Torn(line, f"cannot be read: {error}"))
            row = []
        else:
            if row and len(row) != width:
                end = rows.line_num  # type: ignore[attr-defined]
                spans = f" and runs to line {end} (a quote that is not closed?)" if end > line else ""
                torn.append(Torn(line, f"has {len(row)} cells, the head has {width}{spans}"))
            elif row:
                whole.append(row)
                starts.append(line)
        line = rows.line_num + 1  # type: ignore[attr-defined]
        if len(whole) >= _CHUNK:
            yield [list(c) for c in zip(*whole, strict=True)], starts
            whole, starts = [], []
    if whole:
        yield [list(c) for c in zip(*whole, strict=True)], starts


def _head(cells: Sequence[str], path: Path) -> list[str]:
    names = [c.strip() for c in cells]
    if not any(names):
        raise DataError(f"{path} is empty; expected a first line with the names of the columns")
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise DataError(f"{path} names the column {sorted(twice)[0]!r} more than once; rename one of them")
    return names


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _separator(head: str, path: Path) -> str:
    counts = {s: head.count(s) for s in _SEPARATORS}
    best = max(counts, key=lambda s: counts[s])
    if path.suffix.lower() == ".tsv" or not counts[best]:
        return "\t" if path.suffix.lower() == ".tsv" else ","
    return best


def _encoding(path: Path, notes: list[str]) -> str:
    with path.open("rb") as f:
        start = f.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        f.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := f.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            notes.append(f"{path.name} is not UTF-8; it was read as Windows-1252. Another one: --encoding")
            return "cp1252"
    return "utf-8-sig"


def _parquet(path: Path) -> Records:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot read {path} as Parquet: {error}") from error
    columns = {str(name): _strings(table.column(name)) for name in table.column_names}
    frame = pd.DataFrame(columns)
    return Records(path, frame, np.arange(1, len(frame) + 1, dtype=np.int64), (), ())


def _strings(column: pa.ChunkedArray) -> pd.Series:
    """A Parquet column as text: whole floats without ".0" (ids and years that met a missing value), lists as tuples."""
    kind = column.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        cells = [tuple(str(x) for x in row if x is not None) if row else () for row in column.to_pylist()]
        return pd.Series(cells, dtype=object)
    if pa.types.is_floating(kind):
        whole = pc.all(pc.equal(pc.floor(column), column)).as_py()
        if whole and pc.max(pc.abs(column)).as_py() < 2**53:
            column = column.cast(pa.int64())
    elif pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        column = pc.strftime(column.cast(pa.timestamp("s")), format="%Y-%m-%dT%H:%M:%S")
    elif pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
    try:
        text = column.cast(pa.string())
    except pa.ArrowException:
        text = pa.chunked_array([pa.array([None if x is None else str(x) for x in column.to_pylist()], pa.string())])
    return pc.fill_null(text, "").to_pandas().astype("str")
