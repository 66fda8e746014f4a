"""How much memory is free, and a refusal in words before a model takes more than that.

A process that runs out of memory is killed without a word, after minutes of work; models whose memory grows faster than
the data (items², items × batch) therefore say beforehand what they will need.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from app.errors import TooLarge

_SYSTEM = Path("/proc/meminfo")
_LIMIT, _USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")


def free() -> int | None:
    """Bytes that this process could still take, the container's limit included; None where that is not known."""
    found = []
    with contextlib.suppress(OSError, ValueError, IndexError):  # not Linux
        for line in _SYSTEM.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
    with contextlib.suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        found.append(int(_LIMIT.read_text(encoding="ascii")) - int(_USED.read_text(encoding="ascii")))
    return max(0, min(found)) if found else None


@dataclass(frozen=True)
class Need:
    """size  bytes, roughly; instead  what to do where that is too much: "lower x, or train y" """

    size: int
    instead: str


def require(need: Need, who: str, what: str) -> None:
    """TooLarge where more is needed than what is free."""
    left = free()
    if left is not None and need.size > left:
        raise TooLarge(
            f"{who} needs about {in_words(need.size)} of memory for {what}, {in_words(left)} are free: {need.instead}"
        )


def in_words(number: int) -> str:
    """Bytes for people: "380 MB", "4.0 TB"."""
    for size, unit in ((10**12, "TB"), (10**9, "GB")):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number / 10**6:,.0f} MB"
