"""Ordered levels: how violent, how spicy, how demanding; from the least to the most."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from recommenders.data.attributes.attribute import Attribute, Column, Hit, Ordered, either, wrong_cell
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.reading import is_blank

KNOWN = (
    ("none", "mild", "moderate", "strong"),
    ("none", "low", "medium", "high"),
    ("low", "medium", "high"),
    ("very low", "low", "medium", "high", "very high"),
    ("small", "medium", "large"),
    ("easy", "medium", "hard"),
    ("beginner", "intermediate", "advanced"),
    ("light", "medium", "heavy"),
    ("slow", "steady", "fast"),
    ("dry", "medium", "sweet"),
    ("never", "rarely", "sometimes", "often", "always"),
)
"""Scales that tables use, from the least to the most."""
_REFUSED = re.compile(
    r"\b(?:nothing|not|no|without|isn['’]?t|avoid|never|zero|hate|dislike)\s+(?:\w+\s+){0,2}?$|\b(?:too|less)\s+(?:much\s+)?$",
    re.IGNORECASE,
)
_MUCH = re.compile(r"\b(?:very|really|super|extremely|a\s+lot\s+of|lots\s+of|full\s+of)\s+$", re.IGNORECASE)


class Scale(Column):
    def __init__(self, cells: Sequence[int | None]) -> None:
        self.levels = np.array([-1 if c is None else c for c in cells], np.int64)  # (I,) -1 unknown

    def known(self) -> np.ndarray:
        return self.levels >= 0

    def mask(self, condition: Condition) -> np.ndarray:
        raise NotImplementedError  # the attribute knows the levels' names


class Levels(Attribute):
    """levels  from the least to the most
    adjectives  what an item with much of it is called ("violent", "gory"), so that "nothing violent" is understood;
                the first is used for speaking
    harmless  the highest level that "nothing violent" still admits
    asked     regular expressions of what a question for it has besides
    """

    kind: ClassVar[str] = "levels"
    operators: ClassVar[tuple[Operator, ...]] = ("at most", "at least", "is", "one of")

    levels: tuple[str, ...]
    adjectives: tuple[str, ...] = ()
    harmless: str = ""
    asked: tuple[str, ...] = ()

    def place(self, level: object) -> int:
        key = str(level).strip().lower()
        if key not in self.levels:
            raise wrong_cell(self.name, level, f"one of {either(self.levels)}")
        return self.levels.index(key)

    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        return [None if is_blank(value) else self.place(value) for value in table[self.name]]

    def column(self, cells: Sequence[Any]) -> Column:
        return Scale(cells)

    def unknown(self, cell: Any) -> bool:
        return cell is None

    def mask(self, column: Column, condition: Condition) -> np.ndarray:
        self.check(condition)
        assert isinstance(column, Scale)
        asked = [self.place(v) for v in condition.values]
        if condition.operator == "at most":
            passing = column.levels <= asked[0]
        elif condition.operator == "at least":
            passing = column.levels >= asked[0]
        else:
            passing = np.isin(column.levels, asked)
        return (~passing if condition.refused else passing) & column.known()

    def holds(self, cell: Any, condition: Condition) -> bool:
        name = self.levels[cell]
        if condition.operator in ("is", "one of"):
            return name in condition.values
        within = self.levels[: self.place(condition.values[0]) + 1]
        return name in within if condition.operator == "at most" else name not in within or name == condition.values[0]

    def tell(self, cell: Any) -> str:
        return self.levels[cell]

    def bare(self, condition: Condition) -> str:
        values = either([str(v) for v in condition.values])
        return values if condition.operator in ("is", "one of") else f"{condition.operator} {values}"

    def describe(self, condition: Condition) -> str:
        if condition.operator == "at most" and condition.values[0] == self.calm and self.adjectives:
            return f"nothing {self.adjectives[0]}"
        return f"{'not ' if condition.refused else ''}{self.said}: {self.bare(condition)}"

    def objects(self, cell: Any, condition: Condition) -> str:
        return f"its {self.said} is {self.tell(cell)}"

    @property
    def calm(self) -> str:
        """The highest level that "nothing ..." admits."""
        return self.harmless or self.levels[min(1, len(self.levels) - 1)]

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        words = "|".join(map(re.escape, sorted((*self.adjectives, self.name, *self.aka), key=len, reverse=True)))
        found: list[Hit] = []
        for match in re.finditer(rf"\b(?:{words})\b", text, re.IGNORECASE) if self.adjectives else ():
            before = text[max(0, match.start() - 32) : match.start()]
            if _REFUSED.search(before):
                condition = self.condition("at most", self.calm, said=match.group())
                found.append(Hit(match.start(), match.end(), condition))
        return found if self.adjectives else self._by_level(text)

    def _by_level(self, text: str) -> list[Hit]:
        """A level by its own name: "a light one" is that, "not too heavy" is at most the one below."""
        match = re.search(rf"\b(?:{'|'.join(map(re.escape, self.levels))})\b", text, re.IGNORECASE)
        if match is None:
            return []
        place = self.place(match.group())
        if not _REFUSED.search(text[max(0, match.start() - 32) : match.start()]):
            condition = self.condition("is", self.levels[place], said=match.group())
        elif place:
            condition = self.condition("at most", self.levels[place - 1], said=match.group())
        else:
            condition = self.condition("at least", self.levels[1], said=match.group())
        return [Hit(match.start(), match.end(), condition)]

    def hear_order(self, text: str) -> Ordered | None:
        words = "|".join(map(re.escape, (*self.adjectives, self.said, *self.aka)))
        match = re.search(rf"\b(?P<way>most|least)\s+(?:{words})\b", text, re.IGNORECASE) if words else None
        return (
            None if match is None else Ordered(self.name, match["way"].lower() == "least", match.start(), match.end())
        )

    def asks(self, text: str) -> bool:
        words = "|".join((*map(re.escape, (*self.adjectives, self.said, *self.aka)), *self.asked))
        return bool(re.search(rf"\b(?:{words})\b[^.!]*\?", text, re.IGNORECASE))

    def key(self, cell: Any) -> float | None:
        return None if cell is None else float(cell)

    def properties(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        level = {"type": ["string", "null"], "enum": [*self.levels, None], "default": None}
        return {
            f"{self.name}_at_most": {**level, "description": f"{self.said}: no item may have more than this"},
            f"{self.name}_at_least": {**level, "description": f"{self.said}: every item must have at least this"},
        }

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        found = []
        for operator, end in (("at most", "_at_most"), ("at least", "_at_least")):
            if (level := arguments.get(f"{self.name}{end}")) is not None:
                found.append(self.condition(operator, str(level)))  # type: ignore[arg-type]
        return tuple(found)

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        end = {"at most": "_at_most", "at least": "_at_least"}.get(condition.operator)
        return {} if end is None or condition.refused else {f"{self.name}{end}": condition.values[0]}

    @classmethod
    def found(cls, name: str, column: pd.Series) -> tuple[float, Self] | None:
        """A column whose cells are the levels of a scale that tables use."""
        known = set(column[~column.map(is_blank)].str.strip().str.lower())
        scale = next((s for s in KNOWN if known <= set(s) and len(known) > 1), None)
        return None if scale is None else (0.96, cls(name=name, levels=scale))
