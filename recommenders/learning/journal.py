"""Changes of a model's weights that were learnt online, kept beside its run: W = W_trained + Σ changes.

One file a change, in a folder <run>.online: it appears whole by rename, and taking a change back removes its file, so a
kill at any moment leaves every change whole or absent. Writers of several processes take turns by a lock of the
operating system, which a killed process gives back. Changes of an earlier training of the model are ignored, and swept
at the next write. The oldest two are merged when there are more than KEPT: they can then only be reset.
"""

import fcntl
import hashlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from app import files
from app.errors import ArtefactError
from recommenders.contract import artefact

KEPT = 50  # changes that can be taken back one by one
ABOUT = "about"  # key of the file's metadata


class Change(BaseModel):
    """One change.

    first, last  its number, or the numbers that were merged into it
    run          which training it was learnt on
    because      what it was learnt from, e.g. the id of the list that was judged; unique
    """

    model_config = ConfigDict(frozen=True)

    first: int
    last: int
    kind: Literal["minor", "major", "merged"]
    run: str
    because: str
    made_at: datetime


class Journal:
    """The changes of the model in the run folder `run`. Safe to use from several threads and processes."""

    def __init__(self, run: Path) -> None:
        self.run_folder = run
        self.folder = run.with_name(f"{run.name}.online")
        self._lock = threading.RLock()
        self._run: tuple[tuple[int, int], str] | None = None

    @property
    def run(self) -> str:
        """Tells this training of the model from others; ArtefactError where there is none."""
        files.recover(self.run_folder)
        weights = self.run_folder / artefact.WEIGHTS
        try:
            stat = weights.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            if self._run is None or self._run[0] != stamp:
                self._run = (stamp, hashlib.sha256(weights.read_bytes()).hexdigest()[:16])
        except OSError as error:
            name = self.run_folder.name
            raise ArtefactError(f"no trained model in {self.run_folder}; train it: chatrec train {name}") from error
        return self._run[1]

    # -- reading ------------------------------------------------------------------------------------------------------

    def head(self) -> tuple[str, ...]:
        """What there is, cheaply: unequal when anything was added or taken back since, by whatever process."""
        return (self.run, *sorted(p.name for p in self._files()))

    def changes(self) -> list[Change]:
        """Of this training, oldest first. ArtefactError when one is damaged."""
        return [change for change, _ in self._current()]

    def total(self) -> dict[str, np.ndarray]:
        """The sum of all changes, by name of the weight; empty where there are none."""
        total: dict[str, np.ndarray] = {}
        for _, path in self._current():
            for name, array in _arrays(path).items():
                total[name] = total[name] + array if name in total else array
        return total

    def _files(self) -> list[Path]:
        return list(self.folder.glob("[0-9]*.safetensors")) if self.folder.is_dir() else []

    def _current(self) -> list[tuple[Change, Path]]:
        run = self.run
        found = sorted(
            ((c, p) for p in self._files() if (c := _about(p)) is not None and c.run == run), key=lambda x: x[0].first
        )
        merged = [c for c, _ in found if c.kind == "merged"]
        # A kill between the two steps of merging leaves parts of what is merged already: they count once.
        return [
            (c, p) for c, p in found if not any(m is not c and m.first <= c.first and c.last <= m.last for m in merged)
        ]

    # -- writing ------------------------------------------------------------------------------------------------------

    def append(self, kind: Literal["minor", "major"], because: str, arrays: Mapping[str, np.ndarray]) -> Change:
        """Keep a change; one with the same `because` is replaced."""
        with self._writing():
            self._remove(because)
            current = self._current()
            number = 1 + max((c.last for c, _ in current), default=0)
            change = Change(
                first=number, last=number, kind=kind, run=self.run, because=because, made_at=datetime.now(UTC)
            )
            self._write(change, arrays)
            while len(current) + 1 > KEPT:
                self._merge(current[0], current[1])
                current = self._current()[:-1]
            return change

    def undo(self) -> Change | None:
        """Take back the latest change that was not merged; None where there is none."""
        with self._writing():
            current = self._current()
            if not current or current[-1][0].kind == "merged":
                return None
            change, path = current[-1]
            path.unlink()
            return change

    def remove(self, because: str) -> bool:
        """Take back the change that was learnt from this; whether there was one."""
        with self._writing():
            return self._remove(because)

    def reset(self) -> int:
        """Take all back, the latest first; how many there were. Also works where files are damaged."""
        with self._writing():
            files = sorted(self._files(), reverse=True)
            for path in files:
                path.unlink()
            return len(files)

    def _remove(self, because: str) -> bool:
        for change, path in self._current():
            if change.because == because and change.kind != "merged":
                path.unlink()
                return True
        return False

    def _write(self, change: Change, arrays: Mapping[str, np.ndarray]) -> None:
        mark = uuid.uuid4().hex[:8]  # so that a change made after an undo is not taken for the one undone
        with files.writing(self.folder / f"{change.first:06d}-{change.last:06d}-{mark}.safetensors") as new:
            save_file(
                {k: np.ascontiguousarray(v) for k, v in arrays.items()}, new, metadata={ABOUT: change.model_dump_json()}
            )

    def _merge(self, older: tuple[Change, Path], newer: tuple[Change, Path]) -> None:
        one, other = _arrays(older[1]), _arrays(newer[1])
        both = Change(
            first=older[0].first,
            last=newer[0].last,
            kind="merged",
            run=older[0].run,
            because="",
            made_at=newer[0].made_at,
        )
        self._write(both, {name: one[name] + other[name] for name in one})
        older[1].unlink()
        newer[1].unlink()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                for left in self.folder.glob(".*.new"):
                    left.unlink()
                for path in self._files():
                    change = _about(path, strict=False)
                    if change is not None and change.run != self.run:
                        path.unlink()
                yield


def _about(path: Path, *, strict: bool = True) -> Change | None:
    """What a file says of itself; None when it was taken back meanwhile, or (not strict) is damaged."""
    try:
        with safe_open(path, "numpy") as f:
            return Change.model_validate_json((f.metadata() or {})[ABOUT])
    except FileNotFoundError:
        return None
    except (SafetensorError, OSError, KeyError, ValidationError) as error:
        if not strict:
            return None
        raise _damaged(path, error) from error


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        return load_file(path)
    except FileNotFoundError:
        return {}
    except (SafetensorError, OSError) as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> ArtefactError:
    name = path.parent.name.removesuffix(".online")
    return ArtefactError(f"{path} is damaged ({error}); go back to the trained model: chatrec online {name} --reset")
