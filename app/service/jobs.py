"""Turns that run in the background, one a conversation, so that they outlive the page that started them.

A page may be rerun, reloaded or closed in the middle of a turn: the turn goes on here, and a page that comes back finds
it by its conversation. Nothing is kept once a turn is over; the store has it.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.errors import AppError, ConversationBusy
from app.events import ItemShown, Token, TurnEvent

_log = logging.getLogger(__name__)
Run = Callable[[threading.Event], Iterator[TurnEvent]]


@dataclass(frozen=True)
class View:
    """What a running turn has said so far."""

    text: str
    items: tuple[ItemShown, ...]
    events: tuple[TurnEvent, ...]


@dataclass
class Job:
    """One running turn. `error` is what went wrong outside the answer itself (the store, say), "" nothing."""

    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    error: str = ""
    _events: list[TurnEvent] = field(default_factory=list)
    _news: threading.Condition = field(default_factory=threading.Condition)

    def view(self) -> View:
        with self._news:
            events = tuple(self._events)
        text = "".join(e.text for e in events if isinstance(e, Token))
        return View(text, tuple(e for e in events if isinstance(e, ItemShown)), events)

    def wait_visible(self, seconds: float) -> None:
        """Until there is something to see, the turn is over, or the time is up."""
        with self._news:
            self._news.wait_for(
                lambda: self.over.is_set() or any(isinstance(e, ItemShown | Token) for e in self._events), seconds
            )

    def run(self, events: Iterator[TurnEvent]) -> None:
        try:
            for event in events:
                with self._news:
                    self._events.append(event)
                    self._news.notify_all()
        except AppError as error:
            self.error = str(error)
        except Exception as error:
            _log.exception("a turn ended with an error")
            self.error = f"Something went wrong inside ({type(error).__name__}: {error}). The log says more."
        finally:
            self.over.set()
            with self._news:
                self._news.notify_all()


class Jobs:
    """The running turns of this process, by conversation."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}

    def start(self, conversation_id: str, turn: Run) -> Job:
        """Begin a turn here, so that what was typed is stored when this returns, and run it in a thread of its own.

        ConversationBusy while another one of the conversation runs; what `turn` itself raises passes through.
        """
        job = Job()
        with self._lock:
            before = self._jobs.get(conversation_id)
            if before is not None and not before.over.is_set():
                raise ConversationBusy("the last answer is still being written; wait for it or stop it first")
            self._jobs[conversation_id] = job
        try:
            # Outside the lock: this writes to the store and may have to wait; pages look at their jobs meanwhile.
            events = turn(job.stop)
        except BaseException:
            self._put_back(conversation_id, job, before)
            raise
        try:
            threading.Thread(target=self._run, args=(conversation_id, job, events), name="turn", daemon=True).start()
        except RuntimeError as error:
            job.error = f"There is too much to do here to answer now ({error}). Your message is stored; try again."
            job.over.set()
        return job

    def _put_back(self, conversation_id: str, job: Job, before: Job | None) -> None:
        """Nothing began: what was known of an earlier turn is known again."""
        job.over.set()
        with self._lock:
            if self._jobs.get(conversation_id) is job:
                if before is None:
                    del self._jobs[conversation_id]
                else:
                    self._jobs[conversation_id] = before

    def _run(self, conversation_id: str, job: Job, events: Iterator[TurnEvent]) -> None:
        job.run(events)
        with self._lock:
            if self._jobs.get(conversation_id) is job and not job.error:
                del self._jobs[conversation_id]

    def get(self, conversation_id: str) -> Job | None:
        """The turn that runs now, or the last one where it ended with an error that nobody has seen yet."""
        with self._lock:
            return self._jobs.get(conversation_id)

    def clear(self, conversation_id: str) -> None:
        """Its error was seen."""
        with self._lock:
            job = self._jobs.get(conversation_id)
            if job is not None and job.over.is_set():
                del self._jobs[conversation_id]
