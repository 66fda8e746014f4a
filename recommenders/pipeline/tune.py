"""The pipeline's own two numbers, chosen on validation: how much the ranker counts, how much variety is free.

Never on the test items, and never with models that were trained on the validation items: a ranker recognises what it
has seen, and its weight would come out too high. `withhold_last` gives both: data to train on, cases to tune on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.errors import DataError
from app.progress import Progress, quiet
from recommenders.contract import Request
from recommenders.data import Case, Dataset, first
from recommenders.pipeline.diversify import reorder
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig, standard, unit

RANKER_WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
DIVERSITIES = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
K = 10
_BATCH = 128


@dataclass(frozen=True)
class Tuned:
    """The chosen configuration and the validation NDCG@10 of every value tried (the chosen ranker weight for the
    second table)."""

    config: PipelineConfig
    by_weight: dict[float, float]
    by_diversity: dict[float, float]


def withhold_last(data: Dataset) -> tuple[Dataset, list[Case]]:
    """The data set without the last interaction of every user with three or more, and these as cases.

    A user whose last item repeats an earlier one gives no case: seen items are not recommended.
    """
    x = data.interactions
    sizes = np.bincount(x.user, minlength=len(data.users))
    users = np.flatnonzero(sizes >= 3)
    kept = np.ones(len(x), bool)
    kept[np.cumsum(sizes)[users] - 1] = False
    cases = []
    for user in users.tolist():
        state = data.state(user)
        if state.items[-1] not in state.items[:-1]:
            cases.append((first(state, len(state.items) - 1), state.items[-1]))
    return data.with_interactions(x.where(kept)), cases


def tune(pipeline: Pipeline, valid: Sequence[Case], *, progress: Progress = quiet) -> Tuned:
    """The ranker weight with the best NDCG@10 on `valid`, then the largest diversity that does not lower it.

    Of equally good weights the smallest is taken.
    """
    if not valid:
        raise DataError("there is nothing to tune the pipeline on: no user has three or more interactions")
    weights = RANKER_WEIGHTS if pipeline.ranker is not None else (0.0,)
    gains = np.zeros((len(valid), len(weights)))
    pools: list[_Pool] = []
    for start in range(0, len(valid), _BATCH):
        cases = valid[start : start + _BATCH]
        pools += _pools(pipeline, cases)
        for n, (_, target) in enumerate(cases, start=start):
            items, taste, ranked = pools[n]
            if (items == target).any():
                blends = taste + np.outer(weights, ranked)  # (weights, C)
                order = np.argsort(-blends, axis=1, kind="stable")
                gains[n] = _gain((items[order] == target).argmax(axis=1))
        progress(start + len(cases), len(valid), "tuning the ranker's weight")
    means = gains.mean(axis=0)
    weight = weights[int(means.argmax())]  # the first of equals

    # Now the same for diversity, over the head of the list that the pipeline reorders.
    varied = np.zeros((len(valid), len(DIVERSITIES)))
    depth = pipeline.config.depth // 2
    for n, ((items, taste, ranked), (_, target)) in enumerate(zip(pools, valid, strict=True)):
        score = taste + weight * ranked
        head = np.argsort(-score, kind="stable")[:depth]
        if target in items[head]:
            alike = pipeline.resemblance.between(items[head])
            for d, diversity in enumerate(DIVERSITIES):
                chosen = items[head[reorder(unit(score[head]), alike, K, diversity)]]
                if target in chosen:
                    varied[n, d] = _gain(np.flatnonzero(chosen == target)[:1])[0]
        progress(n + 1, len(valid), "tuning diversity")
    variety = varied.mean(axis=0)
    free = [d for d, mean in zip(DIVERSITIES, variety.tolist(), strict=True) if mean >= variety[0]]
    config = replace(pipeline.config, ranker_weight=weight, diversity=max(free))
    return Tuned(
        config,
        dict(zip(weights, means.round(5).tolist(), strict=True)),
        dict(zip(DIVERSITIES, variety.round(5).tolist(), strict=True)),
    )


_Pool = tuple[np.ndarray, np.ndarray, np.ndarray]  # items, standardised taste, standardised ranker; each (C,)


def _pools(pipeline: Pipeline, cases: Sequence[Case]) -> list[_Pool]:
    """What `Pipeline.consider` considers for a plain request, many users at a time."""
    states = [state for state, _ in cases]
    depth = pipeline.config.depth
    taste = pipeline.generator.score(states).astype(np.float64)  # (B, I)
    allowed = [pipeline.allowed(state, Request(k=K)) for state in states]
    items = [pipeline.by_taste(own, may, depth) for own, may in zip(taste, allowed, strict=True)]
    ranked = [np.zeros(len(i)) for i in items]
    if pipeline.ranker is not None:
        width = max(map(len, items))
        padded = np.stack(
            [np.pad(i, (0, width - len(i)), mode="edge") if len(i) else np.zeros(width, int) for i in items]
        )
        scores = pipeline.ranker.score(states, padded).astype(np.float64)  # (B, C)
        ranked = [row[: len(i)] for row, i in zip(scores, items, strict=True)]
    return [
        (i, standard(own[i]), standard(r)) if len(i) else (i, np.zeros(0), np.zeros(0))
        for i, own, r in zip(items, taste, ranked, strict=True)
    ]


def _gain(place: np.ndarray) -> np.ndarray:
    """NDCG@10 of one relevant item at a 0-based place."""
    return np.where(place < K, 1 / np.log2(place + 2), 0.0)
