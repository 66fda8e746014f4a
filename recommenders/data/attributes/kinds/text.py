"""Running text: read, searched by meaning, never filtered."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from recommenders.data.attributes.attribute import Attribute, Column
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.reading import is_blank


class Prose(Column):
    def __init__(self, cells: Sequence[str]) -> None:
        self._known = np.array([bool(c) for c in cells], bool)

    def known(self) -> np.ndarray:
        return self._known

    def mask(self, condition: Condition) -> np.ndarray:
        return self._known.copy()


class Text(Attribute):
    kind: ClassVar[str] = "text"
    operators: ClassVar[tuple[Operator, ...]] = ()

    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        return ["" if is_blank(value) else str(value) for value in table[self.name]]

    def column(self, cells: Sequence[Any]) -> Column:
        return Prose(cells)

    def holds(self, cell: Any, condition: Condition) -> bool:
        return bool(cell)

    def tell(self, cell: Any) -> str:
        return str(cell)

    def bare(self, condition: Condition) -> str:
        return " ".join(map(str, condition.values))

    @classmethod
    def found(cls, name: str, column: pd.Series) -> tuple[float, Self] | None:
        """Whatever nothing else fits."""
        return 0.05, cls(name=name, hidden=bool(column.str.contains("://", regex=False).mean() > 0.5))
