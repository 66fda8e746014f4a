"""Reading a message with a tuned decoder: what it is asked, and what its answer means.

Idea: the model copies. It answers one line under a regular expression, the intent and the very words of each slot,

    recommend new; genre: comedy; no person: Adam Sandler

and the words are then looked up in the message. What is not there is dropped, so nothing invented gets through. There
are few tokens on both sides: an instruction would be paid for at every message, and the adapter has learnt it instead.
"""

import re
from collections.abc import Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage

from app.errors import MalformedOutput
from app.understanding.lessons.dialogues import Message
from app.understanding.reader.encoder import BEFORE, Known, Reading
from app.understanding.reader.labels import CARRIES, INTENTS, KINDS, Span, words

LONGEST = 150  # words of a message that the model sees
ANSWER = 96  # tokens of an answer at most
_SAID = {
    "ask_item": "ask", "feedback_and_request": "both", "elsewhere": "other",
    **{kind: kind.replace("no_", "no ") for kind in KINDS},
}  # fmt: skip
_NAMES = {said: name for name, said in _SAID.items()}
_WORDS = r"[^;\n]{1,80}"


def _any(names: Sequence[str]) -> str:
    return "|".join(_SAID.get(n, n) for n in names)


PATTERN = f"({_any(INTENTS)})( ({'|'.join(CARRIES)}))?(; ({_any(KINDS)}): {_WORDS})*"


def asked(text: str, previous: str = "", shown: int = 0) -> list[BaseMessage]:
    """What the model reads: how much lies on the table, the person's message before, the message.

    All of it stands in the system's place: a chat template without a system message writes a long one of its own.
    """
    before = " ".join(previous[a:b] for a, b in words(previous)[-BEFORE:])
    ends = words(text)[:LONGEST]
    return [SystemMessage(f"{shown or 'nothing'} shown\n{before}\n> {text[: ends[-1][1]] if ends else text[:20]}")]


def answer(message: Message) -> str:
    """What the model should say to a message whose slots are known."""
    head = " ".join(filter(None, (intent_word(message.intent), message.carry)))
    spans = sorted(message.spans, key=lambda s: s.start)
    return "; ".join([head, *(f"{_SAID[s.kind]}: {_copied(message.text[s.start : s.end])}" for s in spans)])


def intent_word(intent: str) -> str:
    """What an answer begins with."""
    return _SAID.get(intent, intent)


def heard(said: str, text: str) -> Reading:
    """The reading that an answer stands for; slots whose words are not in the message are left out.

    A decoder tells no probabilities here: sure and carry_sure are 1. MalformedOutput where no intent comes first.
    """
    head, *slots = said.strip().split("; ")
    intent, _, carry = head.partition(" ")
    if _NAMES.get(intent, intent) not in INTENTS:
        raise MalformedOutput(said, "it begins with no intent")
    spans: list[Span] = []
    for slot in slots:
        name, _, copied = slot.partition(": ")
        kind = _NAMES.get(name, "")
        if kind in KINDS and copied.strip() and (place := _place(copied.strip(), text, spans)):
            spans.append(Span(kind, *place))
    spans.sort(key=lambda s: s.start)
    return Reading(_NAMES.get(intent, intent), 1.0, carry if carry in CARRIES else CARRIES[0], 1.0, tuple(spans), ())


def _copied(stretch: str) -> str:
    """Words of a message as an answer may hold them."""
    return " ".join(stretch.replace(";", ",").split())


def _place(copied: str, text: str, taken: Sequence[Span]) -> tuple[int, int] | None:
    """Where the words stand: behind the slots found so far if they are there, else at the first free place."""
    loose = r"\s+".join(re.escape(w).replace(",", "[,;]") for w in copied.split())
    found = [m.span() for m in re.finditer(rf"(?<!\w){loose}(?!\w)", text, re.IGNORECASE)]
    free = [(a, b) for a, b in found if not any(s.start < b and a < s.end for s in taken)]
    last = max((s.end for s in taken), default=0)
    return next((p for p in free if p[0] >= last), free[0] if free else None)


class Decoder:
    """A chat model that honours `regex=` as a reader of messages; it reads as the small encoder does."""

    def __init__(self, chat: BaseChatModel) -> None:
        self.chat = chat

    def answer(self, text: str, previous: str = "", shown: int = 0) -> str:
        ask = asked(text, previous, shown)
        return self.chat.invoke(ask, regex=PATTERN, max_tokens=ANSWER, temperature=0.0).text

    def read(self, text: str, previous: str = "", shown: int = 0, known: Sequence[Known] = ()) -> Reading:
        """As Encoder.read; what the catalogue knows is not told to it, since its titles would lengthen every prompt."""
        return heard(self.answer(text, previous, shown), text)
