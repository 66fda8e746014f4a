"""Where the runs of the leaderboard are: one's own below the runs folder, and those shipped with the project."""

from dataclasses import dataclass
from pathlib import Path

from app.errors import ArtefactError, did_you_mean
from app.settings import Settings
from recommenders.experiments import Result, results

SNAPSHOT = results.SHIPPED


@dataclass(frozen=True)
class Found:
    """shipped: these are the project's figures, measured on another machine. troubles: files that could not be read."""

    results: tuple[Result, ...]
    shipped: bool
    troubles: tuple[str, ...] = ()


def folder(settings: Settings, dataset: str) -> Path:
    """Of the runs on a data set."""
    return settings.runs_dir / dataset / "leaderboard"


def find(settings: Settings, board: str) -> Found:
    """The runs of one board on the served data set: one's own, or the shipped ones where there are none.

    ArtefactError where the shipped file is damaged.
    """
    own, troubles = results.read_all(folder(settings, settings.dataset), [board])
    if own:
        return Found(tuple(own), shipped=False, troubles=tuple(troubles))
    shipped = [r for r in results.snapshot(SNAPSHOT) if r.board == board and r.dataset == settings.dataset]
    return Found(tuple(shipped), shipped=bool(shipped), troubles=tuple(troubles))


def named(result: Result) -> str:
    """How a run is called on the command line: "top-n/ease-0"."""
    return f"{result.board}/{result.recommender}-{result.seed}"


def kept(settings: Settings, name: str) -> Result:
    """The run of a name such as "top-n/ease-0", one's own or a shipped one. ArtefactError where there is none."""
    path = folder(settings, settings.dataset) / f"{name}.json"
    if path.is_file():
        return results.read(path)
    shipped = [r for r in results.snapshot(SNAPSHOT) if r.dataset == settings.dataset]
    for result in shipped:
        if named(result) == name:
            return result
    own, _ = results.read_all(folder(settings, settings.dataset))
    raise ArtefactError(
        f"there is no run {name!r} on {settings.dataset}{did_you_mean(name, map(named, [*own, *shipped]))}"
    )


def ship(settings: Settings, dataset: str) -> tuple[int, Path]:
    """Put one's own runs on a data set in the place of the shipped ones; those on others stay. How many are shipped
    then, and the file."""
    own, _ = results.read_all(folder(settings, dataset))
    everything = list({(r.dataset, named(r)): r for r in [*results.snapshot(SNAPSHOT), *own]}.values())
    results.export(everything, SNAPSHOT)
    return len(everything), SNAPSHOT
