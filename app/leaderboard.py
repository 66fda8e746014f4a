"""Where the runs of the leaderboard are: one's own below the runs folder, and those shipped with the project."""

from dataclasses import dataclass
from pathlib import Path

from app.settings import ROOT, Settings
from recommenders import results
from recommenders.results import Result

SNAPSHOT = ROOT / "benchmarks" / "results" / "leaderboard.json"


@dataclass(frozen=True)
class Found:
    """shipped: these are the project's figures, measured on another machine. troubles: files that could not be read."""

    results: tuple[Result, ...]
    shipped: bool
    troubles: tuple[str, ...] = ()


def folder(settings: Settings, dataset: str) -> Path:
    """Of the runs on a data set."""
    return settings.runs_dir / dataset / "leaderboard"


def find(settings: Settings, board: str, snapshot: Path = SNAPSHOT) -> Found:
    """The runs of one board on the served data set: one's own, or the shipped ones where there are none.

    ArtefactError where the shipped file is damaged.
    """
    own, troubles = results.read_all(folder(settings, settings.dataset), [board])
    if own:
        return Found(tuple(own), shipped=False, troubles=tuple(troubles))
    shipped = [r for r in results.snapshot(snapshot) if r.board == board and r.dataset == settings.dataset]
    return Found(tuple(shipped), shipped=bool(shipped), troubles=tuple(troubles))
