"""Each model against what its paper says: formulas written out independently, and laws of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from recommenders.contract.config import configured
from recommenders.data.tables import Dataset, Interactions, UserState
from recommenders.evaluation.evaluate import evaluate
from recommenders.models import ease
from recommenders.models.deepfm import DeepFM
from recommenders.models.ease import EASE
from recommenders.models.item_knn import ItemKNN
from recommenders.models.popularity import DAY, Popularity
from recommenders.models.sasrec import SASRec, among, first_met
from recommenders.networks.fields.features import Histories
from tests.recommenders.worlds import START, checkerboard, tiny_films_data


@pytest.fixture(scope="module")
def films() -> Dataset:
    return tiny_films_data()


def dense(data: Dataset) -> np.ndarray:
    """(U, I) 0 and 1."""
    met = np.zeros((len(data.users), len(data.catalogue)))
    met[data.interactions.user, data.interactions.item] = 1
    return met


# -- popularity -------------------------------------------------------------------------------------------------------


def test_popularity_counts_and_halves_with_age(films: Dataset) -> None:
    item, age = np.array([0, 0, 1, 2]), np.array([30, 30, 0, 10])
    data = films.with_interactions(Interactions.of(np.arange(4), item, None, (100 - age) * DAY))
    assert Popularity().fit(data).score([UserState()])[0, :4] == pytest.approx([1, 0.5, 0.5, 0])
    decayed = Popularity(Popularity.Config(half_life=10)).fit(data).score([UserState()])[0, :4]
    assert decayed == pytest.approx([2 / 8, 1, 1 / 2, 0])


# -- item-kNN ---------------------------------------------------------------------------------------------------------


def test_item_knn_follows_its_formula(films: Dataset) -> None:
    config = ItemKNN.Config(neighbours=3, shrinkage=2.0, half_life=2.0, prior=0.25)
    model = ItemKNN(config).fit(films)
    met = dense(films)
    n = met.sum(axis=0)
    similar = (met.T @ met) / (np.sqrt(np.outer(n, n)) + 2.0)
    np.fill_diagonal(similar, 0)
    for row in similar:
        row[np.argsort(-row, kind="stable")[3:]] = 0
    expected = sum(w * similar[i] for i, w in ((4, 0.5), (7, 2**-0.5), (1, 1.0))) + 0.25 * n / n.max()
    np.testing.assert_allclose(model.score([UserState((4, 7, 1))])[0], expected, rtol=1e-5, atol=1e-6)


# -- EASE -------------------------------------------------------------------------------------------------------------


def test_ease_is_the_ridge_regression_of_each_item_on_the_others(films: Dataset) -> None:
    """The closed form of Eq. 8 against what it solves: each column fitted alone with its own item held out."""
    model = EASE(EASE.Config(regularisation=1.5, prior=0.0)).fit(films)
    met = dense(films)
    items = met.shape[1]
    for j in range(items):
        others = np.delete(np.arange(items), j)
        x = met[:, others]
        expected = np.linalg.solve(x.T @ x + 1.5 * np.eye(items - 1), x.T @ met[:, j])
        weights = np.array([model.score([UserState((int(i),))])[0, j] for i in others])
        np.testing.assert_allclose(weights, expected, atol=1e-5)


def test_ease_through_its_users_says_the_same(films: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whichever side is the smaller one: equal scores, also of a history with an item that nobody met."""
    config = EASE.Config(regularisation=30.0, half_life=3.0)
    monkeypatch.setattr(ease, "_FEW", 0.0)
    by_items = EASE(config).fit(films)
    monkeypatch.setattr(ease, "_FEW", float("inf"))
    by_users = EASE(config).fit(films)
    assert "weights" in by_items._arrays() and "inverse" in by_users._arrays()
    by_users.save(tmp_path / "ease")
    read = EASE.load(tmp_path / "ease", films.catalogue)
    states = [UserState(), UserState((3,)), UserState((0, 7, 2, 7, 11)), UserState(tuple(range(len(films.catalogue))))]
    for model in (by_users, read):
        np.testing.assert_allclose(model.score(states), by_items.score(states), atol=1e-5)
        assert model.score(states).dtype == np.float32


def test_an_item_does_not_explain_itself(films: Dataset) -> None:
    model = EASE(EASE.Config(prior=0.0)).fit(films)
    assert all(model.score([UserState((i,))])[0, i] == 0 for i in range(len(films.catalogue)))


def test_items_beyond_the_largest_number_keep_the_prior(films: Dataset) -> None:
    model = EASE(EASE.Config(max_items=5, prior=1.0)).fit(films)
    counts = dense(films).sum(axis=0)
    least = int(np.argmin(counts))
    assert model.score([UserState((0, 1, 2))])[0, least] == pytest.approx(counts[least] / counts.max())


# -- decay ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["item_knn", "ease"])
def test_the_latest_item_weighs_most(name: str) -> None:
    """One item of each colour: the newer decides."""
    model = configured(name, {"half_life": 2.0}).fit(checkerboard()[0])
    for state in (UserState((3, 8)), UserState((8, 3))):
        assert model.recommend(state, 1)[0][0] % 2 == state.items[-1] % 2


# -- SASRec -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sasrec() -> SASRec:
    model = configured("sasrec", {"epochs": 2, "batch_size": 8, "window": 12}).fit(checkerboard()[0])
    assert isinstance(model, SASRec)
    return model


def test_the_future_cannot_change_the_past(sasrec: SASRec) -> None:
    tokens = torch.tensor([[30, 4, 9, 2, 7, 1]])
    with torch.inference_mode():
        before = sasrec.module(tokens)
        for place in range(1, 6):
            changed = tokens.clone()
            changed[0, place:] = torch.tensor([20, 21, 22, 23, 24])[: 6 - place]
            after = sasrec.module(changed)
            torch.testing.assert_close(after[:, :place], before[:, :place])
            assert not torch.allclose(after[:, place], before[:, place])


def test_padding_changes_nothing(sasrec: SASRec) -> None:
    tokens = torch.tensor([[30, 4, 9]])
    padded = torch.cat([tokens, torch.full((1, 9), 31)], dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(sasrec.module(padded)[:, :3], sasrec.module(tokens))


def test_only_the_latest_items_are_read(sasrec: SASRec) -> None:
    """A window of 12 tokens: what lies before the 12 latest items cannot matter, the 12th can."""
    latest = tuple(range(12))
    first = sasrec.score([UserState((20, *latest)), UserState((25, 27, *latest)), UserState((20, 0, *latest[1:]))])
    np.testing.assert_allclose(first[1], first[0], rtol=1e-5, atol=1e-6)
    other = sasrec.score([UserState((13, *latest[1:]))])
    assert not np.allclose(other[0], first[0])


def test_the_order_of_the_history_matters(sasrec: SASRec) -> None:
    one, other = sasrec.score([UserState((1, 2, 3)), UserState((3, 2, 1))])
    assert not np.allclose(one, other)


def test_drawn_items_estimate_the_whole_softmax() -> None:
    """With every item drawn the loss is that of the whole catalogue; with few it is near it on average."""
    data = checkerboard()[0]
    settings: dict[str, Any] = {"batch_size": 8, "window": 12, "dropout": 0.0}
    rows = torch.arange(8)

    def losses(negatives: int, times: int) -> np.ndarray:
        torch.manual_seed(0)
        model = SASRec(SASRec.Config(**settings, negatives=negatives))
        model._catalogue = data.catalogue
        loss = model._prepare(data)[1]
        found = []
        for seed in range(times):
            torch.manual_seed(seed)
            found.append(loss(rows).item())
        return np.array(found)

    whole = losses(0, 100)
    np.testing.assert_allclose(losses(4_000, 100), whole, rtol=1e-5)  # 30 items, each of them drawn
    few = losses(10, 100)
    assert np.abs(few - whole).max() > 1e-3
    assert few.mean() == pytest.approx(whole.mean(), rel=0.05)


def test_sasrec_learns_from_drawn_items() -> None:
    data, cases = checkerboard()
    model = configured("sasrec", {"epochs": 60, "batch_size": 8, "embedding_size": 32, "negatives": 8}).fit(data)
    assert evaluate(model, cases, k=5).measured["recall"].mean > 0.9


def test_tokens_among_drawn_items() -> None:
    tokens = torch.tensor([[5, 0, 3], [7, 2, 9]])
    assert among(tokens, torch.tensor([0, 3, 7])).tolist() == [[3, 0, 1], [2, 3, 3]]


def test_where_items_are_first_met() -> None:
    """Six items, the start 6 and padding 7: each item's first place, or the length where it never stands."""
    histories = torch.tensor([[6, 3, 0, 3, 5], [6, 1, 7, 7, 7]])
    assert first_met(histories, 6).tolist() == [[2, 5, 5, 1, 5, 4], [5, 1, 5, 5, 5, 5]]


def test_the_loss_is_over_the_items_not_met_before() -> None:
    """With all weights at 0 each place costs the logarithm of how many items are left, also beyond the window."""
    catalogue = checkerboard(users=4, items=6)[0].catalogue
    x = Interactions.of(np.zeros(5, np.int64), np.array([2, 0, 5, 2, 1]), None, START + np.arange(5))
    model = SASRec(SASRec.Config(window=2, embedding_size=8))
    model._catalogue = catalogue
    rows, loss = model._prepare(Dataset("walk", catalogue, x, pd.DataFrame({"user_id": [0]})))
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.zero_()
        torch.manual_seed(0)
        found = {round(loss(torch.tensor([row])).item(), 4) for row in range(rows) for _ in range(30)}
    left = [6, 5, 4, 4, 3]  # before each target; the second 2 is met already, and a target all the same
    assert found == {round(float(np.log(left[t : t + 2]).mean()), 4) for t in range(5)}


def test_an_empty_history_is_answered_by_what_people_start_with() -> None:
    """Everybody starts with item 5: so does a newcomer."""
    data, _ = checkerboard()
    users = np.repeat(np.arange(40), 4)
    rest = np.random.default_rng(0).permuted(np.tile(np.arange(6, 30), (40, 1)), axis=1)[:, :3]
    items = np.concatenate([np.full((40, 1), 5), rest], axis=1).ravel()
    x = Interactions.of(users, items, None, np.tile(np.arange(4), 40))
    model = configured("sasrec", {"epochs": 30, "batch_size": 8, "embedding_size": 16}).fit(data.with_interactions(x))
    assert model.recommend(UserState(), 1)[0][0] == 5


def test_sasrec_overfits_a_tiny_set() -> None:
    """Fixed cycles through the catalogue: after training the next item is always known."""
    data, _ = checkerboard()
    items = np.concatenate([(np.arange(10) + start) % 30 for start in range(0, 30, 3)])
    x = Interactions.of(np.repeat(np.arange(10), 10), items, None, np.tile(np.arange(10), 10))
    settings = {"epochs": 150, "batch_size": 10, "dropout": 0.0, "embedding_size": 32}
    model = configured("sasrec", settings).fit(data.with_interactions(x))
    states = [UserState(tuple((np.arange(5) + start).tolist())) for start in range(0, 21, 3)]
    assert [model.recommend(s, 1)[0][0] for s in states] == [s.items[-1] + 1 for s in states]


def test_heads_must_divide_the_embedding() -> None:
    from app.errors import ConfigError

    with pytest.raises(ConfigError, match="multiple of heads"):
        configured("sasrec", {"heads": 3, "embedding_size": 64}).fit(checkerboard()[0])


# -- DeepFM -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deepfm(films: Dataset) -> DeepFM:
    model = configured("deepfm", {"epochs": 2, "batch_size": 16, "embedding_size": 4, "latest": 4}).fit(films)
    assert isinstance(model, DeepFM)
    return model


def test_deepfm_is_weights_plus_pairs_plus_network(deepfm: DeepFM) -> None:
    """The whole score against the sums of Eq. 1 to 4, written with loops over the fields in NumPy."""
    state = UserState((3, 9, 1), (4.0, 2.0, 5.0))
    features, module = deepfm.features, deepfm.module
    histories = features.histories([state])
    candidates = torch.tensor([[0, 7, 19]])
    with torch.no_grad():
        slots = [features.users(histories), features.items[candidates[0]], features.pairs(histories, candidates)[0]]
    table, weights = module.vectors.table.weight.detach().numpy(), module.weights.table.weight.detach().numpy()
    scores = deepfm.score([state], candidates.numpy())[0]
    for c in range(3):
        vectors, linear = [], 0.0
        for side, slot in zip(("user", "item", "pair"), slots, strict=True):
            rows, factors = (t[0 if side == "user" else c].numpy() for t in (slot.rows, slot.weights))
            start = 0
            for field in features.of_side(side):  # type: ignore[arg-type]
                own = range(start, start + field.width)
                start += field.width
                assert all(field.offset <= rows[w] < field.offset + field.size for w in own)
                vectors.append(sum(factors[w] * table[rows[w]] for w in own))
                linear += sum(factors[w] * weights[rows[w], 0] for w in own)
        pairs = sum(vectors[i] @ vectors[j] for i in range(len(vectors)) for j in range(i))
        hidden = np.concatenate(vectors)
        for n, layer in enumerate(module.deep):
            hidden = layer.weight.detach().numpy() @ (hidden if n == 0 else np.maximum(hidden, 0))
            hidden = hidden + layer.bias.detach().numpy()
        np.testing.assert_allclose(scores[c], linear + pairs + hidden[0], rtol=1e-4, atol=1e-5)


def test_training_reads_only_what_came_before(films: Dataset) -> None:
    """The loss at a place of a history doesn't change with what the user met later."""
    x = films.interactions
    rows = np.flatnonzero(x.user == 3)
    order = np.arange(len(x))
    order[rows[3:]] = np.roll(rows[3:], 1)  # the same items with the same ratings, met in another order
    losses = []
    for places in (np.arange(len(x)), order):
        model = configured("deepfm", {"negatives": 8})
        data = films.with_interactions(Interactions(x.user, x.item[places], x.value[places], x.timestamp))
        model._catalogue = data.catalogue
        assert isinstance(model, DeepFM)
        torch.manual_seed(0)
        _, loss = model._prepare(data)
        model.module.eval()
        torch.manual_seed(1)
        losses.append([loss(torch.tensor([row])).item() for row in rows])
    assert losses[0][:3] == losses[1][:3]
    assert losses[0][3:] != losses[1][3:]


def test_deepfm_overfits_a_tiny_set(films: Dataset) -> None:
    """Six ratings of twelve users by heart: the item that came next is first among all."""
    settings = {"epochs": 150, "batch_size": 24, "negatives": 20, "dropout": 0.0, "weight_decay": 0.0, "half_life": 1.0}
    model = configured("deepfm", settings).fit(films)
    right = 0
    for user in range(12):
        state = films.state(user)
        known = UserState(state.items[:5], state.values[:5])
        right += model.recommend(known, 1)[0][0] == state.items[5]
    assert right >= 10


def test_deepfm_orders_items_it_knows_only_by_attributes() -> None:
    """An item nobody met is still placed by its genre."""
    data, _ = checkerboard()
    x = data.interactions
    model = configured("deepfm", {"epochs": 15, "batch_size": 64, "negatives": 20}).fit(
        data.with_interactions(x.where(x.item < 28))
    )
    evens, odds = model.score([UserState(tuple(range(0, 20, 2))), UserState(tuple(range(1, 20, 2)))])
    assert evens[28] > odds[28] and odds[29] > evens[29]


def test_histories_are_read_latest_first(deepfm: DeepFM) -> None:
    read: Histories = deepfm.features.histories([UserState((1, 2, 3, 4, 5, 6)), UserState((8,))])
    assert read.items.tolist() == [[6, 5, 4, 3], [8, -1, -1, -1]]
    assert read.lengths.tolist() == [6, 1]
