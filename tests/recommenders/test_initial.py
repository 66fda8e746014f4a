"""Embeddings of cold items from their texts: the map against a formula, and what it does to models."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from recommenders.contract.config import configured
from recommenders.data.tables import Catalogue, Dataset, Interactions, UserState
from recommenders.evaluation.evaluate import top
from recommenders.networks import initial
from recommenders.texts.text_index import TextEncoder
from tests.recommenders.worlds import checkerboard, tiny_films

COLD = (8, 9)  # of the checkerboard: one of each colour


def test_a_linear_relation_is_found_and_warm_items_stay() -> None:
    rng = np.random.default_rng(0)
    texts, w = rng.normal(size=(200, 6)), rng.normal(size=(6, 3))
    true = texts @ w + 2.0
    counts = rng.integers(1, 100, 200)
    counts[[3, 50, 199]] = 0
    trained = np.where(counts[:, None] > 0, true, 99.0)
    found = initial.mapped(texts, trained, counts)
    np.testing.assert_allclose(found, true, atol=2e-2)
    np.testing.assert_array_equal(found[counts > 0], trained[counts > 0])


def test_the_map_is_the_weighted_ridge_regression_of_the_best_penalty() -> None:
    """Against the normal equations, and leave-one-out errors by really leaving rows out."""
    rng = np.random.default_rng(1)
    texts, trained = rng.normal(size=(30, 5)), rng.normal(size=(30, 2))
    counts = np.append(rng.integers(1, 60, 29), 0)
    n = counts[:29] / (counts[:29] + 20)
    mean, centre = n @ trained[:29] / n.sum(), n @ texts[:29] / n.sum()
    x, y = texts[:29] - centre, trained[:29] - mean

    def solved(rows: np.ndarray, penalty: float) -> np.ndarray:
        weighted = x[rows] * n[rows, None]
        return np.linalg.solve(weighted.T @ x[rows] + penalty * np.eye(5), weighted.T @ y[rows])

    def error(penalty: float) -> float:
        out = [np.delete(np.arange(29), i) for i in range(29)]
        return sum(n[i] * ((y[i] - x[i] @ solved(rows, penalty)) ** 2).sum() for i, rows in enumerate(out))

    best = min(initial._PENALTIES, key=error)
    expected = mean + (texts[29] - centre) @ solved(np.arange(29), best)
    np.testing.assert_allclose(initial.mapped(texts, trained, counts)[29], expected, rtol=1e-6)


def test_with_all_or_none_met_nothing_changes() -> None:
    values = np.ones((4, 2), np.float32)
    for counts in (np.zeros(4), np.ones(4)):
        np.testing.assert_array_equal(initial.mapped(np.eye(4), values, counts), values)


@pytest.fixture(scope="module")
def half_cold() -> Dataset:
    data, _ = checkerboard(hold_out=False)
    return data.with_interactions(data.interactions.where(~np.isin(data.interactions.item, COLD)))


def test_a_lift_raises_the_cold_items_alone(half_cold: Dataset) -> None:
    texts = np.random.default_rng(0).normal(size=(30, 8))
    counts = np.bincount(half_cold.interactions.item, minlength=30)
    scores = []
    for lift in (0.0, 2.5):
        model: Any = configured("sasrec", {"epochs": 2, "batch_size": 8, "embedding_size": 8, "lift": lift}).fit(
            half_cold
        )
        model.place_cold(texts, counts)
        scores.append(model.score([UserState((0, 2))])[0])
    np.testing.assert_allclose(scores[1] - scores[0], np.where(counts == 0, 2.5, 0.0), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sasrec", {"epochs": 60, "batch_size": 8, "embedding_size": 32}),
        ("deepfm", {"epochs": 30, "batch_size": 64, "negatives": 20, "fields": ("history", "recent", "item")}),
    ],
)
def test_a_cold_item_takes_the_place_of_its_kind(name: str, settings: dict[str, Any], half_cold: Dataset) -> None:
    """Nobody met items 8 and 9; a vector that tells the colour brings each before the wrong colour's warm items."""
    model: Any = configured(name, settings).fit(half_cold)
    even, odd = UserState((0, 2, 4, 6)), UserState((1, 3, 5, 7))
    before = model.score([even, odd])
    texts = np.random.default_rng(0).normal(scale=0.05, size=(30, 8))
    texts[:, 0] += np.where(np.arange(30) % 2 == 0, 1.0, -1.0)
    counts = np.bincount(half_cold.interactions.item, minlength=30)
    model.place_cold(texts, counts)
    after = model.score([even, odd])
    for row, (own, other) in enumerate(((8, 9), (9, 8))):
        wrong = [i for i in range(10, 30) if i % 2 != own % 2]
        assert after[row, own] > after[row, wrong].max() and after[row, own] > after[row, other]
    warm = counts > 0
    np.testing.assert_allclose(after[:, warm], before[:, warm], rtol=1e-5, atol=1e-6)
    assert {8} <= set(top(model, [even], 12)[0].tolist())


def test_nobody_chose_a_cold_item_because_nobody_could(half_cold: Dataset) -> None:
    """Training says that cold items are the least chosen; placed, they have the usual popularity."""
    fields = ("history", "item", "popularity")
    model: Any = configured("deepfm", {"epochs": 5, "batch_size": 64, "negatives": 20, "fields": fields}).fit(half_cold)
    counts = np.bincount(half_cold.interactions.item, minlength=30)
    place = next(n for n, f in enumerate(model.features.of_side("item")) if f.name == "popularity")
    before = model.features.items.weights[:, place].clone()
    model.place_cold(np.random.default_rng(0).normal(size=(30, 8)), counts)
    after = model.features.items.weights[:, place]
    assert (before[counts == 0] < 0).all() and (after[counts == 0] == 0).all()
    assert (after[counts > 0] == before[counts > 0]).all()


def test_the_setting_reads_the_texts(encoder: TextEncoder, tmp_path: Any) -> None:
    """With `texts` a model places its cold items itself, and its run keeps them without the encoder."""
    films = tiny_films()
    users, items = np.repeat(np.arange(8), 6), np.tile(np.arange(18), 3)[:48]
    data = Dataset("films", films, Interactions.of(users, items), pd.DataFrame({"user_id": range(8)}), explicit=False)
    small = {"epochs": 2, "batch_size": 8, "embedding_size": 8, "heads": 2}
    plain: Any = configured("sasrec", small).fit(data)
    model: Any = configured("sasrec", {**small, "texts": "data/cache/encoder"}).fit(data)
    counts = np.bincount(items, minlength=len(films))
    differs = (model.module.embedding.weight != plain.module.embedding.weight).any(dim=1)[: len(films)].numpy()
    np.testing.assert_array_equal(differs, counts == 0)
    model.save(tmp_path / "run")
    again = type(model).load(tmp_path / "run", Catalogue.of(films.table))
    np.testing.assert_array_equal(again.score([UserState((1, 2))]), model.score([UserState((1, 2))]))
