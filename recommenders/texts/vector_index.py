"""Nearest vectors by inner product, with FAISS: exact below 100,000 items, approximate above.

Above, vectors are grouped into lists around centres and kept there as 4-bit product codes, 96 bytes for 384 floats. A
search reads the codes of the nearest quarter of the lists and compares the best some hundred again at full precision.
A million vectors are ready in about a minute of one core, where a graph (HNSW) takes half an hour.

A filter is never approximate: it goes into the search as an IDSelector, and where few items pass it or too few come
back, the allowed vectors are compared one and all.

References: Jégou, Douze & Schmid, Product quantization for nearest neighbor search (TPAMI 2011); André, Kermarrec & Le
Scouarnec, Quicker ADC (TPAMI 2021), for codes of 4 bits; Douze et al., The Faiss library, arXiv:2401.08281.
"""

import importlib
import json
import math
from pathlib import Path
from typing import Any, Literal

import numpy as np

from app import files
from app.errors import ArtefactError, DataError
from app.progress import Progress, quiet

Kind = Literal["flat", "lists"]

EXACT_BELOW = 100_000  # items: comparing so many vectors of 384 floats takes 6 ms of one core
# Share of allowed items below which they are all compared, which is exact: 50 ms of one core at .2 of a million items.
NARROW = 0.2
MANY = 1000  # items wanted from which on nearly everything would have to be compared again anyway
# Queries that are not like the items (what people say against what is written of films) have neighbours in many lists:
# with an eighth of the lists such queries find .93 of the ten nearest of a million, with a quarter .97.
_READ = 0.25
_AGAIN, _AGAIN_TIMES = 400, 4  # compared at full precision: so many, and at least so many times those wanted
_PER_LIST = 40  # vectors that a centre is learned from
_GATHERED = 0.05  # share of allowed items below which collecting their vectors is quicker than asking for each
_STEP = 10_000  # vectors added between two reports of progress
_SOME = 4096  # allowed vectors copied and compared at a time: all at once would leave the processor's cache
_VECTORS, _LISTS, _ABOUT = "index.faiss", "lists.faiss", "index.json"


def _faiss() -> Any:
    """Imported at first use, because that takes a moment; untyped, because its stubs lack what is used here."""
    return importlib.import_module("faiss")


class _Kept:
    """The vectors of an IndexFlatIP as an array without a copy, which keeps the index alive as long as it is there."""

    def __init__(self, flat: Any) -> None:
        self.flat = flat
        where = int(_faiss().rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d).ctypes.data)
        self.__array_interface__ = {
            "data": (where, False),
            "shape": (flat.ntotal, flat.d),
            "typestr": np.dtype(np.float32).str,
            "version": 3,
        }


class VectorIndex:
    """`search` over (I, D) float32 rows of length one, row number = item number."""

    def __init__(self, flat: Any, lists: Any | None, fingerprint: str) -> None:
        """flat: an IndexFlatIP of all vectors; lists: an IndexIVF of the same, None for exact search alone."""
        self.kind: Kind = "flat" if lists is None else "lists"
        self.fingerprint = fingerprint
        self._flat, self._lists = flat, lists
        self._plans: dict[int, Any] = {}  # k -> parameters, which take longer to make than FAISS to read
        self._refined = None if lists is None else _faiss().IndexRefine(lists, flat)
        self.vectors = np.asarray(_Kept(flat))  # (I, D)

    @classmethod
    def build(
        cls, vectors: np.ndarray, fingerprint: str, *, kind: Kind | None = None, progress: Progress = quiet
    ) -> "VectorIndex":
        """From (I, D) float32 unit rows; `kind` None chooses by the number of items."""
        faiss = _faiss()
        if vectors.ndim != 2 or not len(vectors) or not np.isfinite(vectors).all():
            raise DataError(f"an index needs a (items, size) array of finite numbers, got shape {vectors.shape}")
        kind = kind or ("flat" if len(vectors) < EXACT_BELOW else "lists")
        flat = faiss.IndexFlatIP(vectors.shape[1])
        lists = None if kind == "flat" else _trained(vectors)
        for start in range(0, len(vectors), _STEP):
            some = np.ascontiguousarray(vectors[start : start + _STEP], np.float32)
            flat.add(some)
            if lists is not None:
                lists.add(some)
            progress(min(start + _STEP, len(vectors)), len(vectors), "indexing")
        return cls(flat, lists, fingerprint)

    def __len__(self) -> int:
        return len(self.vectors)

    def search(
        self, queries: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest allowed items of each query, nearest first.

        queries  (B, D) float32; allowed  (I,) bool, None allows all
        Returns scores (B, K) float32 and items (B, K) int64, K = min(k, number of allowed items).
        """
        count = len(self) if allowed is None else int(np.count_nonzero(allowed))
        k = max(0, min(k, count))
        queries = np.ascontiguousarray(np.atleast_2d(queries), np.float32)
        if k == 0:
            return np.empty((len(queries), 0), np.float32), np.empty((len(queries), 0), np.int64)
        if self.kind == "flat" or count < NARROW * len(self) or k > MANY:
            return self._exact(queries, k, allowed)
        scores, items = self._approximate(queries, k, allowed)
        if (items < 0).any():  # too few allowed items in the lists that were read
            return self._exact(queries, k, allowed)
        return scores, items

    def parameters(self, k: int, allowed: np.ndarray | None = None) -> Any:
        """How the lists are searched for k items: FAISS's search parameters."""
        faiss = _faiss()
        selector = None if allowed is None else _selector(allowed)
        read = faiss.IVFSearchParameters(nprobe=max(1, round(_READ * self._lists.nlist)), sel=selector)  # type: ignore[union-attr]
        return faiss.IndexRefineSearchParameters(k_factor=max(_AGAIN / k, _AGAIN_TIMES), base_index_params=read)

    def _approximate(self, queries: np.ndarray, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        assert self._refined is not None
        if allowed is None and k not in self._plans:
            self._plans[k] = self.parameters(k)
        plan = self._plans[k] if allowed is None else self.parameters(k, allowed)
        found: tuple[np.ndarray, np.ndarray] = self._refined.search(queries, k, params=plan)
        return found

    def _exact(self, queries: np.ndarray, k: int, allowed: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        count = len(self) if allowed is None else np.count_nonzero(allowed)
        if count > 4 * k and count >= _GATHERED * len(self):  # else nearly all must be sorted, or few be found
            only = None if allowed is None else _faiss().SearchParameters(sel=_selector(allowed))
            found: tuple[np.ndarray, np.ndarray] = self._flat.search(queries, k, params=only)
            return found
        if allowed is None:
            numbers, scores = np.arange(len(self)), queries @ self.vectors.T  # (B, I)
        else:
            numbers = np.flatnonzero(allowed)
            scores = self._scores(queries, numbers)  # (B, allowed)
        if 4 * k < len(numbers):  # sorting them all would take longer than comparing them
            near = np.sort(np.argpartition(-scores, k, axis=1)[:, :k], axis=1)
            order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1, kind="stable")
            best = np.take_along_axis(near, order, axis=1)
        else:
            best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, best, axis=1), numbers[best]

    def _scores(self, queries: np.ndarray, numbers: np.ndarray) -> np.ndarray:  # (B, D), (n,) -> (B, n)
        scores = np.empty((len(queries), len(numbers)), np.float32)
        some = np.empty((min(_SOME, len(numbers)), self.vectors.shape[1]), np.float32)
        for start in range(0, len(numbers), _SOME):
            part = numbers[start : start + _SOME]
            np.take(self.vectors, part, axis=0, out=some[: len(part)], mode="clip")
            np.matmul(queries, some[: len(part)].T, out=scores[:, start : start + len(part)])
        return scores

    def save(self, folder: Path) -> None:
        """Write index.faiss, index.json and, where there are lists, lists.faiss; the folder is whole or untouched."""
        faiss = _faiss()
        about = {"kind": self.kind, "items": self.fingerprint, "size": len(self), "dimensions": self._flat.d}
        with files.replacing(folder) as new:
            faiss.write_index(self._flat, str(new / _VECTORS))
            if self._lists is not None:
                faiss.write_index(self._lists, str(new / _LISTS))
            (new / _ABOUT).write_text(json.dumps(about, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, fingerprint: str) -> "VectorIndex":
        """Read what `save` wrote. ArtefactError when missing, torn or of another catalogue.

        The vectors are mapped, not read: a million are there at once, and processes of one machine share them.
        """
        faiss = _faiss()
        files.recover(folder)
        if not (folder / _ABOUT).exists():
            raise ArtefactError(f"no text index in {folder}; make it: chatrec setup")
        try:
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            kind, items, size = about["kind"], about["items"], about["size"]
            flat = faiss.read_index(str(folder / _VECTORS), faiss.IO_FLAG_MMAP_IFC)
            lists = faiss.read_index(str(folder / _LISTS)) if kind == "lists" else None
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ArtefactError(
                f"the text index in {folder} is damaged ({error}); make it again: chatrec setup"
            ) from error
        if kind not in ("flat", "lists"):
            raise ArtefactError(f"the text index in {folder} is of another version; make it again: chatrec setup")
        if items != fingerprint:
            raise ArtefactError(f"the text index in {folder} is of other items or texts; make it again: chatrec setup")
        if any(part.ntotal != size for part in (flat, lists) if part is not None):
            raise ArtefactError(f"the text index in {folder} is damaged (cut short); make it again: chatrec setup")
        return cls(flat, lists, fingerprint)


def _selector(allowed: np.ndarray) -> Any:
    return _faiss().IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


def _trained(vectors: np.ndarray) -> Any:
    """Empty lists whose centres and codes are learned from a sample of the vectors."""
    faiss = _faiss()
    n, size = vectors.shape
    number = max(1, min(n // _PER_LIST, round(2 * math.sqrt(n))))
    # At least 64 a code word, since small sets have few lists; tiny ones are repeated.
    some = np.resize(np.random.default_rng(0).permutation(n), max(number * _PER_LIST, 16 * 64))
    sample = np.ascontiguousarray(vectors[np.sort(some)], np.float32)
    means = faiss.Kmeans(
        size, number, niter=8, spherical=True, max_points_per_centroid=len(sample), min_points_per_centroid=1
    )
    means.train(sample)
    centres = faiss.IndexFlatIP(size)
    centres.add(means.centroids)
    parts = size // 2 if size % 2 == 0 else size  # two floats a code of 4 bits
    lists = faiss.IndexIVFPQFastScan(centres, size, number, parts, 4, faiss.METRIC_INNER_PRODUCT)
    lists.train(sample)
    return lists
