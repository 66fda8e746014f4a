"""Layers that several models are made of."""

from collections.abc import Sequence

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


class FieldEmbedding(nn.Module):
    """One table for all fields; the embedding of a field is the weighted sum of its slots' rows."""

    def __init__(self, rows: int, size: int, *, spread: float) -> None:
        super().__init__()
        self.table = nn.Embedding(rows, size)
        nn.init.normal_(self.table.weight, std=spread)

    def forward(self, rows: Tensor, weights: Tensor, widths: Sequence[int]) -> Tensor:
        """(..., W) rows and weights, W the sum of the fields' widths (slots of each) -> (..., F, D)."""
        *leading, width = rows.shape
        n = rows.numel() // max(1, width)
        # One bag a field of a row: no tensor of (..., W, D) is made, forwards or backwards.
        firsts = torch.tensor([0, *widths[:-1]], dtype=rows.dtype, device=rows.device).cumsum(0, dtype=rows.dtype)
        offsets = torch.arange(n, dtype=rows.dtype, device=rows.device)[:, None] * width + firsts[: len(widths)]
        bags = functional.embedding_bag(
            rows.reshape(-1),
            self.table.weight,
            offsets.reshape(-1),
            mode="sum",
            per_sample_weights=weights.reshape(-1).to(self.table.weight.dtype),
        )
        return bags.view(*leading, len(widths), self.table.embedding_dim)

    def sum(self, rows: Tensor, weights: Tensor) -> Tensor:
        """(..., W) -> (...): the sum over all fields, of a table of single numbers (D = 1)."""
        return (self.table(rows).squeeze(-1) * weights).sum(dim=-1)


def pairwise(blocks: Sequence[Tensor]) -> Tensor:
    """Σ_{i<j} ⟨v_i, v_j⟩ over the fields of all blocks, as ½ Σ_d [(Σ_f v_fd)² − Σ_f v_fd²]: Rendle 2010, Lemma 3.1.

    Each block is (..., F_b, D) and their leading dimensions broadcast, so fields of B users and of C items meet as
    (B, 1, ...) and (1, C, ...) without being copied for every pair. Returns the broadcast leading dimensions.
    """
    total = sum(block.sum(dim=-2) for block in blocks)  # (..., D)
    squares = sum(block.square().sum(dim=(-2, -1)) for block in blocks)  # (...)
    assert isinstance(total, Tensor) and isinstance(squares, Tensor)
    return 0.5 * (total.square().sum(dim=-1) - squares)


def linear_of_blocks(layer: nn.Module, blocks: Sequence[Tensor]) -> Tensor:
    """The layer applied to the fields of all blocks side by side (..., F D) -> (..., H), where the blocks' leading
    dimensions broadcast as in `pairwise`: each block meets its part of the weights before the sizes multiply."""
    assert isinstance(layer, nn.Linear)
    return weights_of_blocks(layer.weight, blocks) + layer.bias


def weights_of_blocks(weight: Tensor, blocks: Sequence[Tensor]) -> Tensor:
    """weight (H, F D) times the fields of all blocks side by side, as `linear_of_blocks`: (..., H)."""
    widths = [block.shape[-2] * block.shape[-1] for block in blocks]
    parts = weight.split(widths, dim=1)
    hidden = sum(functional.linear(block.flatten(-2), part) for block, part in zip(blocks, parts, strict=True))
    assert isinstance(hidden, Tensor)
    return hidden


def bi_interaction(blocks: Sequence[Tensor]) -> Tensor:
    """Σ_{i<j} v_i ⊙ v_j over the fields of all blocks, as ½ [(Σ_f v_f)² − Σ_f v_f²]: He & Chua 2017, Eq. 3 and 4.

    Blocks as in `pairwise`, which is the sum of this over its last dimension. Returns (..., D).
    """
    total = sum(block.sum(dim=-2) for block in blocks)  # (..., D)
    squares = sum(block.square().sum(dim=-2) for block in blocks)  # (..., D)
    assert isinstance(total, Tensor) and isinstance(squares, Tensor)
    return 0.5 * (total.square() - squares)


def pairs_of_blocks(blocks: Sequence[Tensor]) -> list[Tensor]:
    """v_i ⊙ v_j of all pairs of fields: Xiao et al. 2017, Eq. 3. Blocks as in `pairwise`.

    First the pairs within each block, then those between two blocks, each (..., P, D) with the leading dimensions that
    its fields alone need.
    """
    products = []
    for block in blocks:
        if block.shape[-2] > 1:
            i, j = torch.triu_indices(block.shape[-2], block.shape[-2], offset=1, device=block.device)
            products.append(block[..., i, :] * block[..., j, :])
    for n, block in enumerate(blocks):
        for other in blocks[n + 1 :]:
            products.append((block[..., :, None, :] * other[..., None, :, :]).flatten(-3, -2))
    return products
