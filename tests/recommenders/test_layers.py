"""Layers against independent formulas in NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from recommenders.networks.layers import (
    CausalBlock,
    FieldEmbedding,
    balanced,
    deep_part,
    linear_of_blocks,
    pairwise,
    rectified,
)


@given(st.integers(0, 2**31), st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 5))
def test_pairs_in_linear_time_equal_the_double_sum(seed: int, fields: list[int], size: int) -> None:
    """The O(F D) identity against all pairs one by one, with blocks that broadcast over 2 users and 3 items."""
    rng = np.random.default_rng(seed)
    shapes = [(2, 1), (1, 3), (2, 3)]
    blocks = [rng.normal(size=(*shapes[n], count, size)) for n, count in enumerate(fields)]
    got = pairwise([torch.from_numpy(b) for b in blocks]).numpy()
    spread = np.broadcast_shapes(*(b.shape[:2] for b in blocks))
    for u, i in np.ndindex(*spread):
        vectors = [v for b in blocks for v in b[min(u, b.shape[0] - 1), min(i, b.shape[1] - 1)]]
        slow = sum(float(vectors[a] @ vectors[b]) for a in range(len(vectors)) for b in range(a))
        np.testing.assert_allclose(got[u, i], slow, atol=1e-9)


def test_a_linear_layer_over_blocks_equals_the_layer_over_their_copies() -> None:
    torch.manual_seed(0)
    users, items, pairs = torch.randn(4, 1, 3, 5), torch.randn(1, 6, 2, 5), torch.randn(4, 6, 1, 5)
    layer = nn.Linear(6 * 5, 7)
    copied = torch.cat([b.expand(4, 6, -1, -1) for b in (users, items, pairs)], dim=2).flatten(2)
    expected = copied.numpy() @ layer.weight.detach().numpy().T + layer.bias.detach().numpy()
    got = linear_of_blocks(layer, [users, items, pairs]).detach().numpy()
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


def test_what_passes_through_fresh_layers_keeps_its_size() -> None:
    """Twelve rectified layers: the mean square of what each one reads is that of the first (He et al. 2015, Eq. 10).
    Started as torch does it, it falls by more than half a layer."""
    torch.manual_seed(0)
    x = torch.randn(500, 300)
    deep = deep_part((300, *[300] * 12, 1), "he")
    with torch.no_grad():
        for layer in list(deep)[:-1]:
            x = layer(x)
            assert 1 < x.square().mean() < 4  # before the ReLU, which takes half of it
            x = x.relu()


@pytest.mark.parametrize("bias", [True, False])
def test_fresh_layers_are_spread_as_their_papers_say(bias: bool) -> None:
    torch.manual_seed(0)
    before_relu, before_nothing = rectified(200, 400, "he", bias=bias), balanced(200, 400, "he", bias=bias)
    assert before_relu.weight.std().item() == pytest.approx(np.sqrt(2 / 200), rel=0.02)
    assert before_nothing.weight.std().item() == pytest.approx(np.sqrt(2 / 600), rel=0.02)
    for layer in (before_relu, before_nothing):
        assert (layer.bias is not None) == bias
        assert not bias or not layer.bias.any()


def test_the_last_layer_of_a_deep_part_is_not_rectified() -> None:
    torch.manual_seed(0)
    first, last = deep_part((500, 400, 600), "he")
    assert first.weight.std().item() == pytest.approx(np.sqrt(2 / 500), rel=0.02)
    assert last.weight.std().item() == pytest.approx(np.sqrt(2 / 1000), rel=0.02)


def test_a_field_is_the_weighted_sum_of_its_slots() -> None:
    torch.manual_seed(0)
    embedding = FieldEmbedding(10, 3, spread=1.0)
    rows, weights = torch.tensor([[4, 1, 1, 7]]), torch.tensor([[2.0, 0.5, 0.25, 0.0]])
    table = embedding.table.weight.detach().numpy()
    expected = [2 * table[4], 0.75 * table[1]]
    np.testing.assert_allclose(embedding(rows, weights, [1, 3]).detach().numpy()[0], expected, rtol=1e-6)
    assert embedding(rows[:, :0], weights[:, :0], []).shape == (1, 0, 3)


@pytest.mark.parametrize("kind", [torch.int32, torch.int64])
def test_the_gradient_of_a_field_goes_to_its_rows(kind: torch.dtype) -> None:
    """2,000 × 20 slots, several times what is spread in one go: each row gets weight times the gradient of its bag."""
    rng = np.random.default_rng(0)
    widths, n = (1, 12, 3, 4), 2_000
    rows, weights = rng.integers(0, 50, (n, 20)), rng.normal(size=(n, 20)).astype(np.float32)
    upstream = rng.normal(size=(n, 4, 3)).astype(np.float32)
    embedding, single = FieldEmbedding(50, 3, spread=1.0), FieldEmbedding(50, 1, spread=1.0)
    read, factors = torch.from_numpy(rows).to(kind), torch.from_numpy(weights)
    embedding(read, factors, widths).backward(torch.from_numpy(upstream))
    single.sum(read, factors).backward(torch.from_numpy(upstream[:, 0, 0]))
    field_of = np.repeat(np.arange(4), widths)
    expected, expected_single = np.zeros((50, 3)), np.zeros(50)
    for row in range(n):
        for slot in range(20):
            expected[rows[row, slot]] += weights[row, slot] * upstream[row, field_of[slot]]
            expected_single[rows[row, slot]] += weights[row, slot] * upstream[row, 0, 0]
    assert embedding.table.weight.grad is not None and single.table.weight.grad is not None
    np.testing.assert_allclose(embedding.table.weight.grad.numpy(), expected, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(single.table.weight.grad.numpy()[:, 0], expected_single, rtol=1e-4, atol=1e-3)


def test_the_causal_block_follows_its_formula() -> None:
    """Pre-norm attention with a causal mask and a feed-forward part, written out in NumPy."""
    torch.manual_seed(0)
    block, x = CausalBlock(8, 2, 3, 0.0).eval(), torch.randn(2, 5, 8)
    p = {name: value.detach().numpy().astype(np.float64) for name, value in block.named_parameters()}

    def norm(v: np.ndarray, name: str) -> np.ndarray:
        centred = v - v.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]

    def gelu(v: np.ndarray) -> np.ndarray:
        from scipy.special import erf

        return v * 0.5 * (1 + erf(v / np.sqrt(2)))

    expected = x.numpy().astype(np.float64)
    for b in range(2):
        own = expected[b]
        q, k, v = np.split(norm(own, "norm_attention") @ p["qkv.weight"].T + p["qkv.bias"], 3, axis=-1)
        mixed = np.zeros((5, 8))
        for head in range(2):
            part = slice(4 * head, 4 * head + 4)
            for t in range(5):
                logits = k[: t + 1, part] @ q[t, part] / np.sqrt(4)
                share = np.exp(logits) / np.exp(logits).sum()
                mixed[t, part] = share @ v[: t + 1, part]
        own = own + mixed @ p["out.weight"].T + p["out.bias"]
        inner = gelu(norm(own, "norm_forward") @ p["up.weight"].T + p["up.bias"])
        expected[b] = own + inner @ p["down.weight"].T + p["down.bias"]
    np.testing.assert_allclose(block(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)
