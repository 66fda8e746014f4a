"""A year or date: what people say of it (decades, bounds, ranges, "older" and "newer" than what is on the table)."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from app.errors import DataError, UnknownName
from recommenders.data.attributes.attribute import Attribute, Column, Hit, Ordered, wrong_cell, yes_or_no
from recommenders.data.attributes.conditions import Condition, Operator
from recommenders.data.attributes.reading import MOST, Sample, name_parts

_DECADES = {
    "twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70, "eighties": 80,
    "nineties": 90,
}  # fmt: skip
_WORD = "|".join(_DECADES)
_DECADE = re.compile(
    rf"\b(?:(?P<part>early|mid|late)[\s-]+)?(?:the\s+)?"
    rf"(?:(?:'|’)?(?P<digits>(?:1[89]|20)?\d0)(?:'|’)?s\b|(?P<word>{_WORD})\b)",
    re.IGNORECASE,
)
_YEAR = r"(?P<{0}>(?:1[89]|20)\d\d)(?!\d|s\b|'s\b|’s\b)"
_TAIL = (
    r"(?P<tail>\s*(?:\+|(?:on(?:wards?)?|or (?:later|newer|after)|and (?:later|newer|after|up)|"
    r"or (?:earlier|older|before)|and (?:earlier|older|before))\b))"
)
_BETWEEN = re.compile(
    rf"\b(?:between|from)?\s*{_YEAR.format('a')}\s*(?:-|–|—|to|and|until|till|through)\s*{_YEAR.format('b')}",
    re.IGNORECASE,
)
_BOUND = re.compile(
    r"\b(?P<how>(?:no(?:t|thing)?|never)\s+(?:older|earlier|before)(?:\s+than)?|"
    r"(?:no(?:t|thing)?|never)\s+(?:newer|later|after)(?:\s+than)?|"
    r"(?:made |released |shot |older |earlier |come out |came out )?(?:before|prior to)|older than|earlier than|pre-?|"
    r"(?:made |released |newer |later |come out |came out )?after|newer than|later than|more recent than|post-?|"
    r"since|from|until|till|up to|by|in|of)\s*(?:the\s+)?(?:year\s+)?" + _YEAR.format("year") + rf"{_TAIL}?",
    re.IGNORECASE,
)
_LAST = re.compile(
    r"\b(?:in|from|of|within|over)?\s*(?:the\s+)?(?:last|past)\s+(?P<n>\d{1,2}|few|couple(?:\s+of)?|five|ten|twenty)\s+years\b",
    re.IGNORECASE,
)
_PLAIN = re.compile(rf"(?<![\d(]){_YEAR.format('year')}{_TAIL}?", re.IGNORECASE)
_OLDER = re.compile(
    r"(?<!olds and )(?<!olds or )(?<!old and )(?<!old or )"
    r"\b(?:older|earlier|more\s+(?:classic|old[\s-]?(?:fashioned|school)?)|less\s+(?:recent|modern))\b"
    r"(?!\s+(?:than|brother|sister|son|daughter|kids|audience|people|man|woman))",
    re.IGNORECASE,
)
_NEWER = re.compile(r"\b(?:newer|later|more\s+(?:recent|modern|current)|less\s+old)\b(?!\s+than)", re.IGNORECASE)
# "old" and "new" count before a noun or behind "something", not in "I feel old" or "that is a classic"
_NOUN = (
    r"(?=\s+(?!to\b|year|york|orleans|zealand|at\b|and\b|but\b|one\b|ones\b|man|men\b|woman|friend|kid|son|daughter|enough|"
    r"batch|pick|idea|suggestion|recommendation|topic|request|search|list|round|set\b|question)\w)"
)
_SOME = r"\b(?:something|anything|some|any|more|it|them|ones?|prefer|like|want|only)\s+(?:\w+\s+)?"
_OLD = re.compile(
    rf"(?<!year )(?<!years )(?<!-)\b(?:old|classic){_NOUN}|\b(?:oldies|classics|old[\s-](?:school|time))\b|"
    rf"{_SOME}(?:old|classic)\b|^\W*(?:old|classic)\W*$",
    re.IGNORECASE,
)
_NEW = re.compile(
    rf"\b(?<!happy )(?:new|recent|current|modern){_NOUN}|\bnew\s+releases?\b|"
    r"\b(?:latest|newest)\s+(?:film|movie|release)s?\b|"
    rf"{_SOME}(?:new|recent|current|modern)\b(?!\s+(?:to|york|orleans|zealand|year))|^\W*(?:new|recent|modern)\W*$",
    re.IGNORECASE,
)
_LATELY = re.compile(
    r"(?<!saw it )(?<!seen it )(?<!watched it )\b(?:not|nothing|none|isn['’]?t)\s+"
    r"(?:(?:too|so|that|very|from|made)\s+)*long\s+ago\b",
    re.IGNORECASE,
)
_LESS = re.compile(
    r"\b(?:no|not|nothing|none|never|without|isn'?t|don'?t|except|avoid)\b[^.;,!?]{0,24}$", re.IGNORECASE
)
_WINDOW = 40  # characters before a year that may deny it
_UNDER = re.compile(r"\b(?:under|over)[\s-]$", re.IGNORECASE)
_AGE = re.compile(r"years?[\s-]old", re.IGNORECASE)


@dataclass(frozen=True)
class Years:
    """Inclusive bounds, None where open; `spans` are the characters of the message that were read.

    said       for people: "from the 1990s", "before 1980"
    refused    the bounds are what is not wanted: "not from the seventies"
    relative   "older" / "newer" was said, relative to the table
    """

    year_from: int | None = None
    year_to: int | None = None
    spans: tuple[tuple[int, int], ...] = ()
    said: str = ""
    refused: bool = False
    relative: bool = False


def phrase(year_from: int | None, year_to: int | None) -> str:
    """Bounds in words: "from the 1990s", "before 1980", "from 1990 on", "from 1985 to 1988", "from 1985"."""
    if year_from is None and year_to is None:
        return ""
    if year_from is None:
        return f"before {year_to + 1}" if year_to is not None else ""
    if year_to is None:
        return f"from {year_from} on"
    if year_from == year_to:
        return f"from {year_from}"
    if year_from % 10 == 0 and year_to == year_from + 9:
        return f"from the {year_from}s"
    return f"from {year_from} to {year_to}"


def read_years(
    text: str, taken: tuple[tuple[int, int], ...], shown: np.ndarray, known: np.ndarray, k: int = 5
) -> Years:
    """Read the years of a text.

    taken  spans that belong to titles ("2001: A Space Odyssey")
    shown  years of the items on the table, for "older"; may be empty
    known  years of the catalogue (0 unknown), for "old" and "new": its oldest and newest fifth
    """

    def free(match: re.Match[str]) -> bool:
        return not any(s < match.end() and match.start() < e for s, e in taken)

    known = known[known > 0]
    for match in filter(free, _BETWEEN.finditer(text)):
        low, high = sorted((int(match["a"]), int(match["b"])))
        if _LESS.search(text[max(0, match.start() - _WINDOW) : match.start()]):
            return _refused(low, high, (match.span(),))
        return Years(low, high, (match.span(),), phrase(low, high))
    decades = [m for m in _DECADE.finditer(text) if free(m) and not _is_age(text, m)]
    if decades:
        return _decades(text, decades, known)
    for match in filter(free, _LAST.finditer(text)):
        few = {"few": 5, "five": 5, "ten": 10, "twenty": 20}
        n = few.get(match["n"].lower()) or (int(match["n"]) if match["n"].isdigit() else 2)
        start = (int(known.max()) if len(known) else 0) - n + 1
        said = f"from {start} on (the last {n} years of this catalogue)"
        return Years(start, None, (match.span(),), said) if len(known) else Years(spans=(match.span(),))
    for match in filter(free, _BOUND.finditer(text)):
        a, b = _bound(match["how"].lower(), int(match["year"]), (match["tail"] or "").lower())
        if not match["how"].lower().startswith(("no", "never")) and _LESS.search(
            text[max(0, match.start() - _WINDOW) : match.start()]
        ):
            if a is not None and b is not None:
                return _refused(a, b, (match.span(),))
            a, b = (None, a - 1) if a is not None else (None if b is None else b + 1, None)
        return Years(a, b, (match.span(),), phrase(a, b))
    for match in filter(free, _PLAIN.finditer(text)):
        a, b = _bound("", int(match["year"]), (match["tail"] or "").lower())
        return Years(a, b, (match.span(),), phrase(a, b))
    return _relative(text, free, shown[shown > 0], known, k)


def _is_age(text: str, decade: re.Match[str]) -> bool:
    """ "20 year olds", "for under 10s"."""
    return bool(_AGE.match(text, decade.end() + 1) or _UNDER.search(text[max(0, decade.start() - 8) : decade.start()]))


def _bound(how: str, year: int, tail: str) -> tuple[int | None, int | None]:
    negated = bool(re.match(r"no|never", how))
    before = any(w in how for w in ("before", "older", "earlier", "prior", "pre"))
    after = any(w in how for w in ("after", "newer", "later", "recent", "post"))
    if negated:
        return (year, None) if before else (None, year)
    if before:
        return None, year - 1
    if after:
        return year + 1, None
    if how in ("until", "till", "up to", "by") or re.search(r"earlier|older|before", tail):
        return None, year
    if how == "since" or tail:
        return year, None
    return year, year


def _decades(text: str, matches: list[re.Match[str]], known: np.ndarray) -> Years:
    bounds, spans = [], []
    for match in matches:
        if match["word"]:
            start = 1900 + _DECADES[match["word"].lower()]
        else:
            digits = int(match["digits"])
            start = digits if digits > 100 else 1900 + digits
            if digits == 0 or (digits <= 20 and len(known) and known.max() >= 2000 + digits):
                start = 2000 + digits  # "the 10s" of a catalogue that has them; nobody says "00s" of 1900
        first, last = {"early": (0, 3), "mid": (3, 6), "late": (6, 9)}.get((match["part"] or "").lower(), (0, 9))
        bounds.append((start + first, start + last))
        spans.append(match.span())
    low, high = min(a for a, _ in bounds), max(b for _, b in bounds)
    low_: int | None
    high_: int | None
    head = text[: spans[0][0]].lower().rstrip()
    if re.search(r"(?:before|prior to|older than|earlier than|pre-?)(?:\s+the)?$", head):
        low_, high_ = None, low - 1
    elif re.search(r"(?:after|newer than|later than|more recent than|post-?)(?:\s+the)?$", head):
        low_, high_ = high + 1, None
    elif re.search(r"since(?:\s+the)?$", head):
        low_, high_ = low, None
    else:
        low_, high_ = low, high
    if _LESS.search(head):
        if low_ is not None and high_ is not None:
            return _refused(low_, high_, tuple(spans))
        low_, high_ = (None, low_ - 1) if low_ is not None else (None if high_ is None else high_ + 1, None)
    return Years(low_, high_, tuple(spans), phrase(low_, high_))


def _relative(text: str, free: Callable[[re.Match[str]], bool], shown: np.ndarray, known: np.ndarray, k: int) -> Years:
    if not len(known):
        return Years()
    for pattern, newer in ((_OLDER, False), (_NEWER, True)):
        for match in filter(free, pattern.finditer(text)):
            if len(shown):
                edge = int(shown.max()) + 1 if newer else int(shown.min()) - 1
                enough = (known >= edge).sum() if newer else (known <= edge).sum()
                if enough < 4 * k:  # next to nothing lies beyond the extreme one: take the middle one
                    edge = int(np.median(shown)) + 1 if newer else int(np.median(shown)) - 1
                a, b = (edge, None) if newer else (None, edge)
                return Years(a, b, (match.span(),), phrase(a, b), relative=True)
            return _fifth(match, newer, known)
    for match in filter(free, _LATELY.finditer(text)):
        return _fifth(match, True, known)
    for pattern, newer in ((_NEW, True), (_OLD, False)):
        for match in filter(free, pattern.finditer(text)):
            if _LESS.search(text[max(0, match.start() - _WINDOW) : match.start()]):
                newer = not newer
            return _fifth(match, newer, known)
    return Years()


def _fifth(match: re.Match[str], newer: bool, known: np.ndarray) -> Years:
    edge = int(np.quantile(known, 0.8 if newer else 0.2))
    a, b = (edge, None) if newer else (None, edge)
    words = "newest" if newer else "oldest"
    return Years(a, b, (match.span(),), f"{phrase(a, b)} (the {words} fifth of this catalogue)")


def _refused(low: int, high: int, spans: tuple[tuple[int, int], ...]) -> Years:
    return Years(low, high, spans, f"not {phrase(low, high)}", refused=True)


# -- the attribute ----------------------------------------------------------------------------------------------------


class Calendar(Column):
    def __init__(self, cells: Sequence[float | None]) -> None:
        self.years = np.array([0 if c is None else int(c) for c in cells], np.int64)  # (I,) 0 unknown

    def known(self) -> np.ndarray:
        return self.years != 0

    def mask(self, condition: Condition) -> np.ndarray:
        first, last = int(condition.values[0]), int(condition.values[-1])
        found = self.known()
        if condition.operator != "at most":
            found &= self.years >= first
        if condition.operator != "at least":
            found &= self.years <= last
        return found


class Year(Attribute):
    """Years as whole numbers; of dates, the day of the year as a fraction, which only orders."""

    kind: ClassVar[str] = "year"
    operators: ClassVar[tuple[Operator, ...]] = ("at most", "at least", "between", "is")

    @property
    def expected(self) -> str:
        return "a year or a date"

    def parse(self, value: Any) -> float | None:
        if isinstance(value, int | float | np.number):
            return float(value) or None
        year = day_of(str(value))
        if year is None:
            raise wrong_cell(self, value)
        return year

    def writable(self, values: Sequence[str]) -> dict[str, Any]:
        return {"type": "integer"}

    def cell_written(self, value: Any, said: str, values: Sequence[str]) -> str:
        """The year alone, as it stands in the words."""
        year = str(value).strip().removesuffix(".0")
        if not re.fullmatch(r"\d{3,4}", year):
            raise DataError("it is not a year")
        if not re.search(rf"(?<!\d){year}(?!\d)", said):
            raise DataError("the year is not in the words quoted")
        return year

    def check(self, condition: Condition) -> None:
        super().check(condition)
        for value in condition.values:
            if isinstance(value, bool | str) or not float(value).is_integer():
                raise UnknownName(f"{self.said} is a whole number, not {value!r}")

    def column(self, cells: Sequence[Any]) -> Column:
        return Calendar(cells)

    def unknown(self, cell: Any) -> bool:
        return not cell

    def holds(self, cell: Any, condition: Condition) -> bool:
        year = int(cell)
        above = condition.operator == "at most" or year >= int(condition.values[0])
        below = condition.operator == "at least" or year <= int(condition.values[-1])
        return above and below

    def bounds(self, condition: Condition) -> tuple[int | None, int | None]:
        first, last = int(condition.values[0]), int(condition.values[-1])
        return (
            None if condition.operator == "at most" else first,
            None if condition.operator == "at least" else last,
        )

    def tell(self, cell: Any) -> str:
        return str(int(cell))

    def bare(self, condition: Condition) -> str:
        return phrase(*self.bounds(condition))

    def describe(self, condition: Condition) -> str:
        said = self.bare(condition)
        if condition.refused:
            return f"not {said}"
        return condition.said if condition.said.startswith(said) else said

    def phrase(self, condition: Condition) -> tuple[str, str]:
        return "", self.describe(condition)

    def objects(self, cell: Any, condition: Condition) -> str:
        low, high = self.bounds(condition)
        if condition.refused:
            return f"it is from {int(cell)}"
        if low is not None and int(cell) < low:
            return f"it is from {int(cell)}, before {low}"
        return f"it is from {int(cell)}, after {high}"

    def of(self, years: Years) -> tuple[Condition, ...]:
        """The condition that was read; none where there are no bounds."""
        low, high = years.year_from, years.year_to
        if low is None and high is None:
            return ()
        if low is None or high is None:
            return (self.condition("at least" if high is None else "at most", low or high or 0, said=years.said),)
        return (self.condition("between", low, high, refused=years.refused, said=years.said),)

    def hear(self, text: str, column: Column, shown: Sequence[Any], taken: Sequence[tuple[int, int]] = ()) -> list[Hit]:
        assert isinstance(column, Calendar)
        table = np.array([int(c) for c in shown if c], np.int64)
        read = read_years(text, tuple(taken), table, column.years)
        return [
            Hit(min(s for s, _ in read.spans), max(e for _, e in read.spans), c, read.relative) for c in self.of(read)
        ]

    @property
    def pattern(self) -> str:
        return self.sentence or "{it} is from {value}"

    def unknown_of(self, it: str) -> str:
        return super().unknown_of(it) if self.wanted else f"I don't know from when {it} is"

    def verdict(self, cell: Any, question: str, column: Column) -> str:
        """Of "is it new?": whether it is among the newest third; of "is it old?", the oldest."""
        known = column.years[column.known()] if isinstance(column, Calendar) else np.empty(0)
        asked = _AGE.search(question) if yes_or_no(question) and len(known) else None
        if asked is None:
            return ""
        low, high = np.quantile(known, (1 / 3, 2 / 3))
        return "Yes," if (cell <= low if asked["old"] else cell >= high) else "No,"

    def hear_comparison(self, text: str) -> Ordered | None:
        match = _COMPARED.search(text)
        return None if match is None else Ordered(self.name, bool(match["old"]), match.start(), match.end())

    def foremost(self, rising: bool) -> str:
        return "oldest" if rising else "newest"

    def further(self, less: bool) -> str:
        return "older" if less else "newer"

    def hear_order(self, text: str) -> Ordered | None:
        match = _ORDER.search(text)
        return None if match is None else Ordered(self.name, bool(match["old"]), match.start(), match.end())

    def asks(self, text: str) -> bool:
        return bool(_ASKS.search(text))

    def key(self, cell: Any) -> float | None:
        return float(cell) if cell else None

    def properties(self, values: Sequence[str]) -> dict[str, dict[str, Any]]:
        year: dict[str, Any] = {"type": ["integer", "null"], "default": None}
        return {
            f"{self.name}_from": {**year, "description": f"earliest {self.said}"},
            f"{self.name}_to": {**year, "description": f"latest {self.said}"},
        }

    def read(self, arguments: Mapping[str, Any]) -> tuple[Condition, ...]:
        low, high = arguments.get(f"{self.name}_from"), arguments.get(f"{self.name}_to")
        if low is not None and high is not None:
            low, high = sorted((low, high))
        return self.of(Years(low, high))

    def arguments(self, condition: Condition) -> Mapping[str, Any]:
        low, high = self.bounds(condition)
        ends = ((f"{self.name}_from", low), (f"{self.name}_to", high))
        return {name: year for name, year in ends if year is not None}

    @classmethod
    def found(cls, name: str, sample: Sample) -> tuple[float, Self] | None:
        """A column of years or dates; bare numbers are years where the column's name says so or they differ."""
        if sample.share(_is_date) >= MOST:
            return 0.95, cls(name=name)
        named = bool(_NAMES & set(name_parts(name)))
        if sample.share(_YEAR_CELL.fullmatch) < MOST or not (named or len(sample.counts) > 1):
            return None
        return 0.97 if named else 0.7, cls(name=name)


def day_of(cell: str) -> float | None:
    """The year that a cell names; of a date, with the day of the year as a fraction. None where there is none.

    "1999-12-04", "1999/12/04T10:00Z", "04.12.1999", "4-Dec-1999", "December 4, 1999"; of 04/12/1999 the month is the
    first unless it can't be one.
    """
    plain = cell.strip()
    for found in filter(None, (pattern.fullmatch(plain) for pattern in _DATES)):
        month = int(found["month"]) if found["month"].isdigit() else _MONTHS.get(found["month"][:3].lower(), 0)
        day = int(found["day"])
        if 1 <= month <= 12 and 1 <= day <= 31:
            return int(found["year"]) + (31 * (month - 1) + day - 1) / 372
    found_year = _DATED.search(plain)
    return None if found_year is None else float(found_year[0])


def _is_date(cell: str) -> bool:
    return any(pattern.fullmatch(cell) for pattern in _DATES)


_NAMES = frozenset(("year", "years", "published", "released", "release", "jahr", "annee", "vintage"))
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
_DATED = re.compile(r"(?<!\d)(?:1[0-9]|20)\d\d(?!\d)")
_YEAR_CELL = re.compile(r"(?:1[5-9]|20)\d\d(?:\.0)?")
_DATES = tuple(
    re.compile(rf"{day}(?:[T ].*)?")
    for day in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?P<day>\d{1,2})[-/. ]+(?P<month>\d{1,2}|[A-Za-z]{3,9})[-/. ]+(?P<year>\d{4})",
        r"(?P<month>[A-Za-z]{3,9}) +(?P<day>\d{1,2}),? +(?P<year>\d{4})",
    )
)
_ORDER = re.compile(r"\b(?:(?P<old>oldest|earliest)|newest|latest|most\s+recent)\b", re.IGNORECASE)
_COMPARED = re.compile(
    r"\b(?:(?P<old>older|earlier|came\s+(?:out\s+)?first)|newer|later|more\s+recent)\b", re.IGNORECASE
)
_AGE = re.compile(r"\b(?:(?P<old>old|vintage)|new|recent|modern)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"\b(?:is|was)\s+(?:it|that|this)\s+(?:\w+\s+)?(?:new|old|recent|modern)\b|\bwhen\b|\b(?:what|which)\s+year\b|\bhow\s+old\b|\bcome\s+out\b|\bcame\s+out\b",
    re.IGNORECASE,
)
