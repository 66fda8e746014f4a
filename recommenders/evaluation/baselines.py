"""Means and biases: what every model of clicks or ratings must beat.

Idea
    Some items are rated high by everybody, some people rate high; that alone foresees much. "mean" knows neither,
    "item_mean" the items, "biases" both. Nothing is learned by gradients.

Formula
    b_ui = μ + b_i + b_u        (Eq. 1 of the paper)
    b_i = Σ_{u rated i} (r_ui − μ) / (λ_i + n_i)
    b_u = Σ_{i rated by u} (r_ui − μ − b_i) / (λ_u + n_u)
    The two are estimated one after the other. Clicks are 0 and 1 in place of ratings, and the sum is cut to a
    probability. b_u is computed from the history that is given, so a user nobody has seen is served like all others.

Input
    The ratings of the training, and those of the user's history.

Relations
    A factorisation machine has the same three terms and adds what users and items have in common. They are no
    recommenders: ranked by its mean, an item that one user loved would come first; `popularity` ranks.

When it fails
    Two users with the same mean are told the same of every item, whatever they like.

Reference
    Koren, Factor in the neighbors: scalable and accurate collaborative filtering (TKDD 2010).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from recommenders.data import Dataset, UserState

NAMES = ("mean", "item_mean", "biases")
_LEAST = 0.01  # a click is never ruled out or certain


@dataclass(frozen=True)
class Config:
    """Both chosen on the validation rows of ML-100K."""

    item_shrinkage: float = 3.0
    """λ_i, in ratings."""
    user_shrinkage: float = 8.0
    """λ_u, in ratings."""


class Baseline:
    """name: "mean" is μ, "item_mean" μ + b_i, "biases" the whole sum."""

    def __init__(self, name: str, config: Config | None = None) -> None:
        self.name = name
        self.config = config or Config()

    def fit(self, data: Dataset, objective: Literal["click", "rating"]) -> Self:
        x = data.interactions
        self._liked_from = data.liked_from if objective == "click" else None
        self._scale = (_LEAST, 1 - _LEAST) if objective == "click" else (float(x.value.min()), float(x.value.max()))
        values = self._values(x.value)
        self._mean = float(values.mean())
        self._of_items = np.zeros(len(data.catalogue))
        if self.name != "mean":
            total = np.bincount(x.item, weights=values - self._mean, minlength=len(data.catalogue))
            count = np.bincount(x.item, minlength=len(data.catalogue))
            self._of_items = total / (self.config.item_shrinkage + count)
        return self

    @property
    def parameters(self) -> int:
        return 1 if self.name == "mean" else 1 + len(self._of_items)

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32 for items (B, C)."""
        of_users = np.zeros(len(states))
        if self.name == "biases":
            for n, state in enumerate(states):
                rest = self._values(np.array(state.values)) - self._mean - self._of_items[list(state.items)]
                of_users[n] = rest.sum() / (self.config.user_shrinkage + len(rest))
        return (self._mean + self._of_items[items] + of_users[:, None]).clip(*self._scale).astype(np.float32)

    def predict_click(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B,) float32 for items (B,)."""
        return self.predict_rating(states, items[:, None])[:, 0]

    def _values(self, ratings: np.ndarray) -> np.ndarray:
        """Ratings as they are, or 1 where liked and 0 where not."""
        return ratings.astype(np.float64) if self._liked_from is None else (ratings >= self._liked_from).astype(float)
