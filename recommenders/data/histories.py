"""Histories as matrices: the form in which models that fold a user in from their items read them."""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from recommenders.data.tables import Dataset, UserState


def users_by_items(data: Dataset) -> sparse.csr_matrix:
    """(U, I) float32 of 0 and 1: row u holds the items user u met, however often."""
    x = data.interactions
    shape = (len(data.users), len(data.catalogue))
    met = sparse.csr_matrix((np.ones(len(x), np.float32), (x.user, x.item)), shape=shape)
    met.sum_duplicates()
    met.data[:] = 1
    return met


def weighted(states: Sequence[UserState], items: int, half_life: float | None) -> sparse.csr_matrix:
    """(B, I) float32: row b holds the history of states[b], the latest item with weight 1.

    half_life  after how many newer items a weight is halved; None weighs all items alike
    An item met more than once counts by its latest meeting.
    """
    lengths = np.array([len(s.items) for s in states], np.int64)
    rows = np.repeat(np.arange(len(states)), lengths)
    columns = np.fromiter((i for s in states for i in s.items), np.int64, int(lengths.sum()))
    newer = np.concatenate([np.arange(n)[::-1] for n in lengths]) if len(states) else np.zeros(0)
    weights = np.ones(len(rows)) if half_life is None else 0.5 ** (newer / half_life)
    met = sparse.csr_matrix((len(states), items), dtype=np.float32)
    if len(rows):
        keys, latest = np.unique((rows * items + columns)[::-1], return_index=True)
        latest = len(rows) - 1 - latest
        met = sparse.csr_matrix(
            (weights[latest].astype(np.float32), (rows[latest], columns[latest])), shape=(len(states), items)
        )
        assert met.nnz == len(keys)
    return met


def popularity(data: Dataset) -> np.ndarray:
    """(I,) float32: each item's number of interactions divided by the largest such number."""
    counts = np.bincount(data.interactions.item, minlength=len(data.catalogue)).astype(np.float32)
    return counts / max(1.0, float(counts.max()))
