"""What a message says about years: decades, bounds, ranges, and "older" or "newer" than what is on the table."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

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
    r"(?P<tail>\s*(?:on(?:wards?)?|or (?:later|newer|after)|and (?:later|newer|after|up)|"
    r"or (?:earlier|older|before)|and (?:earlier|older|before))\b)"
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
    r"\b(?:older|earlier|more\s+(?:classic|old[\s-]?(?:fashioned|school)?)|less\s+(?:recent|modern))\b(?!\s+(?:than|brother"
    r"|sister|son|daughter|kids|audience|people|man|woman))",
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
_AGE = re.compile(r"years?[\s-]old", re.IGNORECASE)


@dataclass(frozen=True)
class Years:
    """Inclusive bounds, None where open; `spans` are the characters of the message that were read.

    said       for people: "from the 1990s", "before 1980"
    unmatched  for people: what cannot be kept
    relative   "older" / "newer" was said, relative to the table
    """

    year_from: int | None = None
    year_to: int | None = None
    spans: tuple[tuple[int, int], ...] = ()
    said: str = ""
    unmatched: tuple[str, ...] = ()
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


def read(text: str, taken: tuple[tuple[int, int], ...], shown: np.ndarray, known: np.ndarray, k: int = 5) -> Years:
    """Read the years of a message.

    taken  spans that belong to titles ("2001: A Space Odyssey")
    shown  years of the items on the table, for "older"; may be empty
    known  years of the catalogue (0 unknown), for "old" and "new": its oldest and newest fifth
    """

    def free(match: re.Match[str]) -> bool:
        return not any(s < match.end() and match.start() < e for s, e in taken)

    known = known[known > 0]
    for match in filter(free, _BETWEEN.finditer(text)):
        low, high = sorted((int(match["a"]), int(match["b"])))
        if _LESS.search(text[: match.start()]):
            return _cannot(text, match)
        return Years(low, high, (match.span(),), phrase(low, high))
    decades = [m for m in _DECADE.finditer(text) if free(m) and not _AGE.match(text, m.end() + 1)]
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
        if not match["how"].lower().startswith(("no", "never")) and _LESS.search(text[: match.start()]):
            if a is not None and b is not None:
                return _cannot(text, match)
            a, b = (None, a - 1) if a is not None else (None if b is None else b + 1, None)
        return Years(a, b, (match.span(),), phrase(a, b))
    for match in filter(free, _PLAIN.finditer(text)):
        a, b = _bound("", int(match["year"]), (match["tail"] or "").lower())
        return Years(a, b, (match.span(),), phrase(a, b))
    return _relative(text, free, shown[shown > 0], known, k)


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
            return _cannot(text, matches[0])
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
            if _LESS.search(text[: match.start()]):
                newer = not newer
            return _fifth(match, newer, known)
    return Years()


def _fifth(match: re.Match[str], newer: bool, known: np.ndarray) -> Years:
    edge = int(np.quantile(known, 0.8 if newer else 0.2))
    a, b = (edge, None) if newer else (None, edge)
    words = "newest" if newer else "oldest"
    return Years(a, b, (match.span(),), f"{phrase(a, b)} (the {words} fifth of this catalogue)")


def _cannot(text: str, match: re.Match[str]) -> Years:
    what = text[match.start() : match.end()].strip()
    return Years(spans=(match.span(),), unmatched=(f"leaving out a stretch of years ({what}) is not possible",))
