"""Several names an item: genres, people, mechanics, tags."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import pandas as pd

from recommenders.data.attributes.attribute import Column, wrong_cell
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.named import Named, NamedColumn
from recommenders.data.attributes.reading import SEPARATORS, is_blank, listed


class Set(Named):
    """separator  between names in a cell of text"""

    kind: ClassVar[str] = "set"
    operators: ClassVar[tuple[Operator, ...]] = ("has any", "has all", "has none")

    separator: str = "|"

    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        return [self._cell(value) for value in table[self.name]]

    def _cell(self, value: object) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        if is_blank(value):
            return ()
        if isinstance(value, str):
            return listed(value, self.separator)
        if not isinstance(value, list | frozenset | set):
            raise wrong_cell(self.name, value, f"names separated by {self.separator!r}")
        return tuple(dict.fromkeys(str(v).strip() for v in value if str(v).strip()))

    def column(self, cells: Sequence[Any]) -> Column:
        return NamedColumn(self, cells)

    def values(self, cells: Sequence[Any]) -> tuple[str, ...]:
        return tuple(sorted({name for row in cells for name in row}))

    def holds(self, cell: Any, condition: Condition) -> bool:
        asked = set(condition.values)
        if condition.operator == "has all":
            return asked <= set(cell)
        shared = asked & set(cell)
        return not shared if condition.operator == "has none" else bool(shared)

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        found = []
        if names := self._stated(arguments, self.name):
            found.append(self.condition("has all" if self.together else "has any", *names))
        if names := self._stated(arguments, f"any_{self.name}"):
            found.append(self.condition("has any", *names))
        if names := self._stated(arguments, f"without_{self.name}"):
            found.append(self.condition("has none", *names))
        return tuple(found)

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        every = condition.operator == "has all" or not self.together
        return {self.name if every else f"any_{self.name}": list(condition.values)}

    @classmethod
    def found(cls, name: str, column: pd.Series) -> tuple[float, Self] | None:
        """A column whose cells often hold a separator, and whose parts come again and again."""
        known = column[~column.map(is_blank)]
        if not len(known):
            return None
        shares = {s: float(known.str.contains(s, regex=False).mean()) for s in SEPARATORS}
        best = max(shares, key=lambda s: shares[s])
        if shares[best] < 0.15:
            return None
        parts = known.map(lambda cell: listed(cell, best))
        names = [p for row in parts for p in row]
        if not names or sum(map(len, names)) / len(names) > 40:
            return None
        again = 1 - len(set(names)) / len(names)
        proper = _proper(names)
        return (0.5 + again / 2 if again > 0.2 or proper else 0.0), cls(
            name=name, separator=best, proper=proper, together=not proper, prefix="with" if proper else ""
        )


def _proper(names: Sequence[str]) -> bool:
    """Whether they look like names of people: two words and more, with capitals, and many of them."""
    several = sum(" " in n and n.title() == n for n in set(names))
    return len(set(names)) > 30 and several > 0.6 * len(set(names))
