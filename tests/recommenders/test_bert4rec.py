"""BERT4Rec: the block against NumPy, padding that changes nothing, gaps as promised, the loss, and overfitting."""

import math

import numpy as np
import pandas as pd
import pytest
import torch

from app.errors import ConfigError
from recommenders.contract.config import configured
from recommenders.data.tables import Dataset, Interactions, UserState
from recommenders.models.bert4rec import BERT4Rec, Block, Network
from tests.recommenders.worlds import START, checkerboard


def norm(x: np.ndarray, layer: torch.nn.LayerNorm) -> np.ndarray:
    scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + layer.eps)
    return scaled * numpy(layer.weight) + numpy(layer.bias)


def numpy(x: torch.Tensor) -> np.ndarray:
    return x.detach().numpy().astype(np.float64)


def linear(x: np.ndarray, layer: torch.nn.Linear) -> np.ndarray:
    return x @ numpy(layer.weight).T + numpy(layer.bias)


def gelu(x: np.ndarray) -> np.ndarray:
    return x / 2 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def test_the_block_is_equations_1_to_5() -> None:
    torch.manual_seed(0)
    block = Block(6, heads=2, widening=3, dropout=0.5).eval()
    x = torch.randn(1, 4, 6)
    real = torch.tensor([[False, True, True, True]])
    found = block(x, real)[0].detach().numpy()

    h = numpy(x[0])
    q, k, v = np.split(linear(norm(h, block.norm_attention), block.qkv), 3, axis=-1)  # each (T, D)
    heads = []
    for part in (slice(0, 3), slice(3, 6)):
        logits = q[:, part] @ k[:, part].T / math.sqrt(3)
        logits[:, 0] = -np.inf  # padding
        shares = np.exp(logits - logits.max(-1, keepdims=True))
        heads.append(shares / shares.sum(-1, keepdims=True) @ v[:, part])
    a = h + linear(np.concatenate(heads, -1), block.out)
    expected = a + linear(gelu(linear(norm(a, block.norm_forward), block.up)), block.down)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_the_head_is_equation_7() -> None:
    torch.manual_seed(0)
    network = Network(5, BERT4Rec.Config(embedding_size=4))
    network.start_from(torch.arange(5.0))
    hidden = torch.randn(3, 4)
    expected = gelu(linear(numpy(hidden), network.project)) @ numpy(network.embedding.weight)[:5].T + np.arange(-2, 3)
    np.testing.assert_allclose(network.logits(hidden).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_padding_changes_nothing() -> None:
    torch.manual_seed(0)
    network = Network(9, BERT4Rec.Config(window=12, embedding_size=8)).eval()
    short = torch.tensor([[3, 1, 9]])
    padded = torch.tensor([[10] * 7 + [3, 1, 9]])
    torch.testing.assert_close(network(padded)[:, -3:], network(short), rtol=1e-5, atol=1e-6)


def test_every_place_sees_both_sides() -> None:
    torch.manual_seed(0)
    network = Network(9, BERT4Rec.Config(window=5, embedding_size=8)).eval()
    base = network(torch.tensor([[0, 1, 9, 3, 4]]))[0, 2]
    for changed in ([5, 1, 9, 3, 4], [0, 1, 9, 3, 6]):
        assert not torch.allclose(network(torch.tensor([changed]))[0, 2], base, atol=1e-4)


def test_gaps_are_real_at_least_one_and_as_many_as_asked_for() -> None:
    torch.manual_seed(0)
    real = torch.arange(10)[None] >= torch.randint(0, 10, (4000, 1))
    gaps = BERT4Rec(BERT4Rec.Config(masked=0.4, last_only=0.0))._gaps(real)
    assert not (gaps & ~real).any() and gaps.any(1).all()
    full = torch.ones(4000, 10, dtype=torch.bool)
    assert BERT4Rec(BERT4Rec.Config(masked=0.4, last_only=0.0))._gaps(full).float().mean() == pytest.approx(
        0.4, abs=0.01
    )
    gaps = BERT4Rec(BERT4Rec.Config(masked=0.4, last_only=0.5))._gaps(full)
    alone = (gaps.sum(1) == 1) & gaps[:, -1]
    assert alone.float().mean() == pytest.approx(0.5, abs=0.04)


def test_met_items_are_those_before_the_end_of_the_window() -> None:
    data, _ = checkerboard(users=4, items=6)
    model = BERT4Rec(BERT4Rec.Config(embedding_size=8, epochs=1)).fit(data)
    met = model._met(torch.tensor([4, 1, 2, 0, 3, 5]), start=torch.tensor([0, 3, 2]), number=torch.tensor([2, 3, 1]))
    assert [np.flatnonzero(row).tolist() for row in met.numpy()] == [[1, 4], [0, 3, 5], [2]]


def test_the_loss_leaves_out_what_is_met_and_not_hidden() -> None:
    """A head that scores all items alike pays the logarithm of how many are left: six at a gap behind nothing, two
    at one behind four others."""
    catalogue = checkerboard(users=4, items=6)[0].catalogue
    walks = np.stack([np.random.default_rng(u).permutation(6)[:5] for u in range(6)])
    x = Interactions.of(np.repeat(np.arange(6), 5), walks.ravel(), None, START + np.arange(30))
    model = BERT4Rec(BERT4Rec.Config(window=5, embedding_size=8, last_only=1.0))
    data = Dataset("walks", catalogue, x, pd.DataFrame({"user_id": range(6)}))
    model._catalogue = catalogue
    rows, loss = model._prepare(data)
    with torch.no_grad():
        for weight in model.module.parameters():
            weight.zero_()
        torch.manual_seed(0)
        found = {round(loss(torch.tensor([row])).item(), 4) for row in range(rows) for _ in range(20)}
    assert found == {round(math.log(left), 4) for left in (2, 3, 4, 5, 6)}  # the window ends at a random place


def test_only_the_latest_items_count() -> None:
    data, _ = checkerboard()
    model = BERT4Rec(BERT4Rec.Config(window=4, embedding_size=8, epochs=1)).fit(data)
    old, same, other = UserState((1, 2, 3, 4)), UserState((9, 2, 3, 4)), UserState((1, 9, 3, 4))
    np.testing.assert_array_equal(model.score([old]), model.score([same]))
    assert not np.allclose(model.score([old]), model.score([other]))


@pytest.mark.slow
def test_it_overfits_a_tiny_set() -> None:
    """Eight users, eight walks of six items each that begin alike for nobody: the last item follows from the rest."""
    rng = np.random.default_rng(0)
    catalogue = checkerboard(items=20)[0].catalogue
    walks = [rng.permutation(20)[:6] for _ in range(8)]
    x = Interactions.of(np.repeat(np.arange(8), 6), np.concatenate(walks), None, START + np.arange(48))
    data = Dataset("walks", catalogue, x, pd.DataFrame({"user_id": range(8)}))
    config = BERT4Rec.Config(
        window=6, embedding_size=32, epochs=600, batch_size=8, dropout=0.0, last_only=0.9, learning_rate=5e-3
    )
    model = BERT4Rec(config).fit(data)
    scores = model.score([UserState(tuple(w[:-1].tolist())) for w in walks])
    scores[np.arange(8)[:, None], [w[:-1] for w in walks]] = -np.inf  # as in training: met ones cannot come
    probabilities = np.exp(scores - scores.max(1, keepdims=True))
    probabilities /= probabilities.sum(1, keepdims=True)
    assert (probabilities[np.arange(8), [w[-1] for w in walks]] > 0.5).all()  # by chance .05


def test_heads_must_divide_the_embedding() -> None:
    data, _ = checkerboard(users=4, items=6)
    with pytest.raises(ConfigError, match="not a multiple of heads"):
        configured("bert4rec", {"embedding_size": 9, "heads": 2}).fit(data)
