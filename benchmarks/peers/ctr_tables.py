"""The rows of the click task, written once, so that every side reads the very same file.

Label: rating ≥ what the data set calls liked. Fields: user id, item id, age, gender, occupation, year (categories), genres
(several values), and the items the user met before. The history of a row holds the user's interactions of the training
part that are earlier, whatever their rating: what a model knows when its tables are frozen after training.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from recommenders.tables import Dataset

HISTORY = 25  # latest items read, latest last
SEED = 2026
CATEGORIES = ("user", "item", "age", "gender", "occupation", "year")
SPLITS = ("random", "time")


@dataclass(frozen=True)
class Parts:
    """Row numbers of the data set's interactions."""

    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray


def split(data: Dataset, how: str) -> Parts:
    """80/10/10 by row: at random, or in the global order of time (ties in the order of the rows)."""
    n = len(data.interactions)
    if how == "random":
        order = np.random.default_rng(SEED).permutation(n)
    elif how == "time":
        order = np.argsort(data.interactions.timestamp, kind="stable")
    else:
        raise ValueError(f"unknown split {how!r}; expected one of {', '.join(SPLITS)}")
    first, second = int(0.8 * n), int(0.9 * n)
    return Parts(*(np.sort(part) for part in (order[:first], order[first:second], order[second:])))


def write(data: Dataset, how: str, path: Path) -> None:
    """The tables of one split as .npz: `<part>.<column>` for the parts train, valid and test.

    Categories (N,) int64 from 1; genres (N, G) int64, 0 fills up; history (N, HISTORY) int64 item categories, latest
    last, 0 fills up behind them, and `sizes.item` - 1 alone where nothing was met; label (N,) float32. sizes.<column>
    is the number of categories with 0 among them. `<part>.row` names the interactions.
    """
    x, parts = data.interactions, split(data, how)
    users, items = data.users, data.catalogue.table
    columns = {
        "user": (x.user + 1, len(users) + 1),
        "item": (x.item + 1, len(items) + 2),
        **{name: _coded(users[name], x.user) for name in ("age", "gender", "occupation")},
        "year": _coded(items["year"], x.item),
    }
    names = {genre: n for n, genre in enumerate(data.catalogue.genre_names, start=1)}
    genres = np.zeros((len(items), max(1, max(map(len, data.catalogue.genres)))), np.int64)
    for item, own in enumerate(data.catalogue.genres):
        genres[item, : len(own)] = [names[g] for g in own]
    history = _histories(data, parts.train)
    arrays: dict[str, np.ndarray] = {f"sizes.{name}": np.array(size) for name, (_, size) in columns.items()}
    arrays["sizes.genres"] = np.array(len(names) + 1)
    for name, rows in vars(parts).items():
        arrays |= {f"{name}.{column}": codes[rows] for column, (codes, _) in columns.items()}
        arrays |= {f"{name}.genres": genres[x.item[rows]], f"{name}.history": history[rows], f"{name}.row": rows}
        arrays[f"{name}.label"] = (x.value[rows] >= data.liked_from).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".part.npz")
    np.savez(new, **arrays)  # type: ignore[arg-type]
    os.replace(new, path)


def _coded(column: pd.Series, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Codes from 1 of a column's values, read at `rows`, and their number with 0; missing values are one value."""
    codes, values = pd.factorize(column.astype(str), sort=True)
    return codes[rows].astype(np.int64) + 1, len(values) + 1


def _histories(data: Dataset, train: np.ndarray) -> np.ndarray:
    """(N, HISTORY): for every interaction, the latest training interactions of its user before it."""
    x, n = data.interactions, len(data.interactions)
    known = np.zeros(n, bool)
    known[train] = True
    place = np.cumsum(known)  # (N,) training rows up to and with this one
    before = place - known  # rows are sorted by user, then time
    rows = np.flatnonzero(known)
    first = np.searchsorted(rows, np.searchsorted(x.user, x.user))  # the user's first training row
    count = np.minimum(before - first, HISTORY)
    steps = np.arange(HISTORY)
    wanted = (before - count)[:, None] + steps
    items = x.item[rows[np.minimum(wanted, len(rows) - 1)]] + 1
    history = np.where(steps < count[:, None], items, 0)
    history[count == 0, 0] = len(data.catalogue) + 1
    return history
