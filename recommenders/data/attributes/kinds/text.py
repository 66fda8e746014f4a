"""Running text: read, searched by meaning, never filtered."""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np

from recommenders.data.attributes.attribute import Attribute, Column
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.reading import MOST, Sample, name_parts


class Prose(Column):
    def __init__(self, cells: Sequence[str]) -> None:
        self._known = np.array([bool(c) for c in cells], bool)

    def known(self) -> np.ndarray:
        return self._known

    def mask(self, condition: Condition) -> np.ndarray:
        return self._known.copy()


class Text(Attribute):
    kind: ClassVar[str] = "text"
    nothing: ClassVar[Any] = ""
    operators: ClassVar[tuple[Operator, ...]] = ()

    @property
    def expected(self) -> str:
        return "text"

    def parse(self, value: Any) -> str:
        return str(value)

    def column(self, cells: Sequence[Any]) -> Column:
        return Prose(cells)

    def holds(self, cell: Any, condition: Condition) -> bool:
        return bool(cell)

    def tell(self, cell: Any) -> str:
        return str(cell)

    @property
    def pattern(self) -> str:
        return self.sentence or "{it}: {value}"

    def bare(self, condition: Condition) -> str:
        return " ".join(map(str, condition.values))

    @classmethod
    def found(cls, name: str, sample: Sample) -> tuple[float, Self]:
        """Keys, addresses and codes, which nobody asks for; else whatever nothing other fits."""
        coded = bool(_KEYS & set(name_parts(name))) and sample.share(lambda cell: " " not in cell) >= MOST
        if coded or sample.share(_ADDRESS.search) > 0.5:
            return 0.99, cls(name=name, hidden=True)
        different = sample.size > 1 and sample.again == 0
        return (0.5 if (key := different and sample.share(_CODE.fullmatch) >= MOST) else 0.05), cls(
            name=name, hidden=key
        )


_KEYS = frozenset(
    "id ids key sku isbn isbn10 isbn13 ean upc gtin asin uuid guid barcode url uri link href image img cover thumbnail "
    "poster picture photo slug hash".split()
)
_ADDRESS = re.compile(r"^(?:\w{2,8}://|www\.|//)\S+$")
_CODE = re.compile(r"(?=\S*\d)(?=\S*[A-Za-z])[\w.:-]{5,}")
