"""Most popular items.

Idea
    Recommend to everybody what most people meet. The honest baseline: a personal model that doesn't beat it has
    learned nothing, and the sensible answer where nothing is known of the user.

Formula
    score(i) = Σ over interactions n with item i of 2^(−age(n) / h) ÷ the largest such sum;
    age(n) in days before the newest interaction, h the half-life. Without half-life (or without time stamps) it is the
    plain count.

Input
    Interactions with time stamps. The user's state is not read: all users get the same order.

Relations
    item_knn and ease fall back to it (their `prior`) for users without a history.

When it fails
    Always the same list; what is popular becomes more popular; new items never appear.

Reference
    Cremonesi, Koren & Turrin, Performance of recommender algorithms on top-N recommendation
    tasks (RecSys 2010), "TopPop".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from app.progress import Progress
from recommenders.contract import Recommender, Role
from recommenders.data import Dataset, UserState

DAY = 86_400


class Popularity(Recommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        half_life: float | None = None
        """Days after which an interaction counts half; None counts all alike."""

    config: Config

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        x = data.interactions
        age = (x.timestamp.max() - x.timestamp) / DAY  # (N,) days
        weights = np.ones(len(x)) if self.config.half_life is None else 0.5 ** (age / self.config.half_life)
        counts = np.bincount(x.item, weights=weights, minlength=len(data.catalogue))
        self._scores = (counts / counts.max()).astype(np.float32)  # (I,)
        progress(1, 1, "counting")

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        everybody = (len(states), len(self.catalogue))
        return np.broadcast_to(self._scores, everybody).copy() if candidates is None else self._scores[candidates]

    def _arrays(self) -> dict[str, np.ndarray]:
        return {"scores": self._scores}

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self._scores = arrays["scores"]
