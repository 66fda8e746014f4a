"""One measurement of implicit's ALS; rank, regularisation and confidence are chosen on the validation items.

Users are folded in from everything they have met (recalculate_user), so that for the test the validation item counts.
"""

import itertools
import time
from typing import Any

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from . import measures, side

FACTORS, REGULARISATION, CONFIDENCE = (32, 64), (0.01, 0.1), (1.0, 5.0, 20.0)


def work(task: dict[str, Any]) -> dict[str, Any]:
    with np.load(task["tables"]) as opened:
        tables = dict(opened)
    users = np.arange(len(tables["test"]))
    shape = (len(users), int(tables["items"]))
    user, item = tables["train.user"], tables["train.item"]
    train = csr_matrix((np.ones(len(user), np.float32), (user, item)), shape)
    known = train + csr_matrix((np.ones(len(users), np.float32), (users, tables["valid"])), shape)

    def fitted(factors: int, regularisation: float, confidence: float) -> AlternatingLeastSquares:
        model = AlternatingLeastSquares(
            factors, regularisation, confidence, num_threads=task["threads"], random_state=task["seed"]
        )
        model.fit(train, show_progress=False)
        return model

    def quality(model: AlternatingLeastSquares, met: csr_matrix, wanted: np.ndarray) -> dict[str, float]:
        ranked, _ = model.recommend(users, met, N=10, filter_already_liked_items=True, recalculate_user=True)
        return measures.hits(ranked, wanted)

    with threadpool_limits(task["threads"]):
        grid = list(itertools.product(FACTORS, REGULARISATION, CONFIDENCE))
        best = max(grid, key=lambda chosen: quality(fitted(*chosen), train, tables["valid"])["ndcg"])
        cpu, wall = side.cpu_seconds(), time.perf_counter()
        model = fitted(*best)
        cpu, wall = side.cpu_seconds() - cpu, time.perf_counter() - wall
        figures = quality(model, known, tables["test"])
    note = f"{best[0]} factors, regularisation {best[1]:g}, confidence {best[2]:g}: best of {len(grid)} on validation"
    return {"cpu": cpu, "wall": wall, "epochs": 15, "users": len(users), "note": note, **figures}


if __name__ == "__main__":
    side.answer(work)
