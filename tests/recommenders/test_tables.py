"""The tables check themselves when they are made."""

import numpy as np
import pandas as pd
import pytest

from app.errors import DataError, UnknownItem
from recommenders.data.tables import Catalogue, Dataset, IdMap, Interactions, UserState
from tests.recommenders.worlds import checkerboard, tiny_films


def films(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"item_id": ["a", "b"], "title": ["Heat", "Alien"], **columns})


def test_catalogue_normalises_cells() -> None:
    catalogue = Catalogue.of(
        films(year=["1995", "soon"], genres=["Crime| Drama|Crime", None], people=[("Al Pacino",), np.nan])
    )
    assert catalogue.years.tolist() == [1995, 0]
    assert catalogue.genres == (("Crime", "Drama"), ())
    assert catalogue.people == (("Al Pacino",), ())
    assert catalogue.texts == ("", "")
    assert catalogue.label(0) == "Heat (1995)"
    assert catalogue.label(1) == "Alien"
    assert catalogue.genre_names == ("Crime", "Drama")


def test_catalogue_keeps_further_columns() -> None:
    assert Catalogue.of(films(country=["US", "UK"])).extra_columns == ("country",)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.DataFrame({"item_id": ["a"]}), "title"),
        (films().iloc[:0], "no rows"),
        (pd.DataFrame({"item_id": ["a", "a"], "title": ["x", "y"]}), "'a' occurs more than once"),
        (pd.DataFrame({"item_id": ["a"], "title": ["  "]}), "empty title"),
        (films(genres=[3, 4]), "separated by"),
    ],
)
def test_catalogue_refuses(frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(DataError, match=says):
        Catalogue.of(frame)


def test_ids_and_numbers() -> None:
    ids = IdMap(["x", 7])
    assert ids.number("7") == 1
    assert ids.numbers(["7", "x"]).tolist() == [1, 0]
    assert "8" not in ids
    with pytest.raises(UnknownItem, match="'8'"):
        ids.number("8")


def test_interactions_are_sorted_by_user_then_time_and_ties_keep_their_order() -> None:
    x = Interactions.of(np.array([1, 0, 1, 1]), np.array([5, 6, 7, 8]), None, np.array([3, 9, 2, 3]))
    assert x.user.tolist() == [0, 1, 1, 1]
    assert x.item.tolist() == [6, 7, 5, 8]
    assert x.value.tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("user", "item", "value"), [([0], [1, 2], None), ([-1], [0], None), ([0], [0], [float("nan")])]
)
def test_interactions_refuse(user: list[int], item: list[int], value: list[float] | None) -> None:
    with pytest.raises(DataError):
        Interactions.of(np.array(user), np.array(item), None if value is None else np.array(value))


def test_dataset_refuses_unknown_numbers() -> None:
    users = pd.DataFrame({"user_id": ["u"]})
    with pytest.raises(DataError, match="not in the catalogue"):
        Dataset("d", tiny_films(), Interactions.of(np.array([0]), np.array([20])), users)
    with pytest.raises(DataError, match="not in the user table"):
        Dataset("d", tiny_films(), Interactions.of(np.array([1]), np.array([0])), users)


def test_state_of_a_user_and_without_one_item() -> None:
    data, cases = checkerboard(users=4, items=6)
    state = data.state(1)
    assert set(state.items) | {cases[1][1]} == {1, 3, 5}
    assert state.profile["gender"] == "F"
    less = state.without(0)
    assert less.items == state.items[1:]
    assert less.timestamps == state.timestamps[1:]
    with pytest.raises(DataError, match="one value"):
        UserState(items=(1, 2), values=(1.0,))


def test_checkerboard_withholds_the_only_unmet_item_of_the_colour() -> None:
    data, cases = checkerboard()
    assert len({item for _, item in cases}) == 30  # every item is withheld from somebody
    for user, (state, item) in enumerate(cases):
        own = set(range(user % 2, 30, 2))
        assert own - set(state.items) == {item}
    whole, none = checkerboard(hold_out=False)
    assert none == []
    assert len(whole.interactions) == len(data.interactions) + len(cases)
