"""A turn in one piece, for those who do not draw it while it comes: what was asked, understood, stored, shown, said."""

import threading
import time
from collections.abc import Generator
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from app.errors import ChatrecError
from app.events import Decision, Done, Fallback, ItemShown, Reason, Token, TurnEvent
from app.service.chat import Chat
from app.service.store import Conversation, Profile
from recommenders.data import Catalogue, FeedbackKind, Named


class Stored(BaseModel):
    """One thing that this turn stored of the person, or took back."""

    model_config = ConfigDict(frozen=True)

    item_id: str
    title: str
    kind: FeedbackKind | Literal["forgotten"]


class Pick(BaseModel):
    """An item as it was shown. facts: what the catalogue knows of it, by column; nothing where it is not known.
    standing_out: what tells it from the other picks."""

    model_config = ConfigDict(frozen=True)

    position: int
    item_id: str
    title: str
    year: int | None
    facts: dict[str, JsonValue]
    reasons: list[Reason]
    standing_out: Reason | None = None


class Seconds(BaseModel):
    """As the person waits: from sending to the end, and to the first visible thing; in_model within the turn."""

    model_config = ConfigDict(frozen=True)

    whole: float
    first_visible: float | None
    in_model: float


class Summary(BaseModel):
    """One turn.

    understood  the last decision of the turn; None where it came to none
    status      "refused": the message was not taken (empty, too long, the conversation is busy); `error` says why
    bypassed    why the language model was passed over, for each step where it was
    message_id  of the answer in the store; None where the message was refused
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["turn"] = "turn"
    message: str
    understood: Decision | None
    stored: list[Stored]
    items: list[Pick]
    reply: str
    status: Literal["done", "stopped", "failed", "refused"]
    error: str = ""
    bypassed: list[str]
    seconds: Seconds
    conversation_id: str
    message_id: str | None


class Memory:
    """What is stored of a person now, to tell later what a turn has changed."""

    def __init__(self, chat: Chat, profile: Profile) -> None:
        self._chat, self._profile = chat, profile
        self._before = self._now()

    def changes(self) -> list[Stored]:
        now = self._now()
        changed: dict[str, FeedbackKind | Literal["forgotten"]] = {
            item_id: kind for item_id, kind in now.items() if self._before.get(item_id) != kind
        }
        changed |= {item_id: "forgotten" for item_id in self._before if item_id not in now}
        if not changed:
            return []
        ids, titles = self._chat.workbench.catalogue.ids, self._chat.workbench.catalogue.titles
        return [
            Stored(item_id=item_id, title=titles[ids.number(item_id)] if item_id in ids else item_id, kind=kind)
            for item_id, kind in changed.items()
        ]

    def _now(self) -> dict[str, FeedbackKind]:
        return {f.item_id: f.kind for f in self._chat.feedback(self._profile)}


class Asked:
    """One message on its way: gives its events, and sums them up when they are over."""

    def __init__(self, chat: Chat, conversation: Conversation, message: str) -> None:
        self._chat, self._conversation, self.message = chat, conversation, message
        self._memory = Memory(chat, chat.profile_of(conversation))
        self._events: list[TurnEvent] = []
        self._began = time.perf_counter()
        self._first: float | None = None
        self._error = ""

    def events(self, stop: threading.Event) -> Generator[TurnEvent, None, None]:
        """The events of the answer as they come. What our own packages raise is kept for the summary and ends them."""
        try:
            for event in self._chat.send(self._conversation.id, self.message, stop):
                if self._first is None and isinstance(event, Token | ItemShown):
                    self._first = self._passed()
                self._events.append(event)
                yield event
        except ChatrecError as error:
            self._error = str(error)

    def summary(self) -> Summary:
        """Of what has come so far."""
        last = self._events[-1] if self._events else None
        done = last if isinstance(last, Done) else Done(status="stopped" if self._events else "failed")
        decisions = [e for e in self._events if isinstance(e, Decision)]
        catalogue = self._chat.workbench.catalogue if self._events else None
        return Summary(
            message=self.message,
            understood=decisions[-1] if decisions else None,
            stored=self._memory.changes(),
            items=[
                Pick(
                    position=e.position,
                    item_id=e.item_id,
                    title=e.title,
                    year=e.year,
                    facts={} if catalogue is None else facts(catalogue, e.item_id),
                    reasons=e.reasons,
                    standing_out=e.standing_out,
                )
                for e in self._events
                if isinstance(e, ItemShown)
            ],
            reply=done.reply or "".join(e.text for e in self._events if isinstance(e, Token)),
            status=("failed" if self._events else "refused") if self._error else done.status,
            error=self._error,
            bypassed=[e.why for e in self._events if isinstance(e, Fallback)],
            seconds=Seconds(whole=self._passed(), first_visible=self._first, in_model=round(done.seconds_in_model, 3)),
            conversation_id=self._conversation.id,
            message_id=self._answer() if self._events else None,
        )

    def _passed(self) -> float:
        return round(time.perf_counter() - self._began, 3)

    def _answer(self) -> str | None:
        answers = [m for m in self._chat.messages(self._conversation.id) if m.role == "assistant"]
        return answers[-1].id if answers else None


def facts(catalogue: Catalogue, item_id: str) -> dict[str, JsonValue]:
    """What the catalogue tells people of an item beside its title, by attribute: lists of names, everything else in
    words. UnknownItem where it does not have it."""
    item, bound = catalogue.ids.number(item_id), catalogue.attributes
    found: dict[str, JsonValue] = {}
    for a in bound.schema.told:
        cell = bound.cells(a.name)[item]
        if not a.unknown(cell):
            found[a.name] = list(cell) if isinstance(a, Named) and not isinstance(cell, str) else a.tell(cell)
    return found
