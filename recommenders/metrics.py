"""Ranking metrics, pure functions, one value a user: means and intervals are the caller's.

Everywhere `top` is (B, K) int64: the recommended items of each user, best first, -1 where fewer were returned;
`relevant` holds one collection of items a user. Only the first k columns count. Each value lies in [0, 1].
"""

from collections.abc import Collection, Sequence

import numpy as np

Relevant = Sequence[Collection[int]]


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


def interval(values: np.ndarray, *, level: float = 0.95, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """Bootstrap percentile interval of the mean over users (Efron 1979): users are drawn anew with replacement."""
    if not len(values):
        raise ValueError("an interval needs at least one value")
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=draws)  # (draws, B)
    means = counts @ values / len(values)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _sizes(relevant: Relevant) -> np.ndarray:
    return np.array([len(set(r)) for r in relevant], np.int64)
