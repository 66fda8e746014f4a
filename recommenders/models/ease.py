"""EASE: embarrassingly shallow autoencoder.

Idea
    Predict each item of a user from their other items by one linear map of the catalogue to itself. The diagonal is
    held at zero, so an item can't explain itself, and then the best map has a closed form: no epochs, one inversion.

Formula
    min_B ‖X − X B‖² + λ‖B‖²  subject to diag(B) = 0                         (Eq. 4 and 5 of the paper)
    P = (XᵀX + λ Id)⁻¹,  B_ij = 0 if i = j, else −P_ij / P_jj                 (Eq. 8)
    score(u, j) = Σ_{i ∈ history(u)} w_i B_ij + ε pop(j),  w_i = 2^(−newer items than i / h)
    With w_i = 1 this is the paper's Eq. 1 (plus the prior); the decay is ours.

Input
    Which user met which item, and the order of the history at serving. Ratings are not read.

Relations
    item_knn treats each pair of items alone; here all weights are learned jointly and may be negative. An autoencoder
    (AutoRec) does the same through a narrow non-linear layer.

When it fails
    Memory and time grow with items² and items³: only the `max_items` most popular items take part, the others are
    ranked by the prior alone. The order of the history enters by the decay only.

Reference
    Steck, Embarrassingly shallow autoencoders for sparse data (WWW 2019), arXiv:1905.03375.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import linalg

from app.progress import Progress
from recommenders.contract import Need, Recommender, Role
from recommenders.data import Dataset, UserState, popularity, users_by_items, weighted

_BYTES = 16  # at the peak, for each pair of items


class EASE(Recommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator", "ranker"})

    @dataclass(frozen=True)
    class Config:
        regularisation: float = 200.0
        """λ: the larger, the more a weight must be supported by many users."""
        half_life: float | None = None
        """h: after how many newer history items an item's weight is halved; None weighs all alike."""
        prior: float = 1e-3
        """ε: weight of popularity; breaks ties and answers an empty history."""
        max_items: int = 10_000
        """Largest number of items in the map (400 MB at 10,000)."""

    config: Config

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        self._popularity = popularity(data)  # (I,)
        order = np.argsort(-self._popularity, kind="stable")[: self.config.max_items]
        self._items = np.sort(order)  # (M,) the items that take part
        met = users_by_items(data)[:, self._items]  # (U, M)
        gram = (met.T @ met).toarray().astype(np.float64)  # (M, M)
        gram[np.diag_indices_from(gram)] += self.config.regularisation
        progress(0, 1, "inverting")
        inverse = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
        inverse /= -np.diag(inverse).copy()  # column j divided by −P_jj
        inverse[np.diag_indices_from(inverse)] = 0
        self._weights = np.ascontiguousarray(inverse, np.float32)  # (M, M), rows are read one by one
        progress(1, 1, "inverting")

    def needs(self, data: Dataset) -> Need:
        taking_part = min(self.config.max_items, len(data.catalogue))
        return Need(_BYTES * taking_part**2, "lower max_items, or train item_knn or bpr, which hold no such map")

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        history = weighted(states, len(self.catalogue), self.config.half_life)  # (B, I)
        scores = np.tile(np.float32(self.config.prior) * self._popularity, (len(states), 1))  # (B, I)
        scores[:, self._items] += history[:, self._items] @ self._weights
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"weights": self._weights, "items": self._items, "popularity": self._popularity}

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self._weights, self._items, self._popularity = arrays["weights"], arrays["items"], arrays["popularity"]
