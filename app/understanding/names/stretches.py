"""Stretches of a message's characters: what lies in one, and what stands before a place.

A message may be long (somebody pastes a page), so nothing here looks at all of it for each of its words.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable

_REACH = 120  # characters; what is looked for before a place are a few words


class Stretches:
    """Stretches (start, end) of a text, asked in logarithmic time. Immutable."""

    def __init__(self, stretches: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(stretches):
            if self._ends and start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, start: int, end: int) -> bool:
        """Whether one of them shares a character with start:end."""
        at = bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end

    def cover(self, place: int) -> bool:
        """Whether a character lies in one of them."""
        return self.touch(place, place + 1)

    def begin_after(self, place: int) -> int | None:
        """Where the next one begins; None where none does."""
        at = bisect_right(self._starts, place)
        return self._starts[at] if at < len(self._starts) else None


class Marks:
    """Places of a text that say yes or no, each for what follows it. Immutable."""

    def __init__(self, marks: Iterable[tuple[int, bool]]) -> None:
        ordered = sorted(marks)
        self._places = [place for place, _ in ordered]
        self._says = [says for _, says in ordered]

    def last(self, place: int, *, here: bool) -> bool:
        """What the last mark before a place says, False where there is none. here: one at the place counts."""
        at = (bisect_right if here else bisect_left)(self._places, place)
        return bool(at) and self._says[at - 1]


def before(text: str, place: int) -> str:
    """The words before a place, as many as matter."""
    start = max(0, place - _REACH)
    while 0 < start < place and (text[start - 1].isalnum() or text[start - 1] in "_'’"):
        start += 1  # a word cut in two would be another one
    return text[start:place]


def replaced(text: str, stretches: Iterable[tuple[int, int]], by: Callable[[int], str]) -> str:
    """The text with other characters in place of stretches. by: a stretch's length -> what stands for it"""
    pieces: list[str] = []
    end = 0
    for start, stop in sorted(stretches):
        if start >= end:  # of two that overlap the first is replaced
            pieces += [text[end:start], by(stop - start)]
            end = stop
    return "".join((*pieces, text[end:]))
