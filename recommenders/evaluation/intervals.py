"""How sure measures of predictions are: bootstrap percentile intervals over users (Efron 1979).

Rows of one user hang together, so users are drawn anew with replacement, never rows (the cluster bootstrap); a user who
is drawn twice counts twice with all rows. Arrays with one entry a row are as in recommenders/evaluation/metrics.py.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recommenders.evaluation import metrics

DRAWS = 1000
_AT_ONCE = 100  # bootstrap samples of AUC in one go: 8 MB an array at 10,000 rows


@dataclass(frozen=True)
class Figure:
    """A measured value and its 95 % interval over users; both bounds are NaN where no interval is defined."""

    value: float
    low: float
    high: float


def of_clicks(labels: np.ndarray, probabilities: np.ndarray, users: np.ndarray) -> dict[str, Figure]:
    """auc, gauc and log_loss. ValueError where they are undefined (all labels alike)."""
    own, rows = metrics.auc_by_user(labels, probabilities, users)
    known = np.isfinite(own)
    low, high = _auc_interval(labels, probabilities, users)
    return {
        "auc": Figure(metrics.auc(labels, probabilities), low, high),
        "gauc": _mean(np.where(known, own, 0.0) * rows, np.where(known, rows, 0)),
        "log_loss": _mean_of_rows(metrics.surprise(labels, probabilities), users),
    }


def of_ratings(ratings: np.ndarray, predicted: np.ndarray, users: np.ndarray) -> dict[str, Figure]:
    """rmse and mae."""
    metrics.same_length(ratings, predicted, users)
    error = predicted.astype(np.float64) - ratings
    return {
        "rmse": _mean_of_rows(error**2, users, np.sqrt),
        "mae": _mean_of_rows(np.abs(error), users),
    }


def _mean_of_rows(
    values: np.ndarray, users: np.ndarray, then: Callable[[np.ndarray], np.ndarray] = np.asarray
) -> Figure:
    _, who = np.unique(users, return_inverse=True)
    return _mean(np.bincount(who, weights=values), np.bincount(who), then)


def _mean(totals: np.ndarray, sizes: np.ndarray, then: Callable[[np.ndarray], np.ndarray] = np.asarray) -> Figure:
    """Σ totals / Σ sizes over users (U,), passed through `then`, and its interval."""
    if not sizes.sum():
        return Figure(float("nan"), float("nan"), float("nan"))
    counts = metrics.resampled(len(totals), DRAWS)  # (draws, U)
    size = counts @ sizes
    means = (counts @ totals)[size > 0] / size[size > 0]
    return Figure(float(then(totals.sum() / sizes.sum())), *metrics.percentiles(then(means)))


def _auc_interval(labels: np.ndarray, scores: np.ndarray, users: np.ndarray) -> tuple[float, float]:
    """Users are drawn; a user drawn twice gives their rows a weight of 2. The rows are sorted once for all draws."""
    names, who = np.unique(users, return_inverse=True)
    order = np.argsort(scores, kind="stable")
    who, ones, ordered = who[order], labels[order] > 0, scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])  # of each run of tied scores
    counts = metrics.resampled(len(names), DRAWS)
    found = []
    for some in np.array_split(counts, max(1, DRAWS // _AT_ONCE)):
        weights = some[:, who].astype(np.float64)  # (draws, N)
        positive = np.add.reduceat(weights * ones, starts, axis=1)  # (draws, runs)
        negative = np.add.reduceat(weights * ~ones, starts, axis=1)
        below = np.cumsum(negative, axis=1) - negative / 2
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        found.append((positive * below).sum(axis=1)[pairs > 0] / pairs[pairs > 0])
    return metrics.percentiles(np.concatenate(found))
