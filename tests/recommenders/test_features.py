"""The schema of features: what fields come of which columns, and what users and items have in them."""

import numpy as np
import pandas as pd
import pytest
import torch

from recommenders.data.tables import Catalogue, Dataset, Interactions, UserState
from recommenders.networks.fields.features import Features, Field, Places
from recommenders.networks.negatives import Popular
from tests.recommenders.worlds import checkerboard, tiny_films_data


def features(data: Dataset) -> Features:
    return Features.of(data, latest=4, half_life=1.0)


def field(read: Features, name: str) -> Field:
    return next(f for f in read.fields if f.name == name)


def of_field(read: Features, name: str, rows: torch.Tensor, weights: torch.Tensor) -> dict[int, float]:
    """Row within the field -> weight, of one user or item."""
    sides = read.of_side(field(read, name).side)
    start = sum(f.width for f in sides[: [f.name for f in sides].index(name)])
    own = slice(start, start + field(read, name).width)
    found: dict[int, float] = {}
    for row, weight in zip((rows[own] - field(read, name).offset).tolist(), weights[own].tolist(), strict=True):
        if weight:
            found[row] = found.get(row, 0) + weight
    return found


def test_fields_share_one_table_without_overlap() -> None:
    read = features(tiny_films_data())
    ends = [f.offset + f.size for f in read.fields]
    assert [f.offset for f in read.fields] == [0, *ends[:-1]]
    assert read.rows == ends[-1]
    assert not any("user_id" in f.name for f in read.fields)
    for item_rows in (read.items.rows, read.users(read.histories([UserState((1,))])).rows):
        assert int(item_rows.max()) < read.rows and int(item_rows.min()) >= 0


def test_genres_and_history_have_weights_that_sum_to_one() -> None:
    data = tiny_films_data()
    read = features(data)
    for item, genres in enumerate(data.catalogue.genres):
        slots = read.items[item]
        weights = of_field(read, "genres", slots.rows, slots.weights)
        names = field(read, "genres").values
        assert {names[row] for row in weights} == set(genres)
        assert sum(weights.values()) == pytest.approx(1.0 if genres else 0.0)
    slots = read.users(read.histories([UserState((3, 7, 5))]))[0]
    assert of_field(read, "history", slots.rows, slots.weights) == pytest.approx({3: 1 / 3, 7: 1 / 3, 5: 1 / 3})
    assert of_field(read, "recent", slots.rows, slots.weights) == pytest.approx({3: 1 / 7, 7: 2 / 7, 5: 4 / 7})


def test_an_empty_history_has_no_weight_anywhere_but_the_profile() -> None:
    read = features(checkerboard()[0])
    slots = read.users(read.histories([UserState()]))[0]
    profile = len([f for f in read.fields if f.name.startswith("user.")])
    assert slots.weights[profile:].abs().sum() == 0


def test_numbers_become_bins_and_unknown_values_a_row_of_their_own() -> None:
    read = features(checkerboard()[0])
    age = field(read, "user.age")
    assert len(age.edges) + 2 == age.size
    people = [
        {"age": age, "gender": gender}
        for age, gender in zip([0, np.int64(22), "90", None, "old"], ["F", "M", "X", None, "F"], strict=True)
    ]
    rows = read.profiles(people).numpy() - [age.offset, field(read, "user.gender").offset]
    assert rows[:, 0].tolist() == [1, rows[1, 0], age.size - 1, 0, 0] and 1 <= rows[1, 0] < age.size
    assert rows[:, 1].tolist() == [1, 2, 0, 0, 1]
    assert read.profiles([{}, {}]).tolist() == [[age.offset, field(read, "user.gender").offset]] * 2


def test_pairs_say_how_genres_and_year_suit() -> None:
    data, _ = checkerboard()
    read = features(data)
    pairs = read.pairs(read.histories([UserState((2, 4)), UserState()]), torch.tensor([[6, 7]]))
    overlap, gap = field(read, "genre overlap"), field(read, "year gap")
    assert pairs.weights[0, :, 0].tolist() == pytest.approx(
        [(1 - overlap.mean) / overlap.spread, (0 - overlap.mean) / overlap.spread]
    )
    mean = (6.2 * 1 + 6.4 * 2) / 3
    assert pairs.weights[0, :, 1].tolist() == pytest.approx([6.6 - mean, 6.7 - mean], abs=1e-5)
    assert (gap.mean, gap.spread) == (0, 1)
    assert pairs.weights[1].abs().sum() == 0  # nothing known of this user


def test_any_columns_will_do() -> None:
    """Imported data: no genres, no years, but columns of its own; constant and unique ones carry nothing."""
    n = 40
    items = pd.DataFrame(
        {
            "item_id": range(n),
            "title": [f"thing {i}" for i in range(n)],
            "brand": ["a", "b", None, "c"] * 10,
            "price": np.linspace(1, 90, n),
            "code": [f"x{i}" for i in range(n)],
            "shop": "only one",
        }
    )
    users = pd.DataFrame({"user_id": range(5), "city": ["P", "P", "Q", "Q", "R"], "zip": list("vwxyz")})
    x = Interactions.of(np.arange(20) % 5, np.arange(20), np.full(20, 1.0))
    read = features(Dataset("shop", Catalogue.of(items), x, users, explicit=False))
    names = {f.name for f in read.fields}
    assert {"user.city", "brand", "price"} <= names
    assert not {"user.zip", "code", "shop", "genres", "history genres", "genre overlap", "year gap"} & names
    assert "history rating" not in names  # implicit feedback has none


def test_ratings_are_read_as_biases() -> None:
    """The item's mean and the user's leaning of Koren 2010 (Eq. 1), each drawn towards its middle, by loops."""
    data = tiny_films_data()
    read = features(data)
    x = data.interactions
    mean = x.value.mean()
    usual = [mean + sum(x.value[x.item == i] - mean) / (3 + sum(x.item == i)) for i in range(len(data.catalogue))]
    np.testing.assert_allclose(read.usual, usual, rtol=1e-5)
    rating = field(read, "rating")
    own = of_field(read, "rating", read.items.rows[5], read.items.weights[5])
    assert own[0] == pytest.approx(float(np.clip((usual[5] - rating.mean) / rating.spread, -3, 3)), abs=1e-4)
    leaning = field(read, "history rating")
    slots = read.users(read.histories([UserState((3, 7), (5.0, 2.0))]))[0]
    above = (5.0 - usual[3] + 2.0 - usual[7]) / (8 + 2)
    expected = float(np.clip((above - leaning.mean) / leaning.spread, -3, 3))
    assert of_field(read, "history rating", slots.rows, slots.weights)[0] == pytest.approx(expected, abs=1e-4)


def test_restored_features_read_alike() -> None:
    data = tiny_films_data()
    read = features(data)
    again = Features.restore(read.arrays())
    assert again.fields == read.fields
    state = UserState((1, 2, 3), (5.0, 1.0, 2.0))
    one, other = (f.users(f.histories([state])) for f in (read, again))
    assert torch.equal(one.rows, other.rows) and torch.equal(one.weights, other.weights)
    assert torch.equal(read.items.weights, again.items.weights) and torch.equal(read.pair, again.pair)
    assert torch.equal(read.usual, again.usual)


def test_places_are_histories_before_and_after_a_row() -> None:
    data = tiny_films_data()
    read = features(data)
    places = Places(read, data, torch.device("cpu"))
    x = data.interactions
    rows = torch.tensor([0, 3, 9])
    before, after = places.histories(rows), places.until(places.user[rows], rows + 1, places.before[rows] + 1)
    for n, row in enumerate(rows.tolist()):
        own = np.flatnonzero(x.user == x.user[row])
        for found, met in ((before, own[own < row]), (after, own[own <= row])):
            expected = read.histories([UserState(tuple(x.item[met].tolist()), tuple(x.value[met].tolist()))])
            assert found.items[n].tolist() == expected.items[0].tolist()
            assert found.values[n].tolist() == expected.values[0].tolist()
            assert int(found.lengths[n]) == len(met)


def test_popular_items_are_drawn_by_the_three_quarter_power_of_their_count() -> None:
    counts = np.array([0, 1, 16, 81])
    draw = Popular(counts, torch.device("cpu"))
    q = np.array([1, 1, 8, 27]) / 37  # an item that nobody met counts once
    np.testing.assert_allclose(draw.log_chance.exp(), q, rtol=1e-5)
    torch.manual_seed(0)
    shares = np.bincount(draw(200, 100).ravel(), minlength=4) / 20_000
    np.testing.assert_allclose(shares, q, atol=0.01)
