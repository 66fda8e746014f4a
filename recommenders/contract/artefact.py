"""A run folder: weights (safetensors) and small text documents, written whole or not at all."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from app import files
from app.errors import ArtefactError
from recommenders.data import Catalogue

WEIGHTS = "weights.safetensors"


def fingerprint(catalogue: Catalogue) -> str:
    """Of the item ids in their order: equal fingerprints mean that internal item numbers mean the same items."""
    return hashlib.sha256("\n".join(catalogue.ids.ids).encode()).hexdigest()[:16]


def write(folder: Path, *, arrays: Mapping[str, np.ndarray], documents: Mapping[str, str]) -> None:
    """Replace `folder` by one that holds weights.safetensors and the documents (file name -> text)."""
    with files.replacing(folder) as new:
        save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, new / WEIGHTS)
        for name, text in documents.items():
            (new / name).write_text(text, encoding="utf-8")


def read(folder: Path, *, documents: Iterable[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the named documents of a run. ArtefactError says which file is missing or torn."""
    files.recover(folder)
    if not (folder / WEIGHTS).exists():
        raise ArtefactError(f"no trained model in {folder}; train it first: chatrec train {folder.name}")
    try:
        arrays = load_file(folder / WEIGHTS)
        texts = {name: (folder / name).read_text(encoding="utf-8") for name in documents}
    except (SafetensorError, OSError, UnicodeDecodeError) as error:
        raise ArtefactError(f"{folder} is damaged ({error}); train it again: chatrec train {folder.name}") from error
    return arrays, texts
