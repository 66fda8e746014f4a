"""The click task: will this user like this item? A rating at or above `liked_from` counts as a click, others do not.

What textbooks of click-through rates measure, on data that has no impressions: every rated item was seen, so the
question is what a user makes of what they chose to see. Cut by rows (recommenders/data/rows.py).
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.errors import DataError
from app.progress import Progress, quiet
from recommenders.data import Dataset, How, Known, Rows, UserState, rows
from recommenders.evaluation import intervals
from recommenders.evaluation.intervals import Figure

BATCH = 1024


class PredictsClicks(Protocol):
    """What a model trained on clicks offers."""

    def predict_click(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B,) float32: how likely each user likes their item, items (B,)."""
        ...


@dataclass(frozen=True)
class Clicks:
    """Withheld rows: what is known of each user, the item (N,), 1 where it was liked and 0 where not (N,), the user
    number (N,)."""

    states: Sequence[UserState]
    items: np.ndarray
    labels: np.ndarray
    users: np.ndarray

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class ClickSplit:
    """train holds none of the rows of valid and test; its ratings are still ratings."""

    train: Dataset
    valid: Clicks
    test: Clicks


def click_split(data: Dataset, how: How = "time", *, known: Known = "training", seed: int = rows.SEED) -> ClickSplit:
    """Cut a data set 80 / 10 / 10 by rows. DataError where its values are not ratings, or all fall on one side."""
    if not data.explicit:
        raise DataError(
            f"data set {data.name!r} has no ratings, so nothing in it was seen and not liked; compare its recommenders "
            "on the top-n task"
        )
    cut = rows.split(data, how, known=known, seed=seed)
    return ClickSplit(cut.train, _labelled(data, cut.valid), _labelled(data, cut.test))


def _labelled(data: Dataset, withheld: Rows) -> Clicks:
    labels = (withheld.values >= data.liked_from).astype(np.int64)
    if labels.min() == labels.max():
        raise DataError(
            f"data set {data.name!r}: all withheld ratings are {'at or above' if labels[0] else 'below'} "
            f"{data.liked_from:g}, so there are no two sides to tell apart; set where liking begins at import"
        )
    return Clicks(withheld.states, withheld.items, labels, withheld.users)


@dataclass(frozen=True)
class ClickEvaluation:
    """measured: "auc", "gauc", "log_loss"; seconds of predicting."""

    rows: int
    measured: Mapping[str, Figure]
    seconds: float


def evaluate(model: PredictsClicks, clicks: Clicks, *, progress: Progress = quiet) -> ClickEvaluation:
    """Predict every row and compare with what happened."""
    began = time.perf_counter()
    parts = []
    for start in range(0, len(clicks), BATCH):
        states = clicks.states[start : start + BATCH]
        parts.append(model.predict_click(states, clicks.items[start : start + BATCH]))
        progress(min(start + BATCH, len(clicks)), len(clicks), "predicting clicks")
    probabilities = np.concatenate(parts)
    seconds = time.perf_counter() - began
    return ClickEvaluation(len(clicks), intervals.of_clicks(clicks.labels, probabilities, clicks.users), seconds)
