"""One measurement of FuxiCTR: its own models, embedding layer, loader (NPZ, in process) and training step.

The released package holds hardly more than layers, so its model files come from the project's own repository at the
release that is installed (environments.py). Further task keys: models, the folder of that checkout's model_zoo; folder,
to write the loader's files to.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
from fuxictr.features import FeatureMap
from fuxictr.pytorch.dataloaders import RankDataLoader

from . import measures, side

CATEGORIES = ("user", "item", "age", "gender", "occupation", "year")
DEEP = {"hidden_units": [256, 128]}
DEEP_DNN = {"dnn_hidden_units": [256, 128]}
# name here -> folder in the model zoo, class, settings other than the common ones
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "deepfm": ("DeepFM/DeepFM_torch", "DeepFM", DEEP),
    "dcn": ("DCN/DCN_torch", "DCN", {**DEEP_DNN, "num_cross_layers": 3}),
    "ipnn": ("PNN", "PNN", {**DEEP, "product_type": "inner"}),
    "afm": ("AFM", "AFM", {"attention_dim": 16}),
    "nfm": ("NFM", "NFM", DEEP),
    "fm": ("FM", "FM", {}),
    "wide_deep": ("WideDeep/WideDeep_torch", "WideDeep", DEEP),
    "deep_crossing": ("DeepCrossing", "DeepCrossing", {"residual_blocks": [256, 128]}),
    "din": (
        "DIN",
        "DIN",
        {**DEEP_DNN, "attention_hidden_units": [64], "din_target_field": ["item"], "din_sequence_field": ["history"]},
    ),
    # Its auxiliary loss fails on a shape in this release, so it runs without, as in its own configurations.
    "dien": (
        "DIEN",
        "DIEN",
        {
            **DEEP_DNN,
            "batch_norm": False,
            "dien_target_field": ["item"],
            "dien_sequence_field": ["history"],
            "dien_neg_seq_field": [],
        },
    ),
}


def feature_map(tables: Any, folder: Path, embedding_size: int, sequence: bool) -> FeatureMap:
    described = FeatureMap("ctr", str(folder))
    described.labels = ["label"]
    described.default_emb_dim = embedding_size
    for name in CATEGORIES:
        described.features[name] = {"source": "", "type": "categorical", "vocab_size": int(tables[f"sizes.{name}"])}
    described.features["item"]["padding_idx"] = 0
    several = {"source": "", "type": "sequence", "padding_idx": 0}
    encoder = {"feature_encoder": "layers.MaskedAveragePooling()"}
    size, width = int(tables["sizes.genres"]), tables["train.genres"].shape[1]
    described.features["genres"] = {**several, **encoder, "vocab_size": size, "max_len": width}
    if sequence:
        size, width = int(tables["sizes.item"]), tables["train.history"].shape[1]
        described.features["history"] = {**several, "vocab_size": size, "max_len": width, "share_embedding": "item"}
    described.num_fields = described.get_num_fields()
    described.total_features = sum(spec["vocab_size"] for spec in described.features.values())
    described.set_column_index()
    return described


def work(task: dict[str, Any]) -> dict[str, Any]:
    with np.load(task["tables"]) as opened:
        tables = dict(opened)
    folder = Path(task["folder"])
    place, name, settings = MODELS[task["model"]]
    described = feature_map(tables, folder, task["embedding_size"], "history" in str(settings))
    columns = [*described.features, "label"]
    loaders = {}
    for part in ("train", "valid", "test"):
        np.savez(folder / f"{part}.npz", **{column: tables[f"{part}.{column}"] for column in columns})
        loaders[part], _ = RankDataLoader(
            described,
            stage="train",
            train_data=str(folder / f"{part}.npz"),
            batch_size=task["batch_size"] if part == "train" else 4096,
            shuffle=part == "train",
            data_format="npz",
            num_workers=0,
        )
    sys.path.insert(0, str(Path(task["models"]) / place))
    model = getattr(importlib.import_module(f"src.{name}"), name)(
        described,
        learning_rate=task["learning_rate"],
        embedding_dim=task["embedding_size"],
        optimizer="adam",
        loss="binary_crossentropy",
        metrics=["AUC"],
        model_root=str(folder),
        verbose=0,
        **settings,
    )
    # What its fit() sets before the first epoch; the epochs are called one by one so that evaluation is not timed.
    model._max_gradient_norm, model._stop_training = 10.0, False
    model._total_steps, model._eval_steps = 0, sys.maxsize
    meter, quality = side.Meter(), []
    for _ in range(task["epochs"]):
        with meter.epoch():
            model.train_epoch(loaders["train"])
        quality.append(measures.of_epoch(tables, lambda part: model.predict(loaders[part])))
    weights = sum(p.numel() for p in model.parameters())
    return {"cpu": meter.cpu, "wall": meter.wall, "quality": quality, "parameters": weights}


if __name__ == "__main__":
    side.answer(work)
