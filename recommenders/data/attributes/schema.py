"""The attributes of a catalogue: declared, found in its columns, or both; and bound to its cells."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter, ValidationError

from app.errors import DataError, UnknownName, did_you_mean
from recommenders.data.attributes.attribute import Attribute, Column, Parsed
from recommenders.data.attributes.conditions import Condition
from recommenders.data.attributes.named import Named

_REMEMBERED = 256  # masks a catalogue; the oldest is forgotten
_SHELF = Path(__file__).with_name("kinds")
_LISTING: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(list[dict[str, Any]])


@cache
def kinds() -> Mapping[str, type[Attribute]]:
    """Every kind of attribute by name: the files of recommenders/data/attributes/kinds."""
    found: dict[str, type[Attribute]] = {}
    for module in pkgutil.iter_modules([str(_SHELF)]):
        loaded = importlib.import_module(f"{__package__}.kinds.{module.name}")
        for _, cls in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(cls, Attribute) and cls.__module__ == loaded.__name__:
                found[cls.kind] = cls
    return found


class Schema:
    """Attributes in their order, each name once. DataError where a name stands twice."""

    def __init__(self, attributes: Iterable[Attribute] = ()) -> None:
        self.attributes = tuple(attributes)
        self._by_name = {a.name: a for a in self.attributes}
        if len(self._by_name) != len(self.attributes):
            names = [a.name for a in self.attributes]
            raise DataError(f"the attribute {next(n for n in names if names.count(n) > 1)} is declared twice")

    def __iter__(self) -> Iterator[Attribute]:
        return iter(self.attributes)

    def __len__(self) -> int:
        return len(self.attributes)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self.attributes == other.attributes

    def __hash__(self) -> int:
        return hash(self.attributes)

    def __getitem__(self, name: str) -> Attribute:
        if name not in self._by_name:
            raise UnknownName(f"unknown attribute {name!r}{did_you_mean(name, self._by_name)}")
        return self._by_name[name]

    @property
    def shown(self) -> tuple[Attribute, ...]:
        return tuple(a for a in self.attributes if not a.hidden)

    @property
    def heard(self) -> tuple[Attribute, ...]:
        """Those that a message can make conditions of."""
        return tuple(a for a in self.shown if a.heard)

    @property
    def told(self) -> tuple[Attribute, ...]:
        """Those that are said of an item unasked; no spoilers."""
        return tuple(a for a in self.asked if not a.spoiler)

    @property
    def asked(self) -> tuple[Attribute, ...]:
        """Those that a question is answered from."""
        return tuple(a for a in self.shown if a.told)

    def replaced(self, changed: Attribute) -> "Schema":
        """The same with another attribute of that name."""
        self[changed.name]
        return Schema(changed if a.name == changed.name else a for a in self.attributes)

    # -- kept -------------------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        rows = [{"kind": a.kind, **a.model_dump(mode="json", exclude_defaults=True)} for a in self.attributes]
        return _LISTING.dump_json(rows, indent=1).decode()

    @classmethod
    def from_json(cls, text: str) -> "Schema":
        """DataError says which attribute is wrong, and how."""
        try:
            rows = _LISTING.validate_json(text)
        except ValidationError as error:
            raise DataError(f"the attributes are not a list of objects: {error}") from error
        return cls(read_attribute(row) for row in rows)


def read_attribute(row: Mapping[str, Any]) -> Attribute:
    """An attribute out of what `to_json` wrote or an owner corrected."""
    fields = dict(row)
    kind = str(fields.pop("kind", ""))
    if kind not in kinds():
        raise DataError(f"unknown kind of attribute {kind!r}{did_you_mean(kind, kinds())}")
    try:
        return kinds()[kind].model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        given = "" if first["type"] == "missing" or not where else f" (given: {first['input']!r})"
        said = ": ".join(part for part in (where, first["msg"].removeprefix("Value error, ")) if part)
        raise DataError(f"the attribute {fields.get('name', '?')}: {said}{given}") from error


class Bound:
    """The attributes of one catalogue with its cells: masks over all items, objections to one. Immutable."""

    def __init__(self, schema: Schema, table: pd.DataFrame) -> None:
        self.schema = schema
        self._table = table
        self._parsed: dict[str, Parsed] = {}
        self._columns: dict[str, Column] = {}
        self._masks: dict[tuple[object, ...], np.ndarray] = {}

    def cells(self, name: str) -> Sequence[Any]:
        """One cell an item, in the form of the attribute's kind."""
        return self._read(name).cells

    def astray(self, name: str) -> Mapping[str, Sequence[int]]:
        """column -> the rows whose cell does not fit the attribute and counts as unknown."""
        return self._read(name).astray

    def _read(self, name: str) -> Parsed:
        if name not in self._parsed:
            self._parsed[name] = self.schema[name].parsed(self._table)
        return self._parsed[name]

    def column(self, name: str) -> Column:
        if name not in self._columns:
            self._columns[name] = self.schema[name].column(self.cells(name))
        return self._columns[name]

    @cached_property
    def values(self) -> Mapping[str, tuple[str, ...]]:
        """attribute -> the names that its cells have; only for kinds whose values are names."""
        found = ((a.name, a.values(self.cells(a.name))) for a in self.schema)
        return {name: values for name, values in found if values}

    def mask(self, conditions: Sequence[Condition]) -> np.ndarray:
        """(I,) bool, read-only: the items that keep every hard condition. UnknownName where one names what the
        catalogue does not have."""
        hard = [c for c in conditions if c.hard]
        key = tuple(c.meaning for c in hard)
        known = self._masks.get(key)
        if known is None:
            known = np.ones(len(self._table), bool)
            for condition in hard:
                known &= self.schema[condition.attribute].mask(self.column(condition.attribute), condition)
            known.setflags(write=False)
            while len(self._masks) >= _REMEMBERED:
                self._masks.pop(next(iter(self._masks)), None)
            self._masks[key] = known
        return known

    def objections(self, item: int, conditions: Sequence[Condition]) -> tuple[str, ...]:
        """What one item does against the hard conditions, in words; by other code than `mask`."""
        said = (
            self.schema[c.attribute].objection(self.cells(c.attribute)[item], c)
            for c in conditions
            if c.hard and c.attribute in self.schema
        )
        return tuple(s for s in said if s)

    def met(self, item: int, condition: Condition) -> tuple[str, ...]:
        """What an item has of a wanted condition: the names that were asked for, or what its cell says."""
        attribute, cell = self.schema[condition.attribute], self.cells(condition.attribute)[item]
        if attribute.unknown(cell):
            return ()
        if isinstance(attribute, Named):
            have = {cell} if isinstance(cell, str) else set(cell)
            return tuple(str(v) for v in condition.values if v in have)
        return (attribute.tell(cell),)

    def tell(self, name: str, item: int) -> str:
        """The cell of an item for people; "" where it is not known."""
        attribute, cell = self.schema[name], self.cells(name)[item]
        return "" if attribute.unknown(cell) else attribute.tell(cell)

    def states(self, name: str, item: int, it: str) -> str:
        """The cell of an item as a sentence about `it`; "" where it is not known."""
        attribute, cell = self.schema[name], self.cells(name)[item]
        return "" if attribute.unknown(cell) else attribute.states(it, cell, lambda other: self._beside(other, item))

    def _beside(self, name: str, item: int) -> str:
        """What another column tells of an item, within its sentence; "" where there is none."""
        if name not in self.schema or self.schema[name].unknown(cell := self.cells(name)[item]):
            return ""
        return self.schema[name].value(cell)

    def verdict(self, name: str, item: int, question: str) -> str:
        """What the answer to a yes-or-no question for it begins with; "" where it is no such question."""
        attribute, cell = self.schema[name], self.cells(name)[item]
        return "" if attribute.unknown(cell) else attribute.verdict(cell, question, self.column(name))

    def ordered(self, name: str, items: Sequence[int], *, rising: bool) -> list[int]:
        """Items by this attribute, those of unknown cell last; equal ones as they came."""
        keys = {i: self.schema[name].key(self.cells(name)[i]) for i in items}
        known = sorted((i for i in items if keys[i] is not None), key=lambda i: keys[i] or 0.0, reverse=not rising)
        return [*known, *(i for i in items if keys[i] is None)]
