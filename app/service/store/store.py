"""Conversations, messages, feedback and profiles: what must not be lost.

SQLAlchemy; SQLite in WAL mode by default, PostgreSQL by URL with the same code. Every method is one transaction, so a
kill at any moment leaves a readable store with everything that a method had returned from.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import ConversationBusy, NotFound
from app.events import TRACE, Token, TurnEvent
from app.service.store import database
from app.service.store.process import is_gone, this_process
from app.service.store.schema import Base, ConversationRow, FeedbackRow, MessageRow, ProfileRow
from recommenders.data import FeedbackKind

Status = Literal["done", "streaming", "stopped", "failed"]
Role = Literal["user", "assistant"]
ATTEMPTS = 5  # two writers that meet at one key or position: the later one tries again
TITLE_LENGTH = 60
Row = TypeVar("Row", bound=Base)


@dataclass(frozen=True)
class Profile:
    """A person; `user_id` is their number in the data set, None for somebody new."""

    id: str
    name: str
    dataset: str
    user_id: str | None
    created: float


@dataclass(frozen=True)
class Conversation:
    """The parts are those of the next turn; what earlier turns used is in their events."""

    id: str
    profile_id: str
    title: str
    dataset: str
    backend: str
    generator: str
    ranker: str | None
    created: float
    updated: float


@dataclass(frozen=True)
class Message:
    """`current` is False for what a new answer or an edit replaced."""

    id: str
    conversation_id: str
    position: int
    role: Role
    text: str
    status: Status
    current: bool
    item_ids: tuple[str, ...]
    events: tuple[TurnEvent, ...]
    created: float


@dataclass(frozen=True)
class Feedback:
    item_id: str
    kind: FeedbackKind
    at: float


class Store:
    """One per process and database; safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Opens the store, makes its tables where there are none, and closes answers that a kill left open.

        StoreUnavailable where it cannot be opened, StoreTooNew where a newer version of this program made it.
        """
        self._engine = database.engine(url)
        database.prepare(self._engine)
        self.close_orphans()

    # -- people -----------------------------------------------------------------------------------------------------

    def add_profile(self, name: str, dataset: str, user_id: str | None = None) -> Profile:
        """A new person, or one of the data set's users: that one is the same profile every time."""
        with self._writing() as s:
            if user_id is not None:
                known = s.scalar(select(ProfileRow).where(ProfileRow.dataset == dataset, ProfileRow.user_id == user_id))
                if known is not None:
                    return _profile(known)
            row = ProfileRow(id=_new_id(), name=name, dataset=dataset, user_id=user_id, created=time.time())
            s.add(row)
            s.flush()
            return _profile(row)

    def profile(self, profile_id: str) -> Profile:
        with self._reading() as s:
            return _profile(_found(s, ProfileRow, profile_id, "profile"))

    def profiles(self, dataset: str) -> list[Profile]:
        """Who has talked or left feedback about this data set, the latest to come first."""
        with self._reading() as s:
            rows = s.scalars(
                select(ProfileRow).where(ProfileRow.dataset == dataset).order_by(ProfileRow.created.desc())
            )
            return [_profile(r) for r in rows]

    def rename_profile(self, profile_id: str, name: str) -> None:
        with self._writing() as s:
            _found(s, ProfileRow, profile_id, "profile").name = name.strip()[:200]

    # -- conversations ----------------------------------------------------------------------------------------------

    def add_conversation(
        self, profile_id: str, dataset: str, backend: str, generator: str, ranker: str | None
    ) -> Conversation:
        now = time.time()
        with self._writing() as s:
            _found(s, ProfileRow, profile_id, "profile")
            row = ConversationRow(
                id=_new_id(),
                profile_id=profile_id,
                title="",
                dataset=dataset,
                backend=backend,
                generator=generator,
                ranker=ranker,
                created=now,
                updated=now,
            )
            s.add(row)
            s.flush()
            return _conversation(row)

    def conversation(self, conversation_id: str) -> Conversation:
        with self._reading() as s:
            return _conversation(_found(s, ConversationRow, conversation_id, "conversation"))

    def conversations(self, dataset: str | None = None, limit: int = 200) -> list[Conversation]:
        """The latest used first."""
        query = select(ConversationRow).order_by(ConversationRow.updated.desc()).limit(limit)
        if dataset is not None:
            query = query.where(ConversationRow.dataset == dataset)
        with self._reading() as s:
            return [_conversation(r) for r in s.scalars(query)]

    def rename(self, conversation_id: str, title: str) -> None:
        with self._writing() as s:
            _found(s, ConversationRow, conversation_id, "conversation").title = shortened(title)

    def set_parts(self, conversation_id: str, *, backend: str, generator: str, ranker: str | None) -> None:
        """What the next turn works with."""
        with self._writing() as s:
            row = _found(s, ConversationRow, conversation_id, "conversation")
            row.backend, row.generator, row.ranker = backend, generator, ranker

    def delete_conversation(self, conversation_id: str) -> None:
        with self._writing() as s:
            s.execute(delete(MessageRow).where(MessageRow.conversation_id == conversation_id))
            s.execute(delete(ConversationRow).where(ConversationRow.id == conversation_id))

    # -- messages ---------------------------------------------------------------------------------------------------

    def messages(self, conversation_id: str, *, replaced: bool = False) -> list[Message]:
        """The dialogue, oldest first; with `replaced` also what new answers and edits took the place of."""
        query = select(MessageRow).where(MessageRow.conversation_id == conversation_id).order_by(MessageRow.position)
        if not replaced:
            query = query.where(MessageRow.current)
        with self._reading() as s:
            return [_message(r) for r in s.scalars(query)]

    def answers(self, profile_id: str, limit: int = 1000) -> list[Message]:
        """What a person was answered in all their conversations, replaced answers too, the latest first."""
        query = (
            select(MessageRow)
            .join(ConversationRow, ConversationRow.id == MessageRow.conversation_id)
            .where(ConversationRow.profile_id == profile_id, MessageRow.role == "assistant")
            .order_by(MessageRow.created.desc(), MessageRow.position.desc())
            .limit(limit)
        )
        with self._reading() as s:
            return [_message(r) for r in s.scalars(query)]

    def message(self, message_id: str) -> Message:
        with self._reading() as s:
            return _message(_found(s, MessageRow, message_id, "message"))

    def add_message(self, conversation_id: str, text: str) -> Message:
        """What the person typed; it names a conversation that has no title yet."""
        with self._writing() as s:
            self._check_idle(s, conversation_id)
            row = _append(s, conversation_id, "user", text, "done")
            conversation = _found(s, ConversationRow, conversation_id, "conversation")
            conversation.title = conversation.title or shortened(text)
            return _message(row)

    def begin_answer(self, conversation_id: str) -> Message:
        """An empty answer that this process will fill. ConversationBusy while another one is being written."""
        with self._writing() as s:
            self._check_idle(s, conversation_id)
            return _message(_append(s, conversation_id, "assistant", "", "streaming"))

    def write_answer(
        self, message_id: str, text: str, item_ids: Sequence[str], events: Iterable[TurnEvent], status: Status
    ) -> None:
        """Replace what is known of an answer. An answer deleted meanwhile is left alone."""
        trace = TRACE.dump_python(joined(events), mode="json")
        with self._writing() as s:
            s.execute(
                update(MessageRow)
                .where(MessageRow.id == message_id)
                .values(text=text, item_ids=list(item_ids), events=trace, status=status, touched=time.time())
            )

    def replace_from(self, conversation_id: str, position: int) -> None:
        """Take the message at `position` and all later ones out of the dialogue; they stay stored."""
        with self._writing() as s:
            self._check_idle(s, conversation_id)
            s.execute(
                update(MessageRow)
                .where(MessageRow.conversation_id == conversation_id, MessageRow.position >= position)
                .values(current=False)
            )

    def close_orphans(self) -> int:
        """Answers whose process is gone become "stopped", with the text that they had; how many there were."""
        now, closed = time.time(), 0
        with self._writing() as s:
            for row in s.scalars(select(MessageRow).where(MessageRow.status == "streaming")):
                if is_gone(row.owner, now - row.touched):
                    row.status = "stopped"
                    closed += 1
        return closed

    # -- feedback ---------------------------------------------------------------------------------------------------

    def set_feedback(self, profile_id: str, dataset: str, item_id: str, kind: FeedbackKind) -> None:
        """The last word on an item wins."""

        def put(s: Session) -> None:
            _found(s, ProfileRow, profile_id, "profile")
            s.merge(FeedbackRow(profile_id=profile_id, dataset=dataset, item_id=item_id, kind=kind, at=time.time()))

        self._retrying(put)

    def undo_feedback(self, profile_id: str, dataset: str, item_id: str | None = None) -> int:
        """Forget one item, or all of them; how many were forgotten."""
        query = delete(FeedbackRow).where(FeedbackRow.profile_id == profile_id, FeedbackRow.dataset == dataset)
        if item_id is not None:
            query = query.where(FeedbackRow.item_id == item_id)
        with self._writing() as s:
            return int(s.execute(query).rowcount)  # type: ignore[attr-defined]

    def feedback(self, profile_id: str, dataset: str) -> list[Feedback]:
        """Oldest first."""
        query = (
            select(FeedbackRow)
            .where(FeedbackRow.profile_id == profile_id, FeedbackRow.dataset == dataset)
            .order_by(FeedbackRow.at, FeedbackRow.item_id)
        )
        with self._reading() as s:
            return [Feedback(r.item_id, r.kind, r.at) for r in s.scalars(query)]  # type: ignore[arg-type]

    def close(self) -> None:
        self._engine.dispose()

    # -- transactions -----------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with database.reporting(self._engine), Session(database.writer(self._engine)) as s, s.begin():
            yield s

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with database.reporting(self._engine), Session(self._engine) as s, s.begin():
            yield s

    def _retrying(self, work: Callable[[Session], None]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                with self._writing() as s:
                    return work(s)
            except IntegrityError:
                if attempt == ATTEMPTS - 1:
                    raise
        return None

    def _check_idle(self, s: Session, conversation_id: str) -> None:
        now = time.time()
        _found(s, ConversationRow, conversation_id, "conversation", lock=True)
        for row in s.scalars(
            select(MessageRow).where(MessageRow.conversation_id == conversation_id, MessageRow.status == "streaming")
        ):
            if not is_gone(row.owner, now - row.touched):
                raise ConversationBusy("the last answer is still being written; wait for it or stop it first")
            row.status = "stopped"


def shortened(title: str) -> str:
    """One line of at most TITLE_LENGTH characters, cut between words where it can be."""
    line = " ".join(title.split())
    if len(line) <= TITLE_LENGTH:
        return line
    cut = line[: TITLE_LENGTH - 1].rsplit(" ", 1)[0]
    return (cut if len(cut) > TITLE_LENGTH // 2 else line[: TITLE_LENGTH - 1]).rstrip(" ,.;:") + "…"


def joined(events: Iterable[TurnEvent]) -> list[TurnEvent]:
    """The events with consecutive tokens as one: a trace keeps their place and text, not their number."""
    kept: list[TurnEvent] = []
    for event_ in events:
        last = kept[-1] if kept else None
        if isinstance(event_, Token) and isinstance(last, Token):
            kept[-1] = last.model_copy(
                update={"text": last.text + event_.text, "seconds": last.seconds + event_.seconds}
            )
        else:
            kept.append(event_)
    return kept


def _append(s: Session, conversation_id: str, role: Role, text: str, status: Status) -> MessageRow:
    now = time.time()
    conversation = _found(s, ConversationRow, conversation_id, "conversation")
    last = s.scalar(select(func.max(MessageRow.position)).where(MessageRow.conversation_id == conversation_id))
    row = MessageRow(
        id=_new_id(),
        conversation_id=conversation_id,
        position=0 if last is None else last + 1,
        role=role,
        text=text,
        status=status,
        current=True,
        item_ids=[],
        events=[],
        owner=this_process() if status == "streaming" else "",
        created=now,
        touched=now,
    )
    s.add(row)
    conversation.updated = now
    s.flush()
    return row


def _found(s: Session, table: type[Row], key: str, what: str, *, lock: bool = False) -> Row:
    """`lock` holds the row until the transaction ends (PostgreSQL; SQLite has one writer anyway)."""
    row = s.get(table, key, with_for_update=True if lock else None)
    if row is None:
        raise NotFound(f"there is no {what} {key!r} in the store (any more)")
    return row


def _new_id() -> str:
    return uuid.uuid4().hex


def _profile(row: ProfileRow) -> Profile:
    return Profile(row.id, row.name, row.dataset, row.user_id, row.created)


def _conversation(row: ConversationRow) -> Conversation:
    return Conversation(
        row.id,
        row.profile_id,
        row.title,
        row.dataset,
        row.backend,
        row.generator,
        row.ranker,
        row.created,
        row.updated,
    )


def _message(row: MessageRow) -> Message:
    return Message(
        row.id,
        row.conversation_id,
        row.position,
        row.role,  # type: ignore[arg-type]
        row.text,
        row.status,  # type: ignore[arg-type]
        row.current,
        tuple(row.item_ids),
        tuple(TRACE.validate_python(row.events)),
        row.created,
    )
