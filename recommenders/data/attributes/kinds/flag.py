"""Yes or no: in stock, black and white, for beginners."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np

from app.errors import DataError, UnknownName
from recommenders.data.attributes.attribute import (
    Attribute,
    Column,
    Hit,
    free,
    in_question,
    said_by,
    wrong_cell,
)
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.dimensions import DIMENSIONS, any_of, denied, dimension_of
from recommenders.data.attributes.reading import MOST, Sample

YES = frozenset(("yes", "y", "true", "t", "1", "1.0", "x", "ja", "oui", "si", "sí", "available", "in stock", "✓", "✔"))
NO = frozenset(
    (
        "no",
        "n",
        "false",
        "f",
        "0",
        "0.0",
        "-",
        "nein",
        "non",
        "unavailable",
        "not available",
        "sold out",
        "out of stock",
        "✗",
    )
)
_FIGURES = frozenset(("0", "1", "0.0", "1.0"))


class Truth(Column):
    def __init__(self, cells: Sequence[bool | None]) -> None:
        self._known = np.array([c is not None for c in cells], bool)
        self._true = np.array([bool(c) for c in cells], bool)

    def known(self) -> np.ndarray:
        return self._known

    def mask(self, condition: Condition) -> np.ndarray:
        wanted = bool(condition.values[0])
        return self._known & (self._true == wanted)


class Flag(Attribute):
    """aka: how it is said where it holds ("in stock", "available"); opposite: how where it does not ("sold out");
    blank_is_no: only what holds is written down."""

    kind: ClassVar[str] = "flag"
    operators: ClassVar[tuple[Operator, ...]] = ("is",)

    opposite: tuple[str, ...] = ()
    blank_is_no: bool = False

    @property
    def expected(self) -> str:
        return "yes or no"

    @property
    def absent(self) -> bool | None:
        return False if self.blank_is_no else None

    def parse(self, value: Any) -> bool:
        word = str(value).strip().lower()
        if word not in YES and word not in NO:
            raise wrong_cell(self, value)
        return word in YES

    def check(self, condition: Condition) -> None:
        super().check(condition)
        if not isinstance(condition.values[0], bool):
            raise UnknownName(f"{self.said} is true or false, not {condition.values[0]!r}")

    def column(self, cells: Sequence[Any]) -> Column:
        return Truth(cells)

    def unknown(self, cell: Any) -> bool:
        return cell is None

    def holds(self, cell: Any, condition: Condition) -> bool:
        return bool(cell) is bool(condition.values[0])

    def tell(self, cell: Any) -> str:
        return self.said if cell else (self.opposite[0] if self.opposite else f"not {self.said}")

    def states(self, it: str, cell: Any, beside: Callable[[str], str] = lambda name: "") -> str:
        pattern = (self.sentence if cell else self.otherwise) or "{it} is {value}"
        return said_by(pattern, {"it": it, "value": self.tell(cell)}, beside)

    def supposes(self, question: str, values: Sequence[str]) -> Condition | None:
        opposite = any_of(self.opposite).search(question) and not any_of(self.names).search(question)
        return self.condition("is", not opposite, said=question)

    def bare(self, condition: Condition) -> str:
        return self.tell(bool(condition.values[0]) is not condition.refused)

    def describe(self, condition: Condition) -> str:
        return self.bare(condition)

    def phrase(self, condition: Condition) -> tuple[str, str]:
        holds = bool(condition.values[0]) is not condition.refused
        return "", (self.behind("") if holds else "") or self.bare(condition)

    def objects(self, cell: Any, condition: Condition) -> str:
        return f"it is {self.tell(cell)}"

    def objects_unknown(self, condition: Condition) -> str:
        return f"it is not known whether it is {self.said}"

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        found: list[Hit] = []
        heard: set[int] = set()  # where
        for words, wanted in ((self.opposite, False), (self.names, True)):  # "not available" before "available"
            for match in any_of(words).finditer(text):
                if heard.isdisjoint(range(*match.span())):
                    heard.update(range(*match.span()))
                    holds = wanted is not denied(text, match.start())
                    found.append(Hit(match.start(), match.end(), self.condition("is", holds, said=match.group())))
        return free(sorted(found, key=lambda h: h.start), taken)

    def asked_at(self, text: str) -> Iterator[tuple[int, int]]:
        yield from super().asked_at(text)
        yield from (match.span() for match in any_of((*self.names, *self.opposite)).finditer(text))

    def asks(self, text: str) -> bool:
        words = any_of((*self.names, *self.opposite))
        return next(super().asked_at(text), None) is not None or in_question(words, text)

    def key(self, cell: Any) -> float | None:
        return None if cell is None else float(cell)

    def properties(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        return {
            self.name: {"type": ["boolean", "null"], "default": None, "description": f"whether it must be {self.said}"}
        }

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        wanted = arguments.get(self.name)
        return () if wanted is None else (self.condition("is", bool(wanted)),)

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        return {self.name: bool(condition.values[0])}

    def writable(self, values: Sequence[str]) -> dict[str, Any]:
        return {"type": "boolean"}

    def cell_written(self, value: Any, said: str, values: Sequence[str]) -> str:
        word = str(value).strip().lower()
        if word not in YES | NO:
            raise DataError("it is not yes or no")
        return "yes" if word in YES else "no"

    @classmethod
    def found(cls, name: str, sample: Sample) -> tuple[float, Self] | None:
        """A column of yes and no; of figures only where there are no others, of yes alone where the rest is blank."""
        share = sample.share(lambda cell: cell.lower() in YES | NO)
        written = {cell.lower() for cell in sample.counts}
        if share < MOST or not (written <= _FIGURES or written & (YES | NO) - _FIGURES):
            return None
        words = DIMENSIONS.get(dimension_of(name))
        said: dict[str, Any] = {}
        if words is not None and words.there:
            said = {"label": words.there[0], "aka": words.there[1:], "opposite": words.gone}
        made = cls(name=name, **said, blank_is_no=bool(sample.blanks) and written <= YES)
        return (0.8 if written <= _FIGURES else 0.95 * share), made
