"""Which process writes a message, so that another one can tell an answer in progress from one left behind by a kill."""

import os
import socket
from pathlib import Path

STALE_SECONDS = 600.0  # another machine that has not touched its message for so long is taken for gone


def this_process() -> str:
    """host|pid|start time: the start time tells this process from a later one that got the same number."""
    return _name(os.getpid())


def _name(pid: int) -> str:
    return f"{socket.gethostname()}|{pid}|{_started(pid)}"


def _started(pid: int) -> str:
    """Start time in clock ticks since boot, "" where /proc does not tell, "dead" of one that only waits for burial."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()  # from field 3 on; the name in parentheses may hold blanks
    return "dead" if fields[0] in "ZX" else fields[19]  # field 22


def is_gone(owner: str, idle_seconds: float) -> bool:
    """Whether the process that wrote `owner` can write no more. On other machines only long silence tells."""
    host, _, rest = owner.partition("|")
    pid, _, _ = rest.partition("|")
    if host != socket.gethostname() or not pid.isdigit():
        return idle_seconds > STALE_SECONDS
    try:
        os.kill(int(pid), 0)  # signal 0 only asks whether it is there
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return owner != _name(int(pid))
