"""Cutting a data set by rows, for models that predict what a user makes of a given item: 80 / 10 / 10.

Leave-last-one-out (splits.py) asks what comes next; here every withheld row is a question of its own, and
what is known of its user is a choice that decides the figures (`Known`), so it is always named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from app.errors import DataError
from recommenders.data.tables import Dataset, UserState

How = Literal["time", "random"]
"""time: the first 80 % of all rows by their time stamps train, the next 10 % are for validation, the last for the test.
random: rows fall anywhere, so a model learns from what happened after the test; easier than any real use."""

Known = Literal["training", "rolling", "whole"]
"""What is known of the user of a withheld row.
training: their training rows that are earlier than it; what a model with frozen tables of users knows
rolling: all their rows that are earlier, whatever part they fell into; what a running system knows
whole: all their training rows, also later ones; how the completion of rating matrices is measured"""

SHARES = (0.8, 0.9)  # of the rows: where training and validation end
SEED = 2026


@dataclass(frozen=True)
class Rows:
    """Withheld rows: what is known of each user, the item (N,), the value given (N,) float32, the user number (N,)."""

    states: Sequence[UserState]
    items: np.ndarray
    values: np.ndarray
    users: np.ndarray

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class RowSplit:
    """train holds none of the rows of valid and test."""

    train: Dataset
    valid: Rows
    test: Rows


class Places(Sequence[UserState]):
    """States of users at places of their histories, made when they are asked for: row n is what `source` has of user
    users[n] in its rows before number stops[n]."""

    def __init__(self, source: Dataset, users: np.ndarray, stops: np.ndarray) -> None:
        self.source, self.users, self.stops = source, users, stops
        self._profiles = source.users[list(source.profile_columns)].to_dict("records")

    def __len__(self) -> int:
        return len(self.users)

    @overload
    def __getitem__(self, n: int) -> UserState: ...
    @overload
    def __getitem__(self, n: slice) -> list[UserState]: ...
    def __getitem__(self, n: int | slice) -> UserState | list[UserState]:
        if isinstance(n, slice):
            return [self[i] for i in range(*n.indices(len(self)))]
        user, x = int(self.users[n]), self.source.interactions
        rows = slice(self.source.rows_of(user).start, int(self.stops[n]))
        return UserState(
            tuple(x.item[rows].tolist()),
            tuple(x.value[rows].tolist()),
            tuple(x.timestamp[rows].tolist()),
            profile=self._profiles[user],
        )


def split(data: Dataset, how: How = "time", *, known: Known = "training", seed: int = SEED) -> RowSplit:
    """Cut the rows of a data set.

    seed  of the random cut; the cut by time has none
    Rows of one user at the same second keep the order of the table: the ones above count as earlier.
    """
    x = data.interactions
    if len(x) < 10:
        raise DataError(f"data set {data.name!r} has {len(x)} interactions; 10 or more are needed for three parts")
    if how == "time" and x.timestamp.min() == x.timestamp.max():
        raise DataError(f"data set {data.name!r} has no time stamps to cut it by; use the random split")
    order = (
        np.random.default_rng(seed).permutation(len(x)) if how == "random" else np.argsort(x.timestamp, kind="stable")
    )
    part = np.empty(len(x), np.int64)  # 0 training, 1 validation, 2 test
    part[order] = np.searchsorted([int(s * len(x)) for s in SHARES], np.arange(len(x)), side="right")
    train = data.with_interactions(x.where(part == 0))
    return RowSplit(train, _rows(data, train, part, 1, known), _rows(data, train, part, 2, known))


def _rows(data: Dataset, train: Dataset, part: np.ndarray, number: int, known: Known) -> Rows:
    x = data.interactions
    rows = np.flatnonzero(part == number)
    if known == "rolling":
        source, stops = data, rows
    else:
        source = train
        stops = np.cumsum(part == 0)[rows]  # how many training rows stand above each row
        if known == "whole":
            stops = np.searchsorted(train.interactions.user, x.user[rows], side="right")
    return Rows(Places(source, x.user[rows], stops), x.item[rows], x.value[rows], x.user[rows])
