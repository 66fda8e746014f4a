"""One measurement of ours: the models of recommenders/models through recommenders/networks/loop.py, as they are.

Three settings. "same": exactly the fields of the tables (user id included; a history item is its id alone, without the
rating given to it), the network's sizes, rate and batch that all sides have, nothing dropped or decayed. "chosen": the
same, with settings of ours that the validation rows prefer (docs/lab-log.md). At random: layers start as He et al. say,
and Deep Crossing has no max(0, ·) over the embeddings, as FuxiCTR's has none. In time: dropout of .4. "shipped": the
fields and the settings of recommenders/configs, for the click task.
Further task keys: data, cache, datasets (what recommenders.datasets.load takes), split, setting.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from recommenders.contract import registry
from recommenders.contract.config import checked, tuned
from recommenders.data import rows, sources
from recommenders.data.tables import Dataset
from recommenders.networks import loop
from recommenders.networks.fields.behaviours import BehaviourNetwork
from recommenders.networks.fields.feature_model import FeatureModel
from recommenders.networks.fields.features import Features, Field, Slots

from . import measures, side
from .ctr_tables import HISTORY

USER = "id"  # the profile column that stands for the user id
HIDDEN = [256, 128]
# name here -> recommender, its settings other than the common ones: the network that the other sides train
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "deep_crossing": ("deep_crossing", {"hidden": HIDDEN}),
    "fm": ("fm", {}),
    "fnn": ("fnn", {"hidden": HIDDEN, "fm_epochs": 2}),
    "wide_deep": ("wide_and_deep", {"hidden": HIDDEN, "crosses": []}),  # the other sides have no crosses either
    "deepfm": ("deepfm", {"hidden": HIDDEN}),
    "dcn": ("deep_and_cross", {"hidden": HIDDEN, "crosses": 3}),
    "ipnn": ("pnn", {"product": "inner", "first": 256, "hidden": [128]}),
    "opnn": ("pnn", {"product": "outer", "first": 256, "hidden": [128]}),
    "nfm": ("nfm", {"hidden": HIDDEN, "pooling_dropout": 0.0}),
    "afm": ("afm", {"attention_size": 16, "pair_dropout": 0.0, "attention_decay": 0.0}),
    "din": ("din", {"hidden": HIDDEN, "attention": 64, "places": False, "behaviour": ["item"]}),
    "dien": ("dien", {"hidden": HIDDEN, "behaviour": ["item"]}),
}


def same_fields(data: Dataset, latest: int) -> Features:
    """User id, age, gender, occupation; item id, genres, year. Every value of a category has a row of its own."""
    fields: list[Field] = []

    def add(name: str, which: Any, kind: Any, values: Sequence[str], size: int, width: int = 1) -> Field:
        offset = fields[-1].offset + fields[-1].size if fields else 0
        fields.append(Field(name, which, kind, offset, size, width, tuple(values)))
        return fields[-1]

    for column in (USER, "age", "gender", "occupation"):
        values = sorted(set(data.users[column].map(str)))
        add(f"user.{column}", "user", "categorical", values, len(values) + 1)
    catalogue = data.catalogue
    n = len(catalogue)
    item = add("item", "item", "categorical", (), n)
    genres = add("genres", "item", "multi-valued", catalogue.genre_names, len(catalogue.genre_names), 6)
    years = sorted(set(catalogue.table["year"].map(str)))
    year = add("year", "item", "categorical", years, len(years) + 1)
    read, shares = np.full((n, 8), genres.offset), np.zeros((n, 8), np.float32)
    read[:, 0], read[:, 7] = item.offset + np.arange(n), year.offset + 1
    shares[:, [0, 7]] = 1
    place = {name: number for number, name in enumerate(catalogue.genre_names)}
    place_of_year = {name: number for number, name in enumerate(years)}
    for row, (own, released) in enumerate(zip(catalogue.genres, catalogue.table["year"].map(str), strict=True)):
        read[row, 1 : 1 + len(own)] += np.array([place[name] for name in own], np.int64)
        shares[row, 1 : 1 + len(own)] = 1 / max(1, len(own))
        read[row, 7] += place_of_year[released]
    slots = Slots(torch.from_numpy(read), torch.from_numpy(shares))
    return Features(fields, slots, np.zeros((n, 1 + len(place)), np.float32), latest, half_life=3.0)


def work(task: dict[str, Any]) -> dict[str, Any]:  # noqa: C901 one measurement, told in its order
    same = task["setting"] != "shipped"
    data = sources.load(task["data"], Path(task["cache"]), Path(task["datasets"]))
    if same:
        data = replace(data, users=data.users.assign(**{USER: data.users["user_id"]}), _by_user={})
    cut = rows.split(data, task["split"], known="training")
    with np.load(task["tables"]) as opened:
        tables = dict(opened)
    _check_same_rows(cut, tables)
    on_threads(int(task["threads"]))

    name, sizes = MODELS[task["model"]]
    common = {"objective": "click", "seed": task["seed"]}
    if same:
        # Our rate falls from its peak to nothing along a cosine: twice the others' constant one is the same on average.
        rate = 2 * task["learning_rate"]
        common |= {"embedding_size": task["embedding_size"], "learning_rate": rate, "spread": 0.01, **sizes}
        common |= {"epochs": task["epochs"], "batch_size": task["batch_size"], "latest": HISTORY}
        common |= {"dropout": 0.0, "weight_decay": 0.0}
        if task["setting"] == "chosen" and task["split"] == "time":
            common["dropout"] = 0.4
        elif task["setting"] == "chosen":
            common["start"] = "he"
            if name == "deep_crossing":
                common["rectified_embeddings"] = False
    else:
        common = {**tuned(name, "click"), **common}
    cls = registry.get(name)
    assert issubclass(cls, FeatureModel)
    config = checked(name, cls.Config, common)
    meter, quality = side.Meter(), []

    if same:  # for the models that a model trains first as well

        def fields(self: FeatureModel, data: Dataset) -> Features:
            return same_fields(data, self.config.latest)

        FeatureModel._features = fields  # type: ignore[method-assign]

    class Measured(cls):  # type: ignore[valid-type, misc]
        def _build(self) -> Any:
            module = super()._build()
            if same and isinstance(module, BehaviourNetwork):
                module.reach = 0.0  # ratings of the history are not among the fields: they read as 0
            return module

        def _prepare(self, data: Dataset) -> tuple[int, Callable[[Tensor], Tensor]]:
            prepared = super()._prepare(data)
            meter.start()
            return prepared

        def _validator(self, valid: Any) -> Callable[[], float]:
            def measure() -> float:
                meter.stop()
                probabilities = {
                    part: self.predict_click(withheld.states, withheld.items)
                    for part, withheld in (("valid", cut.valid), ("test", cut.test))
                }
                quality.append(measures.of_epoch(tables, probabilities.__getitem__))
                self.module.train()
                meter.start()
                return float(len(quality))  # never stops early, and the last weights are the ones that are kept

            return measure

    began = side.cpu_seconds()
    model = Measured(config).fit(cut.train)
    whole = side.cpu_seconds() - began
    weights = sum(p.numel() for p in model.module.parameters())
    return {"cpu": meter.cpu, "wall": meter.wall, "quality": quality, "parameters": weights, "fit_cpu": whole}


def on_threads(number: int) -> None:
    """Have the training loop compute with so many threads; left alone it always takes one."""
    run = loop.run

    def with_threads(module: Any, count: int, loss: Any, plan: loop.Plan, **more: Any) -> Any:
        return run(module, count, loss, replace(plan, threads=number), **more)

    loop.run = with_threads


def _check_same_rows(cut: rows.RowSplit, tables: dict[str, np.ndarray]) -> None:
    train = cut.train.interactions
    held = {"train": (train.user, train.item), "valid": (cut.valid.users, cut.valid.items)}
    held["test"] = (cut.test.users, cut.test.items)
    for part, (users, items) in held.items():
        if not (
            np.array_equal(users + 1, tables[f"{part}.user"]) and np.array_equal(items + 1, tables[f"{part}.item"])
        ):
            raise ValueError(f"the {part} rows of the tables are not those of the data set; write the tables anew")


if __name__ == "__main__":
    side.answer(work)
