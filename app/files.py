"""Files and folders that are written whole or not at all.

What is written lies beside its place until it is complete and on the disk, and is then put there by a rename: a kill at
any moment leaves the old or the new, never half of each. What a kill left over is swept at the next write.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the place of the file `path` when the block ends well, and is dropped otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.new")
    try:
        yield new
        _to_disk(new)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace the file whole."""
    with writing(path) as new:
        new.write_text(text, encoding="utf-8")


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """An empty folder to fill; it takes the place of `folder` when the block ends well, and is dropped otherwise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    recover(folder)
    for left in folder.parent.glob(f".{folder.name}.*"):
        shutil.rmtree(left, ignore_errors=True)
    new = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.new"
    new.mkdir()
    try:
        yield new
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        raise
    for path in new.rglob("*"):
        if path.is_file():
            _to_disk(path)
    old = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.old"
    while True:
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
            break
        except OSError:  # a reader put the old one back in between (recover): once more
            if not folder.exists():
                raise
    shutil.rmtree(old, ignore_errors=True)


def recover(folder: Path) -> None:
    """Put the old folder back where a kill fell between the two renames of `replacing`."""
    if not folder.exists():
        for old in folder.parent.glob(f".{folder.name}.*.old"):
            with suppress(OSError):  # another process was first
                old.rename(folder)
            break


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
