"""DIN and DIEN against what their papers say, written out in NumPy, and what must not matter to them."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from app.errors import ConfigError
from recommenders.contract.config import configured
from recommenders.data.tables import Dataset, Interactions, UserState
from recommenders.models.dien import _Pass, extracted, oldest_first
from recommenders.models.din import Dice, _Dice
from recommenders.networks.fields.behaviours import BehaviourNetwork
from recommenders.networks.fields.feature_model import FeatureModel, Inputs
from recommenders.networks.fields.features import Histories
from tests.recommenders.worlds import one_start_each, tiny_films_data

STATES = [UserState((3, 9, 1), (4.0, 2.0, 5.0)), UserState(), UserState((5, 6, 7, 8, 2), (1.0, 1.0, 5.0, 3.0, 4.0))]
CANDIDATES = torch.tensor([[0, 7, 19]])
SMALL = {"epochs": 1, "batch_size": 24, "embedding_size": 4, "latest": 4, "negatives": 8, "hidden": [6, 5]}
MODELS = ("din", "dien")


@pytest.fixture(scope="module")
def films() -> Dataset:
    return tiny_films_data()


def fitted(name: str, data: Dataset, **settings: object) -> FeatureModel:
    model = configured(name, {**SMALL, **settings}).fit(data)
    assert isinstance(model, FeatureModel)
    with torch.no_grad():  # one epoch leaves zeros where something must be seen to matter
        for weight in model.module.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel())))
    return model


def inputs(model: FeatureModel, candidates: Tensor = CANDIDATES) -> Inputs:
    return model.module.inputs(model.module.users(model.features.histories(STATES)), candidates)


def array(t: Tensor) -> np.ndarray:
    return t.detach().numpy().astype(np.float64)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def linear(layer: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    assert isinstance(layer, torch.nn.Linear)
    return x @ array(layer.weight).T + array(layer.bias)


def dice(layer: Dice, s: np.ndarray) -> np.ndarray:
    """With the moving mean and variance."""
    p = sigmoid((s - array(layer.mean)) / np.sqrt(array(layer.variance) + 1e-8))
    return p * s + (1 - p) * array(layer.alpha) * s


def item_vector(model: FeatureModel, item: int) -> np.ndarray:
    """An item's embedding and the mean of its genres' ones, side by side."""
    fields = {field.name: field for field in model.module.fields}
    table = array(model.module.vectors.table.weight)
    own = table[fields["item"].offset + item]
    genres = model.catalogue.genres[item]
    rows = [fields["genres"].offset + fields["genres"].values.index(genre) for genre in genres]
    return np.concatenate([own, table[rows].mean(axis=0) if rows else np.zeros_like(own)])


# -- DIN --------------------------------------------------------------------------------------------------------------


def test_din_follows_its_formula(films: Dataset) -> None:
    """The activation unit from the paper's own input, item by item, its sum over the history, and the network above."""
    model = fitted("din", films, objective="click")
    module, x, scores = model.module, inputs(model), model.score(STATES, CANDIDATES.repeat(3, 1).numpy())
    vectors = array(x.vectors)
    for b, state in enumerate(STATES):
        latest = list(zip(state.items, state.values, strict=True))[::-1][:4]
        for c, candidate in enumerate(CANDIDATES[0].tolist()):
            v, interest = item_vector(model, candidate), np.zeros(2 * 4 + 1)
            for place, (item, value) in enumerate(latest):
                e, rating = item_vector(model, item), (value - 3) / 2
                read = np.concatenate([e, v, e - v, e * v, [rating]])
                hidden = linear(module.unit.first, read) + array(module.unit.place)[place]
                weight = linear(module.unit.last, dice(module.unit.dice, hidden))[0]
                interest += weight * np.concatenate([e, [rating]])
            first, *others = module.deep
            value = linear(first, np.concatenate([vectors[b, c].ravel(), interest]))
            for activation, layer in zip(module.dice, others, strict=True):
                value = linear(layer, dice(activation, value))
            np.testing.assert_allclose(scores[b, c], value[0] + array(module.bias)[0], rtol=1e-4, atol=1e-4)


def test_one_candidate_and_many_are_read_alike(films: Dataset) -> None:
    """They take different ways through the activation unit: single ones, one list of many for each user, one short list
    and one long list for all users."""
    model = fitted("din", films)
    read = inputs(model).more
    with torch.no_grad():
        for items in ([[0, 7], [3, 3], [11, 19]], [[0, 7, 3]], [list(range(20))]):
            candidates = model.module.items(torch.tensor(items))
            many = model.module.unit(read, candidates)
            single = [model.module.unit(read, candidates[:, c : c + 1].expand(3, -1, -1)) for c in range(len(items[0]))]
            torch.testing.assert_close(torch.cat(single, dim=1), many, rtol=1e-4, atol=1e-5)


def test_attention_is_not_normalised(films: Dataset) -> None:
    """Twice the same history item counts twice, which a softmax would take back."""
    model = fitted("din", films, places=False)
    states = [UserState((7,), (4.0,)), UserState((7, 7), (4.0, 4.0))]
    users = model.module.users(model.features.histories(states))
    with torch.no_grad():
        weights = model.module.unit(users.more, model.module.items(torch.tensor([[2, 7]])))
    torch.testing.assert_close(weights[1, :, :2].sum(dim=1), 2 * weights[0, :, 0])


def test_dice_normalises_by_its_batch_and_later_by_what_it_saw() -> None:
    torch.manual_seed(0)
    layer = Dice(3, moving=False)
    torch.nn.init.uniform_(layer.alpha)
    batches = [3 + 2 * torch.randn(5, 4, 3) for _ in range(200)]
    for s in batches:
        flat = array(s).reshape(-1, 3)
        p = sigmoid((flat - flat.mean(axis=0)) / np.sqrt(flat.var(axis=0) + 1e-8))
        expected = p * flat + (1 - p) * array(layer.alpha) * flat
        np.testing.assert_allclose(array(layer(s)).reshape(-1, 3), expected, rtol=1e-4, atol=1e-5)
    layer.eval()
    np.testing.assert_allclose(array(layer.mean), 3, atol=0.3)
    np.testing.assert_allclose(array(layer.variance), 4, atol=1.2)
    np.testing.assert_allclose(array(layer(batches[0])), dice(layer, array(batches[0])), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer(batches[0][:1]), layer(batches[0])[:1])  # company no longer matters


@pytest.mark.parametrize("batch", [False, True])
def test_the_gradient_of_dice_is_that_of_its_formula(batch: bool) -> None:
    torch.manual_seed(0)
    s, alpha = torch.randn(7, 3, dtype=torch.float64), torch.rand(3, dtype=torch.float64)
    mean, variance = torch.zeros(3, dtype=torch.float64), torch.full((3,), 2.0, dtype=torch.float64)

    def plainly(s: Tensor, alpha: Tensor) -> Tensor:
        m, v = (s.mean(dim=0), s.var(dim=0, correction=0)) if batch else (mean, variance)
        p = torch.sigmoid((s - m) / v.sqrt())
        return p * s + (1 - p) * alpha * s

    weights = torch.randn(7, 3, dtype=torch.float64)
    found = []
    for layer in (plainly, lambda s, alpha: _Dice.apply(s, alpha, mean, variance, batch, 0.1)):
        inputs = [t.clone().requires_grad_() for t in (s, alpha)]
        found.append(torch.autograd.grad((layer(*inputs) * weights).sum(), inputs))
    for expected, got in zip(*found, strict=True):
        torch.testing.assert_close(got, expected)


def test_moving_dice_tells_no_part_of_a_batch_from_another() -> None:
    """Two parts that differ in their mean keep that difference, also in training."""
    layer = Dice(1, moving=True)
    layer(torch.randn(1000, 1))
    low, high = (layer(torch.full((10, 1), level)) for level in (-1.0, 1.0))
    assert (high - low > 0.5).all()


def test_the_regularisation_is_of_what_occurs_by_how_often_it_does(films: Dataset) -> None:
    """λ/2 Σ_j α_mj / n_j ‖w_j‖² with every count made by hand."""
    model = fitted("din", films, objective="click", regularisation=0.7)
    module, x = model.module, films.interactions
    fields = {field.name: field for field in module.fields}

    def rows(item: int) -> list[int]:
        genres = fields["genres"]
        return [
            fields["item"].offset + item,
            *(genres.offset + genres.values.index(g) for g in films.catalogue.genres[item]),
        ]

    samples = []
    for n, (user, item) in enumerate(zip(x.user, x.item, strict=True)):
        before = [int(i) for i, u in zip(x.item[:n], x.user[:n], strict=True) if u == user][-4:]
        samples.append([*before, int(item)])
    counts = np.zeros(model.features.rows)
    for sample in samples:
        for item in sample:
            counts[rows(item)] += 1
    batch = [8, 40]
    met = {row for n in batch for item in samples[n] for row in rows(item)}
    table = array(module.vectors.table.weight)
    expected = 0.35 * sum((table[row] ** 2).sum() / counts[row] for row in met)

    states = [UserState(tuple(samples[n][:-1])) for n in batch]
    users = module.users(model.features.histories(states))
    module.train()
    got = module.penalty(module.inputs(users, torch.tensor([[samples[n][-1]] for n in batch])))
    module.eval()
    assert isinstance(got, Tensor) and got.item() == pytest.approx(expected, rel=1e-4)
    assert module.penalty(inputs(model)) == 0


# -- DIEN -------------------------------------------------------------------------------------------------------------


def gru_states(model: FeatureModel, state: UserState) -> list[np.ndarray]:
    """h_t of Eq. 2 to 5, torch's way: its second bias of the new state lies within the reset gate's reach."""
    gru = model.module.extract
    w, u, b, c = (array(getattr(gru, name)) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"))
    h, states = np.zeros(u.shape[1]), []
    for item, value in list(zip(state.items, state.values, strict=True))[-4:]:
        inward = np.split(w @ np.concatenate([item_vector(model, item), [(value - 3) / 2]]) + b, 3)
        again = np.split(u @ h + c, 3)
        reset, update = sigmoid(inward[0] + again[0]), sigmoid(inward[1] + again[1])  # torch has the reset gate first
        new = np.tanh(inward[2] + reset * again[2])
        h = update * h + (1 - update) * new  # and its update gate says what is kept
        states.append(h)
    return states


def test_dien_follows_its_formula(films: Dataset) -> None:
    model = fitted("dien", films, objective="click")
    module, x, scores = model.module, inputs(model), model.score(STATES, CANDIDATES.repeat(3, 1).numpy())
    vectors = array(x.vectors)
    w, u = np.split(array(module.evolve.inward.weight), 3), np.split(array(module.evolve.again.weight), 3)
    bias = np.split(array(module.evolve.inward.bias), 3)
    for b, state in enumerate(STATES):
        states = gru_states(model, state)
        for c, candidate in enumerate(CANDIDATES[0].tolist()):
            logits = np.array([h @ array(module.attend) @ item_vector(model, candidate) for h in states])
            attention = np.exp(logits) / np.exp(logits).sum() if states else []
            evolved = np.zeros(8)
            for h, a in zip(states, attention, strict=True):  # Eq. 14, 15
                update = a * sigmoid(w[0] @ h + u[0] @ evolved + bias[0])
                reset = sigmoid(w[1] @ h + u[1] @ evolved + bias[1])
                new = np.tanh(w[2] @ h + reset * (u[2] @ evolved) + bias[2])
                evolved = (1 - update) * evolved + update * new
            value = linear(module.deep[0], np.concatenate([vectors[b, c].ravel(), evolved]))
            for layer in module.deep[1:]:
                value = linear(layer, np.maximum(value, 0))
            np.testing.assert_allclose(scores[b, c], value[0] + array(module.bias)[0], rtol=1e-4, atol=1e-4)


def test_the_gradients_of_a_pass_are_those_of_its_formula() -> None:
    """Of all states and the last alone, with attention of two candidates and with the GRU's bias."""
    rng = torch.Generator().manual_seed(0)
    gates, again, bias = (
        torch.randn(*size, generator=rng, dtype=torch.float64) for size in ((3, 5, 12), (12, 4), (4,))
    )
    attention = torch.rand(3, 2, 5, generator=rng, dtype=torch.float64)
    for given, whole in (((gates, attention, again, bias), False), ((gates, attention, again, None), True)):
        inputs = [t if t is None else t.requires_grad_() for t in given]
        assert torch.autograd.gradcheck(lambda *t, whole=whole: _Pass.apply(*t, whole, True), inputs)


def test_extraction_is_the_pass_of_torchs_gru() -> None:
    torch.manual_seed(0)
    gru, read = torch.nn.GRU(5, 4, batch_first=True).double(), torch.randn(3, 6, 5, dtype=torch.float64)
    read.requires_grad_()
    weights = torch.randn(3, 6, 4, dtype=torch.float64)
    (expected, _), got = gru(read), extracted(gru, read)
    torch.testing.assert_close(got, expected)
    wanted, found = (torch.autograd.grad((s * weights).sum(), [read, *gru.parameters()]) for s in (expected, got))
    for one, other in zip(wanted, found, strict=True):
        torch.testing.assert_close(other, one)
    with torch.inference_mode():
        torch.testing.assert_close(extracted(gru, read), expected)


def test_the_auxiliary_loss_is_of_the_next_item_against_a_drawn_one(films: Dataset) -> None:
    """Eq. 6 with each drawn item known: the seed gives the same ones again."""
    model = fitted("dien", films)
    interests = inputs(model).more
    torch.manual_seed(5)
    got = model.module.auxiliary(interests).item()
    torch.manual_seed(5)
    drawn = torch.randint(20, (3, 3))  # of 3 users with up to 4 items: 3 steps that another follows
    losses = []
    for b, state in enumerate(STATES):
        states, latest = gru_states(model, state), state.items[-4:]
        for t in range(len(latest) - 1):
            right = sigmoid(states[t] @ item_vector(model, latest[t + 1]))
            wrong = sigmoid(states[t] @ item_vector(model, int(drawn[b, t])))
            losses.append(-np.log(right) - np.log(1 - wrong))
    assert len(losses) == 2 + 3 and got == pytest.approx(np.mean(losses), rel=1e-4)


def test_the_auxiliary_loss_is_learnt(films: Dataset) -> None:
    """People who go round in a circle: what comes next is known from what came before."""
    items = np.concatenate([(np.arange(10) + start) % 20 for start in range(0, 20, 2)])
    x = Interactions.of(np.repeat(np.arange(10), 10), items, None, np.tile(np.arange(10), 10))
    losses = {}
    for weight in (0.0, 1.0):
        settings = {**SMALL, "epochs": 20, "latest": 10, "auxiliary": weight, "dropout": 0.0, "learning_rate": 0.02}
        model = configured("dien", settings).fit(films.with_interactions(x))
        assert isinstance(model, FeatureModel)
        users = model.module.users(model.features.histories([UserState(tuple(range(10)))]))
        torch.manual_seed(0)
        losses[weight] = np.mean([model.module.auxiliary(users.more).item() for _ in range(50)])
    assert losses[1.0] < 0.7 * losses[0.0]


def test_histories_are_turned_oldest_first_without_spare_room() -> None:
    items = torch.tensor([[6, 5, 4, -1, -1], [-1, -1, -1, -1, -1], [9, -1, -1, -1, -1]])
    values = torch.tensor([[3.0, 2.0, 1.0, 0.0, 0.0], [0.0] * 5, [5.0, 0.0, 0.0, 0.0, 0.0]])
    turned = oldest_first(Histories(items, values, torch.tensor([3, 0, 1]), torch.zeros(3, 0)))
    assert turned.items.tolist() == [[4, 5, 6], [-1, -1, -1], [9, -1, -1]]
    assert turned.values.tolist() == [[1, 2, 3], [0, 0, 0], [5, 0, 0]]
    nobody = oldest_first(Histories(items[1:2], values[1:2], torch.zeros(1), torch.zeros(1, 0)))
    assert nobody.items.tolist() == [[-1]]


# -- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_padding_changes_nothing(films: Dataset, name: str) -> None:
    """Longer rows filled with any values where no item is give the same scores."""
    model = fitted(name, films, fields=["item", "genres", "history length"])
    histories, candidates = model.features.histories(STATES), CANDIDATES.expand(3, -1)
    longer = dataclasses.replace(
        histories,
        items=torch.cat([histories.items, torch.full((3, 5), -1)], dim=1),
        values=torch.cat([histories.values, torch.full((3, 5), 4.0)], dim=1),
    )
    model.module.unit = getattr(model.module, "unit", None)
    if name == "din":  # a place of its own for each item, also for those that aren't there
        model.module.unit.place = torch.nn.Parameter(torch.cat([model.module.unit.place, torch.ones(5, 32)]))
    block = model.module.users(histories).block
    scores = []
    with torch.no_grad():
        for read in (histories, longer):
            users = model.module.users(histories)._replace(more=model.module.read_users(read, block))
            scores.append(model.module(model.module.inputs(users, candidates)))
    torch.testing.assert_close(scores[1], scores[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_the_table_of_all_items_changes_nothing(films: Dataset, name: str) -> None:
    """Twenty places or more: all items' vectors are put together first and looked up."""
    module = fitted(name, films).module
    assert isinstance(module, BehaviourNetwork)
    few, many = module.features.histories(STATES), module.features.histories(STATES * 4)
    read, looked_up = module.behaviours(few), module.behaviours(many)
    assert read.table is None and looked_up.table is not None
    torch.testing.assert_close(looked_up.vectors[:3], read.vectors)
    ids = torch.tensor([[4, 19]])
    torch.testing.assert_close(module.items(ids, looked_up.table), module.items(ids))


def test_only_dien_reads_the_whole_order(films: Dataset) -> None:
    pair = [UserState((3, 9, 1), (4.0, 4.0, 4.0)), UserState((9, 3, 1), (4.0, 4.0, 4.0))]
    fields = ["item", "genres", "history"]  # in these the order is lost
    dien, din = (fitted(name, films, fields=fields).score(pair) for name in ("dien", "din"))
    without = fitted("din", films, fields=fields, places=False).score(pair)
    np.testing.assert_allclose(without[0], without[1], rtol=1e-5, atol=1e-6)
    assert not np.allclose(dien[0], dien[1]) and not np.allclose(din[0], din[1])


@pytest.mark.parametrize("name", MODELS)
def test_what_was_thought_of_an_item_is_read(films: Dataset, name: str) -> None:
    model = fitted(name, films, fields=["item", "genres"])
    one, other = model.score([UserState((3, 9), (5.0, 1.0)), UserState((3, 9), (1.0, 5.0))])
    assert not np.allclose(one, other)


@pytest.mark.parametrize("name", MODELS)
def test_behaviours_the_data_has_not_are_refused(films: Dataset, name: str) -> None:
    with pytest.raises(ConfigError, match=r"behaviour: the items have no field 'genre'.*genres"):
        configured(name, {"behaviour": ["item", "genre"]}).fit(films)
    with pytest.raises(ConfigError, match="behaviour"):  # a field of users
        configured(name, {"behaviour": ["history"]}).fit(films)
    model = fitted(name, films, fields=["year"])  # neither item nor genres: all there is
    assert model.module.item_size == 4 and np.isfinite(model.score(STATES)).all()


@pytest.mark.parametrize("name", MODELS)
def test_overfits_a_tiny_set(films: Dataset, name: str) -> None:
    """72 ratings by heart: their log loss, and their squared error, come close to 0."""
    films = one_start_each(films)
    learnt = {"epochs": 60, "batch_size": 24, "dropout": 0.0, "weight_decay": 0.0, "learning_rate": 0.02}
    learnt |= {"auxiliary": 0.0} if name == "dien" else {}
    for objective, enough in (("click", 0.03), ("rating", 0.1)):
        model = configured(name, {**learnt, "objective": objective}).fit(films)
        assert isinstance(model, FeatureModel)
        assert model.curve[-1].loss < enough < model.curve[0].loss
