"""A line to stand in: one at a time, in the order in which they came."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class StillWaiting(Exception):
    """The turn did not come in time."""


class Line:
    """First come, first served. `threading.Lock` wakes whom it likes, and SQLite's own lock whoever asks at the right
    moment: with fifty writers some wait for ever under either.

    held_up  the first in the line is kept waiting by somebody outside of it
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()  # the first has the turn
        self.held_up = False

    def __len__(self) -> int:
        return len(self._waiting)

    @contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Be the only one inside. StillWaiting where that takes longer than `seconds`."""
        mine = threading.Event()
        try:
            self._join(mine)
            if not mine.wait(max(seconds, 0.0)):
                raise StillWaiting
            yield
        finally:
            self._leave(mine)

    def _join(self, mine: threading.Event) -> None:
        with self._lock:
            self._waiting.append(mine)
            self._waiting[0].set()

    def _leave(self, mine: threading.Event) -> None:
        with self._lock:
            if mine in self._waiting:  # an interrupt may come before it stood there
                self._waiting.remove(mine)
            if self._waiting:
                self._waiting[0].set()
