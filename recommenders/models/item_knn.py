"""Item-based nearest neighbours.

Idea
    Two items are alike when the same people meet both. A user is offered what is most like the items of their history,
    each item speaking only for its nearest neighbours.

Formula
    sim(i, j) = |U_i ∩ U_j| / (√(|U_i| |U_j|) + λ)              cosine with shrinkage λ; U_i the users who met i
    score(u, j) = Σ_{i ∈ history(u), j ∈ N_k(i)} w_i sim(i, j) + ε pop(j)
    w_i = 2^(−newer items than i / h): the latest items say most of what is wanted next.

Input
    Which user met which item, and the order of the history at serving. Ratings are not read.

Relations
    ease learns the item-to-item weights jointly, so two alike items don't speak twice; here each pair stands alone,
    which needs no matrix inversion and stays sparse.

When it fails
    Items met by few users have chance neighbours (λ damps them); no transfer between items that share no users.

Reference
    Sarwar et al., Item-based collaborative filtering recommendation algorithms (WWW 2001), Eq. 1 for sets;
    Deshpande & Karypis, Item-based top-N recommendation algorithms (TOIS 2004), for keeping k neighbours.
    The shrinkage follows Bell & Koren (2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import sparse

from app.progress import Progress
from recommenders.contract import Recommender, Role
from recommenders.data import Dataset, UserState, popularity, users_by_items, weighted


class ItemKNN(Recommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        neighbours: int = 100
        """k: how many nearest items each item speaks for."""
        shrinkage: float = 10.0
        """λ: damps similarities that rest on few users."""
        half_life: float | None = None
        """h: after how many newer history items an item's weight is halved; None weighs all alike."""
        prior: float = 1e-3
        """ε: weight of popularity; breaks ties and answers an empty history."""

    config: Config

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        met = users_by_items(data)  # (U, I)
        by_item = met.T.tocsr()  # (I, U)
        size = np.sqrt(np.asarray(by_item.sum(axis=1)).ravel())  # (I,) √|U_i|
        chunk, n = 1024, len(data.catalogue)
        rows = []
        for start in range(0, n, chunk):
            both = (by_item[start : start + chunk] @ met).tocoo()  # (chunk, I) |U_i ∩ U_j|
            i = both.row + start
            apart = i != both.col
            values = both.data / (size[i] * size[both.col] + self.config.shrinkage)
            rows.append(_nearest(both.row[apart], both.col[apart], values[apart], both.shape, self.config.neighbours))
            progress(min(start + chunk, n), n, "similarities")
        self._similar = sparse.vstack(rows, format="csr").astype(np.float32)  # (I, I)
        self._popularity = popularity(data)  # (I,)

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        history = weighted(states, len(self.catalogue), self.config.half_life)  # (B, I)
        scores = (history @ self._similar).toarray() + np.float32(self.config.prior) * self._popularity  # (B, I)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)

    def _arrays(self) -> dict[str, np.ndarray]:
        s = self._similar
        return {
            "similar.data": s.data,
            "similar.indices": s.indices.astype(np.int64),
            "similar.indptr": s.indptr.astype(np.int64),
            "popularity": self._popularity,
        }

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        n = len(self.catalogue)
        parts = (arrays["similar.data"], arrays["similar.indices"], arrays["similar.indptr"])
        self._similar = sparse.csr_matrix(parts, shape=(n, n))
        self._popularity = arrays["popularity"]


def _nearest(row: np.ndarray, col: np.ndarray, value: np.ndarray, shape: tuple[int, int], k: int) -> sparse.csr_matrix:
    """The k largest values of each row, ties to the smaller column."""
    order = np.lexsort((col, -value, row))
    row, col, value = row[order], col[order], value[order]
    starts = np.searchsorted(row, np.arange(shape[0]))
    place = np.arange(len(row)) - starts[row]  # 0 for the most similar of each row
    keep = place < k
    return sparse.csr_matrix((value[keep], (row[keep], col[keep])), shape=shape)
