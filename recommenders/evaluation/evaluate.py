"""How well a recommender foresees the next item: full ranking of the catalogue, seen items excluded, no sampling."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.errors import DataError
from app.progress import Progress, quiet
from recommenders.contract import Recommendation, Recommender, Request, best
from recommenders.data import Case, Catalogue, UserState, items_of, states_of
from recommenders.evaluation import metrics


class Recommends(Protocol):
    """What a Pipeline offers (recommenders/pipeline/pipeline.py)."""

    @property
    def catalogue(self) -> Catalogue: ...

    def recommend(self, state: UserState, request: Request) -> Recommendation: ...


@dataclass(frozen=True)
class Measured:
    """A mean over users with its bootstrap 95 % interval, and the value of each user (in the order of the cases)."""

    mean: float
    low: float
    high: float
    values: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Measured":
        low, high = metrics.interval(values)
        return cls(float(values.mean()), low, high, values)


@dataclass(frozen=True)
class Evaluation:
    """measured: "ndcg", "recall", "mrr" at k; coverage: share of the catalogue shown to anybody; seconds of ranking."""

    k: int
    users: int
    measured: Mapping[str, Measured]
    coverage: float
    seconds: float


@dataclass(frozen=True)
class Ranked:
    """What each case was shown: lists (B, K) int64 as `top` gives them, and the seconds of ranking them all."""

    lists: np.ndarray
    seconds: float


def evaluate(
    model: Recommender | Recommends,
    cases: Sequence[Case],
    *,
    k: int = 10,
    batch_size: int = 256,
    progress: Progress = quiet,
) -> Evaluation:
    """Rank the whole catalogue for every case and look where the withheld item stands."""
    ranked = rank(model, cases, k, batch_size=batch_size, progress=progress)
    measured = {name: Measured.of(values) for name, values in foreseen(ranked.lists, cases, k).items()}
    shown = metrics.coverage(ranked.lists, len(model.catalogue), k)
    return Evaluation(k, len(cases), measured, shown, ranked.seconds)


def rank(
    model: Recommender | Recommends,
    cases: Sequence[Case],
    k: int,
    *,
    batch_size: int = 256,
    progress: Progress = quiet,
) -> Ranked:
    """The first k of the whole catalogue for every case, seen items left out.

    A Recommender is scored in batches; a Pipeline is asked one user after the other, as the app asks it.
    """
    if not cases:
        raise DataError(
            "there is nothing to evaluate: no user has three or more interactions to withhold the last from"
        )
    began = time.perf_counter()
    rows = []
    size = batch_size if isinstance(model, Recommender) else 1
    for start in range(0, len(cases), size):
        states = states_of(cases[start : start + size])
        rows.append(top(model, states, k) if isinstance(model, Recommender) else _asked(model, states[0], k))
        progress(min(start + size, len(cases)), len(cases), "ranking")
    return Ranked(np.concatenate(rows), time.perf_counter() - began)


def foreseen(lists: np.ndarray, cases: Sequence[Case], k: int) -> dict[str, np.ndarray]:
    """ "ndcg", "recall" and "mrr" at k of the withheld item, one value a case (B,)."""
    relevant = [{int(item)} for item in items_of(cases)]
    return {
        name: metric(lists, relevant, k)
        for name, metric in (("ndcg", metrics.ndcg), ("recall", metrics.recall), ("mrr", metrics.mrr))
    }


def top(model: Recommender, states: Sequence[UserState], k: int) -> np.ndarray:
    """(B, k) the best unseen items, best first, ties to the smaller number, -1 where fewer are left."""
    scores = model.score(states)  # (B, I)
    left = np.full(len(states), scores.shape[1])
    for row, state in enumerate(states):
        out = list({*state.items, *state.disliked})
        scores[row, out] = -np.inf
        left[row] -= len(out)
    lists = np.stack([best(own, k) for own in scores]).astype(np.int64)
    lists[np.arange(lists.shape[1]) >= left[:, None]] = -1
    return lists if lists.shape[1] == k else np.pad(lists, ((0, 0), (0, k - lists.shape[1])), constant_values=-1)


def _asked(pipeline: Recommends, state: UserState, k: int) -> np.ndarray:
    """(1, k) what the pipeline returns for one user."""
    items = [c.item for c in pipeline.recommend(state, Request(k=k)).candidates[:k]]
    return np.array([items + [-1] * (k - len(items))], np.int64)
