"""Which process is at something, and whether it still is."""

import psutil

SAME_SECONDS = 1.0  # two readings of one start time differ by less


def runs(pid: int, started: float) -> bool:
    """Whether the process with this number is there, and the one that began at `started` (seconds since 1970)."""
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False  # it only waits for burial
        return abs(process.create_time() - started) < SAME_SECONDS
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
