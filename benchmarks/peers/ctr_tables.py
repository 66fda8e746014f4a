"""The rows of the click task, written once, so that every side reads the very same file.

Cut as the leaderboard's click task is (rows.py), label: rating ≥ what the data set calls liked. Fields:
user id, item id, age, gender, occupation, year (categories), genres (several values), and the items the user met
before: their earlier interactions of the training part, whatever the rating, which is what a model knows whose tables
are frozen.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from recommenders.data import rows
from recommenders.data.tables import Dataset, Interactions

HISTORY = 25  # latest items read
CATEGORIES = ("user", "item", "age", "gender", "occupation", "year")
SPLITS: tuple[rows.How, ...] = ("random", "time")


def write(data: Dataset, how: rows.How, path: Path) -> None:
    """The tables of one split as .npz: `<part>.<column>` for the parts train, valid and test.

    Categories (N,) int64 from 1; genres (N, G) int64, 0 fills up; history (N, HISTORY) int64 item categories, latest
    last, 0 fills up behind them, and `sizes.item` - 1 alone where nothing was met; label (N,) float32. sizes.<column>
    is the number of categories with 0 among them.
    """
    users, items = data.users, data.catalogue.table
    coded = {name: _codes(users[name]) for name in ("age", "gender", "occupation")} | {"year": _codes(items["year"])}
    names = {genre: n for n, genre in enumerate(data.catalogue.genre_names, start=1)}
    genres = np.zeros((len(items), max(1, max(map(len, data.catalogue.genres)))), np.int64)
    for item, own in enumerate(data.catalogue.genres):
        genres[item, : len(own)] = [names[g] for g in own]
    arrays = {f"sizes.{name}": np.array(codes.max() + 1) for name, codes in coded.items()}
    arrays |= {"sizes.user": np.array(len(users) + 1), "sizes.item": np.array(len(items) + 2)}
    arrays["sizes.genres"] = np.array(len(names) + 1)

    cut = rows.split(data, how, known="training")
    train = cut.train.interactions
    parts = {"train": (train.user, train.item, train.value, np.arange(len(train)))}
    for part, withheld in (("valid", cut.valid), ("test", cut.test)):
        assert isinstance(withheld.states, rows.Places)
        parts[part] = (withheld.users, withheld.items, withheld.values, withheld.states.stops)
    for part, (user, item, value, stops) in parts.items():
        of = {"user": user + 1, "item": item + 1, "year": coded["year"][item], "genres": genres[item]}
        of |= {name: coded[name][user] for name in ("age", "gender", "occupation")}
        of |= {"history": _histories(train, user, stops, len(items) + 1)}
        of |= {"label": (value >= data.liked_from).astype(np.float32)}
        arrays |= {f"{part}.{name}": column for name, column in of.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".part.npz")
    np.savez(new, **arrays)  # type: ignore[arg-type]
    new.replace(path)


def _codes(column: pd.Series) -> np.ndarray:
    """Codes from 1 of a column's values; missing ones are a value like others."""
    return pd.factorize(column.astype(str), sort=True)[0].astype(np.int64) + 1


def _histories(train: Interactions, users: np.ndarray, stops: np.ndarray, nothing: int) -> np.ndarray:
    """(N, HISTORY): the latest items + 1 of each user in the training rows before each stop, or `nothing` alone."""
    count = np.minimum(stops - np.searchsorted(train.user, users), HISTORY)
    steps = np.arange(HISTORY)
    wanted = np.minimum((stops - count)[:, None] + steps, len(train) - 1)
    history = np.where(steps < count[:, None], train.item[wanted] + 1, 0)
    history[count == 0, 0] = nothing
    return history
