"""Deep Crossing, PNN, Wide & Deep and Deep & Cross against what their papers say, written out in NumPy."""

from itertools import combinations

import numpy as np
import pytest
import torch
from torch import Tensor

from app.errors import ConfigError
from recommenders.contract.config import configured
from recommenders.data.tables import Dataset, UserState
from recommenders.networks import loop
from recommenders.networks.fields.feature_model import FeatureModel, Inputs
from recommenders.networks.ftrl import FTRL
from tests.recommenders.worlds import one_start_each, tiny_films_data

STATE = UserState((3, 9, 1), (4.0, 2.0, 5.0))
CANDIDATES = torch.tensor([[0, 7, 19]])
SMALL = {"epochs": 1, "batch_size": 24, "embedding_size": 4, "latest": 4, "negatives": 8}
MODELS: dict[str, dict[str, object]] = {
    "deep_crossing": {"hidden": [6, 5]},
    "deep_and_cross": {"hidden": [6, 5]},
    "pnn": {"product": "both", "first": 6, "hidden": [5]},
    "wide_and_deep": {"hidden": [6, 5], "crosses": ["*", "history * year"], "buckets": 50},
}


@pytest.fixture(scope="module")
def films() -> Dataset:
    return tiny_films_data()


def fitted(name: str, data: Dataset, **settings: object) -> FeatureModel:
    model = configured(name, {**SMALL, **MODELS[name], **settings}).fit(data)
    assert isinstance(model, FeatureModel)
    with torch.no_grad():  # one epoch leaves zeros where something must be seen to matter
        for weight in model.module.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())))
    return model


def inputs(model: FeatureModel) -> Inputs:
    users = model.module.users(model.features.histories([STATE]))
    return model.module.inputs(users, CANDIDATES)


def array(t: Tensor) -> np.ndarray:
    return t.detach().numpy().astype(np.float64)


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def linear(layer: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    assert isinstance(layer, torch.nn.Linear)
    y = x @ array(layer.weight).T
    return y if layer.bias is None else y + array(layer.bias)


def score(model: FeatureModel) -> np.ndarray:
    return model.score([STATE], CANDIDATES.numpy())[0]


@pytest.mark.parametrize("rectified", [False, True])
def test_deep_crossing_embeds_stacks_and_adds_back(films: Dataset, rectified: bool) -> None:
    """Eq. 2, with its max(0, ·) or without, and the residual units of Fig. 2, field by field; numeric features are laid
    beside as they are."""
    model = fitted("deep_crossing", films, rectified_embeddings=rectified)
    module, x = model.module, inputs(model)
    vectors, numbers = array(x.vectors)[0], array(x.numbers())[0]
    for c in range(3):
        stacked: list[float] = []
        place = 0
        for n, field in enumerate(module.fields):
            if field.kind != "numeric":
                stacked += (relu(vectors[c, n] + array(module.offset)[place]) if rectified else vectors[c, n]).tolist()
                place += 1
        value = np.array(stacked + numbers[c].tolist())
        assert len(numbers[c]) == sum(field.kind == "numeric" for field in module.fields) > 0
        for unit in module.units:
            value = relu(value + linear(unit.down, relu(linear(unit.up, value))))
        expected = linear(module.top, value) + array(module.bias)
        np.testing.assert_allclose(score(model)[c], expected[0], rtol=1e-4, atol=1e-5)


def test_cross_layers_without_their_states_equal_the_recursion(films: Dataset) -> None:
    """Eq. 3 layer by layer with x_l held, and Eq. 5, against the closed form of the module."""
    model = fitted("deep_and_cross", films, crosses=4)
    module, x = model.module, inputs(model)
    for c, vectors in enumerate(array(x.vectors)[0]):
        x0 = vectors.ravel()
        xl, hidden = x0, x0
        for w, b in zip(array(module.cross.weight), array(module.offset), strict=True):
            xl = np.outer(x0, xl) @ w + b + xl
        for layer in module.deep:
            hidden = relu(linear(layer, hidden))
        weights = np.concatenate([array(module.top.weight)[0], array(module.top_deep.weight)[0]])
        expected = np.concatenate([xl, hidden]) @ weights + array(module.bias)[0]
        np.testing.assert_allclose(score(model)[c], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("product", ["inner", "outer", "both"])
def test_pnn_reads_products_of_embeddings(films: Dataset, product: str) -> None:
    """Eq. 3 to 5 with every product made one by one; the superposition as the sum of F² outer products (Eq. 14)."""
    model = fitted("pnn", films, product=product)
    module, x = model.module, inputs(model)
    for c, vectors in enumerate(array(x.vectors)[0]):
        hidden = linear(module.plain, vectors.ravel())
        if product != "outer":
            inner = np.array([a @ b for a, b in combinations(vectors, 2)])
            hidden = hidden + linear(module.inner, inner)
        if product != "inner":
            outer = sum(np.outer(a, b) for a in vectors for b in vectors)
            hidden = hidden + linear(module.outer, outer[np.triu_indices(len(outer))])
        for layer in module.deep:
            hidden = linear(layer, relu(hidden))
        np.testing.assert_allclose(score(model)[c], hidden[0] + array(module.bias)[0], rtol=1e-4, atol=1e-5)


def test_crosses_of_more_pairs_than_buckets_are_hashed(films: Dataset) -> None:
    module = fitted("wide_and_deep", films).module
    sizes = {(cross.one.name, cross.other.name): cross.size for cross in module.crosses}
    genres, years, items = (next(f.size for f in module.fields if f.name == n) for n in ("genres", "year", "item"))
    assert genres**2 > 50 and items * years > 50
    assert sizes == {("history genres", "genres"): 50, ("history", "item"): 50, ("history", "year"): 50}
    assert len(module.crossed.weight) == 150
    assert [len(some) for some in module.together] == [1, 1, 1]


# Three crosses are hashed each; two and two are read at once, of users and of items, and one stands between them.
@pytest.mark.parametrize(
    ("crosses", "buckets", "together"),
    [
        (["*", "history * year"], 50, [1, 1, 1]),
        (
            ["history genres * genres", "history * genres", "history * year", "item * genres", "year * genres"],
            999,
            [2, 1, 2],
        ),
    ],
)
def test_wide_and_deep_is_weights_of_crosses_beside_a_network(
    films: Dataset, crosses: list[str], buckets: int, together: list[int]
) -> None:
    """Eq. 1 to 3: each pair of values of two crossed fields has its weight, times how much of each there is."""
    model = fitted("wide_and_deep", films, crosses=crosses, buckets=buckets)
    module, x = model.module, inputs(model)
    assert [len(some) for some in module.together] == together
    table = array(module.crossed.weight)[:, 0]
    assert (table != 0).any()
    for c, vectors in enumerate(array(x.vectors)[0]):
        wide, seen = array(x.linear)[0, c], {}
        for cross in module.crosses:
            one, other = x.slots(cross.one.name), x.slots(cross.other.name)
            n = c if cross.one.side == "item" else 0
            for r, w in zip(one.rows[0, n], one.weights[0, n], strict=True):
                for s, v in zip(other.rows[0, c], other.weights[0, c], strict=True):
                    row = int(cross.rows(r, s))
                    assert cross.offset <= row < cross.offset + cross.size
                    assert seen.setdefault((cross.offset, int(r), int(s)), row) == row
                    wide += table[row] * float(w * v)
        hidden = vectors.ravel()
        for n, layer in enumerate(module.deep):
            hidden = linear(layer, relu(hidden) if n else hidden)
        np.testing.assert_allclose(score(model)[c], wide + hidden[0] + array(module.bias)[0], rtol=1e-4, atol=1e-5)


def test_a_cross_within_its_buckets_gives_each_pair_of_values_a_weight_of_its_own(films: Dataset) -> None:
    model = fitted("wide_and_deep", films, crosses=["genres * year"], buckets=10_000)
    (cross,) = model.module.crosses
    ones, others = (torch.arange(f.offset, f.offset + f.size) for f in (cross.one, cross.other))
    rows = cross.rows(ones[:, None], others[None])
    assert sorted(rows.ravel().tolist()) == list(range(len(ones) * len(others)))


def test_crosses_that_cannot_be_are_refused(films: Dataset) -> None:
    with pytest.raises(ConfigError, match=r'"field \* field"'):
        configured("wide_and_deep", {"crosses": ["genres"]}).fit(films)
    with pytest.raises(ConfigError, match=r"no field 'genre'.*genres"):
        configured("wide_and_deep", {"crosses": ["genre * item"]}).fit(films)
    assert configured("wide_and_deep", {"crosses": [], "epochs": 1}).fit(films).score([STATE]).shape == (1, 20)


def test_l1_leaves_weights_of_the_wide_part_at_exactly_0(films: Dataset) -> None:
    def zeros(l1: float) -> float:
        model = configured("wide_and_deep", {"objective": "click", "epochs": 5, "l1": l1, "hidden": [4]}).fit(films)
        assert isinstance(model, FeatureModel)
        return float((model.module.crossed.weight == 0).float().mean())

    assert zeros(0.0) < zeros(1e-3) < zeros(1.0) == 1


@pytest.mark.parametrize("sparse", [False, True])
def test_ftrl_minimises_what_it_says(sparse: bool) -> None:
    """After each of 30 steps every weight is the argmin of the regularised sum over all its gradients, by a grid."""
    alpha, beta, l1, l2 = 0.3, 0.7, 0.4, 0.2
    rng = np.random.default_rng(0)
    weight = torch.nn.Parameter(torch.zeros(4, 2, dtype=torch.float64))
    optimiser = FTRL([weight], alpha=alpha, beta=beta, l1=l1, l2=l2)
    gradients: list[np.ndarray] = []
    weights = [np.zeros((4, 2))]
    for _ in range(30):
        g = rng.normal(0.1, 1, (4, 2)) * (rng.random((4, 1)) < 0.6)
        gradients.append(g)
        dense = torch.from_numpy(g)
        weight.grad = dense.to_sparse(1) if sparse else dense
        optimiser.step()
        weights.append(array(weight))
    grid = np.linspace(-3, 3, 60_001)
    for i, j in np.ndindex(4, 2):
        for t in range(1, 31):
            g = np.array([v[i, j] for v in gradients[:t]])
            at = np.array([w[i, j] for w in weights[:t]])
            sigma = np.diff(np.sqrt(np.cumsum(g**2)), prepend=0) / alpha
            smooth = (g.sum() - (sigma * at).sum()) * grid + 0.5 * sigma.sum() * grid**2
            objective = smooth + l1 * np.abs(grid) + 0.5 * (beta / alpha + l2) * grid**2
            best = grid[np.argmin(objective)]
            assert weights[t][i, j] == pytest.approx(best, abs=2e-4)
            if abs((g - sigma * at).sum()) <= l1:
                assert weights[t][i, j] == 0


def test_gradients_step_alike_whether_all_weights_are_computed_anew_or_those_that_change() -> None:
    """Of few weights all are, of many and of sparse gradients some; one row of the batch is named twice."""
    tables = [torch.nn.Embedding(9, 1), torch.nn.Embedding(9, 1, sparse=True), torch.nn.Embedding(20_000, 1)]
    optimisers = []
    for table in tables:
        torch.nn.init.zeros_(table.weight)
        optimisers.append(FTRL([table.weight], alpha=0.2, l1=0.05))
    for step in range(5):
        rows = torch.tensor([1, 4, 4, step])
        for table, optimiser in zip(tables, optimisers, strict=True):
            optimiser.zero_grad()
            (table(rows).squeeze(1) * torch.tensor([1.0, 0.5, 0.25, -1.0])).sum().backward()
            optimiser.step()
    few, sparse, many = (table.weight.detach() for table in tables)
    torch.testing.assert_close(sparse, few)
    torch.testing.assert_close(many[:9], few)
    assert (many[5:] == 0).all() and (few[1] != 0).all()


def test_ftrl_refuses_rates_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="alpha=0"):
        FTRL([torch.zeros(1)], alpha=0)


@pytest.mark.parametrize(
    "name", ["afm", "deep_and_cross", "deep_crossing", "deepfm", "din", "nfm", "pnn", "wide_and_deep"]
)
def test_a_fresh_network_starts_as_its_activations_want(films: Dataset, name: str) -> None:
    """With "he": before a ReLU (or Dice) weights are spread by √(2 / inward), and nowhere is a bias other than 0."""
    model = configured(
        name,
        {
            **SMALL,
            "embedding_size": 32,
            "start": "he",
            **({"hidden": [300]} if name != "afm" else {"attention_size": 300}),
        },
    )
    assert isinstance(model, FeatureModel)
    with loop.seeded(0):
        model._prepare(films)
    layers = [layer for layer in model.module.modules() if isinstance(layer, torch.nn.Linear)]
    assert all(layer.bias is None or not layer.bias.any() for layer in layers)
    wide = [layer for layer in layers if layer.out_features == 300]
    assert wide
    for layer in wide:
        assert layer.weight.std().item() == pytest.approx((2 / layer.in_features) ** 0.5, rel=0.05)


@pytest.mark.parametrize("name", MODELS)
def test_overfits_a_tiny_set(films: Dataset, name: str) -> None:
    """72 ratings by heart: their log loss, and their squared error, come close to 0."""
    films = one_start_each(films)
    learnt = {"epochs": 150, "batch_size": 24, "dropout": 0.0, "weight_decay": 0.0, "learning_rate": 0.02}
    for objective, enough in (("click", 0.01), ("rating", 0.05)):
        model = configured(name, {**learnt, "objective": objective}).fit(films)
        assert isinstance(model, FeatureModel)
        assert model.curve[-1].loss < enough < model.curve[0].loss


@pytest.mark.parametrize("name", MODELS)
def test_blocks_and_whole_rows_are_read_alike(films: Dataset, name: str) -> None:
    """Training on clicks reads all fields of a row at once; scoring reads users and items apart: the same numbers."""
    model = fitted(name, films)
    features, module = model.features, model.module
    states = [STATE, UserState(), UserState((5,), (1.0,))]
    histories, items = features.histories(states), torch.tensor([[2], [7], [11]])
    parts = [features.users(histories), features.items[items[:, 0]], features.pairs(histories, items)[:, 0]]
    slots = type(parts[0])(*(torch.cat([getattr(p, part) for p in parts], dim=1) for part in ("rows", "weights")))
    with torch.no_grad():
        whole = module(module.rows(slots, histories, items)).numpy()
    np.testing.assert_allclose(whole, model.score(states, items.numpy()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_room_for_longer_histories_changes_nothing(films: Dataset, name: str) -> None:
    """The same weights with twice the slots for the history: padding is not read."""
    model = fitted(name, films)
    before = score(model)
    wider = fitted(name, films, latest=8)
    wider.module.load_state_dict(model.module.state_dict())
    np.testing.assert_allclose(score(wider), before, rtol=1e-5, atol=1e-6)
