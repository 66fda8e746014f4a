"""Nearest vectors by inner product, with FAISS: exact below 100,000 items, approximate (HNSW) above.

A filter is never approximate: it goes into the search as an IDSelector, and where few items pass it (a graph walk would
miss them) or too few come back, the allowed vectors are compared one and all. Reference: Malkov & Yashunin, Efficient
and robust approximate nearest neighbor search using Hierarchical Navigable Small World graphs (TPAMI 2020).
"""

import importlib
import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from recommenders import artefact
from recommenders.base import Progress, quiet
from recommenders.errors import ArtefactError, DataError

Kind = Literal["flat", "hnsw"]

EXACT_BELOW = 100_000  # items: a full scan of so many vectors of 384 floats takes 20 ms
# Share of allowed items below which comparing them all is exact and as quick. Measured with 60,000 items, 100 wanted,
# one thread: at .3 15 ms against 2 by the graph, at .2 11 against 5, at .1 3 against 11, at .01 .3 against 24.
NARROW = 0.2
MANY = 1000  # items wanted from which on the graph walk has no advantage
_LINKS, _EF_CONSTRUCTION, _EF_SEARCH = 32, 128, 128
_INDEX, _ABOUT = "index.faiss", "index.json"


def _faiss() -> Any:
    """Imported at first use, because that takes a moment; untyped, because its stubs lack what is used here."""
    return importlib.import_module("faiss")


class VectorIndex:
    """`search` over (I, D) float32 rows of length one, row number = item number."""

    def __init__(self, index: Any, kind: Kind, fingerprint: str) -> None:
        faiss = _faiss()
        self.kind = kind
        self.fingerprint = fingerprint
        self._index = index
        storage = index if kind == "flat" else faiss.downcast_index(index.storage)
        flat = faiss.rev_swig_ptr(storage.get_xb(), index.ntotal * index.d)  # a view: the vectors are kept once
        self.vectors: np.ndarray = flat.reshape(index.ntotal, index.d)  # (I, D)

    @classmethod
    def build(
        cls, vectors: np.ndarray, fingerprint: str, *, kind: Kind | None = None, progress: Progress = quiet
    ) -> "VectorIndex":
        """From (I, D) float32 unit rows; `kind` None chooses by the number of items."""
        faiss = _faiss()
        if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
            raise DataError(f"an index needs a (items, size) array of finite numbers, got shape {vectors.shape}")
        kind = kind or ("flat" if len(vectors) < EXACT_BELOW else "hnsw")
        if kind == "flat":
            index = faiss.IndexFlatIP(vectors.shape[1])
        else:
            index = faiss.IndexHNSWFlat(vectors.shape[1], _LINKS, faiss.METRIC_INNER_PRODUCT)
            index.hnsw.efConstruction = _EF_CONSTRUCTION
        for start in range(0, len(vectors), 10_000):
            index.add(np.ascontiguousarray(vectors[start : start + 10_000], np.float32))
            progress(min(start + 10_000, len(vectors)), len(vectors), "indexing")
        return cls(index, kind, fingerprint)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest allowed items of each query, nearest first.

        queries  (B, D) float32; allowed  (I,) bool, None allows all
        Returns scores (B, K) float32 and items (B, K) int64, K = min(k, number of allowed items).
        """
        count = len(self) if allowed is None else int(allowed.sum())
        k = max(0, min(k, count))
        queries = np.ascontiguousarray(np.atleast_2d(queries), np.float32)
        if k == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        if self.kind == "flat" or count < NARROW * len(self) or k > MANY:
            return self._exact(queries, k, allowed)
        scores, items = self._approximate(queries, k, allowed)
        if (items < 0).any():  # the walk did not reach enough allowed items
            return self._exact(queries, k, allowed)
        return scores, items

    def _approximate(self, queries: np.ndarray, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        faiss = _faiss()
        if allowed is None:
            parameters = faiss.SearchParametersHNSW(efSearch=max(_EF_SEARCH, 2 * k))
        else:
            bits = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            # The wider the filter shuts, the more of the graph must be walked to meet k that pass.
            width = int(min(4096, max(_EF_SEARCH, 2 * k) * len(self) / max(1, int(allowed.sum()))))
            parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=width)
        scores, items = self._index.search(queries, k, params=parameters)
        return scores, items.astype(np.int64)

    def _exact(self, queries: np.ndarray, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        numbers = np.arange(len(self)) if allowed is None else np.flatnonzero(allowed)
        scores = queries @ (self.vectors if allowed is None else self.vectors[numbers]).T  # (B, allowed)
        if 4 * k < len(numbers):  # sorting them all would take longer than comparing them
            near = np.sort(np.argpartition(-scores, k, axis=1)[:, :k], axis=1)
            order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1, kind="stable")
            best = np.take_along_axis(near, order, axis=1)
        else:
            best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, best, axis=1), numbers[best]

    def save(self, folder: Path) -> None:
        """Write index.faiss and index.json; the folder is whole or untouched."""
        faiss = _faiss()
        about = {"kind": self.kind, "items": self.fingerprint, "size": len(self), "dimensions": self._index.d}
        with artefact.replacing(folder) as new:
            faiss.write_index(self._index, str(new / _INDEX))
            (new / _ABOUT).write_text(json.dumps(about, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, fingerprint: str) -> "VectorIndex":
        """Read what `save` wrote. ArtefactError when missing, torn or of another catalogue."""
        faiss = _faiss()
        artefact.recover(folder)
        if not (folder / _ABOUT).exists():
            raise ArtefactError(f"no text index in {folder}; make it: chatrec setup")
        try:
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            index = faiss.read_index(str(folder / _INDEX))
            kind, items, size = about["kind"], about["items"], about["size"]
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ArtefactError(
                f"the text index in {folder} is damaged ({error}); make it again: chatrec setup"
            ) from error
        if items != fingerprint:
            raise ArtefactError(f"the text index in {folder} is of other items or texts; make it again: chatrec setup")
        if index.ntotal != size:
            raise ArtefactError(f"the text index in {folder} is damaged (cut short); make it again: chatrec setup")
        return cls(index, kind, fingerprint)
