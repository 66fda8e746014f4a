"""What the reader says of a message: the names of intents and slots, and the stretches that they mark."""

import re
from dataclasses import dataclass
from typing import Literal

Carry = Literal["", "new", "refine", "more"]

INTENTS = (
    "recommend", "similar", "explain", "compare", "ask_item", "feedback", "feedback_and_request", "chat", "stop",
    "elsewhere",
)  # fmt: skip
CARRIES = ("new", "refine", "more")
TITLES = ("like", "good", "bad", "seen", "title")
KINDS = (
    "genre", "no_genre", "person", "no_person", "language", "years", "count", "like", "good", "bad", "seen", "title",
    "no_content", "wish", "ref", "rel",
)  # fmt: skip

WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Span:
    """Characters start:end of the message are a slot of this kind; value: what they mean, titles by row number."""

    kind: str
    start: int
    end: int
    value: object = None


def words(text: str) -> list[tuple[int, int]]:
    """Where the words and signs of a message stand; a tag belongs to each."""
    return [m.span() for m in WORD.finditer(text)]
