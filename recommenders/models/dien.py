"""DIEN: interests are extracted from the history in order, and their evolution towards the candidate is followed.

Idea
    What someone met is a trace of interests that move. A recurrent network turns each step of the history into a state
    of interest, held to it by a loss of its own: the state must foresee what is met next. A second one passes over
    these states, and moves only as far as a state bears on the candidate.

Formula
    u_t = σ(W^u i_t + U^u h_{t−1} + b^u),  r_t = σ(W^r i_t + U^r h_{t−1} + b^r),        (Eq. 2, 3)
    h̃_t = tanh(W^h i_t + r_t ∘ U^h h_{t−1} + b^h),  h_t = (1 − u_t) ∘ h_{t−1} + u_t ∘ h̃_t        (Eq. 4, 5)
    with i_t = e_t, the t-th item's vector (here its rating beside it), oldest first
    L_aux = −mean_t [log σ(⟨h_t, e_{t+1}⟩) + log(1 − σ(⟨h_t, ê_{t+1}⟩))], ê an item drawn at random        (Eq. 6)
    L = L_target + α L_aux        (Eq. 7)
    a_t = exp(h_t W e_A) / Σ_j exp(h_j W e_A)        (Eq. 8)
    AUGRU, a GRU over i'_t = h_t whose update gate attention scales:
    ũ'_t = a_t u'_t,  h'_t = (1 − ũ'_t) ∘ h'_{t−1} + ũ'_t ∘ h̃'_t        (Eq. 14, 15)
    ŷ = a network over [e_1, ..., e_F, h'_T]
    Here L_aux is a mean over all steps of a batch (the paper sums over each history's), so α doesn't depend on their
    lengths; and torch's GRU, which has a second b^h inside r_t ∘ (...), extracts the interests.
    Loss: by `objective` (recommenders.feature_model); the paper's is log loss, "click".

Input
    Fields of recommenders.features, and the latest history items as vectors (recommenders.behaviours): item and genres,
    from the same rows of the embedding table as the candidate's.

Relations
    din weighs the same history items by the candidate as well, but adds them up whatever their order. sasrec reads the
    order by attention, in parallel; here steps wait for each other, but candidates of one user share the first pass.

When it fails
    On histories with little order (ratings given in one sitting) the second pass follows noise. As many steps as
    history items for each candidate: the slowest of the rankers.

Reference
    Zhou et al., Deep interest evolution network for click-through rate prediction (AAAI 2019), arXiv:1809.03672.
"""

from dataclasses import dataclass
from itertools import pairwise as consecutive
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.behaviours import BehaviourConfig, BehaviourNetwork, Behaviours
from recommenders.config import Count, NotNegative
from recommenders.feature_model import Block, FeatureModel, Inputs
from recommenders.features import Features, Histories
from recommenders.layers import linear_of_blocks


class DIEN(FeatureModel):
    pairs_at_once: ClassVar[int] = 16_384

    @dataclass(frozen=True)
    class Config(BehaviourConfig):
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the network's layers."""
        auxiliary: NotNegative = 1.0
        """α, the weight of the auxiliary loss."""

    def _build(self) -> "Network":
        return Network(self.features, self.config, self._scale)


@dataclass(frozen=True)
class Interests:
    """Of B users: their behaviours, oldest first; h_t as states (B, T, E); W^u h_t, W^r h_t, W^h h_t with their biases
    as gates (B, T, 3 E)."""

    behaviours: Behaviours
    states: Tensor
    gates: Tensor


class AUGRU(nn.Module):
    """A GRU whose update gate is scaled by attention."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.inward, self.again = nn.Linear(size, 3 * size), nn.Linear(size, 3 * size, bias=False)  # W and b, U

    def forward(self, gates: Tensor, attention: Tensor) -> Tensor:
        """gates (B, T, 3 E) = inward(i'), attention (B, C, T) -> h'_T (B, C, E). Attention 0 changes nothing."""
        h = gates.new_zeros(*attention.shape[:2], gates.shape[-1] // 3)
        for x, a in zip(gates.unbind(1), attention.unbind(2), strict=True):  # (B, 3 E), (B, C)
            x_gates, x_new = x[:, None].tensor_split([2 * h.shape[-1]], dim=-1)
            h_gates, h_new = self.again(h).tensor_split([2 * h.shape[-1]], dim=-1)
            update, reset = (x_gates + h_gates).sigmoid().chunk(2, dim=-1)
            h = torch.lerp(h, torch.addcmul(x_new, reset, h_new).tanh(), a[..., None] * update)
        return h


class Network(BehaviourNetwork):
    def __init__(self, features: Features, config: DIEN.Config, scale: np.ndarray) -> None:
        super().__init__(features, config, scale)
        size = self.item_size
        self.extract = nn.GRU(self.known_size, size, batch_first=True)
        self.attend = nn.Parameter(torch.eye(size))  # W of Eq. 8
        self.evolve = AUGRU(size)
        sizes = (self.size + size, *config.hidden, 1)
        self.deep = nn.ModuleList(nn.Linear(inward, outward) for inward, outward in consecutive(sizes))

    def read_users(self, histories: Histories, block: Block) -> Interests:
        read = self.behaviours(oldest_first(histories))
        states, _ = self.extract(read.known)  # (B, T, E)
        return Interests(read, states, self.evolve.inward(states))

    def head(self, x: Inputs) -> Tensor:
        interests: Interests = x.more
        evolved = self.evolve(interests.gates, self.attention(interests, x.candidates))  # (B, C, E)
        evolved = functional.dropout(evolved, self.config.dropout, self.training)
        first, *others = self.deep
        hidden = linear_of_blocks(first, [*(block.vectors for block in x.blocks), evolved[..., None, :]])
        for layer in others:
            hidden = layer(functional.relu(hidden))
        return hidden.squeeze(-1)

    def attention(self, interests: Interests, candidates: Tensor) -> Tensor:
        """a_t of Eq. 8: (B, C, T), 0 where no item is."""
        read = interests.behaviours
        items = self.items(candidates, read.table)  # (B or 1, C, E)
        scores = items @ (interests.states @ self.attend).mT  # (B, C, T)
        there = read.there[:, None]
        return scores.masked_fill(~there, -1e9).softmax(dim=-1) * there

    def penalty(self, x: Inputs) -> Tensor | float:
        if not self.config.auxiliary or not self.training:
            return 0.0
        return self.config.auxiliary * self.auxiliary(x.more)

    def auxiliary(self, interests: Interests) -> Tensor:
        """L_aux of Eq. 6, as a mean over all steps that another one follows."""
        read = interests.behaviours
        before, follows = interests.states[:, :-1], read.there[:, 1:]  # (B, T − 1, E), (B, T − 1)
        drawn = torch.randint(len(self.features.items.rows), follows.shape, device=follows.device)
        right = (before * read.vectors[:, 1:]).sum(dim=-1)
        wrong = (before * self.items(drawn, read.table)).sum(dim=-1)
        both = functional.softplus(-right) + functional.softplus(wrong)
        return (both * follows).sum() / follows.sum().clamp(min=1)


def oldest_first(histories: Histories) -> Histories:
    """The same, oldest first, without room for more items than the longest has (at least one place)."""
    there = (histories.items >= 0).sum(dim=1, keepdim=True)  # (B, 1)
    longest = max(1, int(there.max())) if len(there) else 1
    places = there - 1 - torch.arange(longest, device=there.device)  # (B, T): the place, latest first, of the t-th item
    known, places = places >= 0, places.clamp(min=0)
    items = histories.items.gather(1, places).masked_fill(~known, -1)
    values = histories.values.gather(1, places).masked_fill(~known, 0.0)
    return Histories(items, values, histories.lengths, histories.profile)
