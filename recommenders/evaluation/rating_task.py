"""The rating task: which rating will this user give this item? Measured by RMSE and MAE on withheld rows.

Cut by rows (recommenders/data/rows.py). On the random cut the whole training part of a user is known, as is usual where
rating matrices are completed; on the cut by time that is all there is before the withheld row anyway.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.errors import DataError
from app.progress import Progress, quiet
from recommenders.data import Dataset, How, Known, Rows, RowSplit, UserState, rows
from recommenders.evaluation import intervals
from recommenders.evaluation.intervals import Figure

BATCH = 1024


class PredictsRatings(Protocol):
    """What a model trained on ratings offers."""

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32: the rating each user would give each of their items (B, C)."""
        ...


def rating_split(data: Dataset, how: How = "random", *, known: Known = "whole", seed: int = rows.SEED) -> RowSplit:
    """Cut a data set 80 / 10 / 10 by rows. DataError where its values are not ratings."""
    if not data.explicit or data.interactions.value.min() == data.interactions.value.max():
        raise DataError(f"data set {data.name!r} has no ratings to foresee; compare its recommenders on the top-n task")
    return rows.split(data, how, known=known, seed=seed)


@dataclass(frozen=True)
class RatingEvaluation:
    """measured: "rmse", "mae"; seconds of predicting."""

    rows: int
    measured: Mapping[str, Figure]
    seconds: float


def evaluate(model: PredictsRatings, withheld: Rows, *, progress: Progress = quiet) -> RatingEvaluation:
    """Predict every row and compare with what was given."""
    began = time.perf_counter()
    parts = []
    for start in range(0, len(withheld), BATCH):
        states = withheld.states[start : start + BATCH]
        parts.append(model.predict_rating(states, withheld.items[start : start + BATCH, None])[:, 0])
        progress(min(start + BATCH, len(withheld)), len(withheld), "predicting ratings")
    predicted = np.concatenate(parts)
    seconds = time.perf_counter() - began
    return RatingEvaluation(len(withheld), intervals.of_ratings(withheld.values, predicted, withheld.users), seconds)
