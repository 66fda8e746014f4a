"""What may be asked of an item: the base of all kinds of attributes.

An attribute knows how its cells are read, which items a condition lets pass (`Column.mask`, over all items at once) and
what an item does against one (`objection`, cell by cell and by other code: the gate's view), how it is said and heard,
and how two items compare by it. Kinds lie in recommenders/data/attributes/kinds, one file each; a new kind needs no
edit anywhere else. Nothing else in the house lists attributes by name.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from app.errors import DataError, UnknownName, did_you_mean
from recommenders.data.attributes.conditions import Condition, Operator, Value

Better = Literal["", "low", "high"]


@dataclass(frozen=True)
class Hit:
    """Characters start:end of a text say this condition. `relative`: it was said against what is on the table."""

    start: int
    end: int
    condition: Condition
    relative: bool = False


@dataclass(frozen=True)
class Ordered:
    """An order that was asked for: "the cheapest". `rising`: the lowest first; `of_these`: of what is on the table."""

    attribute: str
    rising: bool
    start: int = 0
    end: int = 0


class Column(ABC):
    """The cells of one attribute, one an item, made ready for masks. Immutable."""

    @abstractmethod
    def mask(self, condition: Condition) -> np.ndarray:
        """(I,) bool: which items the condition, taken as wanted (`refused` is the attribute's affair), lets pass."""

    @abstractmethod
    def known(self) -> np.ndarray:
        """(I,) bool: items whose cell is known."""


class Attribute(BaseModel, ABC):
    """One attribute of a catalogue.

    name    the column; label: for people, singular ("running time"); aka: other words that people use for it
    better  which way is better, where one is: of a price the low one
    hidden  neither asked for, nor said, nor offered to a model; still filterable by whoever names it
    derived of other columns: their names, first the one whose place it takes
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    operators: ClassVar[tuple[Operator, ...]]
    unknown_passes_refusal: ClassVar[bool] = False
    """Whether an item of which nothing is known is within "not ...": a film without genres is no horror film, but one
    of unknown length may be too long."""

    name: str
    label: str = ""
    aka: tuple[str, ...] = ()
    better: Better = ""
    hidden: bool = False
    derived: tuple[str, ...] = ()

    # -- cells ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        """One cell an item in the kind's own form; None (or an empty tuple) where nothing is known."""

    @abstractmethod
    def column(self, cells: Sequence[Any]) -> Column: ...

    def mask(self, column: Column, condition: Condition) -> np.ndarray:
        """(I,) bool: the items that keep the condition. UnknownName for an operator that the kind does not have, or a
        value that no item has."""
        self.check(condition)
        passing = column.mask(condition)
        if not condition.refused:
            return passing
        return ~passing if self.unknown_passes_refusal else ~passing & column.known()

    def check(self, condition: Condition) -> None:
        if condition.operator not in self.operators:
            raise UnknownName(
                f"{self.said} cannot be asked for by {condition.operator!r}; it takes: {', '.join(self.operators)}"
            )
        need = {"between": 2, "at most": 1, "at least": 1, "is": 1}.get(condition.operator)
        if need is not None and len(condition.values) != need:
            raise UnknownName(f"{condition.operator!r} needs {need} value(s), got {len(condition.values)}")

    def objection(self, cell: Any, condition: Condition) -> str:
        """What an item of this cell does against the condition, in words; "" where it keeps it."""
        if self.unknown(cell):
            if condition.excludes and (self.unknown_passes_refusal or condition.operator == "has none"):
                return ""
            return self.objects_unknown(condition)
        holds = self.holds(cell, condition)
        if holds != condition.refused:
            return ""
        return self.objects(cell, condition)

    def unknown(self, cell: Any) -> bool:
        return cell is None or cell == () or cell == ""

    @abstractmethod
    def holds(self, cell: Any, condition: Condition) -> bool:
        """Whether a known cell keeps the condition, taken as wanted; by other code than `Column.mask`."""

    # -- in words ---------------------------------------------------------------------------------------------------

    @property
    def said(self) -> str:
        """What it is called."""
        return self.label or self.name.replace("_", " ")

    def objects_unknown(self, condition: Condition) -> str:
        return f"its {self.said} is not known"

    def objects(self, cell: Any, condition: Condition) -> str:
        return f"its {self.said} is {self.tell(cell)}, not {self.bare(condition)}"

    @abstractmethod
    def tell(self, cell: Any) -> str:
        """A known cell for people: "142 minutes", "Horror and Comedy"."""

    @abstractmethod
    def bare(self, condition: Condition) -> str:
        """The condition without the attribute's name: "at most 2 hours", "Horror or War"."""

    def describe(self, condition: Condition) -> str:
        """The condition as one of a list of what was understood: "price: at most 40 €", "not Horror"."""
        return f"{'not ' if condition.refused else ''}{self.said}: {self.bare(condition)}"

    def phrase(self, condition: Condition) -> tuple[str, str]:
        """The condition in a sentence, as (before the noun, behind it): ("horror", "") or ("", "under 2 hours")."""
        return "", self.describe(condition)

    # -- heard ------------------------------------------------------------------------------------------------------

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        """The conditions that a text says of it, by closed forms alone (numbers, bounds, levels); names of values are
        found by whoever knows all names. `shown`: the cells of what is on the table, for "cheaper";
        `taken`: characters that say something else (titles)."""
        return []

    def hear_order(self, text: str) -> Ordered | None:
        """The order that a text asks for: "the shortest", "cheapest first"."""
        return None

    def asks(self, text: str) -> bool:
        """Whether a question is about it: "how long is it?"."""
        return False

    def values(self, cells: Sequence[Any]) -> tuple[str, ...]:
        """The names that its cells have, for kinds whose values are names; in order."""
        return ()

    # -- compared ---------------------------------------------------------------------------------------------------

    def key(self, cell: Any) -> float | None:
        """What items are ordered by; None where the kind has no order or the cell is unknown."""
        return None

    # -- as a schema for models -------------------------------------------------------------------------------------

    def properties(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Arguments of a tool, by name, as JSON schema. values: what `values` gave."""
        return {}

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        """The conditions that such arguments state."""
        return ()

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        """The arguments that state a wanted condition: what `read` reads back."""
        return {}

    # -- found in a table -------------------------------------------------------------------------------------------

    @classmethod
    def found(cls, name: str, column: pd.Series) -> tuple[float, Self] | None:
        """How well a column of text fits this kind, 0..1, with the attribute that it would be; None for not at all."""
        return None

    def condition(self, operator: Operator, *values: Value, refused: bool = False, said: str = "") -> Condition:
        return Condition(attribute=self.name, operator=operator, values=values, refused=refused, said=said)


def either(names: Sequence[str]) -> str:
    """ "a", "a or b", "a, b or c"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " or " + names[-1] if names else ""


def both(names: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1] if names else ""


def unknown_value(attribute: Attribute, value: object, known: Sequence[str]) -> UnknownName:
    if not known:
        return UnknownName(f"unknown {attribute.said} {value!r}: this catalogue names none")
    return UnknownName(f"unknown {attribute.said} {value!r}{did_you_mean(str(value), known)}")


def wrong_cell(attribute: str, value: object, expected: str) -> DataError:
    return DataError(f"the attribute {attribute} holds {value!r}; expected {expected}")
