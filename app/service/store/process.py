"""Which process writes an answer, so that an answer in progress is told from one that was left behind."""

import os
import socket
from functools import lru_cache

import psutil

from app import processes

STALE_SECONDS = 600.0  # another machine that has not touched its message for so long is taken for gone
_written_here: set[str] = set()  # ids of the answers that this process is writing; of all stores, ids are unique


def this_process() -> str:
    """host|pid|start time: the start time tells this process from a later one that got the same number."""
    return _named(os.getpid())


@lru_cache(maxsize=1)
def _named(pid: int) -> str:
    return f"{socket.gethostname()}|{pid}|{psutil.Process(pid).create_time():.2f}"


def take_up(message_id: str) -> None:
    """This process writes the answer from now on."""
    _written_here.add(message_id)


def let_go(message_id: str) -> None:
    """This process writes no more of the answer, finished or not."""
    _written_here.discard(message_id)


def is_left(message_id: str, owner: str, idle_seconds: float) -> bool:
    """Whether nobody will write on: the process `owner` is gone, or it is this one and has let the answer go.

    On other machines only long silence tells.
    """
    if owner == this_process():
        return message_id not in _written_here
    host, _, rest = owner.partition("|")
    pid, _, started = rest.partition("|")
    if host != socket.gethostname() or not pid.isdigit():
        return idle_seconds > STALE_SECONDS
    try:
        return not processes.runs(int(pid), float(started))
    except ValueError:  # the owner was noted in another form
        return True
