"""Quantities in running text: "under 40 euros", "at most an hour and a half", "for 2 to 4 players", "€20+"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from app import words
from recommenders.data.attributes.dimensions import UNITS

_ONES = "|".join(w for w, n in words.CARDINALS.items() if 0 < n < 10)
_TENS = "|".join(w for w, n in words.AMOUNTS.items() if 20 <= n < 100)
_BELOW = (
    rf"(?:(?:{_TENS})(?:[\s-](?:{_ONES}))?|"
    rf"{'|'.join(sorted((w for w in words.CARDINALS if w != 'zero'), key=len, reverse=True))}|fifteen)"
)
_SPELT = (
    rf"(?:(?:(?:an?|{_ONES})[\s-])?hundred(?:(?:\s+and)?\s+{_BELOW})?|{_BELOW}|"
    rf"{'|'.join(sorted((w for w, n in words.AMOUNTS.items() if n < 20 and ' ' in w), key=len, reverse=True))})"
)
_N = (
    r"(?:\d{1,3}(?:[.,]\d{3})+(?!\d)|\d+(?:[.,]\d+)?|half\s+an?(?!\w)|"
    rf"an?(?=\s+(?:hour|minute|day|euro|dollar|pound)s?\b)|{_SPELT}(?![^\W_]))"
)
_WORDS = sorted({w for words in UNITS.values() for w in words}, key=len, reverse=True)
_UNIT = "|".join(r"[\s-]+".join(map(re.escape, w.split())) + (r"(?![a-z])" if w[-1].isalpha() else "") for w in _WORDS)
_TAIL = (
    r"\s*(?:(?P<less>(?:or|and)\s+(?:less|under|fewer|below|lower|cheaper|shorter|younger)|max(?:imum)?\b(?!\s*\d)|tops\b|"
    r"at\s+(?:the\s+)?most\b(?!\s*\d))|(?P<more>\+|plus\b|(?:or|and)\s+(?:more|over|up(?:wards)?|above|longer|older|"
    r"higher|better)|upwards\b|min(?:imum)?\b(?!\s*\d)|at\s+least\b(?!\s*\d)))"
)
_QUANTITY = re.compile(
    rf"(?:(?P<sign>[€$£])\s*)?(?<![\w.,])(?P<n>{_N})(?P<half>\s+and\s+a\s+half)?(?:[\s-]*(?P<unit>{_UNIT}))?"
    rf"(?:(?P<joint>\s*(?:-|–|to|and|or)\s*)(?P<m>{_N})(?:[\s-]*(?P<unit2>{_UNIT}))?)?(?P<half2>\s+and\s+a\s+half)?"
    rf"(?:(?:(?<=\dh)|(?<=\d\sh)|(?<=hour)|(?<=hours)|(?<=hrs)|(?<=hr))\s*(?P<rest>\d{{1,2}})(?:\s*min(?:ute)?s?\b|m\b)?)?(?:{_TAIL})?",
    re.IGNORECASE,
)
_MORE = (
    r"more|over|above|beyond|longer|older|bigger|higher|thicker|heavier|pricier|more\s+expensive|dearer|greater|better"
)
_FEWER = r"less|fewer|under|below|cheaper|shorter|younger|lighter|thinner|quicker|easier|lower|smaller|worse"
_NO = r"(?:no(?:t|thing|ne)?|never|(?:don|doesn|shouldn|won|can|isn)['’]?t|cannot)\s+(?:[\w'’]+\s+){0,3}?"
_ROUGHLY = r"(?:(?:about|around|roughly|approximately|some|ca\.?|circa|~)\s*)?"
_BOUNDS: tuple[tuple[re.Pattern[str], str, bool], ...] = tuple(
    (re.compile(rf"(?:{said})\s*:?\s*{_ROUGHLY}$", re.IGNORECASE), name, strict)
    for said, name, strict in (
        (rf"\b{_NO}(?:{_MORE})(?:\s+than)?", "at most", False),
        (rf"\b{_NO}(?:{_FEWER})(?:\s+than)?", "at least", False),
        (rf"\b(?:(?:{_FEWER})\s+than|under|below)|<(?!=)", "at most", True),
        (rf"\b(?:(?:{_MORE})\s+than|over|above|beyond)|>(?!=)", "at least", True),
        (
            r"\b(?:at\s+(?:the\s+)?most|up\s+to|max(?:imum)?\.?(?:\s+of)?|within|until|till|"
            r"budget(?:\s+(?:is|of))?|spend(?:ing)?)|<=|≤",
            "at most",
            False,
        ),
        (
            r"\b(?:at\s+(?:the\s+)?least|min(?:imum)?\.?(?:\s+of)?|from|starting\s+(?:at|from)|upwards\s+of)|>=|≥",
            "at least",
            False,
        ),
    )
)
"""What is said before a number, the bound that it makes, and whether the number itself is outside; tried in order."""
_AROUND = re.compile(rf"(?<!\w){_ROUGHLY[:-1]}$", re.IGNORECASE)
_EXACTLY = re.compile(r"\b(?:exactly|precisely|just)\s*$", re.IGNORECASE)
_BETWEEN = re.compile(r"\b(?:between|from)\s*$", re.IGNORECASE)
_HUGE = 1e12
_WINDOW = 40  # characters before a quantity that may say how it is meant


@dataclass(frozen=True)
class Quantity:
    """Characters start:end: from `low` to `high` (equal for one number) of `unit` ("" where none was said).

    bound   "at most", "at least", "between", "is", "about" or "" for a bare one; strict: its value itself is outside
    before  what stands between the quantity before and this with its bound, for the name of what is meant
    """

    start: int
    end: int
    low: float
    high: float
    unit: str
    bound: str
    strict: bool
    before: str


@lru_cache(maxsize=16)
def quantities(text: str) -> tuple[Quantity, ...]:
    """Every quantity of a text, in order; linear in its length."""
    found: list[Quantity] = []
    for match in _QUANTITY.finditer(text):
        found += _read(text, match, found[-1].end if found else 0)
    return tuple(q for q in found if q.high < _HUGE)


def _read(text: str, match: re.Match[str], last: int) -> Iterator[Quantity]:
    """The one or two quantities of a match; last: where the one before it ended."""
    opened = max(last, match.start() - _WINDOW)
    start, bound, strict = _bound(text[opened : match.start()], match)
    before = text[opened:start]
    low = _number(match["n"]) + 0.5 * bool(match["half"] or (match["half2"] and not match["m"]))
    unit = match["sign"] or match["unit"] or match["unit2"] or ""
    if match["rest"] and unit.lower() in ("h", "hr", "hrs", "hour", "hours"):
        low += int(match["rest"]) / 60
    if match["m"] is None:
        yield Quantity(start, match.end(), low, low, unit, bound, strict, before)
        return
    high, other = _number(match["m"]), match["unit2"] or unit
    if not match["unit"] or _key(unit) == _key(other):
        yield Quantity(start, match.end(), min(low, high), max(low, high), unit, "between", False, before)
    elif not _kin(unit, other):  # "2 hours and 40 euros": two
        yield Quantity(start, match.start("joint"), low, low, unit, bound, strict, before)
        yield Quantity(match.start("m"), match.end(), high, high, other, "", False, "")
    else:
        high *= UNITS["minutes"][_key(other)] / UNITS["minutes"][_key(unit)]
        if match["joint"].strip().lower() == "and" and not _BETWEEN.search(
            text[opened : match.start()]
        ):  # "1 hour and 30 minutes": one
            yield Quantity(start, match.end(), low + high, low + high, unit, bound, strict, before)
        else:  # "30 minutes to 2 hours"
            yield Quantity(start, match.end(), min(low, high), max(low, high), unit, "between", False, before)


def _bound(before: str, match: re.Match[str]) -> tuple[int, str, bool]:
    """Where the quantity begins with its bound, the bound, and whether its value is outside."""
    if match["m"] is not None and (opening := _BETWEEN.search(before)):
        return match.start() - len(opening.group()), "", False
    for pattern, name, strict in _BOUNDS:
        if found := pattern.search(before):
            return match.start() - len(found.group()), name, strict
    if match["less"] or match["more"]:
        return match.start(), "at most" if match["less"] else "at least", False
    if exactly := _EXACTLY.search(before):
        return match.start() - len(exactly.group()), "is", False
    around = _AROUND.search(before)
    return match.start() - (len(around.group()) if around else 0), "about" if around else "", False


def _kin(one: str, other: str) -> bool:
    """Whether both are times, which people say in two units."""
    return _key(one) in UNITS["minutes"] and _key(other) in UNITS["minutes"]


def _key(unit: str) -> str:
    return " ".join(unit.lower().split())


@lru_cache(maxsize=1024)
def _number(said: str) -> float:
    """ "1,200", "39,90", "half an", "a", "forty-five", "two hundred and ten", "a couple of"."""
    plain = " ".join(said.lower().replace("-", " ").split())
    if plain[:1].isdigit():
        grouped = re.fullmatch(r"\d{1,3}([.,]\d{3})+", plain)
        return float(re.sub(r"[.,]", "", plain) if grouped else plain.replace(",", "."))
    if plain in ("half an", "half a"):
        return 0.5
    if plain in ("a", "an"):
        return 1.0
    if (known := words.number(plain)) is not None:
        return float(known)
    total = 0
    for word in plain.split():
        total = (total or 1) * 100 if word == "hundred" else total + (words.number(word) or 0)
    return float(total)
