"""One name an item: language, brand, publisher, binding."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from recommenders.data.attributes.attribute import Column
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.named import Named, NamedColumn, look_proper, names_said
from recommenders.data.attributes.reading import Sample, name_parts, one_of


class Category(Named):
    kind: ClassVar[str] = "category"
    nothing: ClassVar[Any] = ""
    operators: ClassVar[tuple[Operator, ...]] = ("one of", "is", "has none")

    @property
    def expected(self) -> str:
        return "a name"

    def parse(self, value: Any) -> str:
        return str(value).strip()

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
    def found(cls, name: str, sample: Sample) -> tuple[float, Self] | None:
        """A column of short texts that come again, or that are names where they do not."""
        if not sample.size or sample.length > _SHORT:
            return None
        said = {**names_said(name), "parts": bool(_WHOLES & {*map(one_of, name_parts(name))})}
        if sample.again >= _AGAIN:
            return 0.4 + sample.again / 2, cls(name=name, **said)
        proper = look_proper(sample.counts)
        if sample.size < 2 or not (proper or said["proper"]):
            return None
        return 0.4, cls(name=name, **{**said, "proper": True})


_WHOLES = frozenset("series franchise saga trilogy cycle serial".split())
_SHORT = 40  # characters of a name, on average
_AGAIN = 0.3  # the share of cells that repeat an earlier one
