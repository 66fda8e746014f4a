"""Item neighbours and factors for ratings: against the formulas written out, and on tastes that differ."""

from typing import Any

import numpy as np
import pytest

from recommenders.data.tables import Dataset, Interactions, UserState
from recommenders.evaluation import rated_factors, rated_neighbours
from recommenders.evaluation.baselines import Baseline
from recommenders.evaluation.rated_factors import RatedFactors
from recommenders.evaluation.rated_neighbours import RatedNeighbours
from tests.recommenders.worlds import tiny_films_data

MODELS: list[Any] = [RatedNeighbours, RatedFactors]


def tastes(users: int = 40, seed: int = 0) -> Dataset:
    """Half of the people give 5 to the even films and 1 to the odd ones, the others the other way round; biases are
    worth nothing. Everybody rated twelve of twenty."""
    data = tiny_films_data()
    rng = np.random.default_rng(seed)
    rows = [(u, int(i)) for u in range(users) for i in rng.permutation(20)[:12]]
    user, item = np.array(rows).T
    value = np.where((user + item) % 2 == 0, 5.0, 1.0)
    people = data.users.iloc[np.arange(users) % len(data.users)].reset_index(drop=True).copy()
    people["user_id"] = [f"u{u}" for u in range(users)]
    inter = Interactions.of(user, item, value.astype(np.float32), np.arange(len(rows)))
    return Dataset(data.name, data.catalogue, inter, people)


@pytest.mark.parametrize("model", MODELS)
def test_somebody_nobody_has_seen_is_foretold_by_their_taste(model: Any) -> None:
    fitted = model().fit(tastes())
    new = UserState(items=(0, 1, 2, 3), values=(5.0, 1.0, 5.0, 1.0), timestamps=(1, 2, 3, 4))
    told = fitted.predict_rating([new, UserState()], np.array([[10, 11], [10, 11]]))
    assert told.shape == (2, 2) and told.dtype == np.float32
    assert told[0, 0] > told[0, 1] + 1
    np.testing.assert_allclose(
        told[1],
        Baseline("biases").fit(tastes(), "rating").predict_rating([UserState()], np.array([[10, 11]]))[0],
        atol=1e-5,
    )  # without a history the biases are all there is
    assert ((told >= 1) & (told <= 5)).all()


def test_neighbours_are_the_formula() -> None:
    data = tastes(12, seed=3)
    config = rated_neighbours.Config(neighbours=3, shrinkage=2.0, damping=0.5)
    fitted = RatedNeighbours(config).fit(data)
    biases = Baseline("biases").fit(data, "rating")
    left = np.full((12, 20), np.nan)
    x = data.interactions
    for u, state in enumerate(data.states()):
        items = list(state.items)
        left[u, items] = np.array(state.values) - biases.predict_rating([state], np.array([items]))[0]

    def similar(i: int, j: int) -> float:
        both = ~np.isnan(left[:, i]) & ~np.isnan(left[:, j])
        if i == j or not both.any():
            return 0.0
        a, b = left[both, i], left[both, j]
        return float(a @ b / max(np.sqrt((a @ a) * (b @ b)), 1e-9) * both.sum() / (both.sum() + 2))

    for u in (0, 5):
        state = data.state(u)
        for item in (0, 7, 19):
            s = np.array([similar(item, j) for j in state.items])
            kept = np.argsort(-np.abs(s))[:3]
            own = np.array([left[u, j] for j in state.items])
            wanted = biases.predict_rating([state], np.array([[item]]))[0, 0]
            wanted += (s[kept] @ own[kept]) / (0.5 + np.abs(s[kept]).sum())
            told = fitted.predict_rating([state], np.array([[item]]))[0, 0]
            assert told == pytest.approx(min(5, max(1, wanted)), abs=2e-3)
    assert len(x) == 12 * 12


def test_factors_minimise_their_objective() -> None:
    """Each side is the ridge regression on the other: at the folded-in vectors the gradient is zero."""
    data = tastes(20, seed=1)
    fitted = RatedFactors(rated_factors.Config(factors=4, rounds=3)).fit(data)
    state = data.state(2)
    left = rated_neighbours.departures(Baseline("biases").fit(data, "rating"), [state], 20)
    x, y = fitted._items[left.indices], left.data
    [p] = rated_factors._solved(left, fitted._items, 0.2)
    gradient = -2 * x.T @ (y - x @ p) + 2 * 0.2 * len(y) * p
    np.testing.assert_allclose(gradient, 0, atol=1e-6)
