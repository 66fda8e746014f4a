"""How the benchmarks of language-model features cut and count: retrieval for real requests, and cold items."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from benchmarks import cold_start, llm_scoring
from benchmarks.mint import Asked, recalls
from recommenders.contract.config import configured
from recommenders.data.rows import Rows
from recommenders.data.tables import UserState
from recommenders.networks.initial import PlacesCold
from tests.recommenders.worlds import checkerboard


def test_recall_leaves_out_what_was_mentioned_and_averages_by_dialogue() -> None:
    items = np.eye(60, dtype=np.float32)
    near = np.linspace(1, 0, 60, dtype=np.float32)[None]  # item 0 is nearest, 59 farthest
    asked = [
        Asked(4, "", (0, 1), (11, 12)),  # 10th and 11th once 0 and 1 are out
        Asked(4, "", (), (0,)),
        Asked(9, "", (), (55,)),
    ]
    found = recalls(items, np.repeat(near, 3, axis=0), asked)
    assert found[10] == {4: 0.75, 9: 0.0}
    assert found[50] == {4: 1.0, 9: 0.0}


@pytest.fixture(scope="module")
def parts() -> cold_start.Cut:
    data, _ = checkerboard(hold_out=False)
    return cold_start.cut(data)


def test_cold_items_are_met_by_nobody_in_training_and_stand_in_no_history(parts: cold_start.Cut) -> None:
    cold = parts.choose | parts.report
    assert cold.sum() == 3 and not (parts.choose & parts.report).any()
    assert not cold[parts.train.interactions.item].any()
    for half, marked in (("choose", parts.choose), ("report", parts.report)):
        assert parts.cases[half]
        for _, (state, item) in parts.cases[half]:
            assert marked[item] and not cold[list(state.items)].any()
    assert parts.warm and not any(cold[item] or cold[list(state.items)].any() for state, item in parts.warm)


@dataclass
class Knows:
    """Scores the items of one list from high to low, all others below."""

    order: tuple[int, ...]
    roles: ClassVar[frozenset[str]] = frozenset({"generator"})

    def score(self, states: list[UserState]) -> np.ndarray:
        scores = np.zeros((len(states), 30), np.float32)
        scores[:, list(self.order)] = np.arange(len(self.order), 0, -1)
        return scores


def test_a_model_that_knows_the_cold_items_is_told_from_one_that_does_not(parts: cold_start.Cut) -> None:
    wanted = {item for _, (_, item) in parts.cases["choose"]}
    first = tuple(wanted)
    knowing = cold_start.measured(Knows(first), parts, "choose")
    other = tuple(i for i in range(30) if i not in wanted)
    ignorant = cold_start.measured(Knows(other), parts, "choose")
    assert set(knowing["recall among all"].values()) == {1.0}
    assert np.mean(list(ignorant["ndcg among all"].values())) < np.mean(list(knowing["ndcg among all"].values()))
    told = cold_start.summary([knowing["recall among all"]], [ignorant["recall among all"]])
    assert told["value"] == 1.0 and told["gain"]["value"] >= 0  # type: ignore[index]


@pytest.fixture(scope="module")
def read_by_fields(parts: cold_start.Cut) -> PlacesCold:
    model = configured("deepfm", {"epochs": 1, "embedding_size": 4}).fit(parts.train)
    assert isinstance(model, PlacesCold)
    return model


def test_every_way_moves_cold_items_alone(parts: cold_start.Cut, read_by_fields: PlacesCold) -> None:
    counts = np.bincount(parts.train.interactions.item, minlength=30)
    texts = np.random.default_rng(0).normal(size=(30, 6)).astype(np.float32)
    states = [state for state, _ in parts.warm[:3]]
    made = cold_start.ways(read_by_fields, texts, counts)
    assert list(made) == ["as trained", "from texts", "unknown"]
    scores = {way: model.score(states) for way, model in made.items()}
    popular = scores["unknown"] - scores["as trained"]
    np.testing.assert_allclose(popular[:, counts > 0], 0, atol=1e-6)
    assert (np.abs(popular[:, counts == 0]) > 1e-4).all()
    assert not np.allclose(scores["from texts"][:, counts == 0], scores["unknown"][:, counts == 0])


def test_the_gap_to_the_yardstick_is_paired() -> None:
    """Of two who err alike for each person the gap is sure, however wide both intervals are."""
    users = np.repeat(np.arange(20), 2)
    rows = Rows([UserState()] * 40, np.zeros(40, np.int64), np.repeat(np.linspace(1, 5, 20), 2), users)
    error = np.repeat(np.linspace(0, 3, 20), 2)
    other, told = rows.values + error, rows.values + 2 * error
    value, low, high = llm_scoring.behind(rows, told, other)
    assert value == pytest.approx(np.sqrt(np.mean(error**2)), abs=1e-4)
    assert 0 < low < value < high
    assert llm_scoring.behind(rows, other, other) == [0.0, 0.0, 0.0]
