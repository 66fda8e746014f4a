"""Matrix factorisation of ratings: a few numbers a user, a few an item, and their product.

Idea
    What is left of a rating after the biases is a product of two short vectors: what the item has of each hidden
    trait, and how much the user cares for it.

Formula
    r̂_ui = b_ui + p_u · q_i
    min Σ_{u rated i} (r_ui − b_ui − p_u · q_i)² + λ (Σ_u n_u ‖p_u‖² + Σ_i n_i ‖q_i‖²)          (weighted λ, Section 3)
    Alternating least squares: with all q fixed each p_u is a small ridge regression, and the other way round.
    Fold-in: a user nobody has seen is that same regression over their own history, so all users are served alike.

Input
    Ratings of the training, and those of the user's history.

Relations
    rated_neighbours compares items pair by pair. BPR has the same vectors, learnt to rank. I-AutoRec bends the product
    by a sigmoid.

When it fails
    Short histories: p_u is then near 0 and the biases are all there is.

Reference
    Zhou, Wilkinson, Schreiber & Pan, Large-scale parallel collaborative filtering for the Netflix Prize (AAIM 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse

from recommenders.data import Dataset, UserState, ratings
from recommenders.evaluation.baselines import Baseline
from recommenders.evaluation.rated_neighbours import departures


@dataclass(frozen=True)
class Config:
    factors: int = 20
    """Numbers a user and an item."""
    regularisation: float = 0.2
    """λ."""
    rounds: int = 10
    """Times that both sides are solved."""
    seed: int = 0


class RatedFactors:
    def __init__(self, config: Config | None = None) -> None:
        self.config = config or Config()

    def fit(self, data: Dataset) -> Self:
        c = self.config
        self._biases = Baseline("biases").fit(data, "rating")
        self._scale = ratings.scale(data)
        left = departures(self._biases, data.states(), len(data.catalogue))  # (U, I)
        by_item = left.T.tocsr()
        self._items = np.random.default_rng(c.seed).normal(0, 0.1, (left.shape[1], c.factors))  # (I, k)
        for _ in range(c.rounds):
            users = _solved(left, self._items, c.regularisation)
            self._items = _solved(by_item, users, c.regularisation)
        return self

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32 for items (B, C), within the data's scale."""
        left = departures(self._biases, states, len(self._items))
        users = _solved(left, self._items, self.config.regularisation)  # (B, k)
        product = np.einsum("bk,bck->bc", users, self._items[items])
        return (self._biases.predict_rating(states, items) + product).clip(*self._scale).astype(np.float32)


def _solved(left: sparse.csr_matrix, others: np.ndarray, regularisation: float) -> np.ndarray:
    """(B, k): the ridge regression of each row of `left` (B, I) on the vectors of the other side (I, k)."""
    k = others.shape[1]
    found = np.zeros((left.shape[0], k))
    for n in range(left.shape[0]):
        cells = slice(left.indptr[n], left.indptr[n + 1])
        count = cells.stop - cells.start
        if count:
            x = others[left.indices[cells]]  # (count, k)
            found[n] = np.linalg.solve(x.T @ x + regularisation * count * np.eye(k), x.T @ left.data[cells])
    return found
