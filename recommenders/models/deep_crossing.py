"""Deep Crossing: embedded and raw features side by side, crossed by residual units.

Idea
    Instead of crossing features by hand, embed each, lay all side by side, and let a deep network cross them. Residual
    units make that depth trainable: each only learns what to change about its input.

Formula
    X_j = max(0, W_j X_j^I + b_j) for a categorical, multi-valued or sequence field j        (Eq. 2), or without
    `rectified_embeddings` X_j = W_j X_j^I
    X^0 = [X_1, ..., X_K, numbers]        (stacking; numbers bypass the embedding, Sec. 4.2)
    X^(l+1) = max(0, X^l + W_1 max(0, W_0 X^l + b_0) + b_1)        (residual unit, Eq. 4 and Fig. 2)
    ŷ = w X^L + b        (scoring; σ of it for clicks)
    Loss: by `objective` (recommenders.feature_model); the paper's is log loss, "click".

Input
    Fields of recommenders.features; W_j X_j^I is the weighted sum of a field's rows in the embedding table. Numeric
    fields (length and mean rating of the history, popularity, how genres and year suit each other) enter as they are.

Relations
    A plain network over embeddings, but for the residual units; deepfm and pnn add products of embeddings to such a
    network, deep_and_cross an explicit polynomial: here all crossing is left to the layers.

When it fails
    Layers learn products of features only approximately, from many rows: on little data the siblings with explicit
    products get there sooner. The exact order of a history is lost.

Reference
    Shan et al., Deep Crossing: web-scale modeling without manually crafted combinatorial features (KDD 2016).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.contract import Count
from recommenders.networks import FeatureModel, Features, FieldConfig, FieldNetwork, Inputs, Start, balanced, rectified


class DeepCrossing(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        hidden: tuple[Count, ...] = (32, 16)
        """Inner sizes of the residual units, one each."""
        rectified_embeddings: bool = True
        """Whether embeddings go through max(0, · + b) before they are stacked, as the paper's do (Eq. 2). The units
        rectify what they add up anyway; with user ids among the fields it costs AUC (docs/lab-log.md)."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class Residual(nn.Module):
    """(..., n) -> (..., n), with `hidden` units inside."""

    def __init__(self, size: int, hidden: int, start: Start) -> None:
        super().__init__()
        self.up, self.down = rectified(size, hidden, start), rectified(hidden, size, start)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(x + self.down(functional.relu(self.up(x))))


class Network(FieldNetwork):
    linear = False
    embedded: Tensor

    def __init__(self, features: Features, config: DeepCrossing.Config) -> None:
        super().__init__(features, config)
        embedded = [n for n, field in enumerate(self.fields) if field.kind != "numeric"]
        self.numeric = len(self.fields) - len(embedded)
        self.register_buffer("embedded", torch.tensor(embedded), persistent=False)
        if config.rectified_embeddings:
            self.offset = nn.Parameter(torch.zeros(len(embedded), config.embedding_size))  # b_j of Eq. 2
        size = len(embedded) * config.embedding_size + self.numeric
        self.units = nn.ModuleList(Residual(size, hidden, config.start) for hidden in config.hidden)
        self.top = balanced(size, 1, config.start)

    def head(self, x: Inputs) -> Tensor:
        hidden = self.stack(x)
        for unit in self.units:
            hidden = unit(hidden)
        return self.top(hidden).squeeze(-1)

    def stack(self, x: Inputs) -> Tensor:
        """X^0: (B, C, embedded fields × D + numeric fields)"""
        vectors = x.vectors.index_select(-2, self.embedded) if self.numeric else x.vectors
        if self.config.rectified_embeddings:
            vectors = functional.relu(vectors + self.offset)
        stacked = vectors.flatten(-2)
        return torch.cat([stacked, x.numbers()], dim=-1) if self.numeric else stacked
