"""A quantity with a unit: price, running time, pages, players, age, stock."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import field_validator

from app.errors import DataError, UnknownName, did_you_mean
from recommenders.data.attributes.attribute import Attribute, Column, Hit, Ordered, free, wrong_cell, yes_or_no
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.dimensions import (
    DIMENSIONS,
    MONEY,
    UNITS,
    Dimension,
    Span,
    any_of,
    comparatives,
    denied,
    dimension_of,
    plains,
    superlative,
    superlatives,
    unit_of,
)
from recommenders.data.attributes.quantities import Quantity, quantities
from recommenders.data.attributes.reading import MOST, Sample, name_parts

Cell = tuple[float, float] | None
"""(low, high), equal where it is one number; None unknown."""

Mark = Literal["", ".", ","]
_FIGURE = r"\d+(?:[.,'’ \u00a0\u202f]\d+)*"
_WORD = r"(?!(?:to|bis|and|or|plus)\b)[^\W\d_]{1,12}\.?"
_CELL = re.compile(
    rf"(?P<lead>~|ca\.?|about|around|approx\.?)?\s*(?P<open>(?:up\s+to|bis|max\.?|from|ab|ages?)\s+|[<>]=?|≤|≥)?\s*"
    rf"(?P<sign>[€$£]|[A-Z]{{2}}\$|[A-Z]{{3}}(?![a-z]))?\s*(?P<n>[-+]?{_FIGURE})\s*(?P<unit>{_WORD}|[%€$£])?\s*"
    rf"(?:(?:-|–|—|to|bis)\s*(?P<sign2>[€$£])?\s*(?P<m>{_FIGURE})\s*(?P<unit2>{_WORD}|[%€$£])?|"
    rf"(?P<up>\+|plus|and\s+up|or\s+more|years?\s+and\s+up)|(?P<minutes>\d{{1,2}})\s*(?:m|min|mins|minutes)?)?",
    re.IGNORECASE,
)
_UPWARDS = ("from", "ab", "age", "ages", ">", ">=", "≥")
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
            if self._choice and condition.operator == "between":  # all of it must be possible
                return (self.low <= first) & (self.high >= last) & (first <= last)
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
    decimal    what stands before the cents in a cell; "" where every cell tells for itself
    """

    kind: ClassVar[str] = "number"
    operators: ClassVar[tuple[Operator, ...]] = ("at most", "at least", "between", "is")

    unit: str = ""
    dimension: str = ""
    span: Span = ""
    whole: bool = False
    decimal: Mark = ""

    @field_validator("dimension")
    @classmethod
    def _listed(cls, dimension: str) -> str:
        if dimension and dimension not in DIMENSIONS:
            raise ValueError(f"unknown dimension {dimension!r}{did_you_mean(dimension, DIMENSIONS)}")
        return dimension

    @property
    def words(self) -> Dimension:
        return DIMENSIONS.get(self.dimension, _NO_WORDS)

    # -- cells ------------------------------------------------------------------------------------------------------

    @property
    def expected(self) -> str:
        return f"a number{f' of {self.unit}' if self.unit else ''}"

    def joined(self, parts: Sequence[Sequence[Any]]) -> Sequence[Any]:
        """Of two columns, from and to, the range of each item."""
        return parts[0] if len(parts) == 1 else [_span(low, high) for low, high in zip(*parts, strict=True)]

    def parse(self, value: Any) -> Cell:
        if isinstance(value, int | float | np.number):
            read = (float(value), float(value), "") if np.isfinite(value) else None
        else:
            read = amount(str(value), self.unit, self.decimal)
        if read is None:
            raise wrong_cell(self, value)
        low, high, _ = read
        return (low, float("inf")) if self._from_there and low == high and not self.derived else (low, high)

    def writable(self, values: Sequence[str]) -> dict[str, Any]:
        if self.span and not self._from_there:
            return {"type": "string", "description": f"{self.expected}: one, or from-to"}
        return {"type": "integer" if self.whole else "number", "description": self.expected}

    def cell_written(self, value: Any, said: str, values: Sequence[str]) -> str:
        """A number, or both ends of a range, that the words have, in our unit or one of its kin ("two hours")."""
        try:
            cell = None if isinstance(value, bool) or value is None else self.parse(value)
        except DataError:
            cell = None
        if cell is None:
            raise DataError("it is not a number")
        low, high = cell
        ends = [low] if np.isinf(high) else [low, high]
        there = [n for q in quantities(said) if (f := self._factor_written(q, said)) for n in (q.low * f, q.high * f)]
        if not all(any(np.isclose(end, n, rtol=1e-3) for n in there) for end in ends):
            raise DataError("the number is not in the words quoted")
        first, last = (f"{end:.10g}".replace(".", self.decimal or ".") for end in (low, high))
        if np.isinf(high):
            return first if self._from_there else f"{first}+"
        return first if low == high else f"{first}-{last}"

    def _factor_written(self, q: Quantity, said: str) -> float | None:
        return self._factor(q, said) if q.unit and self.unit else 1.0

    def check(self, condition: Condition) -> None:
        super().check(condition)
        for value in condition.values:
            if isinstance(value, bool | str) or value != value:
                raise UnknownName(f"{self.said} is a number, not {value!r}")

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
        if condition.operator == "is" or (condition.operator == "between" and self.span == "choice" and first <= last):
            return all(low <= value <= high for value in (first, last))
        if condition.operator == "between" and self.span == "choice":
            return False
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
            said = self.said.removesuffix("s") if value == 1 else self.said
            return f"{value:,g} {said}" if value else f"{'no' if self.words.having else 'none'} {said}"
        plain = f"{value:,.2f}" if value % 1 and (self.unit in MONEY or self.dimension == "price") else f"{value:,g}"
        if not self.unit:
            return plain
        return f"{plain} {self.unit.removesuffix('s') if value == 1 and self.unit.endswith('s') else self.unit}"

    def tell(self, cell: Any) -> str:
        low, high = cell
        if low == high:
            return self.amount(low)
        if np.isinf(high):
            return f"ages {low:g} and up" if self.dimension == "age" else f"{self.amount(low)} and more"
        return self.range(low, high) if low else f"up to {self.amount(high)}"

    def range(self, low: float, high: float) -> str:
        """ "2 to 4 players", "45 to 60 minutes", "1 hour 30 minutes to 2 hours"."""
        if self.unit == "minutes":
            return f"{self.amount(low)} to {self.amount(high)}" if low >= 60 else f"{low:g} to {high:g} minutes"
        return f"{low:g} to {self.amount(high)}"

    @property
    def pattern(self) -> str:
        return self.sentence or self.words.sentence or super().pattern

    def value(self, cell: Any) -> str:
        """ "No nominations" rather than "0 nominations"."""
        return "no" if cell == (0, 0) and self.whole and not self.unit and not self.words.there else self.tell(cell)

    def unknown_of(self, it: str) -> str:
        if self.wanted or not self.words.wanted:
            return super().unknown_of(it)
        return f"I don't know {self.words.wanted.replace('{it}', it)}"

    def supposes(self, question: str, values: Sequence[str]) -> Condition | None:
        return self.condition("at least", 1, said=question) if self.words.there else None

    def verdict(self, cell: Any, question: str, column: Column) -> str:
        """Of "is it long?": whether it is in the longest third of all; of "for a ten-year-old?": from what age on it
        is."""
        if not yes_or_no(question):
            return ""
        if self._from_there:
            return self._for_age(cell[0], question)
        known = column.low[column.known()] if isinstance(column, Amounts) else np.empty(0)
        for pattern, little in plains(self.dimension) if len(known) else ():
            if pattern.search(question):
                return _in_thirds(cell[0], known, little=little)
        if self.better == "high" and self.asked and len(known) and _GOOD.search(question):
            return _in_thirds(cell[0], known, little=False).replace("In between", "So-so")
        return ""

    def _for_age(self, least: float, question: str) -> str:
        years = [q.low for q in quantities(question) if q.low < _GROWN]
        if years:
            return "Yes," if least <= min(years) else "No,"
        if not _YOUNG.search(question):
            return ""
        return "Yes," if least <= CHILD else "No," if least > _BIG_CHILD else "For bigger ones:"

    def bare(self, condition: Condition) -> str:
        values = [float(v) for v in condition.values]
        if self.words.there and condition.operator == "at least" and values[0] == 1:
            return self.said
        if condition.operator == "between":
            return self.range(*values)
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
            return "", f"{self.words.having} {said}".strip()
        if self.unit and self.unit not in ("years", "stars", "%") and self.dimension != "age":
            return "", f"for {said}" if condition.operator == "is" and self.words.plain == "is" else said
        if self.dimension == "age":
            return "", f"for {said if condition.operator != 'is' else f'{float(condition.values[0]):g}-year-olds'}"
        return "", f"with {self.said} {said}"

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
        return free(found or self._some(text) or self._relative(text, column, shown), taken)

    def _some(self, text: str) -> list[Hit]:
        """ "In stock": there is some of it; "sold out": there is none. "Solo": for one player."""
        for words, refused in ((self.words.gone, True), (self.words.there, False)):
            if match := any_of(words).search(text):
                none = refused is not denied(text, match.start())
                return [Hit(*match.span(), self.condition("at least", 1, refused=none, said=match.group()))]
        for word, value in self.words.exact:
            if match := any_of((word,)).search(text):
                no = denied(text, match.start())
                return [Hit(*match.span(), self.condition("is", _plain(value), refused=no, said=match.group()))]
        return []

    def _hit(self, text: str, q: Quantity) -> Hit | None:
        factor = self._factor(q, text)
        if factor is None:
            return None
        operator, values = self._meant(q, q.low * factor, q.high * factor)
        said = text[q.start : q.end].strip()
        no = operator in ("is", "between") and denied(text, q.start)
        figures = (_plain(round(v, 2)) for v in values)
        return Hit(q.start, q.end, self.condition(operator, *figures, refused=no, said=said))

    def _meant(self, q: Quantity, low: float, high: float) -> tuple[Operator, tuple[float, ...]]:
        """What a quantity in our unit asks for."""
        choice = self.span == "choice"
        if q.bound == "at most":
            return "at most", (high - self.step if q.strict else high,)
        if q.bound == "at least":
            low += self.step if q.strict else 0
            return ("is" if self._from_there else "at least"), (low,)  # "8 and up": for those of 8 as well
        if low != high:
            return "between", (low, high)
        if self.words.plain == "is" or choice or not self.dimension or q.bound == "is":
            return "is", (low,)
        if q.bound != "about" and self.words.plain in ("at most", "at least"):
            return self.words.plain, (low,)
        return "between", (low * (1 - _ABOUT), high * (1 + _ABOUT))

    def _factor(self, q: Quantity, text: str) -> float | None:
        """How many of our units one of the quantity's is; None where it speaks of something else."""
        if not q.unit:
            return 1.0 if self._is_bare(q, text) else None
        unit = unit_of(q.unit)
        if unit is None:
            return None
        base, factor = unit
        if base == self.unit:
            return factor
        mine = unit_of(self.unit) if self.unit else None
        if mine is not None:
            return factor / mine[1] if mine[0] == base else None
        return 1.0 if not self.unit and self.dimension == "price" and base in MONEY else None

    def _is_bare(self, q: Quantity, text: str) -> bool:
        """Whether a number without a unit is one of ours: its name stands beside it, or a cue does ("for 2"), or it is
        a bound that can only be a price ("under 40")."""
        if _named_before(self.called).search(q.before) or _named_behind(self.called).match(text, q.end):
            return True
        alone = bool(_ALONE.match(text, q.end)) and not _YEARLIKE.match(f"{q.low:g}")
        cued = bool(_cue(self.words.cues).search(q.before)) and not _SOUGHT.search(q.before)
        if alone and cued and (q.bound != "at most" or self.words.plain != "is"):
            return True
        ranged = q.bound == "at most" or text[q.start : q.end].lower().startswith(("between", "from"))
        return alone and self.dimension == "price" and ranged and not _OF_WHOM.search(q.before)

    @property
    def called(self) -> tuple[str, ...]:
        """All words that name it beside a number."""
        mine = UNITS.get(self.unit, {}) if self.unit not in MONEY else {}
        units = (w for w in mine if mine[w] == 1 and len(w) > 2)
        return (*self.names, *self.words.columns, *units, *self.words.there)

    def _relative(self, text: str, column: Column, shown: Sequence[Any]) -> list[Hit]:
        """ "Cheaper" against what is on the table; "cheap", and "cheaper" of nothing: the lowest third."""
        assert isinstance(column, Amounts)
        known = column.low[~np.isnan(column.low)]
        if not len(known):
            return []
        for pattern, little in comparatives(self.dimension):
            match = pattern.search(text)
            if match and not _IDIOM.search(text[max(0, match.start() - 8) : match.start()]):
                return [self._against(match, little, known, shown)]
        for pattern, little in plains(self.dimension):
            match = pattern.search(text)
            if (
                match
                and not _IDIOM.search(text[max(0, match.start() - 8) : match.start()])
                and not _PHRASE.match(text, match.end())
            ):
                return [self._third(match, little, known, denied(text, match.start()))]
        return []

    def _against(self, match: re.Match[str], less: bool, known: np.ndarray, shown: Sequence[Any]) -> Hit:
        """Less or more than all that is on the table; where next to nothing is, than the middle of it."""
        no = denied(match.string, match.start())
        values = [c[0] for c in shown if c is not None]
        if not values:
            return self._third(match, less, known, no)
        if no:  # "nothing longer": as long as the longest at most
            operator: Operator = "at least" if less else "at most"
            edge = min(values) if less else max(values)
            return Hit(*match.span(), self.condition(operator, _plain(edge), said=match.group()), relative=True)
        edge = min(values) - self.step if less else max(values) + self.step
        beyond = int((known <= edge).sum() if less else (known >= edge).sum())
        if beyond < min(_FEW, len(known) // 10 + 1):
            middle = float(np.median(values))
            edge = middle - self.step if less else middle + self.step
        condition = self.condition("at most" if less else "at least", _plain(round(edge, 2)), said=match.group())
        return Hit(*match.span(), condition, relative=True)

    def _third(self, match: re.Match[str], low: bool, known: np.ndarray, no: bool) -> Hit:
        """ "Cheap": within the lowest third; "not cheap": above it."""
        edge = _plain(round(float(np.quantile(known, 1 / 3 if low else 2 / 3)), 2))
        operator: Operator = "at most" if low is not no else "at least"
        return Hit(*match.span(), self.condition(operator, edge, said=match.group()))

    def further(self, less: bool) -> str:
        side = self.words.low if less else self.words.high
        return side[0][1] if side else ""

    def foremost(self, rising: bool) -> str:
        return superlative(self.dimension, little=rising) or super().foremost(rising)

    def hear_order(self, text: str) -> Ordered | None:
        for pattern, little in superlatives(self.dimension):
            if match := pattern.search(text):
                return Ordered(self.name, little, *match.span())
        if match := any_of(tuple(f"{way} {name}" for way in (*_LEAST, *_MOST) for name in self.names)).search(text):
            return Ordered(self.name, match.group().lower().split()[0] in _LEAST, *match.span())
        if match := any_of(tuple(f"{how} by {name}" for how in _SORTED for name in self.names)).search(text):
            return Ordered(self.name, self.better != "high", *match.span())
        return None

    def hear_comparison(self, text: str) -> Ordered | None:
        for pattern, little in comparatives(self.dimension):
            if (match := pattern.search(text)) and match.group().lower() != "better":
                return Ordered(self.name, little, *match.span())
        for words, little in (("more", False), ("higher", False), ("fewer", True), ("less", True), ("lower", True)):
            if match := any_of(tuple(f"{words} {name}" for name in self.names)).search(text):
                return Ordered(self.name, little, *match.span())
        return None

    def asked_at(self, text: str) -> Iterator[tuple[int, int]]:
        yield from super().asked_at(text)
        yield from (match.span() for match in _asked(self.words.asked).finditer(text))

    def asks(self, text: str) -> bool:
        if super().asks(text):
            return True
        if "?" in text and yes_or_no(text) and any(p.search(text) for p, _ in plains(self.dimension)):
            return True
        called = self.names if self.unit == "years" else self.called  # "what year is it from?" asks for no age
        return "?" in text and bool(any_of(called).search(text)) and bool(_ASKS.search(text))

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
    def found(cls, name: str, sample: Sample) -> tuple[float, Self] | None:
        """A column whose cells are quantities of one unit."""
        mark = decimal_mark(sample)
        raw = {cell: amount(cell, "", mark) for cell in sample.counts}
        unit = _unit(sample, raw)
        if unit is None:
            return None
        dimension = dimension_of(name)
        words = DIMENSIONS.get(dimension, _NO_WORDS)
        if not mark and (dimension == "price" or unit in MONEY) and any("." in cell for cell in sample.counts):
            mark = ","  # no price has three digits behind its mark
        in_name = next((u[0] for part in name_parts(name) if (u := unit_of(part)) and len(part) > 1), "")
        usual = words.unit if words.unit not in (*MONEY, "stars") else ""
        read = [r for cell in sample.counts if (r := amount(cell, unit, mark)) is not None]
        share = sample.share(lambda cell: amount(cell, unit, mark) is not None)
        if share < MOST:
            return None
        if dimension == "rating" and max(r[1] for r in read) <= 5:
            usual = "stars"
        spans = any(r[0] != r[1] for r in read)
        made = cls(
            name=name,
            label=words.label,
            unit=unit or in_name or usual,
            dimension=dimension,
            span=words.span if spans or dimension in ("players", "age") else "",
            whole=all(r[0] % 1 == 0 for r in read),
            decimal=mark,
            better=words.better,
        )
        return (0.9 if dimension or unit else 0.75) * share, made


def _unit(sample: Sample, read: Mapping[str, tuple[float, float, str] | None]) -> str | None:
    """The unit that cells write, "" for none; None where too few are quantities at all. Cells without one go along."""
    counts: Counter[str] = Counter()
    for cell, quantity in read.items():
        if quantity is not None:
            counts[quantity[2]] += sample.counts[cell]
    written = [(unit, n) for unit, n in counts.most_common() if unit]
    if written and written[0][1] + counts[""] >= MOST * sample.size:
        return written[0][0]
    return "" if counts[""] >= MOST * sample.size else None


def decimal_mark(sample: Sample) -> Mark:
    """What stands before the cents: told by cells that leave no doubt ("39,90", "1.234,50", "0.5"); else ""."""
    votes: Counter[Mark] = Counter()
    for cell, n in sample.counts.items():
        for figure in re.findall(r"\d[\d.,]*\d", cell):
            marks = [c for c in figure if c in ".,"]
            if not marks:
                continue
            tail = len(figure) - 1 - max(figure.rfind("."), figure.rfind(","))
            if len(set(marks)) == 2 or (len(marks) == 1 and (tail != 3 or figure[0] == "0")):
                votes[marks[-1]] += n
            elif len(marks) > 1:  # "1.234.567"
                votes["," if marks[0] == "." else "."] += n
    return votes.most_common(1)[0][0] if votes else ""


def amount(cell: str, unit: str, mark: Mark = "") -> tuple[float, float, str] | None:
    """(low, high, base unit) that a cell writes, in `unit` where that is given: "2-4", "8+", "1h 30", "€39.90",
    "1.234,50 EUR" (mark ","). None where it is no quantity, or one of another unit."""
    match = _CELL.fullmatch(cell.strip())
    if match is None:
        return None
    written = match["sign"] or match["unit"] or match["sign2"] or match["unit2"] or ""
    base, factor = (unit_of(written) or (_own(written, match["sign"]), 1.0)) if written else (unit, 1.0)
    if unit and base != unit:
        mine = unit_of(unit)
        if mine is None or mine[0] != base:
            return None
        factor /= mine[1]
    low, high = _figure(match["n"], mark), _figure(match["m"] or match["n"], mark)
    if low is None or high is None:
        return None
    low, high = low * factor, high * factor
    if match["minutes"]:
        if base != "minutes" or written.lower()[:1] != "h":
            return None
        low = high = low + int(match["minutes"]) * (factor / 60)
    opened = (match["open"] or "").strip().lower()
    if match["up"] or opened in _UPWARDS:
        high = high if match["m"] else float("inf")
    elif opened:
        low = 0.0
    return (low, high, base) if low <= high and low < _HUGE else None


def _own(written: str, before: str | None) -> str:
    """A unit that no table here knows, as a column may write it in every cell: "CHF", "Gold"."""
    return written.upper() if before else written.lower()


def _figure(said: str, mark: Mark = "") -> float | None:
    """ "1,234" and "1.234,50" and "39.90" and "39,90"; mark: what stands before the cents. None: no figure."""
    plain = re.sub(r"(?<=\d)['’ \u00a0\u202f](?=\d{3}(?!\d))", "", said)
    if re.search(r"['’\s]", plain):
        return None
    last = max(plain.rfind("."), plain.rfind(","))
    if last < 0:
        return float(plain)
    if mark:
        other = "," if mark == "." else "."
        head, _, tail = plain.partition(mark)
        if mark in tail or other in tail or not (other not in head or _GROUPED.fullmatch(head)):
            return None
        return float(f"{head.replace(other, '')}.{tail or 0}")
    head, tail = re.sub(r"[.,]", "", plain[:last]), plain[last + 1 :]
    grouped = len(tail) == 3 and (plain.count(".") + plain.count(",") > 1 or plain[last] == ",")
    return float(head + tail) if grouped else float(f"{head}.{tail}")


def _span(low: Cell, high: Cell) -> Cell:
    if low is None or high is None:
        return low or high
    return (min(low[0], high[0]), max(low[1], high[1]))


def _plain(value: float) -> int | float:
    return int(value) if float(value).is_integer() else value


def _in_thirds(value: float, known: np.ndarray, *, little: bool) -> str:
    """Where a value is among all: in the third that was asked for, in the opposite one, or between."""
    low, high = np.quantile(known, (1 / 3, 2 / 3))
    if (value <= low) if little else (value >= high):
        return "Yes,"
    return "No," if (value >= high if little else value <= low) else "In between:"


@cache
def _asked(phrases: tuple[str, ...]) -> re.Pattern[str]:
    """What a question has that asks for it; nothing where there are no phrases."""
    words = "|".join(p.replace(" ", r"\s+") for p in phrases)
    return re.compile(rf"\b(?:{words})\b" if words else r"(?!)", re.IGNORECASE)


@cache
def _named_before(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(
        rf"{any_of(names).pattern}\s*(?:range|limit)?\s*(?:(?:of|is|are|be|at|must\s+be|should\s+be|has\s+to\s+be|:|=)\s*)?$",
        re.I,
    )


@cache
def _cue(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"{any_of(words).pattern}\s*$", re.I)


@cache
def _named_behind(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"[\s-]*(?:or\s+more\s+)?{any_of(names).pattern}", re.I)


_GROUPED = re.compile(r"[-+]?\d{1,3}(?:[.,]\d{3})*")
CHILD = 8
"""How old "kids" are, where nobody says it."""
_BIG_CHILD, _GROWN = 12, 30  # years
_YOUNG = re.compile(r"\b(?:kids?|child\w*|famil\w+|little\s+ones?|daughters?|sons?|nephews?|nieces?)\b", re.IGNORECASE)
_GOOD = re.compile(r"\b(?:good|great|worth|any\s+good|well\s+liked|popular|well[\s-]known|famous)\b", re.IGNORECASE)
_NO_WORDS = Dimension((), "", "")
_HUGE = 1e15
_IDIOM = re.compile(
    r"\b(?:how|so|as|no|any|for|before|all|take|takes|oh|most|least|more)\s+$", re.IGNORECASE
)  # "so long", "no longer"
_PHRASE = re.compile(r"\s+(?:times?|ago|as|question|since|way|terms?|day|week|while|for|on|to)\b|-\w", re.IGNORECASE)
_LEAST = ("lowest", "least", "smallest", "fewest")
_MOST = ("highest", "most", "largest")
_SORTED = ("sort", "sorted", "sort them", "order", "ordered", "order them", "rank", "ranked", "rank them", "sort these")
_ASKS = re.compile(r"\b(?:what|which|how)\b", re.IGNORECASE)
_YEARLIKE = re.compile(r"(?:19|20)\d\d$")
_SOUGHT = re.compile(
    r"\b(?:look|looking|search|searching|ask|asking|wait|waiting|thanks|thank\s+you)\s+for\s*$", re.IGNORECASE
)
_OF_WHOM = re.compile(r"\b(?:kids?|child(?:ren)?|boys?|girls?|people|players?|ages?|aged|rated)\s*$", re.IGNORECASE)
_ALONE = re.compile(
    r"\s*(?:$|[.,;:!?)]|(?:and|or|but|with|under|below|over|at|in|on|that|which|who|please|not|no|nothing|about|around|max|"
    r"up|less|more|from|if|tonight|today|tomorrow|thanks|total|each|apiece|altogether)\b)",
    re.IGNORECASE,
)
"""What may follow a number that stands for itself; a noun may not: "for two good reasons"."""
