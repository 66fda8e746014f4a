"""What a message says: its acts, in order, each typed. A message is a list of acts, not one intent."""

from dataclasses import dataclass, field
from typing import Literal

from app.wants import NOTHING, Order, Wants
from recommenders.data import Condition, FeedbackKind

Action = Literal["recommend", "similar", "explain", "compare", "ask_item", "feedback", "clarify", "chat"]
Topic = Literal[
    "", "greeting", "thanks", "bye", "help", "accept", "small talk", "which", "empty", "no such place", "lacking",
    "elsewhere", "missing",
]  # fmt: skip


@dataclass(frozen=True)
class Ask:
    """Wants to be shown items. greets: the message was a greeting, so one comes back."""

    wants: Wants = NOTHING
    greets: bool = False


@dataclass(frozen=True)
class Judge:
    """Says of items (internal numbers) that they are liked, disliked or known."""

    items: tuple[int, ...]
    kind: FeedbackKind


@dataclass(frozen=True)
class About:
    """Asks about items.

    attributes  what of; none for all that is known
    tests       what it supposes of them: "is Al Pacino in it?"
    question    its words, in English, with "it" for the titles
    unanswered  whether all that it asks is something that the catalogue does not hold
    """

    items: tuple[int, ...]
    attributes: tuple[str, ...] = ()
    tests: tuple[Condition, ...] = ()
    question: str = ""
    unanswered: bool = False


@dataclass(frozen=True)
class Why:
    """Asks why items were picked, or why one was not; quality: whether they are any good."""

    items: tuple[int, ...]
    not_picked: bool = False
    quality: bool = False


@dataclass(frozen=True)
class Compare:
    """Which of these; by: the attribute and way that decides; tests: what must hold of it; neither for whatever tells
    them apart."""

    items: tuple[int, ...]
    by: Order | None = None
    tests: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Clarify:
    """Cannot be answered without a question back; topic: what it would be about."""

    topic: Topic = "which"


@dataclass(frozen=True)
class Talk:
    """Greets, thanks, leaves, agrees, or speaks of something else."""

    topic: Topic = ""


Act = Ask | Judge | About | Why | Compare | Clarify | Talk


@dataclass(frozen=True)
class Heard:
    """A message as it was understood.

    acts        in order; the last one is answered at length
    understood  conditions for people; unmatched: what the catalogue does not know, for people
    sure        0..1
    by          who read it; second: what else read it, and what it made of it, for the trace
    along       the last act brings picks that nobody asked for (app/turn/alongside.py)
    """

    acts: tuple[Act, ...]
    understood: tuple[str, ...] = ()
    unmatched: tuple[str, ...] = ()
    sure: float = 0.9
    by: Literal["rules", "encoder", "person"] = "rules"
    second: str = ""
    along: bool = False
    items: tuple[int, ...] = field(default=())

    @property
    def leading(self) -> Act:
        """The act that the message is about: picks that come along are none."""
        return self.acts[-2] if self.along and len(self.acts) > 1 else self.acts[-1]

    @property
    def wants(self) -> Wants:
        """What is to be shown; nothing where nothing is."""
        last = self.acts[-1]
        return last.wants if isinstance(last, Ask) else NOTHING

    @property
    def shows(self) -> bool:
        """Whether items are to be shown."""
        return isinstance(self.acts[-1], Ask)

    @property
    def topic(self) -> Topic:
        act = self.leading
        if isinstance(act, Ask):
            return "greeting" if act.greets else ""
        return act.topic if isinstance(act, Clarify | Talk) else ""

    @property
    def judged(self) -> tuple[Judge, ...]:
        return tuple(a for a in self.acts if isinstance(a, Judge))

    @property
    def action(self) -> Action:
        """The leading act's name."""
        act = self.leading
        return "similar" if isinstance(act, Ask) and (act.wants.like or act.wants.relatives) else _ACTIONS[type(act)]

    @property
    def intent(self) -> str:
        """The trained reader's label for the same."""
        if self.action == "chat" or self.topic == "greeting":
            return "stop" if self.topic == "bye" else "elsewhere" if self.topic == "elsewhere" else "chat"
        return "feedback_and_request" if self.action in ("recommend", "similar") and self.judged else self.action


_ACTIONS: dict[type, Action] = {
    Ask: "recommend",
    Judge: "feedback",
    About: "ask_item",
    Why: "explain",
    Compare: "compare",
    Clarify: "clarify",
    Talk: "chat",
}
