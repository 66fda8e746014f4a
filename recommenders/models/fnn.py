"""FNN: a network whose first layer is a trained factorisation machine.

Idea
    A network on sparse features has most of its weights in the first layer, where most see few examples. A
    factorisation machine learns exactly such weights well. So train one first, take its weights and vectors as the
    embeddings, and train the network on top of them, embeddings included.

Formula
    z_f = (w_f, v_f¹, ..., v_f^D) x        for each field f        (Eq. 4)
    l_1 = tanh(W_1 [w_0, z_1, ..., z_F] + b_1),  l_2 = tanh(W_2 l_1 + b_2)        (Eq. 2, 3)
    ŷ = W_3 l_2 + b_3        (Eq. 1 is σ(ŷ); σ belongs to the loss here)
    with w and v from a factorisation machine (Eq. 5) trained on the same data and objective for `fm_epochs`. w_0 is one
    constant for all rows, so it is part of b_1 here and not an input of its own. The paper also pre-trains W_1 and W_2,
    as restricted Boltzmann machines, and optimises by plain gradient descent; here they start at random, with AdamW.
    Loss: by `objective` (recommenders.feature_model).

Input
    Fields of recommenders.features. No bare user id.

Relations
    DeepFM trains machine and network together and adds both up; here the machine is only the start and has no say of
    its own later. PNN puts the products themselves before the network instead of the vectors that make them.

When it fails
    What the machine can't learn, the vectors don't hold, and the network has to learn it late. Two trainings take the
    time of two. An embedding that moves far in the second training forgets the first.

Reference
    Zhang, Du & Wang, Deep Learning over Multi-field Categorical Data (ECIR 2016), arXiv:1601.02376.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise as consecutive
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.progress import Progress
from recommenders.contract import Count
from recommenders.data import Dataset, UserState
from recommenders.networks import (
    FactorisationMachine,
    FeatureModel,
    Features,
    FieldConfig,
    FieldEmbedding,
    FieldNetwork,
    Inputs,
    Loss,
    balanced,
    linear_of_blocks,
)


class FNN(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the network's layers."""
        fm_epochs: Count = 3
        """Epochs of the factorisation machine, before the `epochs` of the network."""

    module: "Network"
    _machine: "_Machine | None" = None  # the trained factorisation machine, while the network is made from it

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        c: FNN.Config = self.config
        steps = math.ceil(len(data.interactions) / c.batch_size)
        first, second = steps * c.fm_epochs, steps * c.epochs
        own = {f.name: getattr(c, f.name) for f in fields(FieldConfig)}
        self._machine = _Machine(FieldConfig(**{**own, "epochs": c.fm_epochs}), self._features).fit(
            data,
            valid=valid,
            rated=self._rated,
            progress=lambda done, _, what: progress(done, first + second, f"{what}: factorisation machine"),
            checkpoint=checkpoint and checkpoint / "machine",  # trained already, it is read and nothing more
        )
        super()._fit(
            data,
            valid=valid,
            progress=lambda done, _, what: progress(first + done, first + second, what),
            checkpoint=checkpoint,
        )
        before = self._machine.curve
        self.curve = [
            *before,
            *(
                replace(e, number=len(before) + e.number, cpu_seconds=before[-1].cpu_seconds + e.cpu_seconds)
                for e in self.curve
            ),
        ]
        self._machine = None

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        rows, loss = super()._prepare(data)
        if self._machine is not None:
            self.module.begin_with(self._machine.module)
        return rows, loss

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class _Machine(FeatureModel):
    """The factorisation machine that is trained first."""

    Config = FieldConfig

    def __init__(self, config: FieldConfig, features: Callable[[Dataset], Features]) -> None:
        super().__init__(config)
        self._read = features

    def _features(self, data: Dataset) -> Features:
        return self._read(data)

    def _build(self) -> FactorisationMachine:
        return FactorisationMachine(self.features, self.config)


class Network(FieldNetwork):
    linear = False  # the weights w are the first column of the vectors

    def __init__(self, features: Features, config: FNN.Config) -> None:
        super().__init__(features, config)
        self.vectors = FieldEmbedding(features.rows, 1 + config.embedding_size, spread=config.spread)
        sizes = (len(self.fields) * (1 + config.embedding_size), *config.hidden, 1)
        self.layers = nn.ModuleList(balanced(inward, outward, config.start) for inward, outward in consecutive(sizes))

    @torch.no_grad()
    def begin_with(self, machine: FieldNetwork) -> None:
        """Take the weights and vectors of a trained factorisation machine on the same fields."""
        both = torch.cat([machine.weights.table.weight, machine.vectors.table.weight], dim=1)  # (rows, 1 + D)
        self.vectors.table.weight.copy_(both)

    def head(self, x: Inputs) -> Tensor:
        first, *others = self.layers
        hidden = linear_of_blocks(first, [block.vectors for block in x.blocks])  # (B, C, H)
        for layer in others:
            hidden = layer(functional.tanh(hidden))
        return hidden.squeeze(-1)
