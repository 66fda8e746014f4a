"""References to what is on the table: "the second one", "number 3", "the last two", "that one", "both"."""

import re
from dataclasses import dataclass

from app import words
from app.understanding.table import Table

_ORD = "|".join((*words.ORDINALS, *(words.ordinal(n) for n in words.ORDINALS.values())))
_NUM = "|".join(words.CARDINALS)
_NOUN = r"(?:\s+(?:one|movie|film|pick|title|item|artist|band|book|suggestion|recommendation))"
_MANY = "lists?|picks|films|movies|ones|titles|suggestions|recommendations|batch|lot|answers?|round"
_RANGE = re.compile(r"\bthe\s+(?P<end>first|last)\s+(?P<n>two|three|four|2|3|4)\b(?!\s+years)", re.IGNORECASE)
_PLACE = re.compile(
    rf"\b(?:the|your|that)\s+(?P<ord>{_ORD}|last|final){_NOUN}?\b(?!\s+(?:two|three|time|years?|half|part|installment|"
    rf"{_MANY})\b)|"
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


SEVERAL = re.compile(rf"\s+(?:{_MANY})\b", re.IGNORECASE)
"""What makes "the last" a whole answer instead of one item of it."""


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
        count = words.number(match["n"]) or 0
        items = table.shown[:count] if match["end"].lower() == "first" else table.shown[-count:]
        return Reference(items, "all", (match.span(),), match.group())
    places: list[int] = []
    spans: list[tuple[int, int]] = []
    at = 0
    for match in _PLACE.finditer(text):
        if match.start() < at:
            continue  # one of the places that were listed behind another
        places.append(_place(match["ord"] or match["num"], n))
        spans.append(match.span())
        at = match.end()
        while more := _MORE_PLACES.match(text, at):
            places.append(_place(more["ord"], n))
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


def _place(said: str, n: int) -> int:
    """The place that a word or a figure says, of n; 0 where it says none."""
    return n if said.lower() in ("last", "final") else words.number(said) or 0
