"""The leaderboard: every recommender on every board, several seeds, each run kept as a file (results.py).

A run is one training and its measures. What is kept is not computed again, unless the settings or the data have changed
since; a killed training goes on at its last finished epoch.
"""

import dataclasses
import hashlib
import inspect
import json
import math
import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import JsonValue

from app.errors import ArtefactError, RecommenderError
from app.progress import Progress, quiet
from recommenders.contract import Recommender, artefact, checked, configured, registry
from recommenders.data import Dataset
from recommenders.evaluation import Figure, baselines
from recommenders.experiments.boards import SECTION, Asked, Board
from recommenders.experiments.results import Result, Value, place, read, settings_of, write
from recommenders.experiments.training import cpu_seconds
from recommenders.networks import Epoch, NeuralRecommender, on_threads

VERSION = 1  # of the protocols: raise it when a board measures differently, and everything is computed again
Told = Callable[[Result], None]
Failed = Callable[[Board, str, RecommenderError], None]


def compute(
    boards: Sequence[Board],
    names: Sequence[str],
    data: Dataset,
    folder: Path,
    *,
    seeds: int = 1,
    sample: int | None = None,
    curves: bool = False,
    again: bool = False,
    progress: Progress = quiet,
    told: Told = lambda result: None,
    failed: Failed | None = None,
) -> list[Result]:
    """What is missing of these runs is computed and kept, one after the other; all of them are returned.

    names   recommenders and baselines; () takes all who can take part in each board
    seeds   how many, from 0 on; what has no randomness runs once
    sample  of what is computed now, lists are made for so many users only; for models that need seconds a user
    curves  the first seed is trained once more, watched on the validation part: its learning curve has values then
    again   compute what is there already too
    told    called with every result as it is there
    failed  called with what a recommender raises on purpose (it needs weights, the data are too large); the others go
            on. None lets it raise.
    """
    for board in boards:
        for name in names:
            board.check(name)  # before any training
    data_is = fingerprint(data)
    results = []
    for board in boards:
        asked: Asked | None = None
        for name in names or board.able():
            try:
                for seed in range(seeds if _has_seed(name) else 1):
                    config = settings(board, name, seed)
                    path = place(folder, board.name, name, seed)
                    result = None if again else _kept(path)
                    if result is None or not _current(result, config, data_is):
                        asked = asked or board.open(data, sample)
                        going_on = _checkpoint(path)
                        result = run(board, name, config, data, asked, sample, checkpoint=going_on, progress=progress)
                        write(result, path)
                        shutil.rmtree(going_on, ignore_errors=True)
                    if curves and seed == 0 and result.curve and all(e.validation is None for e in result.curve):
                        asked = asked or board.open(data, sample)
                        result = result.model_copy(update={"curve": watched(name, config, asked, progress)})
                        write(result, path)
                    told(result)
                    results.append(result)
            except RecommenderError as error:
                if failed is None or asked is None:  # data that cannot be asked this are no recommender's failure
                    raise
                failed(board, name, error)
    return results


def run(
    board: Board,
    name: str,
    config: Mapping[str, Any],
    data: Dataset,
    asked: Asked | None = None,
    sample: int | None = None,
    *,
    checkpoint: Path | None = None,
    progress: Progress = quiet,
) -> Result:
    """Train once with exactly this config and measure. `Result.config` and its sample given here repeat that run."""
    asked = asked or board.open(data, sample)
    resumed = checkpoint is not None and checkpoint.exists()
    wall, cpu = time.perf_counter(), cpu_seconds()
    model: Any
    curve: Sequence[Epoch] = ()
    if name in baselines.NAMES:
        model = baselines.Baseline(name, checked(name, baselines.Config, config))
        model.fit(asked.train, "click" if board.task == "ctr" else "rating")
        parameters = model.parameters
    else:
        cls = registry.get(name)
        model = cls(checked(name, cls.Config, config)).fit(asked.train, progress=progress, checkpoint=checkpoint)
        curve = tuple(model.curve) if isinstance(model, NeuralRecommender) else ()
        parameters = _parameters(model)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    with on_threads(1):  # as in the app
        answer = asked.measure(model, progress)
    return Result(
        protocol=VERSION,
        board=board.name,
        recommender=name,
        seed=int(config.get("seed", 0)),
        config=_plain(config),
        dataset=data.name,
        fingerprint=fingerprint(data),
        interactions=len(data.interactions),
        users=len(data.users),
        items=len(data.catalogue),
        rows=answer.rows,
        sample=sample if board.task == "top-n" else None,
        measures={key: _value(figure) for key, figure in answer.measures.items()},
        wall_seconds=round(wall, 3),
        cpu_seconds=round(max(cpu, curve[-1].cpu_seconds if curve else 0.0), 3),
        milliseconds=round(answer.milliseconds, 4),
        parameters=parameters,
        resumed=resumed,
        curve=tuple(curve),
        places=answer.places,
        versions=_versions(),
        hardware=hardware(),
        at=datetime.now(UTC).replace(microsecond=0),
    )


def watched(name: str, config: Mapping[str, Any], asked: Asked, progress: Progress = quiet) -> tuple[Epoch, ...]:
    """The learning curve of a training that is measured on the validation part after each epoch, and never stopped."""
    cls = registry.get(name)
    given = {**config, "patience": config["epochs"]} if "patience" in config else config
    model: Any = cls(checked(name, cls.Config, given))
    if asked.rated and "rated" in inspect.signature(model.fit).parameters:
        model.fit(asked.train, rated=asked.rated, progress=progress)
    else:
        model.fit(asked.train, valid=asked.valid, progress=progress)
    return tuple(model.curve) if isinstance(model, NeuralRecommender) else ()


def settings(board: Board, name: str, seed: int) -> dict[str, JsonValue]:
    """The whole config that a recommender takes part with: its tuned values for the task, and the seed."""
    if name in baselines.NAMES:
        return _plain(dataclasses.asdict(baselines.Config()))
    section = SECTION[board.task]
    fields = {f.name for f in dataclasses.fields(registry.get(name).Config)}
    given: dict[str, object] = {"seed": seed} if "seed" in fields else {}
    if section and "objective" in fields:
        given["objective"] = section
    return _plain(dataclasses.asdict(configured(name, given, task=section).config))


def _has_seed(name: str) -> bool:
    return name not in baselines.NAMES and any(f.name == "seed" for f in dataclasses.fields(registry.get(name).Config))


def _parameters(model: Recommender) -> int:
    if isinstance(model, NeuralRecommender):
        return sum(p.numel() for p in model.module.parameters())
    return sum(a.size for a in model._arrays().values() if a.dtype.kind == "f")


def _value(figure: Figure) -> Value:
    """JSON has no NaN: what is undefined is null."""
    return Value(**{k: round(v, 6) if math.isfinite(v) else None for k, v in dataclasses.asdict(figure).items()})


def _plain(config: Mapping[str, Any]) -> dict[str, JsonValue]:
    """As it will be read back: tuples are lists in JSON."""
    plain: dict[str, JsonValue] = json.loads(json.dumps(config))
    return plain


# -- what a run follows from ----------------------------------------------------------------------------------------


def fingerprint(data: Dataset) -> str:
    """Of all interactions, users and items: equal for equal data."""
    x = data.interactions
    digest = hashlib.sha256(repr((data.explicit, data.liked_from, artefact.fingerprint(data.catalogue))).encode())
    for column in (x.user, x.item, x.value, x.timestamp):
        digest.update(np.ascontiguousarray(column).tobytes())
    for table in (data.users, data.catalogue.table):
        digest.update(table.to_json(orient="split", default_handler=str).encode())
    return digest.hexdigest()[:16]


def hardware() -> str:
    """The processor and its cores, and the graphics processor where there is one."""
    cpu = platform.processor() or platform.machine()
    about = Path("/proc/cpuinfo")
    if about.is_file():
        lines = about.read_text(encoding="utf-8", errors="replace").splitlines()
        cpu = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), cpu)
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    threads = torch.get_num_threads()
    return f"{cpu}, {threads} {'thread' if threads == 1 else 'threads'}{gpu}"


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {p: version(p) for p in ("chatrec", "torch", "numpy", "scipy")}


def _current(result: Result, config: Mapping[str, JsonValue], data_is: str) -> bool:
    return (result.protocol, result.fingerprint) == (VERSION, data_is) and settings_of(result) == config


def _kept(path: Path) -> Result | None:
    """None for what is damaged too: it is computed again."""
    try:
        return read(path)
    except ArtefactError:
        return None


def _checkpoint(path: Path) -> Path:
    return path.with_name(f"{path.stem}.checkpoint")
