"""NeuralCF: the three variants against NumPy, pre-training, fold-in by its objective, and overfitting."""

import dataclasses
import itertools

import numpy as np
import pytest
import torch

from app.errors import ConfigError
from recommenders.contract.config import configured
from recommenders.data.tables import UserState
from recommenders.models.neural_cf import Network, NeuralCF
from recommenders.networks.negatives import Negatives
from tests.recommenders.worlds import checkerboard

VARIANTS = ("gmf", "mlp", "neumf")


def numpy(x: torch.Tensor) -> np.ndarray:
    return x.detach().numpy().astype(np.float64)


def network(variant: str, seed: int = 0) -> Network:
    torch.manual_seed(seed)
    module = Network(4, 6, NeuralCF.Config(variant=variant, factors=2, layers=3))  # type: ignore[arg-type]
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    return module


def logit(module: Network, variant: str, u: int, i: int) -> float:
    """Eq. 8 to 12 for one cell. With D = 2 and 3 layers: widths 8, 4, 2 and MLP vectors of 8."""
    p, q, h = numpy(module.users.weight)[u], numpy(module.items.weight)[i], numpy(module.out.weight)[0]
    phi = np.zeros(0)
    if variant != "mlp":
        phi, p, q = p[:2] * q[:2], p[2:], q[2:]
    if variant != "gmf":
        w1 = np.concatenate([numpy(module.of_user.weight), numpy(module.of_item.weight)], axis=1)  # (8, 16)
        z = np.maximum(0, w1 @ np.concatenate([p, q]) + numpy(module.of_user.bias))
        for layer in module.tower:
            z = np.maximum(0, numpy(layer.weight) @ z + numpy(layer.bias))
        assert z.shape == (2,)
        phi = np.concatenate([phi, z])
    return float(h @ phi + numpy(module.out.bias)[0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_network_is_equations_8_to_12(variant: str) -> None:
    module = network(variant)
    found = module(module.users.weight[:, None], module.items.weight).detach().numpy()
    expected = [[logit(module, variant, u, i) for i in range(6)] for u in range(4)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_derivatives_are_those_of_autograd(variant: str) -> None:
    module = network(variant)
    p = module.users.weight.detach()[:, None].repeat(1, 6, 1).requires_grad_()  # (4, 6, W)
    s = module(p, module.items.weight)
    (expected,) = torch.autograd.grad(s.sum(), p)
    again, found = module.linearised(p.detach(), module.items.weight.expand(4, -1, -1))
    torch.testing.assert_close(again, s)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("balance", [0.5, 0.25])
def test_pre_training_is_equation_13(balance: float) -> None:
    gmf, mlp, both = network("gmf", 1), network("mlp", 2), network("neumf", 3)
    both.start_from(gmf, mlp, balance)
    apart = [m(m.users.weight[:, None], m.items.weight) for m in (gmf, mlp)]
    joined = both(both.users.weight[:, None], both.items.weight)
    torch.testing.assert_close(joined, balance * apart[0] + (1 - balance) * apart[1])


def test_pre_trained_neumf_goes_on_from_its_halves() -> None:
    data, cases = checkerboard()
    quick = {"factors": 4, "batch_size": 64, "half_life": None, "learning_rate": 1e-9}
    trained = configured("neural_cf", {**quick, "epochs": 1, "pretrain": True}).fit(data)
    halves = [configured("neural_cf", {**quick, "epochs": 1, "variant": v}).fit(data) for v in ("gmf", "mlp")]
    # with next to no learning rate all three stay where they start, so NeuMF's vectors are those of its halves
    vectors = torch.cat([h.module.items.weight for h in halves], 1)  # type: ignore[attr-defined]
    torch.testing.assert_close(trained.module.items.weight, vectors, rtol=1e-3, atol=1e-5)  # type: ignore[attr-defined]
    assert np.isfinite(trained.score([cases[0][0]])).all()


def test_the_loss_is_equation_7() -> None:
    data, _ = checkerboard(users=4, items=6)
    model = NeuralCF(NeuralCF.Config(factors=2, negatives=3, regularisation=0.01))
    model._catalogue = data.catalogue
    torch.manual_seed(0)
    rows, loss = model._prepare(data)
    torch.manual_seed(1)
    found = loss(torch.arange(rows)).item()
    torch.manual_seed(1)
    x = data.interactions
    many = np.tile(x.user, 3)
    drawn, real = Negatives(torch.from_numpy(x.user), torch.from_numpy(x.item), 6)(torch.from_numpy(many))
    cells = [(u, i, 1.0) for u, i in zip(x.user, x.item, strict=True)]
    cells += [(u, int(j), 0.0) for u, j, r in zip(many, drawn, real, strict=True) if r]
    total = 0.0
    for u, i, met in cells:
        y = 1 / (1 + np.exp(-logit(model.module, "neumf", u, i)))
        p, q = numpy(model.module.users.weight)[u], numpy(model.module.items.weight)[i]
        total += -met * np.log(y) - (1 - met) * np.log(1 - y) + 0.01 * (p @ p + q @ q)
    assert found == pytest.approx(total / len(cells), rel=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_fold_in_lowers_its_objective(variant: str) -> None:
    data, cases = checkerboard()
    model = configured(
        "neural_cf", {"variant": variant, "factors": 4, "epochs": 10, "batch_size": 64, "half_life": 4.0, "sample": 20}
    ).fit(data)
    assert isinstance(model, NeuralCF)
    state = UserState(cases[0][0].items[:5])
    weights = 0.5 ** (np.arange(5)[::-1] / 4.0)
    unmet = [int(j) for j in model._sample if j not in state.items]

    def objective(theta: np.ndarray) -> float:
        with torch.inference_mode():
            s = model.module(torch.from_numpy(theta), model.module.items.weight).numpy().astype(np.float64)
        met = sum(w * np.logaddexp(0, -s[i]) for w, i in zip(weights, state.items, strict=True))
        rest = model.config.background * weights.sum() * np.mean([np.logaddexp(0, s[j]) for j in unmet])
        return float(met + rest + model.config.ridge / 2 * ((theta - numpy(model._average_user)) ** 2).sum())

    values = [objective(model._average_user.numpy())]
    for steps in (1, 2, 4, 8):
        model.config = dataclasses.replace(model.config, steps=steps)
        values.append(objective(model.fold_in([state])[0].numpy()))
    assert max(values[1:]) < values[0], values
    if variant == "gmf":  # the bound holds where the logit is linear in the user's vector
        assert all(later <= earlier + 1e-4 for earlier, later in itertools.pairwise(values))


def test_an_empty_history_is_the_average_user() -> None:
    data, _ = checkerboard()
    model = configured("neural_cf", {"factors": 4, "epochs": 2}).fit(data)
    assert isinstance(model, NeuralCF)
    torch.testing.assert_close(model.fold_in([UserState()])[0], model._average_user)


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_overfits_a_tiny_set(variant: str) -> None:
    """Without regularisation every met cell of the trained users ends near 1 and every other near 0."""
    data, _ = checkerboard(users=8, items=10, hold_out=False)
    config = NeuralCF.Config(
        variant=variant,  # type: ignore[arg-type]
        factors=8,
        regularisation=0,
        epochs=120,
        batch_size=16,
        learning_rate=0.02,
    )
    module = NeuralCF(config).fit(data).module
    probabilities = torch.sigmoid(module(module.users.weight[:, None], module.items.weight)).detach().numpy()
    met = np.zeros_like(probabilities, bool)
    met[data.interactions.user, data.interactions.item] = True
    assert probabilities[met].min() > 0.9 and probabilities[~met].max() < 0.1


def test_unknown_variants_are_refused() -> None:
    with pytest.raises(ConfigError, match="variant"):
        configured("neural_cf", {"variant": "deep"})
