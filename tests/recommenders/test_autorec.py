"""U-AutoRec and I-AutoRec: the objective of the paper, fold-in, and ratings predicted."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from app.errors import ConfigError
from recommenders.contract.config import configured
from recommenders.data import ratings
from recommenders.data.tables import Catalogue, Dataset, Interactions, UserState
from recommenders.models.item_autorec import ItemAutoRec
from recommenders.models.user_autorec import UserAutoRec
from recommenders.networks.autoencoder import AutoEncoder, Reconstruction
from tests.recommenders.worlds import START, checkerboard


def rated_world(users: int = 60, items: int = 24, seed: int = 0) -> tuple[Dataset, np.ndarray, np.ndarray]:
    """Even users give even items 5 and odd ones 1, odd users the other way round; a third of the cells is withheld.

    Returns the data, and users and items of the withheld cells.
    """
    rng = np.random.default_rng(seed)
    user, item = (a.ravel() for a in np.meshgrid(np.arange(users), np.arange(items), indexing="ij"))
    value = np.where(user % 2 == item % 2, 5.0, 1.0).astype(np.float32)
    known = rng.random(len(user)) < 2 / 3
    catalogue = Catalogue.of(pd.DataFrame({"item_id": range(items), "title": [f"Item {n}" for n in range(items)]}))
    x = Interactions.of(user[known], item[known], value[known], START + np.arange(int(known.sum())))
    data = Dataset("rated", catalogue, x, pd.DataFrame({"user_id": [f"u{n}" for n in range(users)]}))
    return data, user[~known], item[~known]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize(("unknown", "scaled"), [(0.0, False), (0.3, True)])
def test_the_objective_is_equation_2(unknown: float, scaled: bool) -> None:
    torch.manual_seed(0)
    module = AutoEncoder(7, 3)
    rng = np.random.default_rng(0)
    known = rng.random((5, 7)) < 0.5
    known[4] = False  # a row of which nothing is known
    r = np.where(known, rng.integers(1, 6, (5, 7)), 0).astype(np.float32)
    rows = sparse.csr_matrix(r)
    loss = Reconstruction(module, rows, unknown=unknown, regularisation=0.4, corruption=0.0, scaled=scaled)
    v, mu, w, b = (
        p.detach().numpy().astype(np.float64)
        for p in (module.encoder.weight, module.encoder.bias, module.decoder.weight, module.decoder.bias)
    )
    total, n = 0.0, int(known.sum())
    for row, k in zip(r.astype(np.float64), known, strict=True):
        seen = row / np.linalg.norm(row) if scaled and k.any() else row
        output = w @ sigmoid(v @ seen + mu) + b
        total += sum((1.0 if k[j] else unknown) * (row[j] - output[j]) ** 2 for j in range(7))
    expected = total / n + 0.4 / 2 * ((w**2).sum() + (v**2).sum()) / n
    assert loss(torch.arange(5)).item() == pytest.approx(expected, rel=1e-5)


def test_corruption_hides_inputs_but_not_targets() -> None:
    torch.manual_seed(0)
    module, seen = AutoEncoder(40, 2), []
    module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    rows = sparse.csr_matrix(np.ones((50, 40), np.float32))
    Reconstruction(module, rows, unknown=0.0, regularisation=0.0, corruption=0.75, scaled=False)(torch.arange(50))
    assert seen[0].mean().item() == pytest.approx(0.25, abs=0.03)
    whole = Reconstruction(module, rows, unknown=0.0, regularisation=0.0, corruption=0.0, scaled=False)
    torch.nn.init.zeros_(module.decoder.weight)
    assert whole(torch.arange(50)).item() == pytest.approx(1.0)  # (1 − 0)² at every cell


@pytest.mark.parametrize(
    ("cls", "settings"),
    [
        (UserAutoRec, {"epochs": 80, "learning_rate": 0.02, "hidden_size": 20}),
        (ItemAutoRec, {"epochs": 120, "learning_rate": 0.02, "hidden_size": 20, "batch_size": 8, "ridge": 0.1}),
    ],
)
def test_withheld_ratings_are_predicted(cls: type, settings: dict) -> None:
    data, users, items = rated_world()
    model = cls(cls.Config(feedback="ratings", regularisation=0.01, **settings)).fit(data)
    predicted = model.predict_rating([data.state(int(u)) for u in users], items[:, None])[:, 0]
    truth = np.where(users % 2 == items % 2, 5.0, 1.0)
    assert np.sqrt(((predicted - truth) ** 2).mean()) < 0.7  # 2 for the mean of all ratings
    assert predicted.min() >= 1 and predicted.max() <= 5
    # a user nobody has seen, who says what they think of four items
    new = UserState((0, 2, 1, 3), (1.0, 1.0, 5.0, 5.0))
    low, high = model.predict_rating([new], np.array([[10, 11]]))[0]
    assert low < 2.5 < 3.5 < high


@pytest.mark.parametrize("name", ["user_autorec", "item_autorec"])
def test_a_model_for_ranking_predicts_no_ratings(name: str) -> None:
    data, _ = checkerboard(users=6, items=8)
    model = configured(name, {"epochs": 1, "hidden_size": 4}).fit(data)
    with pytest.raises(ConfigError, match="feedback='ratings'"):
        model.predict_rating([UserState()], np.array([[0]]))  # type: ignore[attr-defined]


def test_the_fold_in_of_i_autorec_is_the_optimum_it_claims() -> None:
    data, _ = checkerboard(users=10, items=12)
    config = ItemAutoRec.Config(hidden_size=3, epochs=3, half_life=2.0, background=0.5, ridge=0.2)
    model = ItemAutoRec(config).fit(data)
    state, weights = UserState((5, 0, 7)), 0.5 ** (np.array([2, 1, 0]) / 2.0)
    columns = np.zeros((12, 10))
    columns[data.interactions.item, data.interactions.user] = 1
    columns /= np.linalg.norm(columns, axis=1, keepdims=True)
    encoder = model.module.encoder
    codes = sigmoid(columns @ encoder.weight.detach().numpy().T + encoder.bias.detach().numpy())
    z = np.concatenate([codes, np.ones((12, 1))], axis=1)
    decoder = model.module.decoder
    average = np.append(decoder.weight.detach().numpy().mean(axis=0), decoder.bias.detach().numpy().mean())

    def objective(w: np.ndarray) -> float:
        fit = sum(v * (1 - w @ z[i]) ** 2 for v, i in zip(weights, state.items, strict=True))
        return float(fit + 0.5 * weights.sum() * ((z @ w) ** 2).mean() + 0.2 * ((w - average) ** 2).sum())

    found = model.fold_in([state])[0].astype(np.float64)
    for axis in np.eye(4):
        slope = (objective(found + 1e-4 * axis) - objective(found - 1e-4 * axis)) / 2e-4
        assert abs(slope) < 1e-4
    np.testing.assert_allclose(model.fold_in([UserState()])[0], average, rtol=1e-5)


def test_the_latest_rating_counts() -> None:
    state = UserState((3, 1, 3), (2.0, 4.0, 5.0))
    np.testing.assert_array_equal(ratings.of([UserState(), state], 4).toarray(), [[0, 0, 0, 0], [0, 4, 0, 5]])
    assert ratings.of([], 4).shape == (0, 4)


@pytest.mark.parametrize("cls", [UserAutoRec, ItemAutoRec])
def test_it_overfits_a_tiny_set(cls: type) -> None:
    """Every rating of a random table without structure, learned by heart."""
    rng = np.random.default_rng(0)
    catalogue = checkerboard(items=6)[0].catalogue
    users, items = np.repeat(np.arange(6), 6), np.tile(np.arange(6), 6)
    x = Interactions.of(users, items, rng.integers(1, 6, 36).astype(np.float32))
    data = Dataset("tiny", catalogue, x, pd.DataFrame({"user_id": range(6)}))
    config = cls.Config(
        feedback="ratings", hidden_size=32, regularisation=0, epochs=600, batch_size=6, learning_rate=0.03, seed=0
    )
    model = cls(config).fit(data)
    table = ratings.users_by_items(data).toarray()
    r = torch.from_numpy(table if cls is UserAutoRec else table.T.copy())
    assert (model.module(r) - r).abs().max() < 0.2
