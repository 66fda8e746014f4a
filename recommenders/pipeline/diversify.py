"""Two ideas that stand between a ranking and a list: not the same thing twice, and nothing like what was rejected.

`Resemblance` says how alike items are (text vectors where there are any, else shared genres); `reorder` is Maximal
Marginal Relevance (Carbonell & Goldstein, SIGIR 1998): the next item is the one with the largest
(1 − λ) · relevance − λ · largest resemblance to those already chosen.
"""

from collections.abc import Sequence

import numpy as np

from recommenders.data import Catalogue


class Resemblance:
    """How alike items are, in [-1, 1] (cosine of texts) or [0, 1] (cosine of genre sets)."""

    def __init__(self, catalogue: Catalogue, vectors: np.ndarray | None) -> None:
        """vectors: (I, D) unit rows, one an item; None falls back to genres."""
        if vectors is None:
            number = {genre: n for n, genre in enumerate(catalogue.genre_names)}
            vectors = np.zeros((len(catalogue), max(1, len(number))), np.float32)
            for item, genres in enumerate(catalogue.genres):
                vectors[item, [number[g] for g in genres]] = 1
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1)
        self._vectors = vectors  # (I, D)
        self._mean = vectors.mean(axis=0)  # (D,)

    def between(self, items: np.ndarray) -> np.ndarray:
        """(C, C) of the items among each other."""
        rows = self._vectors[items]
        return rows @ rows.T

    def to_any(self, items: np.ndarray, others: Sequence[int]) -> np.ndarray:
        """(C,) in [0, 1]: how much each item resembles the one of `others` that it resembles most.

        0 is the resemblance of an average item of the catalogue (or less), 1 that of an identical one: raw cosines of
        short texts are far from 0 even for strangers.
        """
        theirs = self._vectors[list(others)]  # (O, D)
        average = theirs @ self._mean  # (O,)
        raw = self._vectors[items] @ theirs.T  # (C, O)
        return np.clip((raw - average) / np.maximum(1 - average, 1e-6), 0, 1).max(axis=1)


def reorder(relevance: np.ndarray, alike: np.ndarray, n: int, weight: float) -> np.ndarray:
    """The first n places of the list, as positions into `relevance`, by Maximal Marginal Relevance.

    relevance  (C,) scaled to [0, 1]; alike  (C, C); weight  λ in [0, 1], 0 keeps the order of relevance
    """
    n = min(n, len(relevance))
    left = (1 - weight) * relevance
    nearest = np.zeros(len(relevance))
    chosen: list[int] = []
    for _ in range(n):
        gain = left - weight * nearest
        gain[chosen] = -np.inf
        best = int(gain.argmax())  # the first of equals: the better ranked
        chosen.append(best)
        nearest = np.maximum(nearest, alike[best])
    return np.array(chosen, np.int64)
