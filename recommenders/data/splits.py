"""Cutting a data set in time: what a model may learn from, and what it must then foresee."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.errors import DataError
from recommenders.data.tables import Dataset, UserState

Case = tuple[UserState, int]  # what is known of a user, and the item they met next
Rated = tuple[UserState, int, float]  # what is known of a user, an item, and the rating given to it


@dataclass(frozen=True)
class Split:
    """train holds neither the valid nor the test items; the state of a test case includes the validation item."""

    train: Dataset
    valid: list[Case]
    test: list[Case]


def leave_last_one_out(data: Dataset) -> Split:
    """The last item of every user is for the test, the one before it for validation, the rest is for training.

    Time decides, and the order of the rows where times are equal. Users with fewer than three interactions stay in
    training whole. Because seen items are excluded when ranking, a user whose withheld item repeats an earlier one
    gives no case for it (but it is withheld from training all the same).
    """
    x = data.interactions
    if not len(x):
        raise DataError(f"data set {data.name!r} has no interactions; there is nothing to split")
    sizes = np.bincount(x.user, minlength=len(data.users))
    ends = np.cumsum(sizes)
    kept = np.ones(len(x), bool)
    users = np.flatnonzero(sizes >= 3)
    kept[ends[users] - 1] = False
    kept[ends[users] - 2] = False
    valid: list[Case] = []
    test: list[Case] = []
    for user in users:
        state = data.state(int(user))
        for cases, known in ((valid, len(state.items) - 2), (test, len(state.items) - 1)):
            item = state.items[known]
            if item not in state.items[:known]:
                cases.append((first(state, known), item))
    return Split(data.with_interactions(x.where(kept)), valid, test)


def first(state: UserState, n: int) -> UserState:
    """The user as they were after their first n items."""
    return replace(state, items=state.items[:n], values=state.values[:n], timestamps=state.timestamps[:n])


def states_of(cases: Sequence[Case]) -> list[UserState]:
    return [state for state, _ in cases]


def items_of(cases: Sequence[Case]) -> np.ndarray:
    """(B,) int64: the withheld item of each case."""
    return np.array([item for _, item in cases], np.int64)
