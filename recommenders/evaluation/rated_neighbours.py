"""Item neighbours for ratings: what a user gave to items that are rated alike.

Idea
    After the biases are taken off, what is left of a rating says how a user departs from what is usual. Items that the
    same people depart on in the same way are neighbours; a user's departures on the neighbours foretell the next one.

Formula
    r̂_ui = b_ui + Σ_{j ∈ N_k(i; u)} s_ij (r_uj − b_uj) / (μ + Σ_{j ∈ N_k(i; u)} |s_ij|)           (Eq. 3 with damping μ)
    s_ij = n_ij / (n_ij + λ) · ρ_ij,  ρ_ij the cosine of the departures over the n_ij users who rated both      (Eq. 2)
    N_k(i; u): the k items among those that u rated with the largest |s_ij|; b_ui as in baselines.py.

Input
    Ratings of the training, and those of the user's history. No training of users: anybody with a history is served.

Relations
    item_knn ranks by who met what and reads no ratings. rated_factors puts the same departures into few dimensions.

When it fails
    Items that few people rated have chance neighbours (λ damps them). The similarities are a full matrix of items.

Reference
    Koren, Factor in the neighbors: scalable and accurate collaborative filtering (TKDD 2010).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from recommenders.data import Dataset, UserState, ratings
from recommenders.evaluation.baselines import Baseline


@dataclass(frozen=True)
class Config:
    neighbours: int = 30
    """k."""
    shrinkage: float = 50.0
    """λ, in users who rated both."""
    damping: float = 1.0
    """μ, in units of similarity."""


class RatedNeighbours:
    """Keeps one similarity a pair of items: I² float32."""

    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def fit(self, data: Dataset) -> Self:
        self._biases = Baseline("biases").fit(data, "rating")
        self._scale = ratings.scale(data)
        left = departures(self._biases, data.states(), len(data.catalogue))  # (U, I)
        rated = left.copy()
        rated.data[:] = 1
        both = (rated.T @ rated).toarray()  # (I, I) n_ij
        dot = (left.T @ left).toarray()
        square = left.multiply(left).T @ rated  # (I, I): Σ over users who rated both of the row item's squares
        size = np.sqrt(square.toarray() * square.T.toarray())
        self._similar = (dot / np.maximum(size, 1e-9) * both / (both + self.config.shrinkage)).astype(np.float32)
        np.fill_diagonal(self._similar, 0)
        return self

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32 for items (B, C), within the data's scale."""
        c = self.config
        left = departures(self._biases, states, len(self._similar))  # (B, I)
        found = self._biases.predict_rating(states, items).astype(np.float64)
        for n in range(len(states)):
            own = left[n]
            s = self._similar[items[n]][:, own.indices]  # (C, history)
            if s.shape[1] > c.neighbours:
                least = np.partition(np.abs(s), -c.neighbours, axis=1)[:, -c.neighbours, None]
                s = np.where(np.abs(s) >= least, s, 0)
            found[n] += s @ own.data / (c.damping + np.abs(s).sum(axis=1))
        return found.clip(*self._scale).astype(np.float32)


def departures(biases: Baseline, states: Sequence[UserState], items: int) -> sparse.csr_matrix:
    """(B, I) sparse: each rating of the histories less what the biases expect."""
    given = ratings.of(states, items)
    for n, state in enumerate(states):
        cells = slice(given.indptr[n], given.indptr[n + 1])
        if cells.stop > cells.start:
            expected = biases.predict_rating([state], given.indices[None, cells])[0]
            given.data[cells] -= expected
    return given
