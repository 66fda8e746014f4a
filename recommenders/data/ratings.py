"""Ratings as matrices, and the scale they are given on."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from recommenders.data.tables import Dataset, UserState


def users_by_items(data: Dataset) -> sparse.csr_matrix:
    """(U, I) float32: the latest rating that user u gave item i is stored; where nothing is stored, there is none."""
    x = data.interactions
    return _latest(x.user, x.item, x.value, (len(data.users), len(data.catalogue)))


def of(states: Sequence[UserState], items: int) -> sparse.csr_matrix:
    """(B, I) float32: likewise for the histories of these users."""
    rows = np.repeat(np.arange(len(states)), [len(s.items) for s in states])
    columns = np.array([i for s in states for i in s.items], np.int64)
    values = np.array([v for s in states for v in s.values], np.float32)
    return _latest(rows, columns, values, (len(states), items))


def scale(data: Dataset) -> np.ndarray:
    """(2,) float32: the lowest and the highest rating in the data."""
    return np.array([data.interactions.value.min(), data.interactions.value.max()], np.float32)


def _latest(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> sparse.csr_matrix:
    """The last value given for each cell."""
    _, places = np.unique((rows * shape[1] + columns)[::-1], return_index=True)
    last = len(rows) - 1 - places
    return sparse.csr_matrix((values[last].astype(np.float32), (rows[last], columns[last])), shape=shape)
