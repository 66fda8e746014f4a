"""Deep & Cross: a polynomial of all features with few weights, beside a deep network.

Idea
    Each cross layer multiplies the input once more with itself, so L layers hold products of up to L + 1 features, with
    weights that grow with L times the input's width only. A deep network beside it learns what isn't a polynomial.

Formula
    x_0 = [e_1, ..., e_F], e_f the embedding of field f        (embedding and stacking, Eq. 1 and 2)
    x_{l+1} = x_0 x_lᵀ w_l + b_l + x_l        (cross layer, Eq. 3)
    h_{l+1} = max(0, W_l h_l + b_l), h_0 = x_0        (deep network, Eq. 4)
    ŷ = [x_L, h_L]ᵀ w        (Eq. 5; σ of it for clicks)
    Computed without any x_l: as x_lᵀ w_l is one number, x_l = α_l x_0 + β_l with α_0 = 1, β_0 = 0,
    α_{l+1} = α_l + α_l x_0ᵀ w_l + β_lᵀ w_l and β_{l+1} = β_l + b_l. So all that is needed of x_0 are its products with
    w_0, ..., w_{L-1} and with the cross network's part of w: one narrow matrix product, O(F D) for each layer.
    Loss: by `objective` (recommenders.feature_model); the paper's is log loss, "click".

Input
    Fields of recommenders.features. A numeric field's e_f is its value times a learnt vector (the paper stacks the bare
    value), so that fields of users and of candidates are read apart and meet in the narrow product alone.

Relations
    deepfm holds all pairs, and nothing higher, by dot products of the fields' embeddings; here the degree grows with
    the layers, and features meet number by number, but every x_l is x_0 times a number, plus a constant. deep_crossing
    leaves all crossing to its layers.

When it fails
    A multiple of x_0 is narrow: with wide inputs the cross network adds little to the deep one (what its second version
    widens). The exact order of a history is lost.

Reference
    Wang et al., Deep & Cross network for ad click predictions (ADKDD 2017), arXiv:1708.05123. That x_l is a multiple of
    x_0 was pointed out by Lian et al., xDeepFM (KDD 2018), Theorem 3.1, for layers without b_l.
"""

from dataclasses import dataclass
from itertools import pairwise as consecutive

import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.contract import Count
from recommenders.networks import (
    FeatureModel,
    Features,
    FieldConfig,
    FieldNetwork,
    Inputs,
    balanced,
    linear_of_blocks,
    rectified,
    weights_of_blocks,
)


class DeepAndCross(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        crosses: Count = 3
        """L: cross layers."""
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the deep network's layers."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class Network(FieldNetwork):
    linear = False

    def __init__(self, features: Features, config: DeepAndCross.Config) -> None:
        super().__init__(features, config)
        self.cross = balanced(self.size, config.crosses, config.start, bias=False)  # row l is w_l
        self.offset = nn.Parameter(torch.zeros(config.crosses, self.size))  # row l is b_l
        sizes = (self.size, *config.hidden)
        self.deep = nn.ModuleList(rectified(inward, outward, config.start) for inward, outward in consecutive(sizes))
        self.top = balanced(self.size, 1, config.start, bias=False)  # w of Eq. 5, the part of x_L
        self.top_deep = balanced(sizes[-1], 1, config.start, bias=False)  # the part of h_L

    def head(self, x: Inputs) -> Tensor:
        blocks = [block.vectors for block in x.blocks]  # each (b, c, F, D)
        return self.crossed(blocks) + self.deepened(blocks)

    def crossed(self, blocks: list[Tensor]) -> Tensor:
        """The part of x_L in ŷ: (B, C)"""
        w, top = self.cross.weight, self.top.weight  # (L, F D), (1, F D)
        products = weights_of_blocks(torch.cat([w, top]), blocks)  # (B, C, L + 1): x_0ᵀ w_l, and x_0ᵀ w
        beta = functional.pad(self.offset.cumsum(dim=0), (0, 0, 1, 0))  # (L + 1, F D): row l is β_l
        constants = torch.cat([(beta[:-1] * w).sum(dim=1), beta[-1:] @ top[0]])  # (L + 1,): β_lᵀ w_l, and β_Lᵀ w
        alpha = torch.ones_like(products[..., 0])
        for layer in range(len(w)):
            alpha = alpha * (1 + products[..., layer]) + constants[layer]
        return alpha * products[..., -1] + constants[-1]

    def deepened(self, blocks: list[Tensor]) -> Tensor:
        """The part of h_L in ŷ: (B, C)"""
        first, *others = self.deep
        hidden = functional.relu(linear_of_blocks(first, blocks))
        for layer in others:
            hidden = functional.relu(layer(hidden))
        return self.top_deep(hidden).squeeze(-1)
