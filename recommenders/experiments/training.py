"""Training a recommender into a run folder, top to bottom."""

import json
import resource
import shutil
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from app import files
from app.errors import ArtefactError
from app.progress import Progress, quiet
from recommenders.contract import Recommender, configured
from recommenders.data import Case, Dataset
from recommenders.networks import Epoch, NeuralRecommender

RECORD = "training.json"


class Record(BaseModel):
    """How a run came about: what the file training.json of its folder says."""

    recommender: str
    dataset: str
    interactions: int
    users: int
    items: int
    trained_at: datetime
    wall_seconds: float
    cpu_seconds: float
    curve: tuple[Epoch, ...] = ()
    """How the training went, epoch by epoch; empty for models that are not trained by gradients."""


def train(
    name: str,
    data: Dataset,
    folder: Path,
    *,
    config: Mapping[str, object] | None = None,
    valid: Sequence[Case] = (),
    progress: Progress = quiet,
) -> Recommender:
    """Fit the recommender `name` on `data` and save it in `folder`.

    config    overrides the tuned values of recommenders/configs/<name>.toml
    valid     (state, next item) pairs for early stopping; without them it trains for the configured epochs
    A killed training goes on at the last finished epoch when called again with the same settings and data: the state is
    kept beside the folder, as <folder>.checkpoint, and removed at the end.
    """
    model = configured(name, config)
    wall, cpu = time.perf_counter(), cpu_seconds()
    checkpoint = folder.with_name(f"{folder.name}.checkpoint")
    model.fit(data, valid=valid, progress=progress, checkpoint=checkpoint)
    about = Record(
        recommender=name,
        dataset=data.name,
        interactions=len(data.interactions),
        users=len(data.users),
        items=len(data.catalogue),
        trained_at=datetime.now(UTC).replace(microsecond=0),
        wall_seconds=round(time.perf_counter() - wall, 3),
        cpu_seconds=round(cpu_seconds() - cpu, 3),
        curve=tuple(model.curve) if isinstance(model, NeuralRecommender) else (),
    )
    model.save(folder, documents={RECORD: about.model_dump_json(indent=2)})
    shutil.rmtree(checkpoint, ignore_errors=True)
    return model


def record(folder: Path) -> Record:
    """How the run in `folder` came about. ArtefactError where it is missing or damaged."""
    files.recover(folder)
    try:
        return Record.model_validate(json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ArtefactError(f"no trained model in {folder}; train it first: chatrec train {folder.name}") from error
    except (ValueError, ValidationError) as error:
        raise ArtefactError(f"{folder / RECORD} is damaged; train again: chatrec train {folder.name}") from error


def cpu_seconds() -> float:
    """Seconds of CPU that this process has used, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
