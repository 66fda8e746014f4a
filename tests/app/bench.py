"""A whole small workbench for the tests of the app: twenty films, people, trained recommenders, all real."""

from pathlib import Path

from app.service.workbench import Workbench
from app.settings import Settings
from recommenders.data.sources import _stored
from recommenders.experiments.training import train
from tests.recommenders.worlds import tiny_films_data

NAME = tiny_films_data().name
MODELS = ("popularity", "item_knn", "ease")


def tiny_settings(folder: Path, **changes: object) -> Settings:
    """Settings of an app whose data, runs and store all lie in `folder`; no file and no variable is read for them."""
    values: dict[str, object] = {
        "cache_dir": folder / "cache",
        "runs_dir": folder / "runs",
        "database_url": f"sqlite:///{folder / 'store' / 'chatrec.db'}",
        "datasets": folder / "datasets",
        "dataset": NAME,
        "backend": "embedded:smollm2-135m",  # not fetched into this folder, so the rules answer alone
        "generator": "ease",
        "ranker": "none",
    }
    return Settings(_env_file=None, **{**values, **changes})  # type: ignore[call-arg, arg-type]


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give a command, in this process or another, these settings."""
    names = ("cache_dir", "runs_dir", "database_url", "datasets", "dataset", "backend", "generator", "ranker")
    return {f"CHATREC_{name.upper()}": str(getattr(settings, name)) for name in names}


def make_tiny(folder: Path) -> Settings:
    """Put the data set into the cache of `folder` as an import would, and train on it."""
    settings = tiny_settings(folder)
    data = tiny_films_data()
    _stored.write(settings.cache_dir / "datasets" / NAME, data)
    for name in MODELS:
        train(name, data, settings.runs_dir / data.name / name)
    return settings


def tiny_workbench(folder: Path) -> Workbench:
    return Workbench(make_tiny(folder))
