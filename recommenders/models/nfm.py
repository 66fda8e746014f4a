"""NFM: a network above the pooled pairs of a factorisation machine.

Idea
    A factorisation machine adds up its pairs and is done. Pool the pairs into a vector instead of a number, and let a
    network read it: interactions of higher order grow from those of second order, which already carry much, so a
    shallow network is enough.

Formula
    ŷ(x) = w₀ + Σ_i w_i x_i + f(x)        (Eq. 2)
    f_BI(V_x) = Σ_{i<j} x_i v_i ⊙ x_j v_j = ½ [(Σ_i x_i v_i)² − Σ_i (x_i v_i)²]        (Eq. 3, 4: O(F D))
    z_1 = σ_1(W_1 f_BI(V_x) + b_1), ..., z_L = σ_L(W_L z_{L−1} + b_L)        (Eq. 5)
    f(x) = hᵀ z_L        (Eq. 6), σ = ReLU
    Dropout on f_BI(V_x) (`pooling_dropout`) and on each hidden layer (`hidden_dropout`), as in Sec. 3.3; `dropout` of
    the embeddings is ours. Left out: the paper's batch normalisation. With "next" the item met and the items drawn pass
    in batches of their own, whose statistics would give away which is which.
    Loss: by `objective` (recommenders.feature_model).

Input
    Fields of recommenders.features. No bare user id.

Relations
    Without hidden layers and with h of ones it is FM. DeepFM keeps the pairs' sum beside a network that reads the
    embeddings side by side; this one reads D numbers, not F D, so its network is the smallest of the family and its
    speed hardly depends on the number of fields. AFM weighs the pairs before it adds them up.

When it fails
    Pooling mixes all pairs: the network can't tell which two fields met. Without batch normalisation it wants a modest
    learning rate.

Reference
    He & Chua, Neural Factorization Machines for Sparse Predictive Analytics (SIGIR 2017), arXiv:1708.05027.
"""

from dataclasses import dataclass
from itertools import pairwise as consecutive

from torch import Tensor, nn
from torch.nn import functional

from recommenders.contract import Count, Share
from recommenders.networks import (
    FeatureModel,
    Features,
    FieldConfig,
    FieldNetwork,
    Inputs,
    balanced,
    bi_interaction,
    rectified,
)


class NFM(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        hidden: tuple[Count, ...] = (32,)
        """Sizes of the layers above the pooled pairs; the paper does best with one."""
        pooling_dropout: Share = 0.2
        """Share of the pooled pairs' numbers dropped in training."""
        hidden_dropout: Share = 0.0
        """Share of each hidden layer's units dropped in training."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class Network(FieldNetwork):
    def __init__(self, features: Features, config: NFM.Config) -> None:
        super().__init__(features, config)
        sizes = (config.embedding_size, *config.hidden)
        self.layers = nn.ModuleList(rectified(inward, outward, config.start) for inward, outward in consecutive(sizes))
        self.h = balanced(sizes[-1], 1, config.start, bias=False)

    def head(self, x: Inputs) -> Tensor:
        z = bi_interaction([block.vectors for block in x.blocks])  # (B, C, D)
        z = functional.dropout(z, self.config.pooling_dropout, self.training)
        for layer in self.layers:
            z = functional.dropout(functional.relu(layer(z)), self.config.hidden_dropout, self.training)  # (B, C, H)
        return x.linear + self.h(z).squeeze(-1)
