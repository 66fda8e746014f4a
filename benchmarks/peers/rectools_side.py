"""One measurement of RecTools' transformers: its defaults with 64 factors, epochs chosen on the validation items.

Trained in stretches; after each the validation items are ranked, and training stops when two stretches brought nothing.
The figures are those of the stretch that was best on validation, the seconds those of all stretches.
"""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import BERT4RecModel, SASRecModel

from . import measures, side

# epochs of a stretch, and the most stretches. Masking a seventh of each history, BERT4Rec learns less in an epoch.
MODELS = {"sasrec": (SASRecModel, 5, 10), "bert4rec": (BERT4RecModel, 10, 6)}
PATIENCE = 2


def frame(user: np.ndarray, item: np.ndarray, when: np.ndarray) -> pd.DataFrame:
    times = pd.Timestamp(0) + pd.to_timedelta(when, unit="s")
    return pd.DataFrame({Columns.User: user, Columns.Item: item, Columns.Weight: 1.0, Columns.Datetime: times})


def work(task: dict[str, Any]) -> dict[str, Any]:
    warnings.filterwarnings("ignore")
    pytorch_lightning.seed_everything(task["seed"])
    with np.load(task["tables"]) as opened:
        tables = dict(opened)
    users = np.arange(len(tables["test"]))
    # Equal seconds are frequent: rows stand in their order, so their numbers are the times.
    user, item = tables["train.user"], tables["train.item"]
    train = frame(user, item, np.arange(len(user)))
    known = pd.concat([train, frame(users, tables["valid"], np.full(len(users), len(user)))])
    seen, later = Dataset.construct(train), Dataset.construct(known)
    kind, stretch, most = MODELS[task["model"]]
    model = kind(n_factors=64, epochs=stretch, recommend_n_threads=task["threads"])

    def ranked(data: Dataset) -> np.ndarray:
        found = model.recommend(users, data, k=10, filter_viewed=True)
        found = found.sort_values([Columns.User, Columns.Rank])
        return found[Columns.Item].to_numpy().reshape(len(users), 10)

    best, figures, worse, meter = -1.0, {}, 0, side.Meter()
    chosen = 0
    for done in range(1, most + 1):
        with meter.epoch():
            model.fit_partial(seen, min_epochs=stretch, max_epochs=stretch)
        valid = measures.hits(ranked(seen), tables["valid"])["ndcg"]
        if valid > best:
            best, figures, worse, chosen = valid, measures.hits(ranked(later), tables["test"]), 0, done * stretch
        else:
            worse += 1
        if worse >= PATIENCE:
            break
    note = f"64 factors, best on validation after {chosen} of {done * stretch} epochs"
    cpu, wall = sum(meter.cpu), sum(meter.wall)
    return {"cpu": cpu, "wall": wall, "epochs": chosen, "users": len(users), "note": note, **figures}


if __name__ == "__main__":
    side.answer(work)
