"""The click and the rating task: who knows what, and whether learning shows."""

import numpy as np
import pandas as pd
import pytest

from app.errors import DataError
from recommenders.contract.config import configured
from recommenders.data import rows
from recommenders.data.tables import Catalogue, Dataset, Interactions
from recommenders.evaluation import clicks, rating_task
from recommenders.evaluation.baselines import NAMES, Baseline, Config
from recommenders.evaluation.clicks import click_split
from recommenders.evaluation.rating_task import rating_split
from tests.recommenders.worlds import START, checkerboard


def opinions(users: int = 60, items: int = 24, seed: int = 0) -> Dataset:
    """Everybody rates everything in an order and at times of their own: 5 for their colour, 2 for the other, a point
    less now and then."""
    rng = np.random.default_rng(seed)
    base, _ = checkerboard(users, items)
    user = np.repeat(np.arange(users), items)
    item = np.concatenate([rng.permutation(items) for _ in range(users)])
    value = np.where(user % 2 == item % 2, 5.0, 2.0) - (rng.random(len(user)) < 0.1)
    when = START + rng.integers(0, 10_000, len(user))
    return Dataset("opinions", base.catalogue, Interactions.of(user, item, value, when), base.users)


@pytest.mark.parametrize("how", ["time", "random"])
@pytest.mark.parametrize("known", ["training", "rolling", "whole"])
def test_a_state_holds_what_was_known(how: rows.How, known: rows.Known) -> None:
    data = opinions(8, 12)
    x = data.interactions
    cut = rows.split(data, how, known=known)
    assert (len(cut.train.interactions), len(cut.valid), len(cut.test)) == (76, 10, 10)

    def cells(user: np.ndarray, item: np.ndarray) -> set[tuple[int, int]]:
        return set(zip(user.tolist(), item.tolist(), strict=True))

    train = cells(cut.train.interactions.user, cut.train.interactions.item)
    parts = [train, cells(cut.valid.users, cut.valid.items), cells(cut.test.users, cut.test.items)]
    assert set.union(*parts) == cells(x.user, x.item)
    assert sum(map(len, parts)) == len(x)
    for withheld in (cut.valid, cut.test):
        for n, state in enumerate(withheld.states):
            user, item = int(withheld.users[n]), int(withheld.items[n])
            history = data.state(user)
            place = history.items.index(item)
            assert withheld.values[n] == history.values[place]
            there = [i for p, i in enumerate(history.items) if (user, i) in train and (p < place or known == "whole")]
            wanted = list(history.items[:place]) if known == "rolling" else there
            assert list(state.items) == wanted
            assert state.values == tuple(history.values[history.items.index(i)] for i in wanted)
            assert state.profile == history.profile
            assert item not in state.items


def test_the_cut_by_time_is_by_time_and_the_random_one_by_its_seed() -> None:
    data = opinions()
    by_time = rows.split(data, "time")
    x = data.interactions
    when = {(u, i): t for u, i, t in zip(x.user.tolist(), x.item.tolist(), x.timestamp.tolist(), strict=True)}
    test = [when[u, i] for u, i in zip(by_time.test.users.tolist(), by_time.test.items.tolist(), strict=True)]
    assert by_time.train.interactions.timestamp.max() <= min(test)
    first, second = (rows.split(data, "random").test.items for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert rows.split(data, "random", seed=1).test.items.tolist() != first.tolist()


def test_slices_of_states_are_lists() -> None:
    states = rows.split(opinions(8, 12), "random").test.states
    assert states[2:4] == [states[2], states[3]]
    assert len(states[8:20]) == 2
    with pytest.raises(IndexError):
        states[10]


def test_data_that_cannot_be_asked_is_told() -> None:
    data = opinions(8, 12)
    x = data.interactions
    implicit = Dataset("plays", data.catalogue, x, data.users, explicit=False)
    for cut in (click_split, rating_split):
        with pytest.raises(DataError, match="no ratings"):
            cut(implicit)
    alike = data.with_interactions(Interactions.of(x.user, x.item, np.full(len(x), 5.0), x.timestamp))
    with pytest.raises(DataError, match="at or above 4"):
        click_split(alike)
    with pytest.raises(DataError, match="no ratings"):
        rating_split(alike)
    timeless = data.with_interactions(Interactions.of(x.user, x.item, x.value))
    with pytest.raises(DataError, match="random split"):
        click_split(timeless, "time")
    assert len(click_split(timeless, "random").test)
    with pytest.raises(DataError, match="10 or more"):
        rows.split(data.with_interactions(x.where(np.arange(len(x)) < 9)))


def test_baselines_are_the_formulas() -> None:
    catalogue = Catalogue.of(pd.DataFrame({"item_id": ["a", "b", "c"], "title": ["A", "B", "C"]}))
    x = Interactions.of(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([5.0, 3.0, 2.0]))
    data = Dataset("three", catalogue, x, pd.DataFrame({"user_id": ["u", "v"]}))
    mean = 10 / 3
    of_a, of_b = (5 + 2 - 2 * mean) / (1 + 2), (3 - mean) / (1 + 1)
    of_u = (5 - mean - of_a + 3 - mean - of_b) / (2 + 2)
    config = Config(item_shrinkage=1, user_shrinkage=2)
    states, items = [data.state(0)], np.array([[0, 1, 2]])
    found = {name: Baseline(name, config).fit(data, "rating").predict_rating(states, items)[0] for name in NAMES}
    np.testing.assert_allclose(found["mean"], [mean] * 3, rtol=1e-6)
    np.testing.assert_allclose(found["item_mean"], [mean + of_a, mean + of_b, mean], rtol=1e-6)
    np.testing.assert_allclose(found["biases"], [mean + of_a + of_u, mean + of_b + of_u, mean + of_u], rtol=1e-6)
    liked = Baseline("item_mean", config).fit(data, "click").predict_click(states, np.array([0]))
    np.testing.assert_allclose(liked, [1 / 3 + (1 - 2 / 3) / 3], rtol=1e-6)


def test_a_model_of_clicks_beats_the_baselines_where_tastes_differ() -> None:
    cut = click_split(opinions(), "random")
    settings = {"objective": "click", "epochs": 8, "batch_size": 64, "learning_rate": 1e-2}
    model = configured("deepfm", settings).fit(cut.train)
    found = clicks.evaluate(model, cut.test)
    assert found.rows == len(cut.test) == 144
    assert found.seconds > 0
    biases = clicks.evaluate(Baseline("biases").fit(cut.train, "click"), cut.test).measured
    assert biases["auc"].value < 0.75
    assert found.measured["auc"].value > 0.9
    assert found.measured["log_loss"].value < biases["log_loss"].value
    assert clicks.evaluate(Baseline("mean").fit(cut.train, "click"), cut.test).measured["auc"].value == 0.5


def test_a_model_of_ratings_beats_the_baselines_where_tastes_differ() -> None:
    cut = rating_split(opinions())
    settings = {"feedback": "ratings", "hidden_size": 8, "regularisation": 1.0, "epochs": 150, "batch_size": 16}
    model = configured("user_autorec", settings).fit(cut.train)
    found = rating_task.evaluate(model, cut.test).measured
    biases = rating_task.evaluate(Baseline("biases").fit(cut.train, "rating"), cut.test).measured
    assert found["rmse"].value < 0.8 * biases["rmse"].value
    assert found["mae"].value <= found["rmse"].value
