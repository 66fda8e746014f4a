"""PNN: a product layer between the embeddings and a deep network.

Idea
    Layers add features up, where "and" is a product. So all products of two fields' embeddings are computed first, and
    the network reads them beside the embeddings themselves.

Formula
    f_1, ..., f_F: the fields' embeddings        (Eq. 9)
    z = [f_1, ..., f_F],  p = {g(f_i, f_j)}        (Eq. 6, 7)
    inner (IPNN): g = ⟨f_i, f_j⟩, one number for each pair i < j        (Sec. III-B)
    outer (OPNN): p = Σ_i Σ_j f_i f_jᵀ = f_Σ f_Σᵀ with f_Σ = Σ_i f_i, all outer products superposed        (Eq. 14)
    l_1 = ReLU(l_z + l_p + b_1),  l_z^n = W_z^n ⊙ z,  l_p^n = W_p^n ⊙ p        (Eq. 3 to 5; A ⊙ B: Σ A_ij B_ij)
    l_2 = ReLU(W_2 l_1 + b_2), ...;  ŷ = W_3 l_2 + b_3        (Eq. 1, 2; σ of it for clicks)
    p is symmetric: each of its numbers is read once. ⟨f_i, f_i⟩ is left out, as it says nothing of how
    fields meet. W_p is read whole, without the paper's factorisation θθᵀ: with tens of fields it is small.
    Loss: by `objective` (recommenders.feature_model); the paper's is log loss, "click".

Input
    Fields of recommenders.features. `product` says which products are read: "inner", "outer" or "both".

Relations
    fm adds the inner products up, deepfm does so beside the network; here each product has weights of its own into the
    network. nfm reads Σ_{i<j} f_i ⊙ f_j, which is the superposition's diagonal but for squares. afm weighs the pairs.

When it fails
    The products grow with the square of the number of fields; the superposition doesn't, but can't tell which fields a
    product comes from. The exact order of a history is lost.

Reference
    Qu et al., Product-based neural networks for user response prediction (ICDM 2016), arXiv:1611.00144.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from recommenders.contract import Count
from recommenders.networks import (
    FeatureModel,
    Features,
    FieldConfig,
    FieldNetwork,
    Inputs,
    deep_part,
    linear_of_blocks,
    rectified,
)


class PNN(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        product: Literal["inner", "outer", "both"] = "inner"
        """Which products of embeddings are read: "inner" is IPNN, "outer" OPNN."""
        first: Count = 32
        """Size of the layer over embeddings and products, l_1."""
        hidden: tuple[Count, ...] = (16,)
        """Sizes of the layers above it."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class Network(FieldNetwork):
    linear = False
    number: Tensor
    upper: Tensor

    def __init__(self, features: Features, config: PNN.Config) -> None:
        super().__init__(features, config)
        f, d = len(self.fields), config.embedding_size
        number = torch.zeros(f, f, dtype=torch.int64)  # [i, j], i < j: which of the products ⟨f_i, f_j⟩ is
        number.view(-1)[_upper(f, 1)] = torch.arange(f * (f - 1) // 2)
        self.register_buffer("number", number, persistent=False)
        self.register_buffer("upper", _upper(d, 0), persistent=False)
        self.plain = rectified(self.size, config.first, config.start)  # W_z and b_1
        if config.product != "outer":
            self.inner = rectified(
                f * (f - 1) // 2, config.first, config.start, bias=False
            )  # W_p of the inner products
        if config.product != "inner":
            self.outer = rectified(
                len(self.upper), config.first, config.start, bias=False
            )  # W_p of the superposed outer products
        self.deep = deep_part((config.first, *config.hidden, 1), config.start)

    def head(self, x: Inputs) -> Tensor:
        blocks = [block.vectors for block in x.blocks]  # each (b, c, F, D)
        hidden = linear_of_blocks(self.plain, blocks)  # (B, C, H)
        if self.config.product != "outer":
            hidden = hidden + self.inner_signal(blocks)
        if self.config.product != "inner":
            total = sum((v.sum(dim=-2) for v in blocks[1:]), start=blocks[0].sum(dim=-2))  # (B, C, D)
            hidden = hidden + self.outer(self.superposed(total))
        for layer in self.deep:
            hidden = layer(functional.relu(hidden))
        return hidden.squeeze(-1)

    def inner_signal(self, blocks: list[Tensor]) -> Tensor:
        """l_p of the inner products: (B, C, H). What is read of users alone, or of candidates alone, meets its own kind
        and its weights before the sizes multiply."""
        parts: list[tuple[Tensor, Tensor]] = []  # products (b, c, P'), and their numbers (P',)
        start = 0
        for n, one in enumerate(blocks):
            own = self.number[start : (after := start + one.shape[-2]), start:after]
            upper = _upper(len(own), 1).to(own.device)
            parts.append(((one @ one.mT).flatten(-2).index_select(-1, upper), own.flatten()[upper]))
            for other in blocks[n + 1 :]:
                numbers = self.number[start : start + one.shape[-2], after : (end := after + other.shape[-2])]
                parts.append((torch.einsum("bcfd,bcgd->bcfg", one, other).flatten(-2), numbers.flatten()))
                after = end
            start += one.shape[-2]
        weight = self.inner.weight
        whole = len(blocks) == 1  # then the numbers are all, in order
        signals = [functional.linear(p, weight if whole else weight.index_select(1, numbers)) for p, numbers in parts]
        return sum(signals[1:], start=signals[0])

    def superposed(self, total: Tensor) -> Tensor:
        """f_Σ f_Σᵀ on and above its diagonal: (B, C, D) -> (B, C, D (D + 1) / 2)."""
        return (total[..., :, None] * total[..., None, :]).flatten(-2).index_select(-1, self.upper)


def _upper(n: int, above: int) -> Tensor:
    """Where the entries on or above the diagonal lie in a flat n × n matrix."""
    i, j = torch.triu_indices(n, n, above)
    return i * n + j
