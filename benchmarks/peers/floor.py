"""The floor: the least that a network of each kind can cost in eager PyTorch. Short, plain, hand-written.

All categories of all fields are rows of one table (a field's first row is its offset), genres enter as shares of each
genre, so their mean is one matrix product. The data lies in memory as tensors, a batch is picked by row numbers, Adam
is fused, and there is nothing else in the loop: no clipping, no schedule, no checkpoint, no progress. The networks are
those the other sides train: embeddings of 16, a deep part of 256 and 128.

Letters: B batch, F fields (categories and genres), C categories, G genres, D embedding size, T history, P field pairs.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = (256, 128)
ATTENTION = 64  # hidden units of DIN's activation unit
PAIR_ATTENTION = 16  # of AFM's


class Batch(NamedTuple):
    rows: Tensor  # (B, C) int64 rows of the table, one for each category; column 1 is the item
    shares: Tensor  # (B, G) float32, each row sums to 1 (or 0)
    history: Tensor  # (B, T) int64 rows of the table, latest last, filled up behind by row 0
    negatives: Tensor  # (B, T) int64 rows of items that did not come next
    label: Tensor  # (B,) float32


@dataclass(frozen=True)
class Layout:
    """Where the fields lie in the table: row 0 fills up, then the categories, then the genres."""

    offsets: tuple[int, ...]  # first row of each category
    genres: int  # first row of the genres
    rows: int

    @property
    def fields(self) -> int:
        return len(self.offsets) + 1

    @property
    def pairs(self) -> int:
        return self.fields * (self.fields - 1) // 2


class Network(nn.Module):
    """Base: the table and how fields are read from it."""

    sequence = False  # whether the history is read

    def __init__(self, layout: Layout, size: int, *, linear: bool = False) -> None:
        super().__init__()
        self.layout, self.size = layout, size
        self.table = nn.Parameter(0.01 * torch.randn(layout.rows, size))
        self.weights = nn.Parameter(torch.zeros(layout.rows, 1)) if linear else None
        self.bias = nn.Parameter(torch.zeros(()))

    def vectors(self, batch: Batch, table: Tensor | None = None) -> Tensor:
        """(B, F, D)"""
        table = self.table if table is None else table
        genres = batch.shares @ table[self.layout.genres :]  # (B, D)
        return torch.cat([functional.embedding(batch.rows, table), genres[:, None]], dim=1)

    def linear(self, batch: Batch) -> Tensor:
        """⟨w, x⟩ + b: (B,)"""
        return self.vectors(batch, self.weights).sum(dim=(1, 2)) + self.bias


def deep(inward: int, hidden: Sequence[int] = HIDDEN, *, top: bool = True) -> nn.Sequential:
    layers: list[nn.Module] = []
    for outward in hidden:
        layers += [nn.Linear(inward, outward), nn.ReLU(inplace=True)]
        inward = outward
    return nn.Sequential(*layers, *([nn.Linear(inward, 1)] if top else []))


def pairwise(v: Tensor) -> Tensor:
    """Σ_{i<j} v_i ⊙ v_j over fields in O(F D): (B, F, D) -> (B, D)."""
    return 0.5 * (v.sum(dim=1).square() - v.square().sum(dim=1))


class MLP(Network):
    """Fields side by side, then the deep part."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size)
        self.deep = deep(layout.fields * size)

    def forward(self, batch: Batch) -> Tensor:
        return self.deep(self.vectors(batch).flatten(1)).squeeze(-1)


class DeepCrossing(Network):
    """Two residual units x + W₂ ReLU(W₁ x) in place of the deep part (Shan et al. 2016)."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size)
        width = layout.fields * size
        self.up = nn.ModuleList(nn.Linear(width, hidden) for hidden in HIDDEN)
        self.down = nn.ModuleList(nn.Linear(hidden, width) for hidden in HIDDEN)
        self.top = nn.Linear(width, 1)

    def forward(self, batch: Batch) -> Tensor:
        x = self.vectors(batch).flatten(1)
        for up, down in zip(self.up, self.down, strict=True):
            x = functional.relu(x + down(functional.relu(up(x))))
        return self.top(x).squeeze(-1)


class FM(Network):
    """Rendle 2010, Eq. 1."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size, linear=True)

    def forward(self, batch: Batch) -> Tensor:
        return self.linear(batch) + pairwise(self.vectors(batch)).sum(dim=1)


class FNN(Network):
    """The deep part over every field's (w_i, v_i) (Zhang et al. 2016); in the paper both come from a trained FM."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size + 1)
        self.deep = deep(layout.fields * (size + 1))

    def forward(self, batch: Batch) -> Tensor:
        return self.deep(self.vectors(batch).flatten(1)).squeeze(-1) + self.bias


class WideDeep(Network):
    """Linear part beside the deep part (Cheng et al. 2016), without crosses made by hand, as the peers have it."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size, linear=True)
        self.deep = deep(layout.fields * size)

    def forward(self, batch: Batch) -> Tensor:
        return self.linear(batch) + self.deep(self.vectors(batch).flatten(1)).squeeze(-1)


class DeepFM(Network):
    """FM and the deep part on the same embeddings (Guo et al. 2017)."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size, linear=True)
        self.deep = deep(layout.fields * size)

    def forward(self, batch: Batch) -> Tensor:
        v = self.vectors(batch)
        return self.linear(batch) + pairwise(v).sum(dim=1) + self.deep(v.flatten(1)).squeeze(-1)


class DCN(Network):
    """Three cross layers x₀ (x_lᵀ w_l) + b_l + x_l beside the deep part (Wang et al. 2017, Eq. 3)."""

    def __init__(self, layout: Layout, size: int, crosses: int = 3) -> None:
        super().__init__(layout, size)
        width = layout.fields * size
        self.w = nn.Parameter(torch.randn(crosses, width) / width**0.5)
        self.b = nn.Parameter(torch.zeros(crosses, width))
        self.deep = deep(width, top=False)
        self.top = nn.Linear(width + HIDDEN[-1], 1)

    def forward(self, batch: Batch) -> Tensor:
        x0 = x = self.vectors(batch).flatten(1)
        for w, b in zip(self.w, self.b, strict=True):
            x = torch.addcmul(x + b, x0, (x @ w)[:, None])
        return self.top(torch.cat([x, self.deep(x0)], dim=1)).squeeze(-1)


class IPNN(Network):
    """The deep part over the embeddings and ⟨v_i, v_j⟩ of all pairs (Qu et al. 2016)."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size)
        self.deep = deep(layout.fields * size + layout.pairs)
        i, j = torch.triu_indices(layout.fields, layout.fields, 1)
        self.register_buffer("upper", i * layout.fields + j)  # (P,) places in the flat matrix of products

    def forward(self, batch: Batch) -> Tensor:
        v = self.vectors(batch)
        products = (v @ v.mT).flatten(1)[:, self.upper]  # (B, P)
        return self.deep(torch.cat([v.flatten(1), products], dim=1)).squeeze(-1)


class OPNN(Network):
    """The deep part over the embeddings and the outer product of their sum with itself, f_Σ f_Σᵀ (Qu et al. 2016)."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size)
        self.deep = deep(layout.fields * size + size * size)

    def forward(self, batch: Batch) -> Tensor:
        v = self.vectors(batch)
        total = v.sum(dim=1)  # (B, D)
        outer = (total[:, :, None] * total[:, None]).flatten(1)  # (B, D D)
        return self.deep(torch.cat([v.flatten(1), outer], dim=1)).squeeze(-1)


class NFM(Network):
    """The deep part over the bi-interaction Σ_{i<j} v_i ⊙ v_j, beside the linear part (He & Chua 2017)."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size, linear=True)
        self.deep = deep(size)

    def forward(self, batch: Batch) -> Tensor:
        return self.linear(batch) + self.deep(pairwise(self.vectors(batch))).squeeze(-1)


class AFM(Network):
    """v_i ⊙ v_j of all pairs, weighed by attention, beside the linear part (Xiao et al. 2017)."""

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size, linear=True)
        i, j = torch.triu_indices(layout.fields, layout.fields, 1)
        self.register_buffer("i", i)
        self.register_buffer("j", j)
        self.hidden, self.score = nn.Linear(size, PAIR_ATTENTION), nn.Linear(PAIR_ATTENTION, 1, bias=False)
        self.top = nn.Linear(size, 1, bias=False)

    def forward(self, batch: Batch) -> Tensor:
        v = self.vectors(batch)
        products = v[:, self.i] * v[:, self.j]  # (B, P, D)
        attention = self.score(functional.relu(self.hidden(products))).softmax(dim=1)  # (B, P, 1)
        pooled = (attention.mT @ products).squeeze(1)  # (B, D)
        return self.linear(batch) + self.top(pooled).squeeze(-1)


class Dice(nn.Module):
    """p x + (1 - p) α x with p = sigmoid(normalised x) (Zhou et al. 2018, Eq. 5); over all but the last dimension."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.norm, self.alpha = nn.BatchNorm1d(size, eps=1e-8, affine=False), nn.Parameter(torch.zeros(size))

    def forward(self, x: Tensor) -> Tensor:
        p = self.norm(x.flatten(0, -2)).view_as(x).sigmoid()
        return x * torch.lerp(self.alpha, torch.ones_like(self.alpha), p)


class DIN(Network):
    """History weighed by an activation unit of (h, t, h - t, h ⊙ t), no softmax, then the deep part (Zhou et al. 2018).

    The unit's first layer is linear in h and t apart, so t's share is computed once for the whole history.
    """

    sequence = True

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size)
        self.of_item, self.of_target = nn.Linear(size, ATTENTION), nn.Linear(size, ATTENTION)
        self.of_difference, self.of_product = nn.Linear(size, ATTENTION), nn.Linear(size, ATTENTION)
        self.dice, self.score = Dice(ATTENTION), nn.Linear(ATTENTION, 1)
        self.deep = deep((layout.fields + 1) * size)

    def forward(self, batch: Batch) -> Tensor:
        v = self.vectors(batch)
        target = v[:, 1]  # (B, D)
        history = functional.embedding(batch.history, self.table)  # (B, T, D)
        of_history = self.of_item.weight + self.of_difference.weight
        of_target = self.of_target.weight - self.of_difference.weight
        hidden = functional.linear(target, of_target, self.of_item.bias)[:, None] + functional.linear(
            torch.cat([history, history * target[:, None]], dim=-1),
            torch.cat([of_history, self.of_product.weight], dim=1),
        )  # (B, T, H)
        weight = self.score(self.dice(hidden)) * (batch.history > 0)[..., None]  # (B, T, 1)
        interest = (weight.mT @ history).squeeze(1)  # (B, D)
        return self.deep(torch.cat([v.flatten(1), interest], dim=1)).squeeze(-1)


class DIEN(Network):
    """GRU over the history, attention by the target, AUGRU over its states, then the deep part (Zhou et al. 2019).

    The auxiliary loss (Eq. 6) is kept in `auxiliary` by each forward pass in training.
    """

    sequence = True

    def __init__(self, layout: Layout, size: int) -> None:
        super().__init__(layout, size)
        self.extract = nn.GRU(size, size, batch_first=True)
        self.attend = nn.Parameter(torch.eye(size))
        self.inward, self.again = nn.Linear(size, 3 * size), nn.Linear(size, 3 * size)
        self.deep = deep((layout.fields + 1) * size)
        self.auxiliary = torch.zeros(())

    def forward(self, batch: Batch) -> Tensor:
        v = self.vectors(batch)
        history = functional.embedding(batch.history, self.table)  # (B, T, D)
        there = batch.history > 0  # (B, T)
        states, _ = self.extract(history)  # (B, T, D)
        if self.training:
            self.auxiliary = self._auxiliary(states, history, batch, there)
        scores = (states @ self.attend @ v[:, 1, :, None]).squeeze(-1)  # (B, T)
        attention = scores.masked_fill(~there, -torch.inf).softmax(dim=1)
        # Where nothing is there attention is 0, the update gate with it, and the state stays as it is.
        inward = self.inward(states).unbind(1)
        h = torch.zeros_like(v[:, 0])
        for x, a in zip(inward, attention.unbind(1), strict=True):
            x_u, x_r, x_n = x.chunk(3, dim=1)
            h_u, h_r, h_n = self.again(h).chunk(3, dim=1)
            update = a[:, None] * torch.sigmoid(x_u + h_u)
            h = torch.lerp(h, torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n), update)
        return self.deep(torch.cat([v.flatten(1), h], dim=1)).squeeze(-1)

    def _auxiliary(self, states: Tensor, history: Tensor, batch: Batch, there: Tensor) -> Tensor:
        """Each state shall foresee the item met next rather than another one."""
        before, follows = states[:, :-1], there[:, 1:]
        right = (before * history[:, 1:]).sum(dim=-1)  # (B, T - 1)
        wrong = (before * functional.embedding(batch.negatives[:, 1:], self.table)).sum(dim=-1)
        both = functional.softplus(-right) + functional.softplus(wrong)
        return (both * follows).sum() / (2 * follows.sum().clamp(min=1))


NETWORKS: dict[str, type[Network]] = {
    "mlp": MLP,
    "deep_crossing": DeepCrossing,
    "fm": FM,
    "fnn": FNN,
    "wide_deep": WideDeep,
    "deepfm": DeepFM,
    "dcn": DCN,
    "ipnn": IPNN,
    "opnn": OPNN,
    "nfm": NFM,
    "afm": AFM,
    "din": DIN,
    "dien": DIEN,
}


def epochs(
    network: Network, data: Batch, batch_size: int, learning_rate: float, number: int
) -> Iterator[Callable[[], None]]:
    """One function an epoch; calling it trains the network over all rows of `data` in a new order."""
    optimiser = torch.optim.Adam(network.parameters(), lr=learning_rate, fused=True)

    def epoch() -> None:
        network.train()
        for picked in torch.randperm(len(data.label)).split(batch_size):
            batch = pick(data, picked, network.sequence)
            loss = functional.binary_cross_entropy_with_logits(network(batch), batch.label)
            if isinstance(network, DIEN):
                loss = loss + network.auxiliary
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    for _ in range(number):
        yield epoch


def pick(data: Batch, rows: Tensor, sequence: bool) -> Batch:
    """The batch of these rows; the history is only picked for who reads it."""
    history, negatives = (data.history[rows], data.negatives[rows]) if sequence else (data.history, data.negatives)
    return Batch(data.rows[rows], data.shares[rows], history, negatives, data.label[rows])


@torch.inference_mode()
def predict(network: Network, data: Batch, batch_size: int = 4096) -> Tensor:
    """Probabilities (N,)."""
    network.eval()
    batches = torch.arange(len(data.label)).split(batch_size)
    return torch.cat([network(pick(data, rows, network.sequence)) for rows in batches]).sigmoid()
