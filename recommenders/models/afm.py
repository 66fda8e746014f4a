"""AFM: a factorisation machine that learns how much each pair matters.

Idea
    A factorisation machine counts all pairs of features alike, useful or not. Let a small network look at each pair and
    say how much attention it deserves; the pairs are added up by these weights.

Formula
    e_ij = (v_i ⊙ v_j) x_i x_j        for all pairs of fields        (Eq. 3)
    a'_ij = hᵀ ReLU(W e_ij + b),  a_ij = exp(a'_ij) / Σ exp(a')        softmax over all pairs        (Eq. 6)
    ŷ(x) = w_0 + Σ_i w_i x_i + pᵀ Σ_{i<j} a_ij e_ij        (Eq. 7)
    W is (attention_size, D); h, b, p are vectors. Dropout on the pairs (`pair_dropout`: whole pairs, so that products
    of user and item fields need not be made one by one), L2 on W, λ‖W‖² with λ = `attention_decay` (Eq. 9; there it
    joins the squared loss, here each `objective`). `dropout` of the embeddings is ours. p starts at the number of pairs
    in each component, so that training starts near an ordinary factorisation machine, whose pairs count alike.
    Loss: by `objective` (recommenders.feature_model).

Input
    Fields of recommenders.features. No bare user id.

Relations
    FM is this with all weights alike. NFM puts its network above the pooled pairs, DeepFM beside them; here the network
    only weighs, and what it weighs can be read off. DIN's attention looks at the items of a history, this at pairs of
    fields.

When it fails
    F (F − 1) / 2 pairs for every candidate: it slows down with the square of the number of fields, so it is best given
    few (`fields`). The weights of a softmax compete: many useful pairs thin each other out.

Reference
    Xiao et al., Attentional Factorization Machines: Learning the Weight of Feature Interactions via Attention Networks
    (IJCAI 2017), arXiv:1708.04617.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.contract import Count, NotNegative, Share
from recommenders.networks import FeatureModel, Features, FieldConfig, FieldNetwork, Inputs, balanced, rectified


class AFM(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        attention_size: Count = 8
        """Hidden units of the network that weighs the pairs."""
        pair_dropout: Share = 0.2
        """Share of the pairs dropped in training."""
        attention_decay: NotNegative = 1e-3
        """λ: how strongly the attention's matrix W is held small."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class Network(FieldNetwork):
    def __init__(self, features: Features, config: AFM.Config) -> None:
        super().__init__(features, config)
        pairs = len(self.fields) * (len(self.fields) - 1) // 2
        self.attention = rectified(config.embedding_size, config.attention_size, config.start)  # W, b
        self.h = balanced(config.attention_size, 1, config.start, bias=False)
        self.p = nn.Parameter(torch.full((config.embedding_size,), float(pairs)))

    def head(self, x: Inputs) -> Tensor:
        blocks = [block.vectors for block in x.blocks]
        pairs = [self._within(block) for block in blocks] + [self._between(a, b) for a, b in combinations(blocks, 2)]
        logits, values = (_side_by_side(parts) for parts in zip(*pairs, strict=True))  # each (B, C, all pairs)
        weights = functional.dropout(logits.softmax(dim=-1), self.config.pair_dropout, self.training)
        return x.linear + (weights * values).sum(dim=-1)

    def _within(self, block: Tensor) -> tuple[Tensor, Tensor]:
        """a'_ij and pᵀe_ij, each (b, c, P), of the pairs of one block (b, c, F, D)."""
        i, j = torch.triu_indices(block.shape[-2], block.shape[-2], offset=1, device=block.device)
        products = block[..., i, :] * block[..., j, :]  # (b, c, P, D)
        return self.h(functional.relu(self.attention(products))).squeeze(-1), products @ self.p

    def _between(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """The same of the pairs of a field of one block with a field of another.

        W (v_i ⊙ v_j) = (W ⊙ v_i) v_j: scaling W by the fields of B users and multiplying by those of C items is one
        matrix product, where the products themselves would be B C F F' vectors. b rides along as a further component.
        """
        scaled = a[..., None, :] * self.attention.weight  # (b, c, F, A, D)
        bias = self.attention.bias[:, None].expand(*scaled.shape[:-1], 1)
        ones = b.new_ones(()).expand(*b.shape[:-1], 1)
        hidden = torch.einsum(
            "bcfad, bcgd -> bcfag", torch.cat([scaled, bias], dim=-1), torch.cat([b, ones], dim=-1)
        )  # (B, C, F, A, F')
        logits = torch.einsum("bcfag, a -> bcfg", functional.relu(hidden), self.h.weight[0])
        values = torch.einsum("bcfd, bcgd -> bcfg", a * self.p, b)
        return logits.flatten(-2), values.flatten(-2)

    def penalty(self, x: Inputs) -> Tensor:
        decay: float = self.config.attention_decay
        return decay * self.attention.weight.square().sum()


def _side_by_side(parts: Sequence[Tensor]) -> Tensor:
    """Each (b, c, P_n), b and c broadcasting, -> (B, C, Σ P_n)."""
    if len(parts) == 1:
        return parts[0]
    leading = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return torch.cat([part.expand(*leading, -1) for part in parts], dim=-1)
