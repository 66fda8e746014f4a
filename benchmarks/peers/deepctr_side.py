"""One measurement of DeepCTR-Torch: its own models, inputs and fit(), its epochs clocked by one of its callbacks."""

from typing import Any

import numpy as np
from deepctr_torch import models
from deepctr_torch.callbacks import Callback
from deepctr_torch.inputs import SparseFeat, VarLenSparseFeat

from . import measures, side

CATEGORIES = ("user", "item", "age", "gender", "occupation", "year")
DEEP = {"dnn_hidden_units": (256, 128)}
HISTORY = {"history_feature_list": ["item"]}
# name here -> class, whether it has a linear part, settings. Its defaults penalise embeddings lightly; they are kept.
MODELS: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "deepfm": ("DeepFM", True, DEEP),
    "dcn": ("DCN", True, {**DEEP, "cross_num": 3}),
    "ipnn": ("PNN", False, {**DEEP, "use_inner": True, "use_outter": False}),
    "opnn": ("PNN", False, {**DEEP, "use_inner": False, "use_outter": True, "kernel_type": "mat"}),
    "afm": ("AFM", True, {"attention_factor": 16}),
    "nfm": ("NFM", True, DEEP),
    "wide_deep": ("WDL", True, DEEP),
    "din": ("DIN", False, {**DEEP, **HISTORY, "att_hidden_size": (64,)}),
    "dien": ("DIEN", False, {**DEEP, **HISTORY, "gru_type": "AUGRU", "use_negsampling": True}),
}


class Clock(Callback):
    """Clocks the epochs of fit(), and measures the model between them."""

    def __init__(self, after: Any) -> None:
        super().__init__()
        self.meter, self.after = side.Meter(), after

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.model.train()  # measuring leaves it in evaluation mode
        self.meter.start()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.meter.stop()
        self.after()


def inputs(tables: Any, part: str, model: str, seed: int) -> dict[str, np.ndarray]:
    read = {name: tables[f"{part}.{name}"] for name in CATEGORIES} | {"genres": tables[f"{part}.genres"]}
    if model in ("din", "dien"):
        history = tables[f"{part}.history"]
        read |= {"hist_item": history, "length": (history > 0).sum(axis=1)}
        if model == "dien":
            others = np.random.default_rng(seed).integers(1, int(tables["sizes.item"]) - 1, history.shape)
            read["neg_hist_item"] = np.where(history > 0, others, 0)
    return read


def columns(tables: Any, model: str, size: int) -> list[Any]:
    described: list[Any] = [SparseFeat(name, int(tables[f"sizes.{name}"]), size) for name in CATEGORIES]
    genres = SparseFeat("genres", int(tables["sizes.genres"]), size)
    described.append(VarLenSparseFeat(genres, tables["train.genres"].shape[1], combiner="mean"))
    if model in ("din", "dien"):
        for name in ("hist_item", "neg_hist_item")[: 1 + (model == "dien")]:
            item = SparseFeat(name, int(tables["sizes.item"]), size, embedding_name="item")
            described.append(VarLenSparseFeat(item, tables["train.history"].shape[1], length_name="length"))
    return described


def work(task: dict[str, Any]) -> dict[str, Any]:
    with np.load(task["tables"]) as opened:
        tables = dict(opened)
    name = task["model"]
    kind, linear, settings = MODELS[name]
    described = columns(tables, name, task["embedding_size"])
    model = getattr(models, kind)(
        *([described] if linear else []), described, seed=task["seed"], device="cpu", **settings
    )
    model.compile("adam", "binary_crossentropy")
    for group in model.optim.param_groups:
        group["lr"] = task["learning_rate"]
    read = {part: inputs(tables, part, name, task["seed"]) for part in ("train", "valid", "test")}
    quality: list[dict[str, float]] = []

    def measure() -> None:
        quality.append(measures.of_epoch(tables, lambda part: model.predict(dict(read[part]), 4096)))

    clock = Clock(measure)
    model.fit(
        read["train"],
        tables["train.label"],
        batch_size=task["batch_size"],
        epochs=task["epochs"],
        verbose=0,
        callbacks=[clock],
    )
    weights = sum(p.numel() for p in model.parameters())
    return {"cpu": clock.meter.cpu, "wall": clock.meter.wall, "quality": quality, "parameters": weights}


if __name__ == "__main__":
    side.answer(work)
