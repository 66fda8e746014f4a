"""One name an item: language, brand, publisher, binding."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import pandas as pd

from recommenders.data.attributes.attribute import Column
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.named import Named, NamedColumn
from recommenders.data.attributes.reading import is_blank


class Category(Named):
    kind: ClassVar[str] = "category"
    operators: ClassVar[tuple[Operator, ...]] = ("one of", "is", "has none")

    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        return ["" if is_blank(value) else str(value).strip() for value in table[self.name]]

    def column(self, cells: Sequence[Any]) -> Column:
        return NamedColumn(self, [(cell,) if cell else () for cell in cells])

    def values(self, cells: Sequence[Any]) -> tuple[str, ...]:
        return tuple(sorted({cell for cell in cells if cell}))

    def holds(self, cell: Any, condition: Condition) -> bool:
        return (cell in condition.values) != (condition.operator == "has none")

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        found = []
        if names := self._stated(arguments, self.name):
            found.append(self.condition("one of", *names))
        if names := self._stated(arguments, f"without_{self.name}"):
            found.append(self.condition("has none", *names))
        return tuple(found)

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        return {self.name: list(condition.values)}

    @classmethod
    def found(cls, name: str, column: pd.Series) -> tuple[float, Self] | None:
        """A column of short texts that come again."""
        known = column[~column.map(is_blank)]
        if len(known) < 2 or known.str.len().mean() > 40:
            return None
        again = 1 - known.nunique() / len(known)
        return (0.4 + again / 2, cls(name=name)) if again >= 0.3 else None
