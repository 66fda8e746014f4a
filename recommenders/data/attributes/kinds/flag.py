"""Yes or no: in stock, black and white, for beginners."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from recommenders.data.attributes.attribute import Attribute, Column, Hit, wrong_cell
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.reading import is_blank

YES = frozenset("yes y true t 1 1.0 x ja oui si sí available".split())
NO = frozenset("no n false f 0 0.0 - nein non".split())
_NOT = re.compile(
    r"\b(?:not|no|non|isn['’]?t|aren['’]?t|without|never|don['’]?t\s+\w+)\s+(?:be\s+|being\s+)?$", re.IGNORECASE
)


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
    """aka: how it is said where it holds ("in stock", "available"); opposite: how where it does not ("sold out")."""

    kind: ClassVar[str] = "flag"
    operators: ClassVar[tuple[Operator, ...]] = ("is",)

    opposite: tuple[str, ...] = ()

    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        return [self._cell(value) for value in table[self.name]]

    def _cell(self, value: object) -> bool | None:
        if is_blank(value):
            return None
        word = str(value).strip().lower()
        if word in YES:
            return True
        if word in NO:
            return False
        raise wrong_cell(self.name, value, "yes or no")

    def column(self, cells: Sequence[Any]) -> Column:
        return Truth(cells)

    def unknown(self, cell: Any) -> bool:
        return cell is None

    def holds(self, cell: Any, condition: Condition) -> bool:
        return bool(cell) is bool(condition.values[0])

    def tell(self, cell: Any) -> str:
        return self.said if cell else (self.opposite[0] if self.opposite else f"not {self.said}")

    def bare(self, condition: Condition) -> str:
        return self.tell(bool(condition.values[0]) is not condition.refused)

    def describe(self, condition: Condition) -> str:
        return self.bare(condition)

    def phrase(self, condition: Condition) -> tuple[str, str]:
        return "", self.bare(condition)

    def objects(self, cell: Any, condition: Condition) -> str:
        return f"it is {self.tell(cell)}"

    def objects_unknown(self, condition: Condition) -> str:
        return f"it is not known whether it is {self.said}"

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        found: list[Hit] = []
        for words, wanted in ((self.opposite, False), ((self.said, *self.aka), True)):
            for match in (
                re.finditer(rf"\b(?:{'|'.join(map(re.escape, words))})\b", text, re.IGNORECASE) if words else ()
            ):
                if any(h.start < match.end() and match.start() < h.end for h in found):
                    continue
                denied = bool(_NOT.search(text[max(0, match.start() - 24) : match.start()]))
                condition = self.condition("is", wanted is not denied, said=match.group())
                found.append(Hit(match.start(), match.end(), condition))
        return found

    def asks(self, text: str) -> bool:
        words = "|".join(map(re.escape, (self.said, *self.aka, *self.opposite)))
        return bool(re.search(rf"\b(?:is|are|was)\b.*\b(?:{words})\b.*\?", text, re.IGNORECASE))

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

    @classmethod
    def found(cls, name: str, column: pd.Series) -> tuple[float, Self] | None:
        known = column[~column.map(is_blank)].str.strip().str.lower()
        if not len(known) or not known.isin(YES | NO).all():
            return None
        return (0.95 if not known.isin(("0", "1", "0.0", "1.0")).all() else 0.8), cls(name=name)
