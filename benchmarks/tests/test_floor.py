"""The floor of benchmarks/peers.py: it may be bare, but it must compute what it claims, and learn."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.peers import ctr_tables, floor, floor_side, measures
from benchmarks.peers.floor import Batch, Layout
from recommenders.data import rows
from recommenders.data.tables import Dataset
from tests.recommenders.worlds import checkerboard

LAYOUT = Layout((0, 5, 11), 14, 17)  # two categories of 5 and 6 codes, one of 3, three genres
D = 4


def batch(n: int = 6, steps: int = 5, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    codes = np.stack([rng.integers(1, 5, n), rng.integers(1, 6, n), rng.integers(1, 3, n)], axis=1)
    shares = rng.dirichlet(np.ones(3), n).astype(np.float32)
    lengths = rng.integers(1, steps + 1, n)
    items = rng.integers(1, 6, (n, steps)) + 5
    history = np.where(np.arange(steps) < lengths[:, None], items, 0)
    return Batch(
        torch.from_numpy(codes + np.array(LAYOUT.offsets)),
        torch.from_numpy(shares),
        torch.from_numpy(history),
        torch.from_numpy(rng.integers(1, 6, (n, steps)) + 5),
        torch.from_numpy(rng.integers(0, 2, n).astype(np.float32)),
    )


def network(name: str) -> floor.Network:
    torch.manual_seed(1)
    made = floor.NETWORKS[name](LAYOUT, D)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_(std=0.3)
            parameter.requires_grad_(False)
    return made.eval()


def fields(made: floor.Network, given: Batch, row: int) -> np.ndarray:
    """(F, D) by loops."""
    table = made.table.detach().numpy()
    own = [table[r] for r in given.rows[row].tolist()]
    return np.array([*own, sum(s * table[14 + g] for g, s in enumerate(given.shares[row].tolist()))])


def through(layers: torch.nn.Module, x: np.ndarray) -> float:
    return float(layers(torch.from_numpy(x).float()))


@pytest.mark.parametrize("name", ["fm", "deepfm", "nfm"])
def test_pairs_of_fields(name: str) -> None:
    made, given = network(name), batch()
    weights = made.weights.detach().numpy()[:, 0]
    for row, got in enumerate(made(given).tolist()):
        v = fields(made, given, row)
        wanted = float(made.bias) + weights[given.rows[row].numpy()].sum()
        wanted += sum(s * weights[14 + g] for g, s in enumerate(given.shares[row].tolist()))
        pairs = sum(v[i] * v[j] for i in range(4) for j in range(i))
        if name == "nfm":
            wanted += through(made.deep, pairs)
        else:
            wanted += pairs.sum() + (through(made.deep, v.reshape(-1)) if name == "deepfm" else 0)
        assert got == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_products_and_crosses() -> None:
    given = batch()
    inner, outer, cross = (network(name) for name in ("ipnn", "opnn", "dcn"))
    for row in range(len(given.label)):
        v = fields(inner, given, row)
        products = [v[i] @ v[j] for i in range(4) for j in range(i + 1, 4)]
        wanted = through(inner.deep, np.concatenate([v.reshape(-1), products]))
        assert float(inner(given)[row]) == pytest.approx(wanted, rel=1e-4, abs=1e-5)

        v = fields(outer, given, row)
        total = v.sum(axis=0)
        wanted = through(outer.deep, np.concatenate([v.reshape(-1), np.outer(total, total).reshape(-1)]))
        assert float(outer(given)[row]) == pytest.approx(wanted, rel=1e-4, abs=1e-5)

        x0 = x = fields(cross, given, row).reshape(-1)
        for w, b in zip(cross.w.detach().numpy(), cross.b.detach().numpy(), strict=True):
            x = x0 * (x @ w) + b + x
        deep = cross.deep(torch.from_numpy(x0).float()).detach().numpy()
        assert float(cross(given)[row]) == pytest.approx(through(cross.top, np.concatenate([x, deep])), rel=1e-3)


def test_attention_over_pairs() -> None:
    made, given = network("afm"), batch()
    for row, got in enumerate(made(given).tolist()):
        v = fields(made, given, row)
        products = np.array([v[i] * v[j] for i in range(4) for j in range(i + 1, 4)])
        w, b = made.hidden.weight.detach().numpy(), made.hidden.bias.detach().numpy()
        scores = np.maximum(products @ w.T + b, 0) @ made.score.weight.detach().numpy()[0]
        attention = np.exp(scores) / np.exp(scores).sum()
        wanted = float(made.linear(given)[row]) + attention @ products @ made.top.weight.detach().numpy()[0]
        assert got == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_the_activation_unit_reads_item_target_difference_and_product() -> None:
    made, given = network("din"), batch()
    table = made.table.detach().numpy()
    parts = [made.of_item, made.of_target, made.of_difference, made.of_product]
    w = [part.weight.detach().numpy() for part in parts]
    alpha = made.dice.alpha.detach().numpy()
    for row, got in enumerate(made(given).tolist()):
        v = fields(made, given, row)
        interest = np.zeros(D)
        for r in given.history[row].tolist():
            if r == 0:
                continue
            h, t = table[r], v[1]
            hidden = w[0] @ h + w[1] @ t + w[2] @ (h - t) + w[3] @ (h * t) + made.of_item.bias.detach().numpy()
            p = 1 / (1 + np.exp(-hidden / math.sqrt(1 + 1e-8)))  # moving mean 0 and variance 1, as they begin
            unit = p * hidden + (1 - p) * alpha * hidden
            interest += through(made.score, unit) * h
        assert got == pytest.approx(through(made.deep, np.concatenate([v.reshape(-1), interest])), rel=1e-3, abs=1e-5)


def test_the_attentive_update_gate() -> None:
    made, given = network("dien"), batch()
    table = made.table.detach().numpy()

    def sigmoid(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-x))

    for row, got in enumerate(made(given).tolist()):
        v = fields(made, given, row)
        met = [r for r in given.history[row].tolist() if r]
        states = made.extract(torch.from_numpy(table[met])[None])[0][0].detach().numpy()
        scores = states @ made.attend.detach().numpy() @ v[1]
        attention = np.exp(scores) / np.exp(scores).sum()
        h = np.zeros(D)
        for state, a in zip(states, attention, strict=True):
            x = made.inward.weight.detach().numpy() @ state + made.inward.bias.detach().numpy()
            y = made.again.weight.detach().numpy() @ h + made.again.bias.detach().numpy()
            update, reset = a * sigmoid(x[:D] + y[:D]), sigmoid(x[D : 2 * D] + y[D : 2 * D])
            h = (1 - update) * h + update * np.tanh(x[2 * D :] + reset * y[2 * D :])
        assert got == pytest.approx(through(made.deep, np.concatenate([v.reshape(-1), h])), rel=1e-3, abs=1e-5)


@pytest.mark.parametrize("name", ["din", "dien"])
def test_room_behind_a_history_changes_nothing(name: str) -> None:
    made, given = network(name), batch()
    more = torch.zeros(len(given.label), 3, dtype=torch.int64)
    wider = given._replace(
        history=torch.cat([given.history, more], dim=1), negatives=torch.cat([given.negatives, more + 6], dim=1)
    )
    torch.testing.assert_close(made(wider), made(given))


@pytest.mark.parametrize("name", floor.NETWORKS)
def test_learns_a_handful_of_rows_by_heart(name: str) -> None:
    torch.manual_seed(0)
    given = batch(8, seed=3)
    made = floor.NETWORKS[name](LAYOUT, 8)
    for epoch in floor.epochs(made, given, 8, 0.02, 250):
        epoch()
    made.train()  # Dice normalises by the batch: eight rows are no basis for moving statistics
    with torch.no_grad():
        loss = torch.nn.functional.binary_cross_entropy_with_logits(made(given), given.label)
    assert loss < 0.1


@pytest.fixture
def films() -> Dataset:
    data, _ = checkerboard(hold_out=False)
    users = data.users.assign(age=20 + np.arange(len(data.users)) % 5, gender="F", occupation="writer")
    return Dataset(data.name, data.catalogue, data.interactions, users, True, 0.5)


def test_tables_hold_what_was_known(films: Dataset, tmp_path: Path) -> None:
    ctr_tables.write(films, "random", tmp_path / "t.npz")
    with np.load(tmp_path / "t.npz") as opened:
        tables = dict(opened)
    cut = rows.split(films, "random", known="training", seed=rows.SEED)
    for n, state in enumerate(cut.test.states):
        known = [item + 1 for item in state.items[-ctr_tables.HISTORY :]] or [len(films.catalogue) + 1]
        assert [code for code in tables["test.history"][n].tolist() if code] == known
    train = cut.train.interactions
    for n in range(len(train)):
        before = train.item[: n + 1][train.user[: n + 1] == train.user[n]][:-1][-ctr_tables.HISTORY :] + 1
        known = before.tolist() or [len(films.catalogue) + 1]
        assert [code for code in tables["train.history"][n].tolist() if code] == known
    assert tables["test.label"].tolist() == (cut.test.values >= films.liked_from).astype(float).tolist()
    where = floor_side.layout(tables)
    whole = floor_side.batch(tables, "train", where, seed=0)
    assert int(whole.rows.max()) < where.genres and int(whole.history.max()) < where.genres
    assert (whole.history[:, 0] > 0).all()


def test_auc_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 60), rng.integers(0, 9, 60) / 8
    pairs = [(p > n) + (p == n) / 2 for p in scores[labels == 1] for n in scores[labels == 0]]
    assert measures.auc(labels, scores) == pytest.approx(np.mean(pairs))
    with pytest.raises(ValueError, match="both kinds"):
        measures.auc(np.ones(4), np.ones(4))


def test_hits_against_loops() -> None:
    rng = np.random.default_rng(1)
    ranked = np.stack([rng.permutation(20)[:10] for _ in range(50)])
    wanted = rng.integers(0, 20, 50)
    places = [row.tolist().index(w) if w in row else None for row, w in zip(ranked, wanted.tolist(), strict=True)]
    found = measures.hits(ranked, wanted)
    assert found["recall"] == pytest.approx(np.mean([p is not None for p in places]))
    assert found["ndcg"] == pytest.approx(np.mean([0 if p is None else 1 / math.log2(p + 2) for p in places]))
