"""References to what is on the table: "the second one", "number 3", "the last two", "that one", "both"."""

import re
from dataclasses import dataclass

from app.understanding.table import Table

_ORDINALS = {
    "first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4, "fifth": 5, "5th": 5,
    "sixth": 6, "6th": 6, "seventh": 7, "7th": 7, "eighth": 8, "8th": 8, "ninth": 9, "9th": 9, "tenth": 10, "10th": 10,
}  # fmt: skip
_NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
}  # fmt: skip
_ORD = "|".join(_ORDINALS)
_NUM = "|".join(_NUMBERS)
_NOUN = r"(?:\s+(?:one|movie|film|pick|title|item|artist|band|book|suggestion|recommendation))"
_RANGE = re.compile(r"\bthe\s+(?P<end>first|last)\s+(?P<n>two|three|four|2|3|4)\b(?!\s+years)", re.IGNORECASE)
_PLACE = re.compile(
    rf"\b(?:the|your|that)\s+(?P<ord>{_ORD}|last|final){_NOUN}?\b(?!\s+(?:two|three|time|years?|half|part|installment))|"
    rf"(?:\b(?:number|no\.|nr\.?|pick)\s*|#)(?P<num>\d{{1,2}}|{_NUM})\b",
    re.IGNORECASE,
)
_MORE_PLACES = re.compile(rf"\s*(?:,|and|or|&)\s*(?:the\s+)?(?P<ord>{_ORD}|last){_NOUN}?\b", re.IGNORECASE)
_ALL = re.compile(
    r"\b(?:both(?:\s+of\s+(?:them|these|those))?|all\s+(?:of\s+)?(?:them|these|those|five|four|three)|"
    r"(?:any|none|neither|each)\s+of\s+(?:them|these|those)|(?:these|those)(?:\s+(?:movies|films|ones|picks|two|three))?|"
    r"them)\b",
    re.IGNORECASE,
)
_THAT = re.compile(
    rf"\b(?:this|that){_NOUN}\b|\bthe\s+(?:movie|film)\b|\bit\b|\b(?:this|that)(?!\s+\w+\s+(?:i|we|is|are|would))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Reference:
    """items   what is meant, () when the table has no such place
    how     "place" the second one · "all" both, these · "that" it, that one
    spans   characters of the message
    said    the words
    """

    items: tuple[int, ...]
    how: str
    spans: tuple[tuple[int, int], ...]
    said: str


def find(text: str, table: Table) -> Reference | None:
    """The reference that a message makes, the most precise first; None when it makes none."""
    n = len(table.shown)
    match = _RANGE.search(text)
    if match:
        count = int(match["n"]) if match["n"].isdigit() else _NUMBERS[match["n"].lower()]
        items = table.shown[:count] if match["end"].lower() == "first" else table.shown[-count:]
        return Reference(items, "all", (match.span(),), match.group())
    places: list[int] = []
    spans: list[tuple[int, int]] = []
    for match in _PLACE.finditer(text):
        places.append(_place(match["ord"], match["num"], n))
        spans.append(match.span())
        at = match.end()
        while more := _MORE_PLACES.match(text, at):
            places.append(_place(more["ord"], None, n))
            spans.append(more.span())
            at = more.end()
    if places:
        items = tuple(dict.fromkeys(table.shown[p - 1] for p in places if 1 <= p <= n))
        return Reference(items, "place", tuple(spans), text[spans[0][0] : spans[-1][1]])
    match = _ALL.search(text)
    if match:
        return Reference(table.focus if len(table.focus) > 1 else table.shown, "all", (match.span(),), match.group())
    match = _THAT.search(text)
    if match:
        return Reference(table.focus, "that", (match.span(),), match.group())
    return None


def _place(ordinal: str | None, number: str | None, n: int) -> int:
    if ordinal:
        return n if ordinal.lower() in ("last", "final") else _ORDINALS[ordinal.lower()]
    assert number is not None
    return int(number) if number.isdigit() else _NUMBERS[number.lower()]
