"""Numbers out of what a model says: a rating, or an order of a numbered list. Robust against words around them."""

import re
from collections.abc import Sequence

from app.words import CARDINALS

_NUMBER = r"(?<![\d.,])(\d{1,2}(?:[.,]\d+)?)(?![\d]|[.,]\d)"
_SPELT = re.compile(rf"\b({'|'.join(CARDINALS)})\b", re.IGNORECASE)
_OF = re.compile(rf"{_NUMBER}\s*(?:/|out\s+of|of)\s*{_NUMBER}", re.IGNORECASE)
_SPAN = re.compile(rf"{_NUMBER}\s*(?:-|–|to|or)\s*{_NUMBER}", re.IGNORECASE)
_NAMED = re.compile(rf"(?:rat\w*|scor\w*|giv\w*|answer)\b[^\d\n]{{0,40}}?{_NUMBER}", re.IGNORECASE)
_STARS = re.compile(rf"{_NUMBER}\s*(?:-\s*)?(?:stars?\b|★|points?\b)", re.IGNORECASE)
_ANY = re.compile(_NUMBER)


def rating(text: str, low: float, high: float) -> float | None:
    """The rating that a text gives on the scale from `low` to `high`; None where it gives none.

    "4", "4.5/5", "8 out of 10" (brought to the scale's top), "3-4" (the middle), "Rating: **4**", "five stars". A year
    or another number outside of the scale is none. What names the rating stands before the first number of the text.
    """
    said = _SPELT.sub(lambda m: str(CARDINALS[m[1].lower()]), text.replace("*", " "))
    for match in _OF.finditer(said):
        value, top = _float(match[1]), _float(match[2])
        if top > 0 and value <= top and low <= (scaled := value / top * high) <= high:
            return scaled
    for match in _SPAN.finditer(said):
        first, last = _float(match[1]), _float(match[2])
        if low <= first < last <= high and first != low:  # "1 to 5" is the scale itself, not a rating
            return (first + last) / 2
    said = re.sub(rf"{re.escape(f'{low:g}')}\s*(?:-|–|to)\s*{re.escape(f'{high:g}')}", " ", said)
    for pattern in (_NAMED, _STARS, _ANY):
        for match in pattern.finditer(said):
            if low <= (value := _float(match[1])) <= high:
                return value
    return None


def order(text: str, n: int) -> list[int]:
    """The numbers 1..n that a text names, in its order, each once; what else it says is passed over. [] for none."""
    found = (int(m) for m in re.findall(r"(?<![\d.])\d{1,4}(?![\d]|\.\d)", text))
    return list(dict.fromkeys(x for x in found if 1 <= x <= n))


def order_pattern(n: int, k: int) -> str:
    """The regular expression of k numbers out of 1..n, separated by commas; for backends that decode under one."""
    number = "(" + "|".join(str(x) for x in range(1, n + 1)) + ")"
    return number + "".join(f", {number}" for _ in range(k - 1))


def labels(low: float, high: float) -> Sequence[int]:
    """The whole numbers of a scale: what a model may answer with one token each."""
    return range(int(-(-low // 1)), int(high // 1) + 1)


def _float(text: str) -> float:
    return float(text.replace(",", "."))
