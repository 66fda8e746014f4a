"""EASE: embarrassingly shallow autoencoder.

Idea
    Predict each item of a user from their other items by one linear map of the catalogue to itself. The diagonal is
    held at zero, so an item can't explain itself, and then the best map has a closed form: no epochs, one inversion.

Formula
    min_B ‖X − X B‖² + λ‖B‖²  subject to diag(B) = 0                         (Eq. 4 and 5 of the paper)
    P = (XᵀX + λ Id)⁻¹,  B_ij = 0 if i = j, else −P_ij / P_jj                 (Eq. 8)
    score(u, j) = Σ_{i ∈ history(u)} w_i B_ij + ε pop(j),  w_i = 2^(−newer items than i / h)
    With w_i = 1 this is the paper's Eq. 1 (plus the prior); the decay is ours.
    Where users are few, through their side (Woodbury): with K = (X Xᵀ + λ Id)⁻¹ of users by users and
    q_j = x_jᵀ K x_j,  P = (Id − Xᵀ K X) / λ,  so that Σ_i w_i B_ij = ((w Xᵀ K X)_j − w_j q_j) / (1 − q_j).

Input
    Which user met which item, and the order of the history at serving. Ratings are not read.

Relations
    item_knn treats each pair of items alone; here all weights are learned jointly and may be negative. An autoencoder
    (AutoRec) does the same through a narrow non-linear layer.

When it fails
    Memory and time grow with items² and items³ (or those of the users, where they are few): only the `max_items` most
    popular items take part, the others are ranked by the prior alone. The order of a history enters by the decay only.

Reference
    Steck, Embarrassingly shallow autoencoders for sparse data (WWW 2019), arXiv:1905.03375.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import linalg, sparse

from app.progress import Progress
from recommenders.contract import Need, Recommender, Role
from recommenders.data import Dataset, UserState, popularity, users_by_items, weighted

_BYTES = 16  # at the peak, for each pair of items, or of users
_FEW = 0.5  # users for each item, up to which their side is the cheaper one: a score costs users², not history · items


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
        """Largest number of items in the map (400 MB at 10,000, where users are many)."""

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
        progress(0, 1, "inverting")
        self._map: _OfItems | _OfUsers
        if self._few_users(data):
            self._map = _OfUsers.fitted(met, self.config.regularisation)
        else:
            self._map = _OfItems.fitted(met, self.config.regularisation)
        progress(1, 1, "inverting")

    def _few_users(self, data: Dataset) -> bool:
        return len(data.users) <= _FEW * min(self.config.max_items, len(data.catalogue))

    def needs(self, data: Dataset) -> Need:
        side = len(data.users) if self._few_users(data) else min(self.config.max_items, len(data.catalogue))
        return Need(_BYTES * side**2, "lower max_items, or train item_knn or bpr, which hold no such map")

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        history = weighted(states, len(self.catalogue), self.config.half_life)  # (B, I)
        scores = np.tile(np.float32(self.config.prior) * self._popularity, (len(states), 1))  # (B, I)
        scores[:, self._items] += self._map.applied(history[:, self._items])
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"items": self._items, "popularity": self._popularity, **self._map.arrays()}

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self._items, self._popularity = arrays["items"], arrays["popularity"]
        self._map = _OfItems(arrays["weights"]) if "weights" in arrays else _OfUsers.restored(arrays)


@dataclass(frozen=True)
class _OfItems:
    """B itself. weights: (M, M) float32, rows are read one by one."""

    weights: np.ndarray

    @classmethod
    def fitted(cls, met: sparse.csr_matrix, regularisation: float) -> "_OfItems":
        gram = (met.T @ met).toarray().astype(np.float64)  # (M, M)
        gram[np.diag_indices_from(gram)] += regularisation
        inverse = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
        inverse /= -np.diag(inverse).copy()  # column j divided by −P_jj
        inverse[np.diag_indices_from(inverse)] = 0
        return cls(np.ascontiguousarray(inverse, np.float32))

    def applied(self, history: sparse.csr_matrix) -> np.ndarray:
        """(B, M) histories -> (B, M) what they say of each item."""
        return np.asarray(history @ self.weights)

    def arrays(self) -> dict[str, np.ndarray]:
        return {"weights": self.weights}


@dataclass(frozen=True)
class _OfUsers:
    """B by its factors. by_item: Xᵀ, (M, U) float32 of 0 and 1; inverse: K, (U, U) float32; own: q, (M,) float32."""

    by_item: sparse.csr_matrix
    inverse: np.ndarray
    own: np.ndarray

    @classmethod
    def fitted(cls, met: sparse.csr_matrix, regularisation: float) -> "_OfUsers":
        gram = (met @ met.T).toarray().astype(np.float64)  # (U, U)
        gram[np.diag_indices_from(gram)] += regularisation
        inverse = linalg.inv(gram, overwrite_a=True, check_finite=False, assume_a="pos")
        by_item = met.T.tocsr()
        own = np.asarray(by_item.multiply(by_item @ inverse).sum(axis=1)).ravel()
        return cls(by_item, np.ascontiguousarray(inverse, np.float32), own.astype(np.float32))

    def applied(self, history: sparse.csr_matrix) -> np.ndarray:
        """(B, M) histories -> (B, M) what they say of each item."""
        alike = (history @ self.by_item).toarray()  # (B, U) what of the history each user met
        scores = np.ascontiguousarray((self.by_item @ (alike @ self.inverse).T).T)  # (B, M)
        rows = np.repeat(np.arange(len(scores)), np.diff(history.indptr))
        scores[rows, history.indices] -= history.data * self.own[history.indices]
        scores /= 1 - self.own
        return scores

    def arrays(self) -> dict[str, np.ndarray]:
        users, ends = self.by_item.indices.astype(np.int32), self.by_item.indptr.astype(np.int32)
        return {"inverse": self.inverse, "own": self.own, "met_users": users, "met_ends": ends}

    @classmethod
    def restored(cls, arrays: dict[str, np.ndarray]) -> "_OfUsers":
        users, inverse = arrays["met_users"], arrays["inverse"]
        parts = (np.ones(len(users), np.float32), users, arrays["met_ends"])
        by_item = sparse.csr_matrix(parts, shape=(len(arrays["own"]), len(inverse)))
        return cls(by_item, inverse, arrays["own"])
