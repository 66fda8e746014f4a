"""Quantities in running text: "under 40 euros", "at most an hour and a half", "for 2 to 4 players", "€20+"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app import words
from recommenders.data.attributes.dimensions import UNITS

_SPELT = "|".join(sorted(map(re.escape, (*words.CARDINALS, *words.AMOUNTS)), key=len, reverse=True))
_N = (
    r"(?:\d{1,3}(?:[.,]\d{3})+(?!\d)|\d+(?:[.,]\d+)?|half\s+an?|"
    rf"an?(?=\s+(?:hour|minute|day|euro|dollar|pound)s?\b)|(?:{_SPELT})\b)"
)
_WORDS = sorted({w for words in UNITS.values() for w in words}, key=len, reverse=True)
_UNIT = "|".join(re.escape(w) + (r"(?![a-z])" if w[-1].isalpha() else "") for w in _WORDS)
_TAIL = (
    r"\s*(?:(?P<less>(?:or|and)\s+(?:less|under|fewer|below|cheaper|shorter|younger)|max(?:imum)?\b(?!\s*\d)|tops\b|at\s+(?:the\s+)?most\b(?!\s*\d))|"
    r"(?P<more>\+|plus\b|(?:or|and)\s+(?:more|over|up|above|longer|older)|min(?:imum)?\b(?!\s*\d)|at\s+least\b(?!\s*\d)))"
)
_QUANTITY = re.compile(
    rf"(?:(?P<sign>[€$£])\s*)?(?<![\w.,])(?P<n>{_N})(?P<half>\s+and\s+a\s+half)?(?:[\s-]*(?P<unit>{_UNIT}))?"
    rf"(?:\s*(?:-|–|to|and|or)\s*(?P<m>{_N})(?:[\s-]*(?P<unit2>{_UNIT}))?)?(?P<half2>\s+and\s+a\s+half)?"
    rf"(?:(?:(?<=\dh)|(?<=\d\sh)|(?<=hour)|(?<=hours)|(?<=hrs)|(?<=hr))\s*(?P<rest>\d{{1,2}})(?:\s*min(?:ute)?s?\b|m\b)?)?(?:{_TAIL})?",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    r"(?:\b(?:under|below|less\s+than|fewer\s+than|at\s+(?:the\s+)?most|up\s+to|max(?:imum)?(?:\s+of)?|within|until|"
    r"no(?:t|thing|ne)?\s+(?:\w+\s+){0,2}?(?:more|over|above|beyond|longer|older|bigger|higher|thicker|heavier|pricier|"
    r"more\s+expensive|dearer)(?:\s+than)?|(?:cheaper|shorter|younger|lighter|thinner|quicker|easier|lower|smaller)\s+than|"
    r"budget(?:\s+(?:is|of))?|spend)|<=?)\s*(?:about\s+|around\s+)?$",
    re.IGNORECASE,
)
_STRICT = re.compile(
    r"(?:\b(?:under|below|(?:less|fewer|cheaper|shorter|younger|lighter)\s+than)|<)\s*$", re.IGNORECASE
)
_AT_LEAST = re.compile(
    r"(?:\b(?:over|above|more\s+than|at\s+(?:the\s+)?least|min(?:imum)?(?:\s+of)?|from|starting\s+(?:at|from)|beyond|"
    r"no(?:t|thing)?\s+(?:\w+\s+){0,2}?(?:less|fewer|under|below|shorter|cheaper)(?:\s+than)?|"
    r"(?:longer|older|pricier|heavier|thicker|higher|better|bigger)\s+than)|>=?)\s*(?:about\s+|around\s+)?$",
    re.IGNORECASE,
)
_OVER = re.compile(r"(?:\b(?:over|above|(?:more|longer|older)\s+than)|>)\s*$", re.IGNORECASE)
_BETWEEN = re.compile(r"\b(?:between|from|for)\s*$", re.IGNORECASE)
_WINDOW = 40  # characters before a quantity that may say how it is meant


@dataclass(frozen=True)
class Quantity:
    """Characters start:end: from `low` to `high` (equal for one number) of `unit` ("" where none was said).

    bound   "at most", "at least", "between" or "" for a bare one; strict: its value itself is outside
    before  the characters before it that were looked at, for the name of what is meant
    """

    start: int
    end: int
    low: float
    high: float
    unit: str
    bound: str
    strict: bool
    before: str


def quantities(text: str) -> Iterator[Quantity]:
    """Every quantity of a text, in order; linear in its length."""
    for match in _QUANTITY.finditer(text):
        before = text[max(0, match.start() - _WINDOW) : match.start()]
        low = _number(match["n"]) + 0.5 * bool(match["half"] or (match["half2"] and not match["m"]))
        unit = match["sign"] or match["unit"] or match["unit2"] or ""
        if match["rest"] and unit.lower() in ("h", "hr", "hrs", "hour", "hours"):
            low += int(match["rest"]) / 60
        start, bound, strict = _bound(before, match.start(), bool(match["less"]), bool(match["more"]))
        other = match["m"] and match["unit"] and match["unit2"] and match["unit"].lower() != match["unit2"].lower()
        if other:  # "2 hours and 40 euros": not a range but two
            end = match.start("m")
            yield Quantity(start, end, low, low, unit, bound, strict, before)
            value = _number(match["m"])
            yield Quantity(end, match.end(), value, value, match["unit2"], "", False, "")
            continue
        high = _number(match["m"]) if match["m"] else low
        if high != low:
            opening = _BETWEEN.search(before)
            bound, strict, start = "between", False, match.start() - (len(opening.group()) if opening else 0)
        yield Quantity(start, match.end(), min(low, high), max(low, high), unit, bound, strict, before)


def _bound(before: str, start: int, less: bool, more: bool) -> tuple[int, str, bool]:
    """Where the quantity begins with its bound, the bound, and whether its value is outside."""
    for pattern, strict, name in ((_AT_MOST, _STRICT, "at most"), (_AT_LEAST, _OVER, "at least")):
        if found := pattern.search(before):
            return start - len(found.group()), name, bool(strict.search(before)) and "no" not in found.group().lower()
    return start, "at most" if less else "at least" if more else "", False


def _number(said: str) -> float:
    plain = " ".join(said.lower().split())
    if plain in ("half an", "half a"):
        return 0.5
    if plain in ("a", "an"):
        return 1.0
    if (known := words.number(plain)) is not None:
        return float(known)
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", plain):
        return float(re.sub(r"[.,]", "", plain))
    return float(plain.replace(",", "."))
