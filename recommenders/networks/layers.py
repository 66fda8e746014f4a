"""Layers that several models are made of."""

from collections.abc import Iterable, Sequence
from functools import cache, lru_cache, reduce
from itertools import pairwise as consecutive
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional


class CausalBlock(nn.Module):
    """One transformer block in which position t sees positions 0..t only (Vaswani et al. 2017, decoder without source).

    Norms stand before attention and before the feed-forward part (Xiong et al. 2020): it trains without long warm-up.
    """

    def __init__(self, size: int, heads: int, widening: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_attention, self.norm_forward = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, widening * size), nn.Linear(widening * size, size)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, D) -> (B, T, D)
        b, t, d = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, T, D / heads)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
        x = x + self._drop(self.out(mixed.transpose(1, 2).reshape(b, t, d)))
        return x + self._drop(self.down(functional.gelu(self.up(self.norm_forward(x)))))

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


Start = Literal["uniform", "he"]  # how the fresh weights of a linear layer are spread, see the next two functions


def rectified(inward: int, outward: int, start: Start, *, bias: bool = True) -> nn.Linear:
    """A linear layer that a ReLU follows. "uniform": torch's own start, U(±1/√inward), biases likewise. "he": weights
    from N(0, 2 / inward), 2.4 times as far, so that what passes through many layers keeps its size (He et al. 2015,
    Eq. 10), and biases 0."""
    layer = nn.Linear(inward, outward, bias=bias)
    if start == "he":
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        _without_bias(layer)
    return layer


def balanced(inward: int, outward: int, start: Start, *, bias: bool = True) -> nn.Linear:
    """A linear layer before tanh or nothing. "uniform": as above. "he": weights from N(0, 2 / (inward + outward)),
    between what keeps the size of values and of gradients (Glorot & Bengio 2010, Eq. 12), and biases 0."""
    layer = nn.Linear(inward, outward, bias=bias)
    if start == "he":
        nn.init.xavier_normal_(layer.weight)
        _without_bias(layer)
    return layer


def _without_bias(layer: nn.Linear) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def deep_part(sizes: Sequence[int], start: Start) -> nn.ModuleList:
    """Layers sizes[0] -> sizes[1] -> ... with a ReLU between each two and none after the last one."""
    *between, last = consecutive(sizes)
    return nn.ModuleList([*(rectified(*both, start) for both in between), balanced(*last, start)])


class FieldEmbedding(nn.Module):
    """One table for all fields; the embedding of a field is the weighted sum of its slots' rows."""

    def __init__(self, rows: int, size: int, *, spread: float) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, size)
        nn.init.normal_(self.table.weight, std=spread)

    def forward(self, rows: Tensor, weights: Tensor, widths: Sequence[int]) -> Tensor:
        """(..., W) rows and weights, W the sum of the fields' widths (slots of each) -> (..., F, D).

        The weights are data: no gradient is taken of them.
        """
        *leading, width = rows.shape
        table = self.table.weight
        if not width:
            return table.new_zeros((*leading, len(widths), self.table.embedding_dim))
        factors = weights.reshape(-1, width).to(table.dtype)
        bags: Tensor = _Bags.apply(table, rows.reshape(-1, width), factors, tuple(widths))
        return bags.view(*leading, len(widths), self.table.embedding_dim)

    def sum(self, rows: Tensor, weights: Tensor) -> Tensor:
        """(..., W) -> (...): the sum over all fields, of a table of single numbers (D = 1)."""
        # index_select, as its gradient is added up ten times quicker than an embedding's
        read = self.table.weight.view(-1).index_select(0, rows.reshape(-1)).view(rows.shape)
        return (read * weights).sum(dim=-1)


def weighted_rows(table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """table (R, D), rows and weights (..., W) -> (..., D): the sum of the rows times their weights, which are data."""
    *leading, width = rows.shape
    bags: Tensor = _Bags.apply(table, rows.reshape(-1, width), weights.reshape(-1, width), (width,))
    return bags.view(*leading, table.shape[1])


_SLOTS_AT_ONCE = 16_384  # whose gradients are spread in one go: they stay in the processor's cache


class _Bags(torch.autograd.Function):
    """torch's embedding_bag with a gradient of its own, which it adds up one sample at a time, five times slower."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, rows: Tensor, weights: Tensor, widths: tuple[int, ...]) -> Tensor:
        """(R, D) table, (n, W) rows and weights -> (n F, D): one bag a field of a row."""
        ctx.owner = _owners(widths, rows.device)
        ctx.save_for_backward(rows, weights)
        ctx.widths, ctx.size = widths, table.shape
        offsets = _offsets(len(rows), widths, rows.dtype, rows.device)
        return functional.embedding_bag(
            rows.reshape(-1), table, offsets, mode="sum", per_sample_weights=weights.reshape(-1)
        )

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        rows, weights = ctx.saved_tensors
        n, width = rows.shape
        size = ctx.size[1]
        of_bags = gradient.view(n, len(ctx.widths), size)
        total = gradient.new_zeros(ctx.size)
        step = max(1, _SLOTS_AT_ONCE // width)
        for bags, read, factors in zip(of_bags.split(step), rows.split(step), weights.split(step), strict=True):
            slots = bags.index_select(1, ctx.owner) * factors[..., None]  # (step, W, D)
            total.index_add_(0, read.reshape(-1).long(), slots.view(-1, size))  # three times quicker than by int32
        return total, None, None, None


@cache
def _owners(widths: tuple[int, ...], device: torch.device) -> Tensor:
    """(W,) the field of each slot."""
    return torch.repeat_interleave(torch.tensor(widths, dtype=torch.int64, device=device))


@lru_cache(maxsize=32)  # a training has one size of batch and a last one
def _offsets(n: int, widths: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """(n F,) the first slot of each field of each row."""
    counts = torch.tensor(widths, dtype=dtype, device=device)
    rows = torch.arange(0, n * sum(widths), sum(widths), dtype=dtype, device=device)
    return (rows[:, None] + counts.cumsum(0, dtype=dtype) - counts).flatten()


def added(parts: Iterable[Tensor]) -> Tensor:
    """The sum of tensors that broadcast. One alone is returned as it is, where `sum` would add it to 0: a copy."""
    return reduce(torch.add, parts)


def pairwise(blocks: Sequence[Tensor]) -> Tensor:
    """Σ_{i<j} ⟨v_i, v_j⟩ over the fields of all blocks, as ½ Σ_d [(Σ_f v_fd)² − Σ_f v_fd²]: Rendle 2010, Lemma 3.1.

    Each block is (..., F_b, D) and their leading dimensions broadcast, so fields of B users and of C items meet as
    (B, 1, ...) and (1, C, ...) without being copied for every pair. Returns the broadcast leading dimensions.
    """
    total = added(block.sum(dim=-2) for block in blocks)  # (..., D)
    squares = added(block.square().sum(dim=(-2, -1)) for block in blocks)  # (...)
    return 0.5 * (total.square().sum(dim=-1) - squares)


def linear_of_blocks(layer: nn.Module, blocks: Sequence[Tensor]) -> Tensor:
    """The layer applied to the fields of all blocks side by side (..., F D) -> (..., H), where the blocks' leading
    dimensions broadcast as in `pairwise`: each block meets its part of the weights before the sizes multiply."""
    assert isinstance(layer, nn.Linear)
    if len(blocks) == 1:  # product and bias in one call
        return functional.linear(blocks[0].flatten(-2), layer.weight, layer.bias)
    return weights_of_blocks(layer.weight, blocks) + layer.bias


def weights_of_blocks(weight: Tensor, blocks: Sequence[Tensor]) -> Tensor:
    """weight (H, F D) times the fields of all blocks side by side, as `linear_of_blocks`: (..., H)."""
    widths = [block.shape[-2] * block.shape[-1] for block in blocks]
    parts = weight.split(widths, dim=1)
    return added(functional.linear(block.flatten(-2), part) for block, part in zip(blocks, parts, strict=True))


def bi_interaction(blocks: Sequence[Tensor]) -> Tensor:
    """Σ_{i<j} v_i ⊙ v_j over the fields of all blocks, as ½ [(Σ_f v_f)² − Σ_f v_f²]: He & Chua 2017, Eq. 3 and 4.

    Blocks as in `pairwise`, which is the sum of this over its last dimension. Returns (..., D).
    """
    total = added(block.sum(dim=-2) for block in blocks)  # (..., D)
    squares = added(block.square().sum(dim=-2) for block in blocks)  # (..., D)
    return 0.5 * (total.square() - squares)
