"""One measurement of the floor.

Task: tables, model, batch_size, epochs, embedding_size, learning_rate, seed, threads; the other sides have these too.
"""

from typing import Any

import numpy as np
import torch

from . import floor, measures, side
from .floor import Batch, Layout

CATEGORIES = ("user", "item", "age", "gender", "occupation", "year")


def layout(tables: Any) -> Layout:
    sizes = [int(tables[f"sizes.{name}"]) for name in CATEGORIES]
    offsets = np.cumsum([0, *sizes])  # each field's code 0 is a row nobody reads but for row 0, which fills up
    return Layout(tuple(offsets[:-1].tolist()), int(offsets[-1]), int(offsets[-1]) + int(tables["sizes.genres"]))


def batch(tables: Any, part: str, where: Layout, seed: int) -> Batch:
    """A part of the tables, whole, as the floor reads it."""
    codes = np.stack([tables[f"{part}.{name}"] for name in CATEGORIES], axis=1)  # (N, C)
    genres, history = tables[f"{part}.genres"], tables[f"{part}.history"]
    shares = np.zeros((len(genres), where.rows - where.genres), np.float32)
    rows, places = np.nonzero(genres)
    shares[rows, genres[rows, places]] = 1
    shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1)
    items = where.offsets[1]
    others = np.random.default_rng(seed).integers(1, int(tables["sizes.item"]) - 1, history.shape)
    return Batch(
        torch.from_numpy(codes + np.array(where.offsets)),
        torch.from_numpy(shares),
        torch.from_numpy(np.where(history > 0, history + items, 0)),
        torch.from_numpy(others + items),
        torch.from_numpy(tables[f"{part}.label"]),
    )


def work(task: dict[str, Any]) -> dict[str, Any]:
    with np.load(task["tables"]) as opened:
        tables = dict(opened)
    where = layout(tables)
    data = {part: batch(tables, part, where, task["seed"]) for part in ("train", "valid", "test")}
    network = floor.NETWORKS[task["model"]](where, task["embedding_size"])
    meter, quality = side.Meter(), []
    for epoch in floor.epochs(network, data["train"], task["batch_size"], task["learning_rate"], task["epochs"]):
        with meter.epoch():
            epoch()
        quality.append(measures.of_epoch(tables, lambda part: floor.predict(network, data[part]).numpy()))
    weights = sum(p.numel() for p in network.parameters())
    return {"cpu": meter.cpu, "wall": meter.wall, "quality": quality, "parameters": weights}


if __name__ == "__main__":
    side.answer(work)
