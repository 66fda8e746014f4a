"""Metrics, pure functions: of ranked lists, of predicted clicks, of predicted ratings.

Of lists they give one value a user; means are the caller's. `top` is (B, K) int64: the recommended items of each user,
best first, -1 where fewer were returned; `relevant` holds one collection of items a user. Only the first k columns
count.

Of predictions they give one value for all rows. Arrays have one entry a row (N,): `labels` are 0 and 1, `scores` any
numbers where higher means more likely, probabilities and ratings are what their names say, `users` tell whose row it
is. Intervals of these are in recommenders/evaluation/intervals.py.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from scipy.stats import rankdata

Relevant = Sequence[Collection[int]]

_LEAST = 1e-7  # probabilities closer to 0 or 1 than this are taken for it in the log loss

# -- of lists -------------------------------------------------------------------------------------------------------


def hits(top: np.ndarray, relevant: Relevant, k: int) -> np.ndarray:
    """(B, min(k, K)) bool: was the item at this place relevant?"""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    if len(top) != len(relevant):
        raise ValueError(f"expected one collection of relevant items a user: {len(top)} users, {len(relevant)} given")
    shown = top[:, :k]
    found = np.zeros(shown.shape, bool)
    for row, (items, wanted) in enumerate(zip(shown, relevant, strict=True)):
        found[row] = np.isin(items, np.fromiter(wanted, np.int64, len(wanted))) & (items >= 0)
    return found


def recall(top: np.ndarray, relevant: Relevant, k: int) -> np.ndarray:
    """(B,) share of the relevant items that are among the first k; 0 where nothing is relevant."""
    wanted = _sizes(relevant)
    return hits(top, relevant, k).sum(axis=1) / np.maximum(wanted, 1)


def ndcg(top: np.ndarray, relevant: Relevant, k: int) -> np.ndarray:
    """(B,) normalised discounted cumulative gain with binary gains and discount
    1/log2(1+rank) (Järvelin & Kekäläinen 2002).

    The ideal list holds min(k, number of relevant items) hits at its head; 0 where nothing is relevant.
    """
    found = hits(top, relevant, k)
    discount = 1 / np.log2(np.arange(2, k + 2))
    gained = found @ discount[: found.shape[1]]
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(_sizes(relevant), k)]
    return np.divide(gained, ideal, out=np.zeros(len(top)), where=ideal > 0)


def mrr(top: np.ndarray, relevant: Relevant, k: int) -> np.ndarray:
    """(B,) one over the place of the first relevant item among the first k, 0 where there is none."""
    found = hits(top, relevant, k)
    first = found.argmax(axis=1)
    return np.where(found.any(axis=1), 1 / (1 + first), 0.0)


def coverage(top: np.ndarray, items: int, k: int) -> float:
    """Share of the catalogue's `items` that somebody is shown among the first k."""
    shown = np.unique(top[:, :k])
    return float((shown >= 0).sum() / items)


def novelty(top: np.ndarray, met: np.ndarray, users: int, k: int) -> np.ndarray:
    """(B,) bits: mean self-information −log2 p(item) of the items shown (Vargas & Castells 2011), NaN where none is.

    met    (I,) how many of the training's `users` met the item; p(item) is their share
    An item that nobody met counts as if one user had: its information would have no bound.
    """
    if users < 1:
        raise ValueError(f"novelty needs the number of users that were counted, got {users}")
    return _mean_over_shown(-np.log2(np.maximum(met, 1) / users), top, k)


def popularity_lift(top: np.ndarray, histories: Sequence[Sequence[int]], met: np.ndarray, k: int) -> np.ndarray:
    """(B,) how much more popular the items shown are than those of the user's history: 1 alike, 2 twice as popular.

    The ratio of mean popularities; one user's share of what Abdollahpouri et al. 2019 measure over groups of users.
    NaN where the history is empty or nothing is shown.

    met  (I,) how many users of the training met the item
    """
    if len(top) != len(histories):
        raise ValueError(f"expected one history a user: {len(top)} users, {len(histories)} histories")
    shown = _mean_over_shown(met.astype(np.float64), top, k)
    own = np.array([met[list(items)].mean() if len(items) else np.nan for items in histories])
    return np.divide(shown, own, out=np.full(len(top), np.nan), where=own > 0)


# -- of predictions -------------------------------------------------------------------------------------------------


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """The chance that a row of label 1 scores above a row of label 0, ties counted half (Mann & Whitney 1947)."""
    ones, zeros = _both(labels, scores)
    ranks = rankdata(scores)
    return float((ranks[labels > 0].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def gauc(labels: np.ndarray, scores: np.ndarray, users: np.ndarray) -> float:
    """The mean of each user's own AUC, weighted by their rows; users whose labels are all alike have none and are left
    out (Zhu et al. 2017; Zhou et al. 2018 measure DIN by it)."""
    own, rows = auc_by_user(labels, scores, users)
    known = np.isfinite(own)
    if not known.any():
        raise ValueError("GAUC needs a user with rows of both labels; there is none")
    return float((own[known] * rows[known]).sum() / rows[known].sum())


def auc_by_user(labels: np.ndarray, scores: np.ndarray, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(U,) each user's AUC, NaN where their labels are all alike, and (U,) their numbers of rows; users ascending."""
    same_length(labels, scores, users)
    _, who = np.unique(users, return_inverse=True)
    rows = np.bincount(who)
    ones = np.bincount(who, weights=labels > 0)
    # Average ranks within each user: ranks over (user, score), less the rows of the users before.
    _, level = np.unique(scores, return_inverse=True)
    ranks = rankdata(who * (int(level.max()) + 1) + level) - (np.cumsum(rows) - rows)[who]
    above = np.bincount(who, weights=ranks * (labels > 0)) - ones * (ones + 1) / 2
    pairs = ones * (rows - ones)
    return np.divide(above, pairs, out=np.full(len(rows), np.nan), where=pairs > 0), rows


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean −log of the probability given to what happened, in nats."""
    return float(surprise(labels, probabilities).mean())


def rmse(ratings: np.ndarray, predicted: np.ndarray) -> float:
    """Root of the mean squared error, on the ratings' scale."""
    same_length(ratings, predicted)
    return float(np.sqrt(np.mean((predicted.astype(np.float64) - ratings) ** 2)))


def mae(ratings: np.ndarray, predicted: np.ndarray) -> float:
    """Mean absolute error, on the ratings' scale."""
    same_length(ratings, predicted)
    return float(np.mean(np.abs(predicted.astype(np.float64) - ratings)))


def surprise(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(N,) −log of the probability given to what happened, in nats."""
    same_length(labels, probabilities)
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError(
            f"log loss needs probabilities in [0, 1], got {np.min(probabilities):.3g} to {np.max(probabilities):.3g}"
        )
    p = np.clip(probabilities.astype(np.float64), _LEAST, 1 - _LEAST)
    return -np.log(np.where(labels > 0, p, 1 - p))


# -- how sure -------------------------------------------------------------------------------------------------------


def interval(values: np.ndarray, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean over users (Efron 1979): users are drawn anew with replacement."""
    if not len(values):
        raise ValueError("an interval needs at least one value")
    means = resampled(len(values), draws, seed) @ values / len(values)
    return percentiles(means, level)


@lru_cache(maxsize=1)
def resampled(users: int, draws: int, seed: int = 0) -> np.ndarray:
    """(draws, users) how often each user is in each bootstrap sample of as many users; read-only. The last one is
    remembered: a table has an interval a line, all over the same users."""
    counts = np.random.default_rng(seed).multinomial(users, np.full(users, 1 / users), size=draws)
    counts.setflags(write=False)
    return counts


def percentiles(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The bounds between which the share `level` of the values lies."""
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


# -- inner ----------------------------------------------------------------------------------------------------------


def _mean_over_shown(worth: np.ndarray, top: np.ndarray, k: int) -> np.ndarray:
    """(B,) mean of worth (I,) over the items shown; NaN where none is."""
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    there = top[:, :k] >= 0
    total = np.where(there, worth[np.maximum(top[:, :k], 0)], 0.0).sum(axis=1)
    return np.divide(total, there.sum(axis=1), out=np.full(len(top), np.nan), where=there.any(axis=1))


def _sizes(relevant: Relevant) -> np.ndarray:
    return np.array([len(set(r)) for r in relevant], np.int64)


def _both(labels: np.ndarray, scores: np.ndarray) -> tuple[int, int]:
    """How many rows have label 1 and label 0."""
    same_length(labels, scores)
    ones = int((labels > 0).sum())
    if not 0 < ones < len(labels):
        raise ValueError(f"AUC needs rows of both labels, got {ones} of label 1 among {len(labels)}")
    return ones, len(labels) - ones


def same_length(*arrays: np.ndarray) -> None:
    """ValueError where columns of one table are not of one length, are empty, or hold what is not a number."""
    sizes = [len(a) for a in arrays]
    if len(set(sizes)) != 1 or not sizes[0]:
        raise ValueError(f"expected arrays of one length and at least one row, got lengths {sizes}")
    for a in arrays:
        if not np.isfinite(a).all():
            raise ValueError("labels, ratings, users and predictions must be finite numbers")
