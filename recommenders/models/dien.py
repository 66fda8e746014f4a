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
    deep_part,
    linear_of_blocks,
)


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


class _Pass(torch.autograd.Function):
    """A pass of gated recurrent units with its gradient written out: step by step torch would record a dozen operations
    on small tensors, and go back through two dozen. The numbers of a state come first here, (E, B, C): the parts of the
    gates are contiguous then."""

    @staticmethod
    def forward(
        ctx: Any, gates: Tensor, attention: Tensor | None, again: Tensor, bias: Tensor | None, whole: bool, keep: bool
    ) -> Tensor:
        """h_t = h_{t−1} + a_t u_t ∘ (h̃_t − h_{t−1}), from gates (B, T, 3 E) = [W^u x, W^r x, W^h x] + b, attention a
        (B, C, T), 1 where None (C = 1), again (3 E, E) = [U^u, U^r, U^h], and the bias inside r ∘ (U^h h + bias).

        All h_t (T, E, B, C) where `whole`, else h_T alone (E, B, C). `keep`: what the gradient needs.
        """
        size, (b, steps, _) = again.shape[1], gates.shape
        read = gates.permute(1, 2, 0).contiguous()[..., None]  # (T, 3 E, B, 1)
        shares = None if attention is None else attention.permute(2, 0, 1).contiguous()  # (T, B, C)
        h = gates.new_zeros(size, b, 1 if shares is None else shares.shape[2])
        kept, states = list[Tensor](), list[Tensor]()
        inner_bias = None if bias is None else bias[:, None, None]
        for t, (x_both, x_new) in enumerate(
            zip(*(x.unbind() for x in read.split([2 * size, size], dim=1)), strict=True)
        ):
            both, new = (again @ h.flatten(1)).view(-1, *h.shape[1:]).split([2 * size, size])  # (2 E and E, B, C)
            if inner_bias is not None:
                new += inner_bias
            update, reset = both.add_(x_both).sigmoid_().split(size)
            wanted = torch.addcmul(x_new, reset, new).tanh_()
            if keep:
                kept += [h, both, update, reset, new, wanted]
            h = torch.lerp(h, wanted, update if shares is None else update * shares[t])
            if whole:
                states.append(h)
        ctx.save_for_backward(shares, again, *kept)
        ctx.has_bias, ctx.whole, ctx.steps = bias is not None, whole, steps
        return torch.stack(states) if whole else h

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        shares, again, *kept = ctx.saved_tensors
        size, steps = again.shape[1], ctx.steps
        late = gradients[0].unbind() if ctx.whole else (None,) * (steps - 1) + (gradients[0],)
        of_h = torch.zeros_like(kept[0])  # (E, B, C): what comes back from later steps
        single = of_h.shape[2] == 1
        # Of U h and its bias, one step's; its parts by gate.
        of_recurrent = of_h.new_empty(3 * size, *of_h.shape[1:])
        (of_both, of_new), flat = of_recurrent.split([2 * size, size]), of_recurrent.flatten(1)
        (of_update, of_reset), of_bias = of_both.split(size), of_h.new_zeros(size)
        of_read, of_again = of_h.new_empty(steps, 3 * size, of_h.shape[1]), torch.zeros_like(again)
        of_shares = None if shares is None else torch.empty_like(shares)
        back, flat_h = again.T, of_h.flatten(1)
        for t in reversed(range(steps)):
            h, both, update, reset, new, wanted = kept[6 * t : 6 * t + 6]
            share, here = update, late[t]
            if here is not None:
                of_h += here
            torch.mul(of_h, wanted - h, out=of_update)  # of the share, then of the update gate
            if shares is not None and of_shares is not None:
                torch.sum(of_update * update, dim=0, out=of_shares[t])
                of_update *= shares[t]
                share = update * shares[t]
            of_wanted = of_h * share
            of_h -= of_wanted
            inner = torch.ops.aten.tanh_backward(of_wanted, wanted)
            torch.mul(inner, new, out=of_reset)
            of_both.copy_(torch.ops.aten.sigmoid_backward(of_both, both))
            torch.mul(inner, reset, out=of_new)
            flat_h.addmm_(back, flat)
            of_again.addmm_(flat, h.flatten(1).T)
            if ctx.has_bias:
                of_bias += of_new.sum(dim=(1, 2))
            of_x_both, of_x_new = of_read[t].split([2 * size, size])
            of_x_both.copy_(of_both.squeeze(2) if single else of_both.sum(dim=2))
            of_x_new.copy_(inner.squeeze(2) if single else inner.sum(dim=2))
        of_attention = None if of_shares is None else of_shares.permute(1, 2, 0)
        return of_read.permute(2, 0, 1), of_attention, of_again, of_bias if ctx.has_bias else None, None, None


class AUGRU(nn.Module):
    """A GRU whose update gate is scaled by attention."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.inward, self.again = nn.Linear(size, 3 * size), nn.Linear(size, 3 * size, bias=False)  # W and b, U

    def forward(self, gates: Tensor, attention: Tensor) -> Tensor:
        """gates (B, T, 3 E) = inward(i'), attention (B, C, T) -> h'_T (B, C, E). Attention 0 changes nothing."""
        evolved = _Pass.apply(gates, attention, self.again.weight, None, False, torch.is_grad_enabled())
        assert isinstance(evolved, Tensor)
        return evolved.permute(1, 2, 0)


def extracted(gru: nn.GRU, read: Tensor) -> Tensor:
    """All states h_t of torch's GRU: (B, T, E). Its gates stand in another order, and it has 1 − u = σ(−s) for u."""
    w, u, b, c = (getattr(gru, f"{name}_l0").chunk(3) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    gates = functional.linear(read, torch.cat([-w[1], w[0], w[2]]), torch.cat([-b[1] - c[1], b[0] + c[0], b[2]]))
    again = torch.cat([-u[1], u[0], u[2]])
    states = _Pass.apply(gates, None, again, c[2], True, torch.is_grad_enabled())  # (T, E, B, 1)
    assert isinstance(states, Tensor)
    return states.squeeze(3).permute(2, 0, 1)


class Network(BehaviourNetwork):
    def __init__(self, features: Features, config: DIEN.Config, scale: np.ndarray) -> None:
        super().__init__(features, config, scale)
        size = self.item_size
        self.extract = nn.GRU(self.known_size, size, batch_first=True)
        self.attend = nn.Parameter(torch.eye(size))  # W of Eq. 8
        self.evolve = AUGRU(size)
        self.deep = deep_part((self.size + size, *config.hidden, 1), config.start)

    def read_users(self, histories: Histories, block: Block) -> Interests:
        read = self.behaviours(oldest_first(histories))
        states = extracted(self.extract, read.known)  # (B, T, E)
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
