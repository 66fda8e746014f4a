"""Conversations, messages, feedback and profiles: what must not be lost.

SQLAlchemy; SQLite in WAL mode by default, PostgreSQL by URL with the same code. Every method is one transaction, so a
kill at any moment leaves a readable store with everything that a method had returned from.
"""

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from sqlalchemy import Select, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.errors import ConversationBusy, NotFound, StoreUnavailable
from app.events import TRACE, Token, TurnEvent
from app.service.store import database
from app.service.store.layout import Base, ConversationRow, FeedbackRow, MessageRow, ProfileRow, SavedRow
from app.service.store.process import is_left, let_go, take_up, this_process
from recommenders.data import FeedbackKind

Status = Literal["done", "streaming", "stopped", "failed"]
Role = Literal["user", "assistant"]
ATTEMPTS = 5  # two writers that meet at one key or position: the later one tries again
TITLE_LENGTH = 60
ALONG_SECONDS = 1.0  # patience of a write of an unfinished answer: the next one has all of it and more
LAST_SECONDS = 60.0  # patience of the last write of an answer, whatever is wrong; then it is kept in memory
HEAL_SECONDS = 0.2  # patience of a look that finds an answer left behind: the next look tries again
_log = logging.getLogger(__name__)
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
class _Answer:
    """What is known of an answer: what a write puts in the place of what was known before."""

    text: str
    item_ids: tuple[str, ...]
    events: tuple[TurnEvent, ...]
    status: Status


@dataclass(frozen=True)
class Feedback:
    item_id: str
    kind: FeedbackKind
    at: float


@dataclass(frozen=True)
class Saved:
    """An item kept for later; no opinion of it."""

    item_id: str
    at: float


class Store:
    """One per process and database; safe to use from several threads."""

    def __init__(self, url: str) -> None:
        """Opens the store, brings its tables up to date, and closes answers that a kill left open.

        StoreUnavailable where it cannot be opened, StoreTooNew where a newer version of this program made it.
        """
        self._engine = database.engine(url)
        self._unwritten: dict[str, _Answer] = {}  # by message: what the store would not take, for the next look
        try:
            database.prepare(self._engine)
            self.close_left()
        except BaseException:
            self._engine.dispose()
            raise

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

    def conversations(self, dataset: str | None = None, limit: int = 200, *, titled: str = "") -> list[Conversation]:
        """The latest used first; `titled`: with these words in the title."""
        query = select(ConversationRow).order_by(ConversationRow.updated.desc()).limit(limit)
        if dataset is not None:
            query = query.where(ConversationRow.dataset == dataset)
        if titled.strip():
            query = query.where(ConversationRow.title.icontains(titled.strip(), autoescape=True))
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
        """The dialogue, oldest first; with `replaced` also what new answers and edits took the place of.

        A look heals: an answer that nobody writes on any more is closed, one that could not be stored is stored now.
        Where the store cannot be written it is shown so all the same.
        """
        query = select(MessageRow).where(MessageRow.conversation_id == conversation_id).order_by(MessageRow.position)
        if not replaced:
            query = query.where(MessageRow.current)
        found = self._read(query)
        if all(mended is read for read, mended in found):
            return [read for read, _ in found]
        with suppress(StoreUnavailable):
            self.close_left(conversation_id, HEAL_SECONDS)
        # Read again, not shown at once: what looked left behind may have been finished in between.
        return [mended for _, mended in self._read(query)]

    def _read(self, query: Select[MessageRow]) -> list[tuple[Message, Message]]:
        """Each message as it stands in the store, and as it is; the same object where that is no different."""
        now = time.time()
        with self._reading() as s:
            rows = [(_message(r), r.owner, now - r.touched) for r in s.scalars(query)]
        return [(message, self._mended(message, owner, idle)) for message, owner, idle in rows]

    def _mended(self, message: Message, owner: str, idle_seconds: float) -> Message:
        if (answer := self._unwritten.get(message.id)) is not None:
            return replace(
                message, text=answer.text, item_ids=answer.item_ids, events=answer.events, status=answer.status
            )
        if message.status == "streaming" and is_left(message.id, owner, idle_seconds):
            return replace(message, status="stopped")
        return message

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

    def add_message(
        self,
        conversation_id: str,
        text: str,
        *,
        instead_of: int | None = None,
        events: Iterable[TurnEvent] = (),
    ) -> Message:
        """What the person typed, or pressed (then `events` says what); it names a conversation that has no title yet,
        or one that the message it replaces had named. `instead_of`: it takes the place of the message at this position
        and of all later ones; they stay stored."""
        with self._writing() as s:
            self._check_idle(s, conversation_id)
            conversation = _found(s, ConversationRow, conversation_id, "conversation")
            named_by = ""
            if instead_of is not None:
                named_by = _first_text(s, conversation_id, instead_of)
                _take_out(s, conversation_id, instead_of)
            row = _append(s, conversation_id, "user", text, "done")
            row.events = TRACE.dump_python(list(events), mode="json")
            if conversation.title in ("", named_by):
                conversation.title = shortened(text)
            s.flush()
            return _message(row)

    def begin_answer(self, conversation_id: str) -> Message:
        """An empty answer that this process will fill. ConversationBusy while another one is being written."""
        with self._writing() as s:
            self._check_idle(s, conversation_id)
            row = _append(s, conversation_id, "assistant", "", "streaming")
            take_up(row.id)  # before anybody can see it
            return _message(row)

    def write_answer(
        self, message_id: str, text: str, item_ids: Sequence[str], events: Iterable[TurnEvent], status: Status
    ) -> None:
        """Replace what is known of an answer. An answer deleted meanwhile is left alone.

        Any status but "streaming" ends it. That last write is tried until it is through; after LAST_SECONDS the answer
        is kept in memory, StoreUnavailable says so, and the next look at the conversation stores it.
        """
        answer = _Answer(text, tuple(item_ids), tuple(joined(events)), status)
        if status == "streaming":
            self._put(message_id, answer, ALONG_SECONDS)
            return
        try:
            self._finish(message_id, answer)
        finally:
            self.let_go(message_id)

    def let_go(self, message_id: str) -> None:
        """This process writes no more of the answer. Where it is not finished, the next look at it closes it."""
        let_go(message_id)

    def _put(self, message_id: str, answer: _Answer, seconds: float) -> None:
        with self._writing(seconds) as s:
            s.execute(update(MessageRow).where(MessageRow.id == message_id).values(**_columns(answer)))

    def _finish(self, message_id: str, answer: _Answer) -> None:
        began, pause = time.monotonic(), database.FIRST_PAUSE
        while True:
            try:
                return self._put(message_id, answer, database.PATIENCE_SECONDS)
            except StoreUnavailable as error:
                waited = time.monotonic() - began
                if waited >= LAST_SECONDS:
                    self._unwritten[message_id] = answer
                    _log.error("an answer could not be stored for %.0f s and is kept in memory: %s", waited, error)
                    raise StoreUnavailable(
                        f"The answer could not be stored for over {LAST_SECONDS:g} s: {error} It is shown from memory "
                        "and stored as soon as that works; what is not stored is lost when this program ends."
                    ) from error
                _log.warning("an answer waits to be stored, %.0f s so far: %s", waited, error)
            time.sleep(pause)
            pause = min(2 * pause, database.LONGEST_PAUSE)

    def replace_from(self, conversation_id: str, position: int) -> None:
        """Take the message at `position` and all later ones out of the dialogue; they stay stored."""
        with self._writing() as s:
            self._check_idle(s, conversation_id)
            _take_out(s, conversation_id, position)

    def close_left(self, conversation_id: str | None = None, seconds: float | None = None) -> int:
        """Answers that nobody writes on any more become "stopped", with the text that they had, or are stored from
        memory; of one conversation or of all. How many there were. `seconds`: see `database.writing`.
        """
        query = select(MessageRow).where(
            or_(MessageRow.status == "streaming", MessageRow.id.in_(list(self._unwritten)))
        )
        if conversation_id is not None:
            query = query.where(MessageRow.conversation_id == conversation_id)
        with self._reading() as s:
            if not any(self._is_left(r) for r in s.scalars(query)):
                return 0
        with self._writing(seconds) as s:
            closed = [row.id for row in s.scalars(query) if self._close(row)]
        for message_id in closed:
            self._unwritten.pop(message_id, None)
        return len(closed)

    def _is_left(self, row: MessageRow) -> bool:
        idle = time.time() - row.touched
        return row.id in self._unwritten or (row.status == "streaming" and is_left(row.id, row.owner, idle))

    def _close(self, row: MessageRow) -> bool:
        """End an answer that nobody writes on any more; False where somebody does."""
        if not self._is_left(row):
            return False
        answer = self._unwritten.get(row.id)
        for column, value in ({"status": "stopped"} if answer is None else _columns(answer)).items():
            setattr(row, column, value)
        return True

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

    # -- saved for later --------------------------------------------------------------------------------------------

    def save(self, profile_id: str, dataset: str, item_id: str) -> None:
        """Put an item on the person's list; one that is on it stays where it was."""

        def put(s: Session) -> None:
            _found(s, ProfileRow, profile_id, "profile")
            if s.get(SavedRow, (profile_id, dataset, item_id)) is None:
                s.add(SavedRow(profile_id=profile_id, dataset=dataset, item_id=item_id, at=time.time()))

        self._retrying(put)

    def unsave(self, profile_id: str, dataset: str, item_id: str) -> None:
        query = delete(SavedRow).where(
            SavedRow.profile_id == profile_id, SavedRow.dataset == dataset, SavedRow.item_id == item_id
        )
        with self._writing() as s:
            s.execute(query)

    def saved(self, profile_id: str, dataset: str) -> list[Saved]:
        """Oldest first."""
        query = (
            select(SavedRow)
            .where(SavedRow.profile_id == profile_id, SavedRow.dataset == dataset)
            .order_by(SavedRow.at, SavedRow.item_id)
        )
        with self._reading() as s:
            return [Saved(r.item_id, r.at) for r in s.scalars(query)]

    def close(self) -> None:
        self._engine.dispose()

    # -- transactions -----------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self, seconds: float | None = None) -> Iterator[Session]:
        """`seconds`: see `database.writing`; None for its PATIENCE_SECONDS."""
        patience = database.PATIENCE_SECONDS if seconds is None else seconds
        with (
            database.reporting(self._engine),
            database.writing(self._engine, patience) as connection,
            Session(connection) as s,
            s.begin(),
        ):
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
        _found(s, ConversationRow, conversation_id, "conversation", lock=True)
        for row in s.scalars(
            select(MessageRow).where(MessageRow.conversation_id == conversation_id, MessageRow.status == "streaming")
        ):
            if not self._close(row):
                raise ConversationBusy("the last answer is still being written; wait for it or stop it first")


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


def _columns(answer: _Answer) -> dict[str, object]:
    return {
        "text": answer.text,
        "item_ids": list(answer.item_ids),
        "events": TRACE.dump_python(list(answer.events), mode="json"),
        "status": answer.status,
        "touched": time.time(),
    }


def _take_out(s: Session, conversation_id: str, position: int) -> None:
    """The message at `position` and all later ones leave the dialogue; they stay stored."""
    s.execute(
        update(MessageRow)
        .where(MessageRow.conversation_id == conversation_id, MessageRow.position >= position)
        .values(current=False)
    )


def _first_text(s: Session, conversation_id: str, position: int) -> str:
    """The title that the message at `position` gave, "" where it is not the first of the dialogue."""
    query = select(MessageRow).where(MessageRow.conversation_id == conversation_id, MessageRow.current)
    first = s.scalar(query.order_by(MessageRow.position).limit(1))
    return shortened(first.text) if first is not None and first.position == position else ""


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
