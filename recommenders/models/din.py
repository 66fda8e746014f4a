"""DIN: the history is read anew for each candidate, by attention that is not made to sum to 1.

Idea
    Who looks at a thriller has thrillers in mind, whatever else they like: of a diverse history only what suits the
    candidate should speak. So each history item is weighed by how it meets the candidate, and the strength of an
    interest is kept: weights are not normalised, many suitable items give a longer vector than few.

Formula
    v_U(A) = Σ_l a(e_l, v_A) e_l        (Eq. 3)
    a(e, v) = w · Dice(W [e, v, e − v, e ⊙ v] + b): the activation unit, no softmax over l        (Fig. 2, Sec. 4.3)
    Dice(s) = p(s) s + (1 − p(s)) α s,  p(s) = σ((s − E[s]) / √(Var[s] + ε))        (Sec. 5.2)
    with mean and variance of the batch in training, moving ones afterwards
    ŷ = a network with Dice over [e_1, ..., e_F, v_U(A)]
    Mini-batch aware regularisation: λ/2 Σ_j α_mj / n_j ‖w_j‖² is added to the loss of batch m, α_mj = 1 where item row
    j occurs in it, n_j how often it occurs in all of them        (Sec. 5.1)
    Computed with v's part of the unit's first layer, and e's, once each: W [e, v, e − v, e ⊙ v] = (W_1 + W_3) e +
    (W_2 − W_3) v + W_4 (e ⊙ v).
    Here besides: the rating of a history item stands in the unit and beside e_l in the sum; so does, in the unit, the
    number of newer items (`places`). In training for "next" candidates come in two parts, the wanted and the drawn:
    Dice takes the moving mean and variance for both then, or each part's own would tell them apart.
    Loss: by `objective` (recommenders.feature_model); the paper's is log loss, "click".

Input
    Fields of recommenders.features, and the latest history items as vectors (recommenders.behaviours): item and genres,
    from the same rows of the embedding table as the candidate's.

Relations
    The other networks over fields see a history as its mean, whatever the candidate. dien reads it in order before it
    attends. sasrec attends among the items of a history, not to the candidate, so it ranks a whole catalogue at once.

When it fails
    The order of the history is lost but for `places`. A pass over the history for each candidate: a ranker, no
    generator.

Reference
    Zhou et al., Deep interest network for click-through rate prediction (KDD 2018), arXiv:1706.06978.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.contract import Count, NotNegative
from recommenders.networks import (
    BehaviourConfig,
    BehaviourNetwork,
    Behaviours,
    Block,
    FeatureModel,
    Features,
    Histories,
    Inputs,
    Start,
    balanced,
    deep_part,
    linear_of_blocks,
    rectified,
)


class DIN(FeatureModel):
    pairs_at_once: ClassVar[int] = 8_192

    @dataclass(frozen=True)
    class Config(BehaviourConfig):
        attention: Count = 32
        """Hidden units of the activation unit."""
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the network's layers."""
        places: bool = True
        """Whether the activation unit also reads how many newer items there are; the paper's doesn't."""
        regularisation: NotNegative = 0.0
        """λ of the mini-batch aware regularisation."""

    def _build(self) -> "Network":
        return Network(self.features, self.config, self._scale)


EPSILON = 1e-8


class Dice(nn.Module):
    """(..., K) -> (..., K). With `moving` training normalises by the moving statistics as well."""

    count: Tensor
    mean: Tensor
    variance: Tensor

    def __init__(self, size: int, *, moving: bool) -> None:
        super().__init__()
        self.moving = moving
        self.alpha = nn.Parameter(torch.zeros(size))
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("variance", torch.ones(size))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))  # batches so far

    def forward(self, s: Tensor) -> Tensor:
        flat = s.flatten(0, -2)
        training = self.training and len(flat) > 1
        first = training and not self.count.item()
        if training and self.moving:
            # A moving mean of thousands of rows is as good as one of a million, and costs nothing.
            with torch.no_grad():
                variance, mean = torch.var_mean(flat[:: max(1, len(flat) // 4096)], dim=0)
                share = 1.0 if first else 0.02
                self.mean, self.variance = self.mean.lerp(mean, share), self.variance.lerp(variance, share)
        if training:
            self.count += 1
        batch = training and not self.moving
        y = _Dice.apply(flat, self.alpha, self.mean, self.variance, batch, 1.0 if first else 0.1)
        assert isinstance(y, Tensor)
        return y.view_as(s)


class _Dice(torch.autograd.Function):
    """Dice with its gradient written out: half the passes over memory, which is all that it costs."""

    @staticmethod
    def forward(
        ctx: Any, s: Tensor, alpha: Tensor, mean: Tensor, variance: Tensor, batch: bool, momentum: float
    ) -> Tensor:
        """(N, K) s, (K,) alpha, moving mean and variance, which `batch` moves on: then s is normalised by its own."""
        normed, *own = torch.native_batch_norm(s, None, None, mean, variance, batch, momentum, EPSILON)
        p = normed.sigmoid_()
        slope = torch.addcmul(alpha, p, 1 - alpha)
        ctx.save_for_backward(s, alpha, p, slope, *(own if batch else (mean.clone(), variance.clone())))
        ctx.batch = batch
        return slope * s

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        s, alpha, p, slope, mean, spread = ctx.saved_tensors
        through = gradient * s
        ones = s.new_ones(len(s))
        of_alpha = ones @ through - ones @ (through * p)
        of_normed = torch.ops.aten.sigmoid_backward(through, p).mul_(1 - alpha)
        if not ctx.batch:
            scale = (spread + EPSILON).rsqrt()
            return of_normed.mul_(scale).addcmul_(gradient, slope), of_alpha, None, None, None, None
        # Besides, s moves its own mean and variance: less mean(∂n) and n mean(∂n n), with n = (s − mean) spread.
        first = ones @ of_normed / len(s)
        second = (ones @ torch.mul(of_normed, s, out=through) / len(s) - mean * first) * spread.square()
        of_s = torch.addcmul((mean * second - first) * spread, s, -second * spread)
        of_s.addcmul_(of_normed, spread).addcmul_(gradient, slope)
        return of_s, of_alpha, None, None, None, None


class ActivationUnit(nn.Module):
    """a(e_l, v_A) of all history items and candidates."""

    def __init__(self, size: int, known: int, hidden: int, places: int, start: Start, *, moving: bool) -> None:
        super().__init__()
        self.parts = [size, size, size, size, known - size]
        self.first = rectified(3 * size + known, hidden, start)  # of [e, v, e − v, e ⊙ v, r]
        self.place = nn.Parameter(torch.zeros(places, hidden)) if places else None
        self.dice = Dice(hidden, moving=moving)
        self.last = balanced(hidden, 1, start)

    def forward(self, read: Behaviours, candidates: Tensor) -> Tensor:
        """Candidates (b, C, E), b = B or 1 -> (B, C, T), 0 where no item is."""
        w_e, w_v, w_difference, w_product, w_r = self.first.weight.split(self.parts, dim=1)
        e, (b, t) = read.vectors, read.there.shape
        known, weights = [read.known], [w_e + w_difference, w_r]
        if self.place is not None:
            known.append(torch.eye(t, device=e.device).expand(b, t, t))
            weights.append(self.place[:t].T)
        of_candidate = functional.linear(candidates, w_v - w_difference, self.first.bias)  # (b, C, K)
        # Three ways to W_4 (e ⊙ v), none with a tensor of (B, C, T, E): the product itself where there is one
        # candidate, else v times a matrix of the user, or e times one of the candidate, whichever are fewer.
        if candidates.shape[1] == 1:
            read_once = torch.cat([*known, e * candidates], dim=-1)
            hidden = functional.linear(read_once, torch.cat([*weights, w_product], dim=1)) + of_candidate
            return self.last(self.dice(hidden)).mT * read.there[:, None]
        if len(candidates) > 1 or b * t <= candidates.shape[1]:
            of_history = functional.linear(torch.cat(known, dim=-1), torch.cat(weights, dim=1))  # (B, T, K)
            k = of_history.shape[-1]
            matrix = (e[:, :, None] * w_product).flatten(1, 2)  # (B, T K, E)
            every = candidates.expand(b, -1, -1)
            products = torch.baddbmm(of_history.reshape(b, 1, t * k), every, matrix.mT).unflatten(-1, (t, k))
            hidden = products + of_candidate[:, :, None]  # (B, C, T, K)
            return self.last(self.dice(hidden)).squeeze(-1) * read.there[:, None]
        first, *others = weights
        count = candidates.shape[1]
        of_products = first + candidates[0, :, None] * w_product  # (C, K, E)
        matrices = torch.cat([of_products, *(w.expand(count, -1, -1) for w in others)], dim=-1).flatten(0, 1)
        hidden = functional.linear(torch.cat(known, dim=-1), matrices, of_candidate.flatten())  # (B, T, C K)
        found = self.last(self.dice(hidden.unflatten(-1, (count, -1))))  # (B, T, C, 1)
        return found.squeeze(-1).mT * read.there[:, None]


class Network(BehaviourNetwork):
    def __init__(self, features: Features, config: DIN.Config, scale: np.ndarray) -> None:
        super().__init__(features, config, scale)
        moving = config.objective == "next"
        places = features.latest if config.places else 0
        self.unit = ActivationUnit(
            self.item_size, self.known_size, config.attention, places, config.start, moving=moving
        )
        self.deep = deep_part((self.size + self.known_size, *config.hidden, 1), config.start)
        self.dice = nn.ModuleList(Dice(size, moving=moving) for size in config.hidden)
        self.shares = torch.zeros(0)  # (rows of the table,): 1 / n_j, once they are counted

    def read_users(self, histories: Histories, block: Block) -> Behaviours:
        return self.behaviours(histories)

    def head(self, x: Inputs) -> Tensor:
        read: Behaviours = x.more
        weights = self.unit(read, self.items(x.candidates, read.table))  # (B, C, T)
        interest = weights @ read.known  # (B, C, E + 1)
        interest = functional.dropout(interest, self.config.dropout, self.training)
        first, *others = self.deep
        hidden = linear_of_blocks(first, [*(block.vectors for block in x.blocks), interest[..., None, :]])
        for dice, layer in zip(self.dice, others, strict=True):
            hidden = layer(dice(hidden))
        return hidden.squeeze(-1)

    def study(self, rows: Iterable[tuple[Histories, Tensor]]) -> None:
        """Count how often each item, and so each of its rows of the table, occurs in training."""
        if not self.config.regularisation:
            return
        counts = sum(self._occurring(histories, items) for histories, items in rows)
        assert isinstance(counts, Tensor)
        self.shares = 1 / self._of_rows(counts).clamp(min=1)

    def penalty(self, x: Inputs) -> Tensor | float:
        if not self.config.regularisation or not self.training:
            return 0.0
        met = self._of_rows(self._occurring(x.histories, x.candidates)) > 0
        lengths = self.vectors.table.weight.square().sum(dim=1)  # (rows,): ‖w_j‖²
        return 0.5 * self.config.regularisation * (lengths * self.shares * met).sum()

    def _occurring(self, histories: Histories, candidates: Tensor) -> Tensor:
        """(I,) float32: how often each item is in these histories or a candidate."""
        ids = torch.cat([histories.items.flatten() + 1, candidates.flatten() + 1])  # 0: no item
        return torch.bincount(ids, minlength=len(self.features.items.rows) + 1)[1:].float()

    def _of_rows(self, counts: Tensor) -> Tensor:
        """(rows of the table,): how often each row occurs where items occur so often."""
        rows, weights = (t.index_select(1, self.slots) for t in (self.features.items.rows, self.features.items.weights))
        found = counts.new_zeros(self.features.rows)
        return found.index_add_(0, rows.flatten(), (counts[:, None] * (weights != 0)).flatten())
