"""Figures of quality, from predictions alone: every side is measured by these same few lines."""

from typing import Any

import numpy as np


def auc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Probability that a liked row stands above another (Mann-Whitney U with mid-ranks for ties)."""
    positive = labels > 0.5
    n, m = int(positive.sum()), int((~positive).sum())
    if not n or not m:
        raise ValueError(f"AUC needs rows of both kinds, got {n} liked and {m} others")
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * m))


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    p = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    return float(-np.mean(np.where(labels > 0.5, np.log(p), np.log1p(-p))))


def of_epoch(tables: Any, predict: Any) -> dict[str, float]:
    """AUC and log loss of the validation and the test rows, from `predict(part) -> (N,) probabilities`."""
    figures: dict[str, float] = {}
    for part in ("valid", "test"):
        labels, p = tables[f"{part}.label"], np.asarray(predict(part), np.float64).reshape(-1)
        if p.shape != labels.shape or not np.isfinite(p).all():
            raise ValueError(f"expected {len(labels)} finite probabilities for {part}, got shape {p.shape}")
        figures[f"{part}_auc"], figures[f"{part}_log_loss"] = auc(labels, p), log_loss(labels, p)
    return figures


def hits(ranked: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    """Recall@K and NDCG@K of ranked (B, K) item numbers against one wanted item (B,) each."""
    found = ranked == wanted[:, None]  # (B, K)
    discount = 1 / np.log2(np.arange(2, ranked.shape[1] + 2))
    return {"recall": float(found.any(axis=1).mean()), "ndcg": float((found @ discount).mean())}
