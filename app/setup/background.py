"""What is not needed for the first answers, made beside the running app: in a process of its own, at the lowest
priority and on one thread. How far it is lies in a file, so that every page and process can tell; what is done serves
from the next turn on. A process that ends early is gone on with by the next one.
"""

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from app import files, processes
from app.progress import Progress
from app.settings import Settings
from app.setup.steps import LABELS, Step, begun, make, rest

STATE = "making.json"  # below the runs of a data set
_EVERY = 1.0  # seconds between two writings
_log = logging.getLogger(__name__)


class Making(BaseModel):
    """What the process is at. `first` was done already when this process took the step up; times are seconds since
    1970. A step that failed stands in `failed` with the reason; the others go on."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: float
    step: str = ""
    since: float = 0.0
    at: float = 0.0
    done: int = 0
    total: int = 0
    first: int = 0
    failed: dict[str, str] = {}

    @property
    def running(self) -> bool:
        return bool(self.step) and processes.runs(self.pid, self.started)

    @property
    def share(self) -> float:
        return self.done / self.total if self.total else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None before anything can be told."""
        if self.done <= self.first or self.share < 0.02:
            return None
        return (self.at - self.since) / (self.done - self.first) * (self.total - self.done)


def make_rest(settings: Settings, *, say: Callable[[str], None] = print) -> None:
    """Every step that is not done yet, each whatever becomes of the others; nothing where no set-up was begun."""
    if not begun(settings):
        return
    failed: dict[str, str] = {}
    path = _path(settings)
    for step in rest(settings):
        try:
            make(step, settings, _writer(path, step, failed), say)
        except Exception as error:  # the page tells it; what was there before still serves
            _log.exception("%s failed", step.what)
            failed[step.name] = f"{type(error).__name__}: {error}"
    if failed:
        _write(path, _here(failed=failed))
    else:
        path.unlink(missing_ok=True)


def look(settings: Settings) -> Making | None:
    """What the process is at, or where the last one failed; None where there is nothing to tell."""
    try:
        found = Making.model_validate_json(_path(settings).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    return found if found.running or found.failed else None


def in_words(making: Making, generator: str, stand_in: str) -> str:
    """For people: what is made, how far it is, who serves until then. `stand_in` finds candidates as long as
    `generator` is not there; the same name where it is."""
    if not making.running:
        parts = ", ".join(LABELS.get(name, f"the {name}") for name in making.failed)
        why = next(iter(making.failed.values()))
        return f"{parts[0].upper()}{parts[1:]} could not be made ({why}). `chatrec setup` tries again."
    what, until = _WORDS.get(making.step, (f"{LABELS.get(making.step, making.step)} is being trained", ""))
    if generator != stand_in:
        finds = f"{LABELS.get(stand_in, stand_in)} finds the titles"
        until = finds if making.step == generator or not until else f"{until} and {finds}"
    far = f": {making.share:.0%}".replace("%", " %") if making.total else ""
    left = making.seconds_left
    return f"{what}{far}{'' if left is None else f', about {_about(left)}'}{f'; until then {until}' if until else ''}."


_WORDS = {
    "text index": ("What the texts mean is being indexed", "wishes are matched by their words"),
    "pipeline": ("The parts are being weighed against each other", ""),
}


def _about(seconds: float) -> str:
    minutes = round(seconds / 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes"


def _path(settings: Settings) -> Path:
    return settings.runs_dir / settings.dataset / STATE


def _here(**given: Any) -> Making:
    return Making(pid=os.getpid(), started=psutil.Process().create_time(), **given)


def _write(path: Path, making: Making) -> None:
    files.write_text(path, making.model_dump_json())


def _writer(path: Path, step: Step, failed: dict[str, str]) -> Progress:
    """A Progress that keeps the file up to date."""
    since, first, written = time.time(), -1, 0.0
    _write(path, _here(step=step.name, since=since, at=since, failed=failed))

    def progress(done: int, total: int, what: str) -> None:
        nonlocal first, written
        if first < 0:
            first = max(0, done - 1)
        if (now := time.time()) - written >= _EVERY or done == total:
            written = now
            _write(
                path,
                _here(step=step.name, since=since, at=now, done=done, total=total, first=first, failed=failed),
            )

    return progress
