"""Several names an item: genres, people, mechanics, tags."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self

from pydantic import StringConstraints

from app.errors import DataError
from recommenders.data.attributes.attribute import Column, wrong_cell
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.named import Named, NamedColumn, look_proper, names_said
from recommenders.data.attributes.reading import SEPARATORS, Sample, listed


class Set(Named):
    """separator  between names in a cell of text"""

    kind: ClassVar[str] = "set"
    several: ClassVar[bool] = True
    nothing: ClassVar[Any] = ()
    operators: ClassVar[tuple[Operator, ...]] = ("has any", "has all", "has none")

    separator: Annotated[str, StringConstraints(min_length=1)] = "|"

    @property
    def expected(self) -> str:
        return f"names separated by {self.separator!r}"

    def parse(self, value: Any) -> tuple[str, ...]:
        if isinstance(value, str):
            return listed(value, self.separator)
        if not isinstance(value, tuple | list | frozenset | set):
            raise wrong_cell(self, value)
        return tuple(dict.fromkeys(v for v in (str(v).strip() for v in value) if v))

    def column(self, cells: Sequence[Any]) -> Column:
        return NamedColumn(self, cells)

    def cell_written(self, value: Any, said: str, values: Sequence[str]) -> str:
        name = super().cell_written(value, said, values)
        if self.separator in name:
            raise DataError("it has the sign that separates names")
        return name

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
    def found(cls, name: str, sample: Sample) -> tuple[float, Self] | None:
        """A column whose cells often hold a separator, and whose parts are short and come again, or are names."""
        shares = {s: sample.share(lambda cell, s=s: s in cell) for s in SEPARATORS}  # type: ignore[misc]
        best = max(shares, key=lambda s: shares[s])
        if shares[best] < _OFTEN:
            return None
        counts: Counter[str] = Counter()
        for cell, n in sample.counts.items():
            counts.update(dict.fromkeys(listed(cell, best), n))
        total = sum(counts.values())
        if not total or sum(len(p) * n for p, n in counts.items()) > _SHORT * total:
            return None
        figures = sum(n for p, n in counts.items() if not any(c.isalpha() for c in p))
        if best in _IN_FIGURES and figures > total / 2:
            return None
        said = names_said(name)
        proper = said["proper"] or (len(counts) > _MANY and look_proper(counts))
        again = 1 - len(counts) / total
        if again <= _AGAIN and not proper:
            return None
        prefix = said["prefix"] or ("with" if proper else "")
        made = cls(name=name, label=said["label"], separator=best, proper=proper, prefix=prefix, together=not proper)
        return 0.5 + 0.4 * again, made


_IN_FIGURES = (",", "/")  # stand in numbers and dates too
_OFTEN = 0.15  # the share of cells with a separator
_SHORT = 32  # characters of a name, on average
_AGAIN = 0.2  # the share of names that were there before
_MANY = 30  # different names, of which one can tell what they look like
