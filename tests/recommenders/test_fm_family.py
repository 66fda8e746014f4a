"""FM, NFM, AFM and FNN against their papers: formulas written out in NumPy with loops, and laws of their own."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from recommenders.contract.config import configured
from recommenders.data.tables import Dataset, Interactions, UserState
from recommenders.models.afm import AFM
from recommenders.models.fm import FM
from recommenders.models.fnn import FNN
from recommenders.models.nfm import NFM
from recommenders.networks.fields.features import Features
from recommenders.networks.layers import bi_interaction, pairwise
from recommenders.networks.loop import Loss, seeded
from tests.recommenders.worlds import tiny_films_data

FAMILY = ("fm", "fnn", "nfm", "afm")
SMALL: dict[str, dict[str, Any]] = {
    "fm": {"embedding_size": 4},
    "fnn": {"embedding_size": 4, "fm_epochs": 2, "hidden": (6, 5)},
    "nfm": {"embedding_size": 4, "hidden": (6, 5)},
    "afm": {"embedding_size": 4, "attention_size": 3},
}
STATE = UserState((3, 9, 1), (4.0, 2.0, 5.0))


@pytest.fixture(scope="module")
def films() -> Dataset:
    return tiny_films_data()


@pytest.fixture(scope="module")
def models(films: Dataset) -> dict[str, Any]:
    own = {"epochs": 2, "batch_size": 16, "latest": 4, "fields": ()}
    return {name: configured(name, {**own, **SMALL[name]}).fit(films) for name in FAMILY}


def fields_of(model: Any, table: np.ndarray, state: UserState, item: int) -> np.ndarray:
    """(F, columns of the table): Σ of weight times row over each field's slots, field by field."""
    features = model.features
    histories, candidates = features.histories([state]), torch.tensor([[item]])
    read = {
        "user": features.users(histories),
        "item": features.items[candidates[0]],
        "pair": features.pairs(histories, candidates)[0],
    }
    found = []
    for side, slots in read.items():
        start = 0
        for field in features.of_side(side):
            own = range(start, start + field.width)
            found.append(sum(slots.weights[0, w].item() * table[slots.rows[0, w].item()] for w in own))
            start += field.width
        assert start == slots.rows.shape[1]
    return np.array(found)


def numbers(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float64)


def machine(weights: np.ndarray, vectors: np.ndarray) -> float:
    """Rendle 2010, Eq. 1 without w₀, pair by pair."""
    pairs = sum(vectors[i] @ vectors[j] for i in range(len(vectors)) for j in range(i + 1, len(vectors)))
    return float(weights.sum() + pairs)


# -- layers -----------------------------------------------------------------------------------------------------------


def test_bi_interaction_is_the_double_sum_over_pairs() -> None:
    """The O(F D) identity against the sum over i < j that defines it, for fields in one block and in three."""
    v = np.random.default_rng(0).normal(size=(5, 7, 4))
    expected = sum(v[:, i] * v[:, j] for i in range(7) for j in range(i + 1, 7))
    whole = torch.from_numpy(v)
    np.testing.assert_allclose(bi_interaction([whole]).numpy(), expected, atol=1e-12)
    np.testing.assert_allclose(
        bi_interaction([whole[:, :3], whole[:, 3:4], whole[:, 4:]]).numpy(), expected, atol=1e-12
    )
    np.testing.assert_allclose(bi_interaction([whole]).sum(dim=-1).numpy(), pairwise([whole]).numpy(), atol=1e-12)


# -- formulas ---------------------------------------------------------------------------------------------------------


def test_fm_is_weights_plus_pairs(models: dict[str, FM]) -> None:
    model = models["fm"]
    w, v, bias = (
        numbers(t) for t in (model.module.weights.table.weight, model.module.vectors.table.weight, model.module.bias)
    )
    for item in (0, 7, 19):
        expected = bias[0] + machine(fields_of(model, w, STATE, item), fields_of(model, v, STATE, item))
        assert model.score([STATE])[0, item] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_nfm_is_weights_plus_a_network_on_the_pooled_pairs(models: dict[str, NFM]) -> None:
    model = models["nfm"]
    net: Any = model.module
    w, table = numbers(net.weights.table.weight), numbers(net.vectors.table.weight)
    for item in (0, 7, 19):
        v = fields_of(model, table, STATE, item)
        z = sum(v[i] * v[j] for i in range(len(v)) for j in range(i + 1, len(v)))  # Eq. 3
        for layer in net.layers:
            z = np.maximum(numbers(layer.weight) @ z + numbers(layer.bias), 0)
        expected = numbers(net.bias)[0] + fields_of(model, w, STATE, item).sum() + numbers(net.h.weight)[0] @ z
        assert model.score([STATE])[0, item] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_afm_weighs_each_pair_by_attention(models: dict[str, AFM]) -> None:
    model = models["afm"]
    net: Any = model.module
    w, table = numbers(net.weights.table.weight), numbers(net.vectors.table.weight)
    matrix, b = numbers(net.attention.weight), numbers(net.attention.bias)
    h, p = numbers(net.h.weight)[0], numbers(net.p)
    for item in (0, 7, 19):
        v = fields_of(model, table, STATE, item)
        products = [v[i] * v[j] for i in range(len(v)) for j in range(i + 1, len(v))]
        attention = np.exp([h @ np.maximum(matrix @ e + b, 0) for e in products])  # Eq. 6
        attention /= attention.sum()
        pooled = sum(a * e for a, e in zip(attention, products, strict=True))
        expected = numbers(net.bias)[0] + fields_of(model, w, STATE, item).sum() + p @ pooled  # Eq. 7
        assert model.score([STATE])[0, item] == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_afm_with_even_attention_is_a_factorisation_machine(films: Dataset) -> None:
    """Before training, but for the attention's matrix: with h = 0 all pairs weigh alike, and p makes up for it."""
    model = configured("afm", {**SMALL["afm"], "latest": 4, "fields": ()})
    prepare(model, films)
    assert isinstance(model, AFM)
    net: Any = model.module
    with torch.no_grad():
        net.h.weight.zero_()
    w, table = numbers(net.weights.table.weight), numbers(net.vectors.table.weight)
    expected = [machine(fields_of(model, w, STATE, i), fields_of(model, table, STATE, i)) for i in (0, 7, 19)]
    np.testing.assert_allclose(model.score([STATE])[0, [0, 7, 19]], expected, rtol=1e-4, atol=1e-5)


def test_afm_holds_the_attentions_matrix_small(films: Dataset) -> None:
    """The loss of a batch is larger by λ‖W‖²."""
    losses, norms = [], []
    for decay in (0.0, 0.5):
        model: Any = configured("afm", {**SMALL["afm"], "objective": "click", "attention_decay": decay})
        with seeded(0):
            loss = prepare(model, films)
        losses.append(loss(torch.arange(20)).item())
        norms.append(model.module.attention.weight.square().sum().item())
    assert norms[0] == norms[1] > 0
    assert losses[1] - losses[0] == pytest.approx(0.5 * norms[0], rel=1e-4)


# -- FNN --------------------------------------------------------------------------------------------------------------


def prepare(model: Any, data: Dataset) -> Loss:
    """Everything of a fit but the training; the loss of a batch."""
    model._catalogue = data.catalogue
    _, loss = model._prepare(data)
    model.module.eval()
    return loss


def test_fnn_begins_with_what_its_machine_has_learnt(films: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caught before its first step, the network reads z = (w, v) of the very machine that FM trains on this data:
    Eq. 1 of the machine computed from z gives FM's scores, and the network's own output is the paper's formula of z."""
    from recommenders.networks import loop

    trained, begun = loop.run, {}

    def caught(module: Any, *rest: Any, **more: Any) -> Any:
        if hasattr(module, "begin_with"):
            begun.update({name: value.clone() for name, value in module.state_dict().items()})
        return trained(module, *rest, **more)

    monkeypatch.setattr(loop, "run", caught)
    own = {"epochs": 2, "batch_size": 16, "latest": 4, "fields": (), "embedding_size": 4, "seed": 3}
    learning = {"learning_rate": 1e-2, "weight_decay": 0.0, "dropout": 0.1, "half_life": 2.0, "negatives": 8}
    fnn = configured("fnn", {**own, **learning, "fm_epochs": 5, "hidden": (6, 5)}).fit(films)
    fm = configured("fm", {**own, **learning, "epochs": 5}).fit(films)
    assert isinstance(fnn, FNN) and isinstance(fm, FM)

    fnn.module.load_state_dict(begun)
    table = numbers(begun["vectors.table.weight"])
    assert table.shape[1] == 5
    for item in (0, 7, 19):
        z = fields_of(fnn, table, STATE, item)  # (F, 1 + D)
        assert machine(z[:, 0], z[:, 1:]) == pytest.approx(float(fm.score([STATE])[0, item]), rel=1e-4, abs=1e-5)
        hidden = z.ravel()
        for n, layer in enumerate(fnn.module.layers):
            hidden = numbers(layer.weight) @ (np.tanh(hidden) if n else hidden) + numbers(layer.bias)
        assert fnn.score([STATE])[0, item] == pytest.approx(hidden[0], rel=1e-4, abs=1e-5)


def test_fnn_counts_both_trainings(films: Dataset) -> None:
    told: list[tuple[int, int]] = []
    settings = {**SMALL["fnn"], "epochs": 3, "batch_size": 16}
    model = configured("fnn", settings).fit(films, progress=lambda done, total, _: told.append((done, total)))
    steps = -(-len(films.interactions) // 16)
    assert {total for _, total in told} == {5 * steps}
    assert [done for done, _ in told] == sorted(done for done, _ in told) and told[-1][0] == 5 * steps
    assert isinstance(model, FNN)
    assert [epoch.number for epoch in model.curve] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "killed_at", [9, 14]
)  # of 5 + 5 + 5 + 5 steps: in the machine's second epoch, in the network's
def test_fnn_goes_on_after_a_kill(films: Dataset, killed_at: int, tmp_path: Path) -> None:
    settings = {**SMALL["fnn"], "epochs": 2, "batch_size": 16}
    whole = configured("fnn", settings).fit(films)

    class Killed(BaseException):
        pass

    calls: list[int] = []

    def kill(done: int, total: int, what: str) -> None:
        if done == killed_at:
            raise Killed

    with pytest.raises(Killed):
        configured("fnn", settings).fit(films, progress=kill, checkpoint=tmp_path)
    again = configured("fnn", settings).fit(films, progress=lambda d, t, w: calls.append(d), checkpoint=tmp_path)
    assert calls[0] > 5 and 0 not in calls  # the first epoch was not trained again
    np.testing.assert_array_equal(again.score([STATE]), whole.score([STATE]))


# -- laws of all ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILY)
def test_overfits_a_tiny_set(name: str, films: Dataset) -> None:
    """72 ratings by heart: the log loss of likes goes to nothing. Those who start with the same film agree on it, as
    nothing is known of them before it that could tell them apart."""
    x = films.interactions
    value = np.where(np.arange(len(x)) % 6 == 0, np.where(x.item % 2 == 0, 5, 2), x.value).astype(np.float32)
    films = films.with_interactions(Interactions(x.user, x.item, value, x.timestamp))
    plain = {"dropout": 0.0, "weight_decay": 0.0, "hidden_histories": 0.0, "fields": ()}
    own: dict[str, dict[str, Any]] = {
        "fnn": {"epochs": 250, "batch_size": 12, "learning_rate": 3e-3, "hidden": (64, 32)},
        "nfm": {"pooling_dropout": 0.0},
        "afm": {"pair_dropout": 0.0, "attention_decay": 0.0},
    }
    training = {"epochs": 100, "batch_size": 24, "learning_rate": 3e-2, "latest": 6}
    model: Any = configured(name, {"objective": "click", **plain, **training, **own.get(name, {})}).fit(films)
    assert model.curve[-1].loss < 0.02


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("objective", ["click", "rating"])
def test_learns_each_objective(name: str, objective: str, films: Dataset) -> None:
    settings = {**SMALL[name], "objective": objective, "epochs": 30, "batch_size": 24, "fields": ()}
    model: Any = configured(name, {**settings, "learning_rate": 1e-2, "dropout": 0.0}).fit(films)
    x = films.interactions
    states, items = [films.state(0).without(5)], x.item[films.rows_of(0)][[5]]
    if objective == "click":
        chances = model.predict_click(states, items)
        assert chances.shape == (1,) and 0 < chances[0] < 1
    else:
        ratings = model.predict_rating(states, items[:, None])
        assert ratings.shape == (1, 1) and x.value.min() <= ratings[0, 0] <= x.value.max()
    assert model.curve[-1].loss < 0.7 * model.curve[0 if name != "fnn" else 2].loss


@pytest.mark.parametrize("name", FAMILY)
def test_padding_changes_nothing(name: str, models: dict[str, Any]) -> None:
    """The same weights, twice as many places for the history: a history that fits both scores alike."""
    model = models[name]
    wide = copy.copy(model)
    old, latest = model.features, 2 * model.features.latest
    fields = [replace(f, width=latest) if f.kind == "sequence" else f for f in old.fields]
    wide.features = Features(fields, old.items, old.pair.numpy(), latest, old.half_life, old.usual.numpy())
    wide.module = wide._build().eval()
    wide.module.load_state_dict(model.module.state_dict())
    states = [UserState(), UserState((3, 9), (4.0, 2.0)), UserState((5, 2, 8, 11), (1.0, 5.0, 3.0, 4.0))]
    assert wide.features.histories(states).items.shape == (3, latest)
    np.testing.assert_allclose(wide.score(states), model.score(states), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.score(states[1:2])[0], model.score(states)[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FAMILY)
def test_training_sees_what_serving_sees(name: str, models: dict[str, Any], films: Dataset) -> None:
    """All fields of a pair read in one go, as in training, give the score of user and items read apart."""
    model = models[name]
    module, features = model.module, model.features
    histories, items = features.histories([STATE, STATE]), torch.tensor([4, 15])
    with torch.inference_mode():
        slots = [features.users(histories), features.items[items], features.pairs(histories, items[:, None])[:, 0]]
        together = type(slots[0])(*(torch.cat([getattr(s, n) for s in slots], dim=1) for n in ("rows", "weights")))
        scores = module(module.rows(together, histories, items[:, None]))[:, 0]
    np.testing.assert_allclose(scores.numpy(), model.score([STATE])[0, [4, 15]], rtol=1e-4, atol=1e-5)
