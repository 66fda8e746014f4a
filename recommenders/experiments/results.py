"""Runs of the leaderboard as files: each holds all that it follows from, so that it can be repeated, and what came out.

One file a run, <folder>/<board>/<name>-<seed>.json, written whole or not at all; and a snapshot, many runs in one file,
which is shipped.
"""

import dataclasses
import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from app import files
from app.errors import ArtefactError
from recommenders.contract import registry
from recommenders.evaluation import baselines
from recommenders.experiments.boards import BOARDS
from recommenders.networks import Epoch

SHIPPED = Path(__file__).parent / "shipped" / "leaderboard.json"
"""The project's own figures, a snapshot that comes with the package."""


class Value(BaseModel):
    """A measure of one run with its bootstrap 95 % interval over users, where it has one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float | None
    low: float | None = None
    high: float | None = None


class Result(BaseModel):
    """One run: all it follows from, and what came out.

    fingerprint   of the data: all interactions, users and items
    rows          test cases; sample: the users they were drawn down to, None for all
    milliseconds  of one test case, answered in batches
    parameters    numbers that the model has learned
    resumed       the training had been killed and went on: its wall seconds are those of the last part
    curve         one point an epoch; with validation values where they were asked for
    places        of the withheld item in the list of each test case, from 1 on, 0 where it is not in it; of lists only
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: int
    board: str
    recommender: str
    seed: int
    config: dict[str, JsonValue]
    dataset: str
    fingerprint: str
    interactions: int
    users: int
    items: int
    rows: int
    sample: int | None
    measures: dict[str, Value]
    wall_seconds: float
    cpu_seconds: float
    milliseconds: float
    parameters: int
    resumed: bool
    curve: tuple[Epoch, ...]
    places: tuple[int, ...]
    versions: dict[str, str]
    hardware: str
    at: datetime


def settings_of(result: Result) -> dict[str, JsonValue]:
    """Its config, with what the model has gained since at its default: a new setting begins with what was so far."""
    name = result.recommender
    if name not in {*baselines.NAMES, *registry.names()}:
        return result.config  # of a model that is not there any more
    cls = baselines.Config if name in baselines.NAMES else registry.get(name).Config
    defaults = {f.name: f.default for f in dataclasses.fields(cls) if f.default is not dataclasses.MISSING}
    return {**json.loads(json.dumps(defaults)), **result.config}


def place(folder: Path, board: str, name: str, seed: int) -> Path:
    return folder / board / f"{name}-{seed}.json"


def write(result: Result, path: Path) -> None:
    """Whole or not at all: written beside and renamed."""
    head = result.model_dump_json(indent=1, exclude={"places"}).removesuffix("\n}")
    files.write_text(path, f'{head},\n "places": {list(result.places)}\n}}\n')  # a thousand numbers, on one line


def read(path: Path) -> Result:
    """A kept run. ArtefactError where it is missing or damaged."""
    try:
        return Result.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ArtefactError(f"there is no run {path}; compute it: chatrec leaderboard") from error
    except (OSError, ValueError, ValidationError) as error:
        raise ArtefactError(
            f"{path} is damaged or of another version; compute it again: chatrec leaderboard"
        ) from error


def read_all(folder: Path, boards: Iterable[str] = tuple(BOARDS)) -> tuple[list[Result], list[str]]:
    """Every kept run of these boards, by name and seed, and what to say of files that could not be read."""
    results, troubles = [], []
    for board in boards:
        for path in sorted((folder / board).glob("*.json")):
            try:
                results.append(read(path))
            except ArtefactError as error:
                troubles.append(str(error))
    return results, troubles


class Snapshot(BaseModel):
    """Results of one data set in one file, to be shipped: the file that `chatrec leaderboard --export` writes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    results: tuple[Result, ...]


def export(results: Iterable[Result], path: Path) -> None:
    """Write a snapshot, the results in an order of their own so that two exports differ by what has changed."""
    ordered = sorted(results, key=lambda r: (list(BOARDS).index(r.board), r.dataset, r.recommender, r.seed))
    lines = ",\n".join(r.model_dump_json() for r in ordered)  # one line a run: readable in a diff
    files.write_text(path, f'{{"results": [\n{lines}\n]}}\n')


def snapshot(path: Path) -> list[Result]:
    """The results of a snapshot; none where there is no such file. ArtefactError where it is damaged."""
    if not path.is_file():
        return []
    try:
        return list(Snapshot.model_validate_json(path.read_text(encoding="utf-8")).results)
    except (OSError, ValueError, ValidationError) as error:
        raise ArtefactError(f"{path} is damaged; write it again: chatrec leaderboard --export") from error
