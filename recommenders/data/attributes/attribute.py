"""What may be asked of an item: the base of all kinds of attributes.

An attribute knows how its cells are read (what does not fit counts as unknown; imports report it), which items a
condition lets pass (`Column.mask`, over all items at once), what an item does against one (`objection`, cell by cell
and by other code: the gate's view), how it is said and heard, and how two items compare by it. Kinds lie in
recommenders/data/attributes/kinds, one file each; a new kind needs no edit anywhere else. Nothing else in the house
lists attributes by name.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from app.errors import DataError, UnknownName, did_you_mean
from app.words import folded, stem
from recommenders.data.attributes.conditions import Condition, Operator, Value
from recommenders.data.attributes.reading import Sample, is_blank

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
    """An order that was asked for: "the cheapest". `rising`: the lowest first."""

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


@dataclass(frozen=True)
class Parsed:
    """One cell an item in a kind's own form; and by column the rows whose cell says something that does not fit, which
    count as unknown."""

    cells: Sequence[Any]
    astray: Mapping[str, Sequence[int]]


class Attribute(BaseModel, ABC):
    """One attribute of a catalogue.

    name    the column; label: for people, singular ("running time"); aka: other words that people use for it
    better  which way is better, where one is: of a price the low one
    hidden  neither asked for, nor said, nor offered to a model; still filterable by whoever names it
    heard   whether a message can make conditions of it; where not, a model still can, and people may ask for it
    told    whether it is said of an item; told_as: else the attribute that is said in its place, among items at hand
    asked   regular expressions of what a question for it has, besides its names
    sentence how a sentence says it: "{it} runs {value}"; what stands in [brackets] is left out where one of the columns
            named there, {like_this}, is unknown: "{it} won {value}[ ({nominations} nominations)]"
    otherwise how where there is none: "{it} isn't part of a series that I know of"
    wanted  what a question for it wants to know: "who directed {it}"
    spoiler told to nobody who does not ask for it
    aside   left out of summaries
    counted made of the interactions: recommenders, which read those themselves, do not read it
    derived of other columns: their names, first the one whose place it takes
    writers language models that filled cells which the owner left blank, each with how many
    parts   says of which whole an item is a part, or which part: who knows one part of a series knows of the others
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ClassVar[str]
    operators: ClassVar[tuple[Operator, ...]]
    several: ClassVar[bool] = False
    """Whether a cell holds several values."""
    nothing: ClassVar[Any] = None
    """The cell of an item of which nothing is known."""
    unknown_passes_refusal: ClassVar[bool] = False
    """Whether an item of which nothing is known is within "not ...": a film without genres is no horror film, but one
    of unknown length may be too long."""

    name: str
    label: str = ""
    aka: tuple[str, ...] = ()
    better: Better = ""
    hidden: bool = False
    heard: bool = True
    told: bool = True
    told_as: str = ""
    asked: tuple[str, ...] = ()
    sentence: str = ""
    otherwise: str = ""
    wanted: str = ""
    spoiler: bool = False
    aside: bool = False
    counted: bool = False
    derived: tuple[str, ...] = ()
    writers: tuple[tuple[str, int], ...] = ()
    parts: bool = False

    # -- cells ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def parse(self, value: Any) -> Any:
        """A cell that says something, in the kind's own form. DataError where it does not fit, saying why."""

    @property
    def absent(self) -> Any:
        """What a cell means that says nothing."""
        return self.nothing

    def blank(self, value: Any) -> bool:
        """Whether a cell says nothing."""
        return is_blank(value)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the table that its cells come from."""
        return self.derived or (self.name,)

    @property
    @abstractmethod
    def expected(self) -> str:
        """What a cell must be: "a number of €", "yes or no"."""

    def parsed(self, table: pd.DataFrame) -> Parsed:
        """Its cells over a whole table, each distinct one parsed once."""
        parts = {c: self._parsed(table[c]) for c in self.columns}
        astray = {c: rows for c, (_, rows) in parts.items() if rows}
        return Parsed(self.joined([cells for cells, _ in parts.values()]), astray)

    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        """One cell an item in the kind's own form; `nothing` where nothing is known or what is there does not fit."""
        return self.parsed(table).cells

    def joined(self, parts: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """One sequence of cells out of those of each column."""
        return parts[0]

    def _parsed(self, column: pd.Series) -> tuple[list[Any], list[int]]:
        """The cells of one column, and the rows that do not fit."""
        known: dict[Any, Any] = {}
        cells: list[Any] = []
        astray: list[int] = []
        for row, value in enumerate(column.tolist()):
            key = tuple(value) if isinstance(value, list | set) else value
            if key not in known:
                try:
                    known[key] = self.absent if self.blank(value) else self.parse(value)
                except DataError:
                    known[key] = _ASTRAY
            cell = known[key]
            if cell is _ASTRAY:
                astray.append(row)
                cell = self.nothing
            cells.append(cell)
        return cells, astray

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
            raise UnknownName(
                f"{self.said}: {condition.operator!r} needs {need} value{'s' * (need > 1)}, got {len(condition.values)}"
            )
        if not condition.values:
            raise UnknownName(f"{self.said}: {condition.operator!r} needs at least one value")

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
        return cell is None or cell == self.nothing

    @abstractmethod
    def holds(self, cell: Any, condition: Condition) -> bool:
        """Whether a known cell keeps the condition, taken as wanted; by other code than `Column.mask`."""

    # -- in words ---------------------------------------------------------------------------------------------------

    @property
    def said(self) -> str:
        """What it is called."""
        return self.label or " ".join(self.name.replace("_", " ").split()) or self.name

    @property
    def names(self) -> tuple[str, ...]:
        """All that people call it."""
        return tuple(dict.fromkeys((self.said, self.name.replace("_", " "), *self.aka)))

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

    def behind(self, value: str) -> str:
        """What stands behind a noun for its sentence with this value: "rated PG", "with a happy ending"; "" for a
        sentence of another form."""
        for opening, instead in (("{it} is ", ""), ("{it} has ", "with ")):
            if self.sentence.startswith(opening):
                return instead + said_by(self.sentence.removeprefix(opening), {"value": value})
        return ""

    def phrase(self, condition: Condition) -> tuple[str, str]:
        """The condition in a sentence, as (before the noun, behind it): ("horror", "") or ("", "under 2 hours")."""
        return "", f"{'not ' if condition.refused else ''}with {self.said} {self.bare(condition)}"

    # -- answered ---------------------------------------------------------------------------------------------------

    @property
    def pattern(self) -> str:
        """The sentence that says it."""
        return self.sentence or f"the {self.said} of {{it}} is {{value}}"

    def value(self, cell: Any) -> str:
        """A known cell within its sentence."""
        return self.tell(cell)

    def states(self, it: str, cell: Any, beside: Callable[[str], str] = lambda name: "") -> str:
        """A known cell as a sentence about `it`, without a full stop. beside: what other columns tell of the item."""
        return said_by(self.pattern, {"it": it, "value": self.value(cell)}, beside)

    def supposes(self, question: str, values: Sequence[str]) -> Condition | None:
        """What a question for it supposes: of "did it win any?", that there is some. values: what `values` gave."""
        return None

    def verdict(self, cell: Any, question: str, column: Column) -> str:
        """What an answer to a yes-or-no question begins with: "Yes,", "A little:"; "" where it asks nothing of that."""
        return ""

    def unknown_of(self, it: str) -> str:
        """That it is not known of `it`."""
        return f"I don't know {(self.wanted or f'the {self.said} of {{it}}').replace('{it}', it)}"

    # -- heard ------------------------------------------------------------------------------------------------------

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        """The conditions that a text says of it, by closed forms alone (numbers, bounds, levels); names of values are
        found by whoever knows all names. Linear in the length of the text, and never raises. `shown`: the cells of what
        is on the table, for "cheaper"; `taken`: characters that say something else (titles)."""
        return []

    def hear_order(self, text: str) -> Ordered | None:
        """The order that a text asks for: "the shortest", "cheapest first"."""
        return None

    def hear_comparison(self, text: str) -> Ordered | None:
        """The order by which a text compares two: "which is newer?"."""
        return None

    def foremost(self, rising: bool) -> str:
        """What the first in an order is called: "cheapest", "newest", "least violent"."""
        return f"{'lowest' if rising else 'highest'} {self.said}"

    def further(self, less: bool) -> str:
        """What asks for less, or more, of it than what is on the table has: "cheaper", "less violent"; "" where
        people have no word for that."""
        return ""

    def asks(self, text: str) -> bool:
        """Whether a question is about it: "how long is it?"."""
        return next(self.asked_at(text), None) is not None

    def asked_at(self, text: str) -> Iterator[tuple[int, int]]:
        """The characters by which a text asks for it in words of its own, not by name."""
        if self.asked:
            yield from (m.span() for m in re.finditer(rf"\b(?:{'|'.join(self.asked)})(?!\w)", text, re.IGNORECASE))

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

    # -- written out of an item's text ------------------------------------------------------------------------------

    def writable(self, values: Sequence[str]) -> dict[str, Any]:
        """JSON schema of one value that a language model may write. values: those that it may be; () for any."""
        return {"type": "string"}

    def cell_written(self, value: Any, said: str, values: Sequence[str]) -> str:
        """A value as a cell holds it, where the words `said` of an item's text can carry it. DataError says why not. Of
        a running text they can where it is made of them."""
        if not isinstance(value, str) or not value.strip():
            raise DataError("it is not text")
        known = {stem(word) for word in folded(said)}
        if any(stem(word) not in known for word in folded(value) if len(word) > _SHORT or word.isdigit()):
            raise DataError("it says more than the words quoted")
        return " ".join(value.split())

    # -- found in a table -------------------------------------------------------------------------------------------

    @classmethod
    def found(cls, name: str, sample: Sample) -> tuple[float, Self] | None:
        """How well a column fits this kind, 0..1, with the attribute that it would be; None for not at all."""
        return None

    @classmethod
    def settings(cls) -> Mapping[str, FieldInfo]:
        """What an owner may correct."""
        return {
            name: field
            for name, field in cls.model_fields.items()
            if name not in ("name", "derived", "asked", "counted", "synonyms", "told_as", "writers")
        }

    def condition(self, operator: Operator, *values: Value, refused: bool = False, said: str = "") -> Condition:
        return Condition(attribute=self.name, operator=operator, values=values, refused=refused, said=said)


_ASTRAY = object()
_SHORT = 3  # letters of words that hold a sentence together


def free(hits: Sequence[Hit], taken: Sequence[tuple[int, int]]) -> list[Hit]:
    """Those of which no character says something else."""
    return [h for h in hits if not any(start < h.end and h.start < end for start, end in taken)]


def in_question(words: re.Pattern[str], text: str) -> bool:
    """Whether a sentence of a text has these words before a question mark; in time linear in its length."""
    return any(words.search(sentence.rpartition("?")[0]) for sentence in _SENTENCE.split(text) if "?" in sentence)


_SENTENCE = re.compile(r"[.!]")
_WONDERS = re.compile(r"\b(?:what|who|whom|whose|which|when|where|how|why)(?:['’]?s|['’]?re)?\b", re.IGNORECASE)


def yes_or_no(question: str) -> bool:
    """Whether a question is answered by yes or no: it has no word that asks for more."""
    return not _WONDERS.search(question)


_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_COLUMN = re.compile(r"\{(\w+)\}")
_AN = re.compile(r"\b([Aa]) (?=[aeiou])")
_ONE = re.compile(r"(?<![\d.,])1 (\w+)s\b")


def said_by(pattern: str, given: Mapping[str, str], beside: Callable[[str], str] = lambda name: "") -> str:
    """A pattern with what its {names} stand for: `given`, or what other columns tell of the item. What stands in
    [brackets] is left out where one of its names is unknown."""

    def told(match: re.Match[str]) -> str:
        return given.get(match[1]) or beside(match[1])

    def optional(match: re.Match[str]) -> str:
        names = _COLUMN.findall(match[1])
        filled = _COLUMN.sub(told, match[1])
        return _ONE.sub(r"1 \1", filled) if all(given.get(n) or beside(n) for n in names) else ""

    return _AN.sub(r"\1n ", _COLUMN.sub(told, _OPTIONAL.sub(optional, pattern))).replace("the The ", "the ")


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


def wrong_cell(attribute: Attribute, value: object) -> DataError:
    return DataError(f"{attribute.name} holds {value!r}; expected {attribute.expected}")
