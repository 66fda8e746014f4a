"""What a language model wrote of items out of their own texts, and how it fills the cells that an owner left blank.

<cache>/knowledge/<data set> holds facts.jsonl, one line an answer (item, attribute, backend, digests of the item's text
and of the question; each value with the words of the text that say so), and attributes.json, the attributes that were
declared for it. It lies beside the data sets and not in their folders, which an import replaces whole. Lines are
appended; the latest holds. A line counts as long as the item's text is the one that it was written from.
"""

import hashlib
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app import files
from app.errors import DataError, did_you_mean
from recommenders.data.attributes import Attribute, Named, Schema, Text, read_attribute
from recommenders.data.default_schema import STANDARD
from recommenders.data.tables import GENRES, ITEM_ID, PEOPLE, TITLE, YEAR, Catalogue, Dataset

FACTS, ATTRIBUTES, LOCK = "facts.jsonl", "attributes.json", ".writing"
_STANDARD = {a.name for a in STANDARD}
_LISTED = 60  # values that may be listed to a model; of more any name will do that the text has
_NAME = r"^[a-z][a-z0-9_]{0,63}$"


class Fact(BaseModel):
    """A value with the words of the item's text that say so; why: why it is not kept, "" where it is."""

    model_config = ConfigDict(frozen=True)

    value: str
    words: str
    why: str = ""


class Line(BaseModel):
    """What a model answered of one attribute of one item; no facts: that its text does not say it."""

    model_config = ConfigDict(frozen=True)

    item: str
    attribute: str
    backend: str
    text: str
    question: str
    facts: tuple[Fact, ...] = ()

    @property
    def kept(self) -> tuple[Fact, ...]:
        return tuple(f for f in self.facts if not f.why)


class Declared(BaseModel):
    """An attribute that a model is asked for. attribute: as in attributes.json of a data set; values: those that it may
    have, () for any that the text has; question: what is asked besides, for the model."""

    model_config = ConfigDict(frozen=True)

    attribute: Mapping[str, Any]
    values: tuple[str, ...] = ()
    question: str = ""

    @cached_property
    def made(self) -> Attribute:
        return read_attribute(self.attribute)

    @property
    def digest(self) -> str:
        """Changes when what may be answered, or the question, does."""
        a = self.made
        return digest(repr((a.kind, a.expected, sorted(self.values), self.question, a.said)))


_DECLARED: TypeAdapter[dict[str, Declared]] = TypeAdapter(dict[str, Declared])


# -- declared ---------------------------------------------------------------------------------------------------------


class _Row(BaseModel):
    model_config = ConfigDict(extra="allow")

    kind: str
    name: str = Field(pattern=_NAME)
    values: tuple[str, ...] = ()
    question: str = ""


def read_declared(path: Path) -> tuple[Declared, ...]:
    """The attributes of a TOML file: [[attribute]] with kind, name, and what the kind has; values, question."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("attribute", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path} cannot be read as TOML: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise DataError(f"{path} declares nothing; expected [[attribute]] with kind and name")
    return tuple(_declared(row, path) for row in rows)


def _declared(given: Any, path: Path) -> Declared:
    try:
        row = _Row.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise DataError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    if row.name in (ITEM_ID, TITLE) or row.name in _STANDARD:
        raise DataError(f"{path}: {row.name} is a column that every data set has; declare another name")
    fields = {"kind": row.kind, "name": row.name, **(row.model_extra or {})}
    values = row.values
    if row.kind == "levels" and values:
        fields, values = {"levels": list(values), **fields}, ()
    made = Declared(attribute=fields, values=values, question=row.question)
    if values and not isinstance(made.made, Named):
        raise DataError(f"{path}: {row.name} is a {row.kind}, which has no list of values")
    return made


# -- kept -------------------------------------------------------------------------------------------------------------


class Knowledge:
    """The folder of one data set. Reading needs no lock: a line that a kill cut short is skipped."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lines: dict[tuple[str, str, str], Line] | None = None

    @classmethod
    def of(cls, cache_dir: Path, name: str) -> "Knowledge":
        return cls(cache_dir / "knowledge" / name)

    @property
    def lines(self) -> dict[tuple[str, str, str], Line]:
        """(item, attribute, backend) -> the latest answer, in the order in which they came."""
        if self._lines is None:
            self._lines = {}
            path = self.folder / FACTS
            for text in path.read_bytes().splitlines() if path.is_file() else ():
                with suppress(ValidationError):
                    _remember(self._lines, Line.model_validate_json(text))
        return self._lines

    @property
    def declared(self) -> dict[str, Declared]:
        path = self.folder / ATTRIBUTES
        if not path.is_file():
            return {}
        try:
            return _DECLARED.validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError) as error:
            raise DataError(f"{path} is damaged ({error}); declare the attributes again and delete it") from error

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Be the only writer. DataError where another process is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / LOCK, timeout=0):
                self._lines = None  # what another one wrote before
                yield
        except Timeout as error:
            raise DataError(f"another process is writing in {self.folder}; wait for its end, or stop it") from error

    def declare(self, attributes: Sequence[Declared]) -> None:
        if attributes:
            self._put_declared({**self.declared, **{d.made.name: d for d in attributes}})

    def put(self, lines: Sequence[Line]) -> None:
        """Append; whole lines, and behind one that a kill cut short a new one."""
        known = self.lines
        with (self.folder / FACTS).open("ab+") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(b"".join(line.model_dump_json().encode() + b"\n" for line in lines))
        for line in lines:
            _remember(known, line)

    def drop(self, attribute: str | None = None) -> int:
        """Forget what was written of an attribute, or all; how many answers it was. DataError where there are none."""
        dropped = [line for line in self.lines.values() if attribute in (None, line.attribute)]
        declared = self.declared
        if not dropped and attribute not in declared:
            known = sorted({line.attribute for line in self.lines.values()} | set(declared))
            what = "nothing" if attribute is None else f"nothing of {attribute!r}"
            raise DataError(f"{what} was written for {self.folder.name}{did_you_mean(attribute or '', known)}")
        left = [line for line in self.lines.values() if attribute not in (None, line.attribute)]
        files.write_text(self.folder / FACTS, "".join(line.model_dump_json() + "\n" for line in left))
        self._put_declared({n: d for n, d in declared.items() if attribute not in (None, n)})
        self._lines = None
        return len(dropped)

    def _put_declared(self, declared: dict[str, Declared]) -> None:
        files.write_text(self.folder / ATTRIBUTES, _DECLARED.dump_json(declared, indent=1).decode())


def _remember(lines: dict[tuple[str, str, str], Line], line: Line) -> None:
    key = (line.item, line.attribute, line.backend)
    lines.pop(key, None)
    lines[key] = line


# -- texts and questions ----------------------------------------------------------------------------------------------


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def own_texts(catalogue: Catalogue) -> list[str]:
    """What each item's own texts say, below its title; "" where it has none. catalogue: as its owner brought it."""
    names = [a.name for a in catalogue.schema if isinstance(a, Text) and not a.hidden and a.name in catalogue.table]
    columns = [catalogue.table[name].fillna("").astype(str).str.strip().tolist() for name in names]
    found: list[str] = []
    for item, cells in enumerate(zip(*columns, strict=True)):
        parts = dict.fromkeys(filter(None, cells))
        said = [p for p in parts if not any(p != other and p in other for other in parts)]  # a plot, and it again
        found.append("\n".join([catalogue.label(item), *said]) if said else "")
    return found or [""] * len(catalogue)


def asked_of(catalogue: Catalogue, name: str, declared: Mapping[str, Declared]) -> Declared:
    """The attribute of that name as a model is asked for it: the owner's, unless its column is empty and another one is
    declared. DataError where there is none, or none that can be written."""
    owned = next((a for a in catalogue.schema if a.name == name), None)
    if name in declared and (owned is None or not _filled(catalogue, owned)):
        return declared[name]
    if owned is None:
        near = did_you_mean(name, [a.name for a in catalogue.schema if not a.hidden])
        raise DataError(f"there is no attribute {name!r} here, and none is declared (--declare FILE){near}")
    if name in (TITLE, ITEM_ID) or owned.counted or owned.derived:
        made_of = "interactions" if owned.counted else "other columns"
        raise DataError(f"{name} is made of {made_of}; it cannot be written")
    values = () if getattr(owned, "proper", False) else owned.values(catalogue.attributes.cells(name))
    fields = {"kind": owned.kind, **owned.model_dump(mode="json", exclude_defaults=True)}
    question = declared[name].question if name in declared else ""
    return Declared(attribute=fields, values=values if len(values) <= _LISTED else (), question=question)


def _filled(catalogue: Catalogue, attribute: Attribute) -> bool:
    return any(not attribute.unknown(cell) for cell in catalogue.attributes.cells(attribute.name))


def blanks(catalogue: Catalogue, attribute: Attribute) -> list[int]:
    """The items whose cell the owner left blank; all where there is no such column."""
    name = attribute.name
    if name not in catalogue.table.columns:
        return list(range(len(catalogue)))
    if attribute.absent != attribute.nothing:  # a blank says no
        return []
    column = catalogue.table[name].tolist()
    return [n for n, cell in enumerate(column) if attribute.blank(cell) or cell == ()]


# -- joined -----------------------------------------------------------------------------------------------------------


def joined(data: Dataset, known: Knowledge) -> Dataset:
    """The data set with what was written in the cells that its owner left blank. Owners' cells stay as they are."""
    if not known.lines:
        return data
    c = data.catalogue
    texts = [digest(text) for text in own_texts(c)]
    answers: defaultdict[str, dict[int, Line]] = defaultdict(dict)
    for line in known.lines.values():
        if line.kept and line.item in c.ids:
            item = c.ids.number(line.item)
            if line.text == texts[item]:
                answers[line.attribute][item] = line
    table, schema, declared = c.table, c.schema, known.declared
    for name, found in answers.items():
        try:
            asked = asked_of(c, name, declared)
        except DataError:  # a column that is gone, or made of others by now
            continue
        cells, backends = _cells(c, asked, found)
        if not backends:
            continue
        empty = name not in schema or not _filled(c, schema[name])
        writers = tuple(sorted(backends.items()))
        made = asked.made.model_copy(update={"writers": writers, **({"hidden": False} if empty else {})})
        table = table.assign(**{name: cells})
        schema = schema.replaced(made) if name in schema else Schema((*schema, made))
    return data.with_catalogue(Catalogue(table, schema))


def _cells(catalogue: Catalogue, asked: Declared, found: Mapping[int, Line]) -> tuple[pd.Series, Counter[str]]:
    """The column with what fits in the blank cells, and how many each backend filled."""
    attribute, backends = asked.made, Counter[str]()
    there = attribute.name in catalogue.table.columns
    column = catalogue.table[attribute.name] if there else pd.Series([""] * len(catalogue))
    cells = column.tolist()
    for item in set(blanks(catalogue, attribute)) & found.keys():
        cell = _cell(attribute, asked.values, found[item])
        if cell is not None:
            cells[item] = cell
            backends[found[item].backend] += 1
    return pd.Series(cells, index=catalogue.table.index, dtype=column.dtype), backends


def _cell(attribute: Attribute, values: Sequence[str], line: Line) -> object:
    """What a blank cell becomes; None where the values do not fit what the attribute is by now."""
    said = [f.value for f in line.kept if not values or f.value in values]
    if not said:
        return None
    if attribute.name in (GENRES, PEOPLE):
        return tuple(said)
    written = str(getattr(attribute, "separator", "")).join(said) if attribute.several else said[0]
    try:
        attribute.parse(written)
    except DataError:
        return None
    return int(written) if attribute.name == YEAR else written
