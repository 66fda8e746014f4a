"""One measurement of ours for the top-N task: shipped settings, fitted on the training part alone."""

import dataclasses
import time
from pathlib import Path
from typing import Any

import numpy as np

from recommenders.contract import registry
from recommenders.contract.config import configured
from recommenders.data import sources
from recommenders.data.splits import leave_last_one_out, states_of
from recommenders.evaluation.evaluate import top

from . import measures, side


def work(task: dict[str, Any]) -> dict[str, Any]:
    data = sources.load(task["data"], Path(task["cache"]), Path(task["datasets"]))
    cut = leave_last_one_out(data)
    name = task["model"]
    seeded = any(f.name == "seed" for f in dataclasses.fields(registry.get(name).Config))
    model = configured(name, {"seed": task["seed"]} if seeded else {})
    cpu, wall = side.cpu_seconds(), time.perf_counter()
    model.fit(cut.train)
    cpu, wall = side.cpu_seconds() - cpu, time.perf_counter() - wall
    ranked = top(model, states_of(cut.test), 10)
    with np.load(task["tables"]) as tables:
        figures = measures.hits(ranked, tables["test"])
    epochs = len(getattr(model, "curve", ()))
    return {"cpu": cpu, "wall": wall, "epochs": epochs, "users": len(ranked), "note": "as shipped", **figures}


if __name__ == "__main__":
    side.answer(work)
