"""One measurement of RecBole: its defaults, stopped early on the validation items by its own trainer and metrics."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.utils import get_model, get_trainer, init_seed

from . import side

MODELS = {
    "bpr": ("BPR", {"embedding_size": 64, "learning_rate": 1e-3}),
    "neural_cf": ("NeuMF", {"mf_embedding_size": 64, "mlp_embedding_size": 64, "mlp_hidden_size": [128, 64]}),
}
EPOCHS, PATIENCE = 60, 5


def work(task: dict[str, Any]) -> dict[str, Any]:
    folder = Path(task["folder"])
    with np.load(task["tables"]) as opened:
        tables = dict(opened)
    everybody = np.arange(len(tables["test"]))
    parts = {"train": (tables["train.user"], tables["train.item"])}
    parts |= {part: (everybody, tables[part]) for part in ("valid", "test")}
    place = folder / "films"
    place.mkdir()
    for part, (user, item) in parts.items():
        lines = ["user_id:token\titem_id:token", *(f"{u}\t{i}" for u, i in zip(user, item, strict=True))]
        (place / f"films.{part}.inter").write_text("\n".join(lines) + "\n", encoding="utf-8")
    name, settings = MODELS[task["model"]]
    given = {
        "data_path": str(folder),
        "checkpoint_dir": str(folder / "saved"),
        "benchmark_filename": ["train", "valid", "test"],
        "load_col": {"inter": ["user_id", "item_id"]},
        "train_neg_sample_args": {"distribution": "uniform", "sample_num": 1},
        "eval_args": {"order": "TO", "mode": "full", "group_by": "user"},
        "metrics": ["Recall", "NDCG"],
        "topk": [10],
        "valid_metric": "NDCG@10",
        "epochs": EPOCHS,
        "stopping_step": PATIENCE,
        "train_batch_size": 2048,
        "seed": task["seed"],
        "reproducibility": True,
        "use_gpu": False,
        "show_progress": False,
        "state": "ERROR",
        **settings,
    }
    config = Config(model=name, dataset="films", config_dict=given, config_file_list=[])
    init_seed(config["seed"], True)
    data = create_dataset(config)
    train, valid, test = data_preparation(config, data)
    model = get_model(name)(config, train.dataset)
    trainer = get_trainer(config["MODEL_TYPE"], name)(config, model)
    cpu, wall = side.cpu_seconds(), time.perf_counter()
    trainer.fit(train, valid, saved=True, show_progress=False, verbose=False)
    cpu, wall = side.cpu_seconds() - cpu, time.perf_counter() - wall
    figures = trainer.evaluate(test, load_best_model=True, show_progress=False)
    epochs = len(trainer.train_loss_dict)
    return {
        "cpu": cpu,
        "wall": wall,
        "epochs": epochs,
        "users": len(everybody),
        "note": f"defaults, stopped after {epochs} epochs; seconds with its validation",
        "recall": float(figures["recall@10"]),
        "ndcg": float(figures["ndcg@10"]),
    }


if __name__ == "__main__":
    side.answer(work)
