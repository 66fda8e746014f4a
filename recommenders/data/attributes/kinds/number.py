"""A quantity with a unit: price, running time, pages, players, age, stock."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from recommenders.data.attributes.attribute import Attribute, Column, Hit, Ordered, wrong_cell
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.dimensions import (
    DIMENSIONS,
    MONEY,
    UNITS,
    Dimension,
    Span,
    comparatives,
    dimension_of,
    name_parts,
    plains,
    superlatives,
    unit_of,
)
from recommenders.data.attributes.quantities import Quantity, quantities
from recommenders.data.attributes.reading import is_blank

Cell = tuple[float, float] | None
"""(low, high), equal where it is one number; None unknown."""

_CELL = re.compile(
    r"^\s*(?P<sign>[€$£])?\s*(?P<n>[-+]?\d+(?:[.,]\d+)*)\s*(?P<unit>[a-zA-Z€$£%][a-zA-Z %€$£]*?)?\s*"
    r"(?:(?:-|–|to|bis)\s*(?P<m>\d+(?:[.,]\d+)*)\s*(?P<unit2>[a-zA-Z€$£%]+)?|(?P<up>\+|plus|and up)|"
    r"(?P<minutes>\d{1,2})\s*(?:m|min|mins|minutes)?)?\s*$"
)
_ABOUT = 0.1  # "a 90-minute film": a tenth more or less
_FEW = 20  # items that must lie beyond what is on the table for "cheaper" to mean cheaper than the cheapest


class Amounts(Column):
    def __init__(self, cells: Sequence[Cell], span: Span) -> None:
        self.low = np.array([np.nan if c is None else c[0] for c in cells], np.float64)
        self.high = np.array([np.nan if c is None else c[1] for c in cells], np.float64)
        self._choice = span == "choice"

    def known(self) -> np.ndarray:
        return ~np.isnan(self.low)

    def mask(self, condition: Condition) -> np.ndarray:
        first, last = float(condition.values[0]), float(condition.values[-1])
        with np.errstate(invalid="ignore"):
            if condition.operator == "is":
                return (self.low <= first) & (first <= self.high)
            upper, lower = (self.low, self.high) if self._choice else (self.high, self.low)
            if condition.operator == "at most":
                return upper <= last
            if condition.operator == "at least":
                return lower >= first
            return (lower >= first) & (upper <= last)


class Number(Attribute):
    """unit       of the cells: "minutes", "€", ...; "" for a bare number
    dimension  a row of dimensions.py, whose words it takes; "" for none
    span       what a range in a cell means: "choice" (2 to 4 players: any of them), "doubt" (30 to 60 minutes: not
               known better), "" where no cell is a range
    whole      all cells are whole numbers
    """

    kind: ClassVar[str] = "number"
    operators: ClassVar[tuple[Operator, ...]] = ("at most", "at least", "between", "is")

    unit: str = ""
    dimension: str = ""
    span: Span = ""
    whole: bool = False

    @property
    def words(self) -> Dimension:
        return DIMENSIONS.get(self.dimension, _NO_WORDS)

    # -- cells ------------------------------------------------------------------------------------------------------

    def cells(self, table: pd.DataFrame) -> Sequence[Any]:
        if len(self.derived) == 2:  # two columns, from and to
            return [self._pair(a, b) for a, b in zip(table[self.derived[0]], table[self.derived[1]], strict=True)]
        return [self._cell(value) for value in table[self.name]]

    def _pair(self, low: object, high: object) -> Cell:
        a, b = self._cell(low), self._cell(high)
        if a is None or b is None:
            return a or b
        return (min(a[0], b[0]), max(a[1], b[1]))

    def _cell(self, value: object) -> Cell:
        if is_blank(value):
            return None
        if isinstance(value, int | float | np.number):
            return (float(value), float("inf") if self._from_there else float(value))
        read = amount(str(value), self.unit)
        if read is None:
            raise wrong_cell(self.name, value, f"a number{f' of {self.unit}' if self.unit else ''}")
        low, high, _ = read
        return (low, float("inf")) if self._from_there and low == high else (low, high)

    @property
    def _from_there(self) -> bool:
        """Whether a bare number in a cell opens a range: an age is one from which on."""
        return self.dimension == "age"

    def column(self, cells: Sequence[Any]) -> Column:
        return Amounts(cells, self.span)

    def unknown(self, cell: Any) -> bool:
        return cell is None

    def holds(self, cell: Any, condition: Condition) -> bool:
        low, high = cell
        first, last = float(condition.values[0]), float(condition.values[-1])
        if condition.operator == "is":
            return low <= first <= high
        least, most = (high, low) if self.span == "choice" else (low, high)
        above = condition.operator == "at most" or least >= first
        below = condition.operator == "at least" or most <= last
        return above and below

    # -- in words ---------------------------------------------------------------------------------------------------

    def amount(self, value: float) -> str:
        """ "90 minutes" as people say it: "1 hour 30 minutes"; money with two digits where it has cents."""
        if self.unit == "minutes" and value >= 60:
            hours, minutes = divmod(round(value), 60)
            return f"{hours} hour{'s' * (hours > 1)}" + (f" {minutes} minutes" if minutes else "")
        if self.words.there:
            return f"{value:,g} {self.said}" if value else f"none {self.said}"
        plain = f"{value:,.2f}" if self.unit in MONEY and value % 1 else f"{value:,g}"
        if not self.unit:
            return plain
        return f"{plain} {self.unit.removesuffix('s') if value == 1 and self.unit.endswith('s') else self.unit}"

    def tell(self, cell: Any) -> str:
        low, high = cell
        if low == high:
            return self.amount(low)
        return f"{self.amount(low)} and more" if np.isinf(high) else f"{low:g} to {self.amount(high)}"

    def bare(self, condition: Condition) -> str:
        values = [float(v) for v in condition.values]
        if self.words.there and condition.operator == "at least" and values[0] == 1:
            return self.said
        if condition.operator == "between":
            return f"{values[0]:g} to {self.amount(values[1])}"
        if condition.operator == "is":
            return self.amount(values[0])
        strict = self._strict(values[0], condition.operator == "at most")
        if strict is not None:
            return f"{'under' if condition.operator == 'at most' else 'over'} {self.amount(strict)}"
        return f"{condition.operator} {self.amount(values[0])}"

    def describe(self, condition: Condition) -> str:
        if self.words.there:
            return f"{'not ' if condition.refused else ''}{self.bare(condition)}"
        return super().describe(condition)

    def objects(self, cell: Any, condition: Condition) -> str:
        return f"it has {self.tell(cell)}" if self.words.there else super().objects(cell, condition)

    def phrase(self, condition: Condition) -> tuple[str, str]:
        said = f"{'not ' if condition.refused else ''}{self.bare(condition)}"
        if self.words.there:
            return "", said
        if self.unit and self.unit not in ("years", "stars", "%") and self.dimension != "age":
            return "", f"for {said}" if condition.operator == "is" and self.words.plain == "is" else said
        return "", f"{self.said} {said}"

    @property
    def step(self) -> float:
        """What lies between a value and the next below it."""
        return 1.0 if self.whole else 0.01

    def _strict(self, value: float, below: bool) -> float | None:
        """The rounder number that a bound was made of by "under" or "over"; None where it is round itself."""
        other = round(value + (self.step if below else -self.step), 2)
        return other if len(f"{other:g}".rstrip("0")) < len(f"{value:g}".rstrip("0")) else None

    # -- heard ------------------------------------------------------------------------------------------------------

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        found = [h for q in quantities(text) if (h := self._hit(text, q)) is not None]
        return found or self._some(text) or self._relative(text, column, shown)

    def _some(self, text: str) -> list[Hit]:
        """ "In stock": there is some of it; "not in stock": there is none."""
        for words in self.words.there:
            if match := re.search(rf"\b{re.escape(words)}\b", text, re.IGNORECASE):
                denied = bool(_DENIED.search(text[: match.start()][-24:]))
                condition = self.condition("at least", 1, refused=denied, said=match.group())
                return [Hit(match.start(), match.end(), condition)]
        return []

    def _hit(self, text: str, q: Quantity) -> Hit | None:
        factor = self._factor(q, text)
        if factor is None:
            return None
        low, high = q.low * factor, q.high * factor
        operator: Operator
        values: tuple[float, ...]
        if q.bound == "at most":
            operator, values = "at most", (round(high - self.step, 2) if q.strict else high,)
        elif q.bound == "at least":
            operator, values = "at least", (round(low + self.step, 2) if q.strict else low,)
        elif low != high:
            operator, values = "between", (low, high)
        elif self.words.plain == "is" or not self.dimension:
            operator, values = "is", (low,)
        elif self.words.plain == "at most":
            operator, values = ("is", (low,)) if self.span == "choice" else ("at most", (high,))
        else:
            operator, values = "between", (low * (1 - _ABOUT), high * (1 + _ABOUT))
        said = text[q.start : q.end].strip()
        return Hit(q.start, q.end, self.condition(operator, *(_plain(v) for v in values), said=said))

    def _factor(self, q: Quantity, text: str) -> float | None:
        """How many of our units one of the quantity's is; None where it speaks of something else."""
        if not q.unit:
            named = self._named(q.before) or self._named(text[q.end : q.end + 12])
            bound = q.bound and not _YEARLIKE.match(f"{q.low:g}")
            return 1.0 if named or (bound and self.dimension == "price" and not _COUNTS.match(text, q.end)) else None
        unit = unit_of(q.unit)
        if unit is None:
            return None
        base, factor = unit
        if base == self.unit:
            return factor
        mine = unit_of(self.unit) if self.unit else None
        if base in UNITS and self.unit in UNITS[base]:
            return factor / UNITS[base][self.unit]
        if mine is not None and mine[0] == base:
            return factor / mine[1]
        return 1.0 if not self.unit and self.dimension == "price" and base in MONEY else None

    def _named(self, words: str) -> bool:
        names = (self.said, *self.aka, *(DIMENSIONS[self.dimension].columns if self.dimension else ()))
        return bool(re.search(rf"\b(?:{'|'.join(map(re.escape, names))})\b", words, re.IGNORECASE))

    def _relative(self, text: str, column: Column, shown: Sequence[Any]) -> list[Hit]:
        """ "Cheaper" against what is on the table; "cheap", and "cheaper" of nothing: the lowest third."""
        assert isinstance(column, Amounts)
        known = column.low[~np.isnan(column.low)]
        if not len(known):
            return []
        for pattern, little in comparatives(self.dimension):
            if match := pattern.search(text):
                return [self._against(match, little, known, shown)]
        for pattern, little in plains(self.dimension):
            match = pattern.search(text)
            if match and not _HOW.search(text[: match.start()][-8:]):
                denied = bool(_DENIED.search(text[: match.start()][-24:]))
                return [self._third(match, little != denied, known)]
        return []

    def _against(self, match: re.Match[str], less: bool, known: np.ndarray, shown: Sequence[Any]) -> Hit:
        values = [c[0] for c in shown if c is not None]
        if not values:
            return self._third(match, less, known)
        edge = min(values) - self.step if less else max(values) + self.step
        beyond = int((known <= edge).sum() if less else (known >= edge).sum())
        if beyond < min(_FEW, len(known) // 10 + 1):
            middle = float(np.median(values))
            edge = middle - self.step if less else middle + self.step
        operator: Operator = "at most" if less else "at least"
        condition = self.condition(operator, _plain(round(edge, 2)), said=match.group())
        return Hit(match.start(), match.end(), condition, relative=True)

    def _third(self, match: re.Match[str], low: bool, known: np.ndarray) -> Hit:
        edge = float(np.quantile(known, 1 / 3 if low else 2 / 3))
        operator: Operator = "at most" if low else "at least"
        return Hit(match.start(), match.end(), self.condition(operator, _plain(round(edge, 2)), said=match.group()))

    def hear_order(self, text: str) -> Ordered | None:
        for pattern, little in superlatives(self.dimension):
            if match := pattern.search(text):
                return Ordered(self.name, little, match.start(), match.end())
        match = re.search(rf"\b(?P<way>{_MOST})\s+{re.escape(self.said)}\b", text, re.IGNORECASE)
        if match is None:
            return None
        return Ordered(self.name, match["way"].lower() in ("lowest", "least", "smallest"), match.start(), match.end())

    def asks(self, text: str) -> bool:
        if any(phrase in " ".join(text.lower().split()) for phrase in self.words.asked):
            return True
        return "?" in text and self._named(text) and bool(re.search(r"\b(?:what|which|how)\b", text, re.I))

    def key(self, cell: Any) -> float | None:
        return None if cell is None else float(cell[0])

    # -- schema and table -------------------------------------------------------------------------------------------

    def properties(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        number: dict[str, Any] = {"type": ["number", "null"], "default": None}
        unit = f", in {self.unit}" if self.unit else ""
        found = {
            f"{self.name}_from": {**number, "description": f"{self.said}: at least{unit}"},
            f"{self.name}_to": {**number, "description": f"{self.said}: at most{unit}"},
        }
        if self.span == "choice":
            found[self.name] = {**number, "description": f"{self.said}: must be possible for{unit}"}
        return found

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        low, high, at = (arguments.get(f"{self.name}{end}") for end in ("_from", "_to", ""))
        found = []
        if low is not None and high is not None:
            found.append(self.condition("between", *sorted((low, high))))
        elif low is not None:
            found.append(self.condition("at least", low))
        elif high is not None:
            found.append(self.condition("at most", high))
        if at is not None and self.span == "choice":
            found.append(self.condition("is", at))
        return tuple(found)

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        if condition.operator == "is" and self.span == "choice":
            return {self.name: condition.values[0]}
        ends = {"at least": ("_from",), "at most": ("_to",)}.get(condition.operator, ("_from", "_to"))
        return {f"{self.name}{end}": condition.values[0 if end == "_from" else -1] for end in ends}

    @classmethod
    def found(cls, name: str, column: pd.Series) -> tuple[float, Self] | None:
        """A column whose known cells are all quantities of one unit."""
        known = column[~column.map(is_blank)]
        if not len(known):
            return None
        read = [amount(cell, "") for cell in known]
        share = sum(r is not None for r in read) / len(read)
        if share < 0.9:
            return None
        dimension = dimension_of(name)
        units = {r[2] for r in read if r is not None and r[2]}
        in_name = next((u[0] for part in name_parts(name) if (u := unit_of(part)) and len(part) > 1), "")
        usual = DIMENSIONS[dimension].unit if dimension and DIMENSIONS[dimension].unit not in MONEY else ""
        unit = next(iter(units)) if len(units) == 1 else in_name or usual
        spans = any(r is not None and r[0] != r[1] for r in read)
        words = DIMENSIONS.get(dimension, _NO_WORDS)
        made = cls(
            name=name,
            label=words.label,
            unit=unit,
            dimension=dimension,
            span=words.span if spans or dimension in ("players", "age") else "",
            whole=all(r is None or r[0] % 1 == 0 for r in read),
            better=words.better,
        )
        return (0.9 if dimension or units else 0.75) * share, made


def amount(cell: str, unit: str) -> tuple[float, float, str] | None:
    """(low, high, base unit) that a cell writes, in `unit` where that is given: "2-4", "8+", "1h 30", "€39.90"."""
    match = _CELL.match(cell)
    if match is None:
        return None
    written = match["sign"] or match["unit"] or match["unit2"] or ""
    known = unit_of(written) if written else None
    if written and known is None:
        return None
    base, factor = known or (unit, 1.0)
    if unit and base != unit and unit in UNITS.get(base, {}):
        factor /= UNITS[base][unit]
    low = _figure(match["n"]) * factor
    if match["minutes"]:
        if base != "minutes" or factor != 60:
            return None
        low += int(match["minutes"])
    high = _figure(match["m"]) * factor if match["m"] else float("inf") if match["up"] else low
    return (low, high, base) if low <= high else None


def _figure(said: str) -> float:
    """ "1,234" and "1.234,50" and "39.90" and "39,90"."""
    last = max(said.rfind("."), said.rfind(","))
    if last < 0:
        return float(said)
    head, tail = re.sub(r"[.,]", "", said[:last]), said[last + 1 :]
    grouped = len(tail) == 3 and (said.count(".") + said.count(",") > 1 or said[last] == ",")
    return float(head + tail) if grouped else float(f"{head}.{tail}")


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


_NO_WORDS = Dimension((), "", "")
_HOW = re.compile(r"\bhow\s+$", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|too|nothing|no|isn['’]?t|less)\s+(?:\w+\s+)?$", re.IGNORECASE)
_MOST = "lowest|least|smallest|highest|most|largest"
_YEARLIKE = re.compile(r"(?:19|20)\d\d$")
_COUNTS = re.compile(
    r"\s*(?:years?|of\s+(?:them|these|those)|films?|movies?|books?|games?|items?|picks?)\b", re.IGNORECASE
)
