"""BPR: the loss is BPR-Opt, negatives are unmet items, fold-in is the optimum it claims to be."""

import numpy as np
import pytest
import torch
from scipy import sparse

from app.errors import ConfigError
from recommenders.contract.config import configured
from recommenders.data.tables import UserState
from recommenders.models.bpr import BPR
from recommenders.networks import fold_in
from recommenders.networks.negatives import Negatives
from tests.recommenders.worlds import checkerboard


def test_negatives_are_never_met_and_all_unmet_ones_come_up() -> None:
    users, items = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 1, 2, 4])
    torch.manual_seed(0)
    asked = torch.tensor([0, 1] * 400)
    drawn, real = Negatives(users, items, 5)(asked)
    assert real.float().mean() > 0.97  # user 0 met 3 of 5, so all rounds fail once in .6^-8 = 60 draws
    assert set(drawn[real & (asked == 0)].tolist()) == {3, 4}
    assert set(drawn[real & (asked == 1)].tolist()) == {0, 1, 2, 3}


def test_a_user_who_met_everything_has_no_negative() -> None:
    users, items = torch.zeros(4, dtype=torch.int64), torch.arange(4)
    _, real = Negatives(users, items, 4)(torch.zeros(50, dtype=torch.int64))
    assert not real.any()


def test_popular_negatives_follow_the_power_of_their_counts() -> None:
    users = torch.arange(81 + 16 + 1)
    items = torch.tensor([0] * 81 + [1] * 16 + [2])
    torch.manual_seed(0)
    # users that met nothing: any item may be drawn
    drawn, _ = Negatives(users, items, 4, power=0.75)(torch.full((70_000,), 200))
    shares = np.bincount(drawn.numpy(), minlength=4) / 70_000
    np.testing.assert_allclose(shares, np.array([27, 8, 1, 0]) / 36, atol=0.01)


def test_the_loss_is_bpr_opt() -> None:
    data, _ = checkerboard(users=6, items=8)
    model = BPR(BPR.Config(embedding_size=3, regularisation=0.1))
    model._catalogue = data.catalogue
    torch.manual_seed(0)
    rows, loss = model._prepare(data)
    torch.manual_seed(1)
    given = loss(torch.arange(rows)).item()
    torch.manual_seed(1)
    x = data.interactions
    j, real = Negatives(torch.from_numpy(x.user), torch.from_numpy(x.item), 8)(torch.from_numpy(x.user))
    assert real.all()
    p = model.module.users.weight.detach().numpy().astype(np.float64)
    q = model.module.items.weight.detach().numpy().astype(np.float64)
    total = 0.0
    for u, i, k in zip(x.user, x.item, j.tolist(), strict=True):
        difference = p[u] @ q[i] - p[u] @ q[k]
        total += np.log(1 + np.exp(-difference)) + 0.1 * (p[u] @ p[u] + q[i] @ q[i] + q[k] @ q[k])
    assert given == pytest.approx(total / rows, rel=1e-5)


def test_fold_in_minimises_the_sum_over_all_pairs() -> None:
    """Against the double sum of the docstring, minimised by following its gradient."""
    data, _ = checkerboard(users=10, items=12)
    model = BPR(BPR.Config(embedding_size=4, half_life=3.0, ridge=0.5, epochs=3)).fit(data)
    state = UserState((2, 7, 4))
    q = model.module.items.weight.detach().numpy().astype(np.float64)
    average = model.module.users.weight.detach().numpy().mean(axis=0)
    weights = 0.5 ** (np.array([2, 1, 0]) / 3.0)

    def gradient(p: np.ndarray) -> np.ndarray:
        total = 2 * 0.5 * (p - average)
        for w, i in zip(weights, state.items, strict=True):
            for j in range(len(q)):
                d = q[i] - q[j]
                total += w / len(q) * 2 * (p @ d - 2) * d
        return total

    p = np.zeros(4)
    for _ in range(5000):
        p -= 0.02 * gradient(p)
    np.testing.assert_allclose(model.fold_in([state])[0], p, rtol=1e-3, atol=1e-4)


def test_an_empty_history_is_the_average_user() -> None:
    data, _ = checkerboard()
    model = BPR(BPR.Config(epochs=2)).fit(data)
    np.testing.assert_allclose(model.fold_in([UserState()])[0], model._average_user, rtol=1e-5)


def test_least_squares_against_the_normal_equations_of_numpy() -> None:
    rng = np.random.default_rng(0)
    vectors, targets, prior = rng.normal(size=(9, 3)), rng.normal(size=(4, 9)), rng.normal(size=3)
    history = rng.uniform(0.1, 1, (4, 9)) * (rng.random((4, 9)) < 0.6)
    gram = vectors.T @ vectors
    found = fold_in.least_squares(
        sparse.csr_matrix(history),
        vectors,
        targets[history > 0],
        background=gram,
        background_weights=np.array([0.0, 0.3, 1.0, 2.0]),
        background_target=np.ones(3),
        ridge=0.7,
        prior=prior,
    )
    for b, c in enumerate([0.0, 0.3, 1.0, 2.0]):
        w = np.diag(history[b])
        left = vectors.T @ w @ vectors + c * gram + 0.7 * np.eye(3)
        expected = np.linalg.inv(left) @ (vectors.T @ w @ targets[b] + c * np.ones(3) + 0.7 * prior)
        np.testing.assert_allclose(found[b], expected, rtol=1e-5)


def test_it_overfits_a_tiny_set() -> None:
    """Without regularisation every met item ends above every unmet one, for the trained vectors themselves."""
    data, _ = checkerboard(users=8, items=10, hold_out=False)
    model = BPR(BPR.Config(embedding_size=8, regularisation=0, epochs=150, batch_size=16)).fit(data)
    trained = (model.module.users.weight @ model.module.items.weight.T).detach().numpy()
    met = np.zeros_like(trained, bool)
    met[data.interactions.user, data.interactions.item] = True
    for row, own in zip(trained, met, strict=True):
        assert row[own].min() > row[~own].max() + 1


def test_unknown_ways_to_draw_are_refused() -> None:
    with pytest.raises(ConfigError, match="negatives"):
        configured("bpr", {"negatives": "hardest"})
