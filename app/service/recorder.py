"""Writes an answer to the store while it comes, beside the turn and not in its way."""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from app.errors import StoreError
from app.events import Done, ItemShown, Token, TurnEvent
from app.service.store import Status, Store

PAUSE_SECONDS = 0.3  # between two writes; the first event of a quiet moment is written at once


class Recorder:
    """Takes the events of one turn. A thread of its own writes them, so that no disk holds up an answer; what is lost
    in a kill is at most the last PAUSE_SECONDS. Use as a context: leaving it writes the rest, however long the store
    takes; StoreUnavailable says that it would not, and where the answer is then.
    """

    def __init__(self, store: Store, message_id: str) -> None:
        self._store, self._message_id = store, message_id
        self._lock = threading.Lock()
        self._text = ""
        self._item_ids: list[str] = []
        self._events: list[TurnEvent] = []
        self._status: Status = "stopped"  # of a turn that ends without a Done
        self._news, self._over = threading.Event(), threading.Event()
        self._writer = threading.Thread(target=self._write_along, name="recorder", daemon=True)

    def __enter__(self) -> Self:
        try:
            self._writer.start()
        except RuntimeError:  # no more threads: nobody would ever end this answer
            self._store.let_go(self._message_id)
            raise
        return self

    def take(self, event: TurnEvent) -> None:
        with self._lock:
            self._events.append(event)
            if isinstance(event, Token):
                self._text += event.text
            elif isinstance(event, ItemShown):
                self._item_ids.append(event.item_id)
            elif isinstance(event, Done):
                self._status = event.status
                self._text = event.reply
                self._item_ids = list(event.item_ids)
        self._news.set()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._news.set()
        self._writer.join()
        # Leaving a generator early is a stop; any other error is a failure, whatever was said before it.
        if kind is not None and issubclass(kind, Exception):
            self._status = "failed"
        self._write(self._status)

    def _write_along(self) -> None:
        while True:
            self._news.wait()
            if self._over.is_set():
                return
            self._news.clear()
            with suppress(StoreError):  # the next write has all of this and more; the last one reports what is wrong
                self._write("streaming")
            self._over.wait(PAUSE_SECONDS)

    def _write(self, status: Status) -> None:
        with self._lock:
            text, item_ids, events = self._text, list(self._item_ids), list(self._events)
        self._store.write_answer(self._message_id, text, item_ids, events, status)
