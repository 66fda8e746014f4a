"""Name -> recommender class. The name is the file's name in recommenders/models; a new file needs no edit here."""

import importlib
import inspect
import pkgutil
from functools import cache
from pathlib import Path

from app.errors import RecommenderError, UnknownRecommender, did_you_mean
from recommenders.contract.base import Recommender, Role

SHELF = Path(__file__).resolve().parents[1] / "models"


def names(role: Role | None = None) -> list[str]:
    """Every registered recommender, or those that can serve in a role ("generator" or "ranker")."""
    found = sorted(m.name for m in pkgutil.iter_modules([str(SHELF)]) if not m.name.startswith("_"))
    return found if role is None else [n for n in found if role in get(n).roles]


def get(name: str) -> type[Recommender]:
    """The class that the file recommenders/models/<name>.py defines."""
    if name not in names():
        raise UnknownRecommender(f"unknown recommender {name!r}{did_you_mean(name, names())}")
    module = importlib.import_module(f"recommenders.models.{name}")
    own = [
        c
        for _, c in inspect.getmembers(module, inspect.isclass)
        if issubclass(c, Recommender) and c.__module__ == module.__name__ and not c.__name__.startswith("_")
    ]
    if len(own) != 1:
        raise RecommenderError(
            f"recommenders/models/{name}.py must define exactly one public Recommender, found {len(own)}"
        )
    return own[0]


@cache
def label(name: str) -> str:
    """What a recommender is called: what stands before the colon in its file's first line, or all of that line. A name
    that has no file stays. Imports nothing, so that a list of names costs nothing."""
    path = SHELF / f"{name}.py"
    if name.startswith("_") or not path.is_file():
        return name
    with path.open(encoding="utf-8") as lines:
        first = next(lines, "").strip().strip('"')
    return first.partition(":")[0].rstrip(".") or name
