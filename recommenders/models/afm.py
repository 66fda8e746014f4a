"""AFM: a factorisation machine that learns how much each pair matters.

Idea
    A factorisation machine counts all pairs of features alike, useful or not. Let a small network look at each pair and
    say how much attention it deserves; the pairs are added up by these weights.

Formula
    e_ij = (v_i ⊙ v_j) x_i x_j        for all pairs of fields        (Eq. 3)
    a'_ij = hᵀ ReLU(W e_ij + b),  a_ij = exp(a'_ij) / Σ exp(a')        softmax over all pairs        (Eq. 6)
    ŷ(x) = w_0 + Σ_i w_i x_i + pᵀ Σ_{i<j} a_ij e_ij        (Eq. 7)
    W is (attention_size, D); h, b, p are vectors. Dropout of the numbers of each e_ij (`pair_dropout`), L2 on W, λ‖W‖²
    with λ = `attention_decay` (Eq. 9; there ‖W‖² is the penalty of the squared loss, here of each `objective`).
    `dropout` of the embeddings is ours. p starts at the number of pairs in each component, so that training starts at
    an ordinary factorisation machine whose pairs count alike.
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

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.config import Count, NotNegative, Share
from recommenders.feature_model import FeatureModel, FieldConfig, FieldNetwork, Inputs
from recommenders.features import Features
from recommenders.layers import pairs_of_blocks


class AFM(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        attention_size: Count = 16
        """Hidden units of the network that weighs the pairs."""
        pair_dropout: Share = 0.2
        """Share of the numbers of each pair's product dropped in training."""
        attention_decay: NotNegative = 1e-3
        """λ: how strongly the attention's matrix W is held small."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class Network(FieldNetwork):
    def __init__(self, features: Features, config: AFM.Config) -> None:
        super().__init__(features, config)
        pairs = len(self.fields) * (len(self.fields) - 1) // 2
        self.attention = nn.Linear(config.embedding_size, config.attention_size)  # W, b
        self.h = nn.Linear(config.attention_size, 1, bias=False)
        self.p = nn.Parameter(torch.full((config.embedding_size,), float(pairs)))

    def head(self, x: Inputs) -> Tensor:
        logits, values = [], []
        for product in pairs_of_blocks([block.vectors for block in x.blocks]):  # (b, c, P, D)
            product = functional.dropout(product, self.config.pair_dropout, self.training)
            logits.append(self.h(functional.relu(self.attention(product))).squeeze(-1))  # (b, c, P)
            values.append(product @ self.p)
        if not logits:  # one field, no pair
            return x.linear
        weights = _side_by_side(logits).softmax(dim=-1)  # (B, C, all pairs)
        return x.linear + (weights * _side_by_side(values)).sum(dim=-1)

    def penalty(self, x: Inputs) -> Tensor:
        decay: float = self.config.attention_decay
        return decay * self.attention.weight.square().sum()


def _side_by_side(parts: list[Tensor]) -> Tensor:
    """Each (b, c, P_n), b and c broadcasting, -> (B, C, Σ P_n)."""
    if len(parts) == 1:
        return parts[0]
    leading = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))
    return torch.cat([part.expand(*leading, -1) for part in parts], dim=-1)
