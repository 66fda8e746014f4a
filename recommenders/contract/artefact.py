"""A run folder: weights (safetensors) and small text documents, written whole or not at all.

A run is written to a sibling folder and put in place by rename, so a kill at any moment leaves either the old run or
the new one, never half of each. A folder left over from a kill is swept at the next write.
"""

import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from app.errors import ArtefactError
from recommenders.data.tables import Catalogue

WEIGHTS = "weights.safetensors"


def fingerprint(catalogue: Catalogue) -> str:
    """Of the item ids in their order: equal fingerprints mean that internal item numbers mean the same items."""
    return hashlib.sha256("\n".join(catalogue.ids.ids).encode()).hexdigest()[:16]


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
            with path.open("rb") as f:
                os.fsync(f.fileno())
    old = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.old"
    if folder.exists():
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def write(folder: Path, *, arrays: Mapping[str, np.ndarray], documents: Mapping[str, str]) -> None:
    """Replace `folder` by one that holds weights.safetensors and the documents (file name -> text)."""
    with replacing(folder) as new:
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, new / WEIGHTS)
        for name, text in documents.items():
            (new / name).write_text(text, encoding="utf-8")


def recover(folder: Path) -> None:
    """Put the old run back where a kill fell between the two renames of `write`."""
    if not folder.exists():
        for old in folder.parent.glob(f".{folder.name}.*.old"):
            old.rename(folder)
            break


def read(folder: Path, *, documents: Iterable[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the named documents of a run. ArtefactError says which file is missing or torn."""
    recover(folder)
    if not (folder / WEIGHTS).exists():
        raise ArtefactError(f"no trained model in {folder}; train it first: chatrec train {folder.name}")
    try:
        arrays = load_file(folder / WEIGHTS)
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in documents}
    except (SafetensorError, OSError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{folder} is damaged ({error}); train it again: chatrec train {folder.name}") from error
    return arrays, texts
