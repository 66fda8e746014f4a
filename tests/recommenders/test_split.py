"""Leave-last-one-out: nothing of the future in training, every row in one place."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DataError
from recommenders.data.splits import first, items_of, leave_last_one_out, states_of
from recommenders.data.tables import Catalogue, Dataset, Interactions, UserState
from tests.recommenders.worlds import checkerboard

ITEMS = 6


def world(rows: list[tuple[int, int, int]], users: int = 4) -> Dataset:
    """A data set of (user, item, time) rows."""
    catalogue = Catalogue.of(pd.DataFrame({"item_id": range(ITEMS), "title": [f"film {n}" for n in range(ITEMS)]}))
    columns = np.array(rows, np.int64).reshape(-1, 3)
    x = Interactions.of(columns[:, 0], columns[:, 1], None, columns[:, 2])
    return Dataset("rows", catalogue, x, pd.DataFrame({"user_id": [f"u{n}" for n in range(users)]}))


rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, ITEMS - 1), st.integers(0, 3)), min_size=1, max_size=40)


@given(rows)
def test_every_row_is_in_training_or_withheld(given_rows: list[tuple[int, int, int]]) -> None:
    data = world(given_rows)
    split = leave_last_one_out(data)
    sizes = np.bincount(data.interactions.user, minlength=4)
    assert len(split.train.interactions) == sum(n if n < 3 else n - 2 for n in sizes)
    for user in range(4):
        whole, kept = data.state(user), split.train.state(user)
        assert kept.items == whole.items[: len(kept.items)] and kept.timestamps == whole.timestamps[: len(kept.items)]


@given(rows)
def test_a_case_is_what_came_next_in_time(given_rows: list[tuple[int, int, int]]) -> None:
    data = world(given_rows)
    split = leave_last_one_out(data)
    wholes = [data.state(user) for user in range(4)]
    for cases, withheld in ((split.valid, 2), (split.test, 1)):
        for state, item in cases:
            assert item not in state.items
            assert any(
                w.items[: len(state.items)] == state.items and w.items[len(state.items)] == item
                for w in wholes
                if len(w.items) - withheld == len(state.items)
            )


def test_the_test_state_includes_the_validation_item() -> None:
    split = leave_last_one_out(world([(0, 5, 30), (0, 1, 10), (0, 2, 20), (0, 3, 40)]))
    assert split.train.state(0).items == (1, 2)
    assert [(s.items, i) for s, i in split.valid] == [((1, 2), 5)]
    assert [(s.items, i) for s, i in split.test] == [((1, 2, 5), 3)]


def test_ties_in_time_are_broken_by_the_order_of_rows() -> None:
    split = leave_last_one_out(world([(0, 4, 7), (0, 2, 7), (0, 0, 7)]))
    assert (split.valid[0][1], split.test[0][1]) == (2, 0)


def test_users_with_few_rows_stay_whole() -> None:
    split = leave_last_one_out(world([(0, 1, 1), (0, 2, 2), (1, 3, 1)]))
    assert split.valid == split.test == [] and len(split.train.interactions) == 3


def test_a_repeated_item_gives_no_case() -> None:
    split = leave_last_one_out(world([(0, 1, 1), (0, 2, 2), (0, 3, 3), (0, 1, 4)]))
    assert split.test == [] and split.valid[0][1] == 3


def test_nothing_to_split_is_said() -> None:
    with pytest.raises(DataError, match="nothing to split"):
        leave_last_one_out(world([]))


def test_helpers_keep_order_and_profile() -> None:
    data, _ = checkerboard()
    split = leave_last_one_out(data)
    assert items_of(split.valid).tolist() == [i for _, i in split.valid]
    assert states_of(split.test)[3].profile == data.state(3).profile
    state = UserState((1, 2, 3), (5.0, 4.0, 3.0), (7, 8, 9), profile={"age": 9})
    assert first(state, 2) == UserState((1, 2), (5.0, 4.0), (7, 8), profile={"age": 9})
