"""The network of UNBERT: word level, aggregator, news level and click predictor (recommenders/models/unbert.py).

Dimension letters besides the usual: n items that are read, T slots of an item ([CLS], [SEP] or [NSEP], then words),
h items of a history, R slots of an item whose output a layer must give, G groups: C candidates, or 1 history.
"""

from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from recommenders.networks import bert
from recommenders.networks.bert import Block, Memory, Sizes

Aggregator = Literal["nsep", "mean", "attention"]


class Read(NamedTuple):
    """n items as the layers that read them apart leave them, projected for the first layer in which items meet.

    R is the number of slots whose output is needed: [CLS] and [SEP], or all.
    """

    rows: Tensor  # (n, R, D)
    queries: Tensor  # (n, R, D)
    memory: Tensor  # (n, T, 2 D)
    there: Tensor  # (n, T) bool


class Side(NamedTuple):
    """The candidates or the history at a layer, in G groups a user (C candidates, or 1 history).

    Rows to compute with their queries, each (B, G, R, D), and what can be seen: memory (B, G, N, 2 D), there (B, G, N).
    """

    rows: Tensor
    queries: Tensor
    memory: Tensor
    there: Tensor


class Lower(nn.Module):
    """Embedding and the layers that read every item by itself."""

    def __init__(self, sizes: Sizes, layers: int, dropout: float) -> None:
        super().__init__()
        self.embedding = bert.Embedding(sizes, dropout)
        self.blocks = nn.ModuleList(Block(sizes.size, sizes.heads, sizes.widening, dropout) for _ in range(layers))

    def forward(self, pieces: Tensor, positions: Tensor, there: Tensor) -> Tensor:  # each (n, T) -> (n, T, D)
        x: Tensor = self.embedding(pieces, positions)
        for block in self.blocks:
            x = block(x, there)
        return x


class Network(nn.Module):
    """Word level, aggregator, news level, click predictor. Slots of an item: [CLS], [SEP] or [NSEP], words."""

    def __init__(
        self,
        sizes: Sizes,
        lower: Lower | None,
        *,
        across: int,
        news_layers: int,
        history: int,
        aggregator: Aggregator,
        mutual: bool,
        dropout: float,
    ) -> None:
        super().__init__()
        d = sizes.size
        self.lower, self.mutual, self.aggregator = lower, mutual, aggregator
        self.across = nn.ModuleList(Block(d, sizes.heads, sizes.widening, dropout) for _ in range(across))
        self.news = nn.ModuleList(Block(d, sizes.heads, 2, dropout) for _ in range(news_layers))
        self.segment = nn.Parameter(torch.zeros(d))  # of the history; the candidate's is the origin
        self.places = nn.Parameter(torch.zeros(history, d))  # news segments: the latest item, the one before, ...
        self.weigh = nn.Sequential(nn.Linear(d, d), nn.Tanh(), nn.Linear(d, 1)) if aggregator == "attention" else None
        self.click = nn.Linear(2 * d, 1)
        self.popularity = nn.Parameter(torch.ones(1))  # weight of an item's log popularity, where it is read
        nn.init.normal_(self.segment, std=0.02)
        nn.init.normal_(self.places, std=0.02)

    def read(self, states: Tensor, there: Tensor) -> Read:
        """Items (n, T, D) as the lower layers leave them."""
        first: Any = self.across[0]
        rows = states[:, : self._needed(0, states.shape[1])]
        return Read(rows, first.queries(rows), first.memory(states), there)

    def forward(self, read: Read, history: Tensor, met: Tensor, candidates: Tensor) -> Tensor:
        """Logits (B, C) of candidates (B, C) against histories (B, h); both number items of `read`; met (B, h)."""
        b, c = candidates.shape
        if self.mutual:  # every candidate is read with a history of its own
            history, met = history.repeat_interleave(c, dim=0), met.repeat_interleave(c, dim=0)
            candidates = candidates.reshape(b * c, 1)
        cls, news, known = self.words(read, history, met, candidates)
        matched = self.items(news, known, met)  # (B, C, D)
        logits: Tensor = self.click(torch.cat([cls, matched], dim=-1))
        return logits.view(b, c)

    def words(self, read: Read, history: Tensor, met: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The word level: [CLS] and item vectors of the candidates, each (B, C, D), and of the history, (B, h, D)."""
        slots = read.memory.shape[1]
        there = read.there[candidates]  # (B, C, T)
        told = read.there[history][:, :, 1:] & met[..., None]  # (B, h, T - 1): an item of the history has no [CLS]
        own = Side(read.rows[candidates], read.queries[candidates], read.memory[candidates], there)
        past = self._past(read, history, told)
        own_rows, past_rows = self._layer(self.across[0], own, past)
        for layer, block in enumerate(self.across[1:], start=1):
            needed = self._needed(layer, slots)
            own = _side(block, own_rows, own_rows[:, :, :needed], there)
            each = past_rows.view(*told.shape, -1)[:, :, : needed - 1]  # (B, h, R - 1, D)
            past = _side(block, past_rows, _joined(each), _joined(told))
            own_rows, past_rows = self._layer(block, own, past)
        kept = own_rows.shape[2] - 1  # [SEP], or [SEP] and the words
        news = self.aggregate(own_rows[:, :, 1:], there[:, :, 1 : 1 + kept])
        known = self.aggregate(past_rows.view(*met.shape, kept, -1), told[:, :, :kept])
        return own_rows[:, :, 0], news, known

    def items(self, news: Tensor, known: Tensor, met: Tensor) -> Tensor:
        """The news level: candidates (B, C, D) against items of the history (B, h, D), met (B, h) -> (B, C, D)."""
        own_rows, past_rows = news[:, :, None], known[:, None]
        alone = torch.ones(own_rows.shape[:3], dtype=torch.bool, device=met.device)
        for layer, block in enumerate(self.news, start=1):
            own, past = (_side(block, x, x, there) for x, there in ((own_rows, alone), (past_rows, met[:, None])))
            own_rows, past_rows = self._layer(block, own, past, last=layer == len(self.news))
        return own_rows[:, :, 0]

    def aggregate(self, words: Tensor, there: Tensor) -> Tensor:
        """One vector (..., D) from an item's [SEP] or [NSEP] and its words (..., N, D), there (..., N)."""
        if self.aggregator == "nsep":
            return words[..., 0, :]
        words, there = words[..., 1:, :], there[..., 1:, None]
        if self.weigh is None:
            total = torch.where(there, words, 0.0).sum(dim=-2)
            return total / there.sum(dim=-2).clamp(min=1)
        shares = self.weigh(words).float().masked_fill(~there, bert.FAR).softmax(dim=-2)  # (..., N, 1)
        return (shares.to(words.dtype) * words).sum(dim=-2)

    def _past(self, read: Read, history: Tensor, told: Tensor) -> Side:
        """The history at the first layer across. Segment and news segment are added to the states, so to what the layer
        projects linearly from them: the projections of an item serve every place."""
        added = self.segment + self.places  # (h, D)
        first: Any = self.across[0]
        to_queries, to_memory = first.shifts(added)  # (h, D), (h, 2 D)
        rows = read.rows[history][:, :, 1:] + added[:, None]  # (B, h, R - 1, D)
        queries = read.queries[history][:, :, 1:] + to_queries[:, None]
        memory = read.memory[history][:, :, 1:] + to_memory[:, None]
        return Side(_joined(rows), _joined(queries), _joined(memory), _joined(told))

    def _layer(self, block: Any, own: Side, past: Side, *, last: bool = False) -> tuple[Tensor, Tensor]:
        """The rows of both sides after a layer; the history's only where something will read them."""
        shared = Memory(past.memory[:, 0], past.there[:, 0])
        each = Memory(own.memory, own.there)
        own_rows = block.finish(own.rows, block.attend(own.queries, shared, each))
        if last:
            return own_rows, past.rows
        return own_rows, block.finish(past.rows, block.attend(past.queries, shared, each if self.mutual else None))

    def _needed(self, layer: int, slots: int) -> int:
        """How many slots of an item this layer must compute: of the last one, NSEP aggregation reads two."""
        return 2 if layer == len(self.across) - 1 and self.aggregator == "nsep" else slots


def _side(block: Any, seen: Tensor, rows: Tensor, there: Tensor) -> Side:
    """Rows (B, G, R, D) that will look at `seen` (B, G, N, D), of which `there` (B, G, N) are real."""
    return Side(rows, block.queries(rows), block.memory(seen), there)


def _joined(x: Tensor) -> Tensor:
    """(B, h, N, ...) -> (B, 1, h N, ...): the items of a history as one sequence."""
    return x.reshape(len(x), 1, -1, *x.shape[3:])
