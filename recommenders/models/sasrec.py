"""SASRec: self-attentive sequential recommendation.

Idea
    Read the history as a sentence and predict the next item at every place of it. Self-attention lets each place pick
    the earlier items that matter, however far back, and the causal mask keeps it from seeing what it shall predict.

Formula
    Ê_t = M_{s_t} + P_t                                                     embedding with positions  (Eq. 1)
    S = softmax(Q Kᵀ / √d) V, keys after t masked                                                     (Eq. 2, 3)
    F = S + FFN(S), with residuals, layer norms and dropout, stacked b times                          (Eq. 4 to 6)
    score(i | s_1..s_t) = F_t · M_i + c_i                                   item embeddings shared    (Eq. 7)
    Loss: the mean over every place t of the window of −log [exp score(s_{t+1}) / Σ_i exp score(i)], i over all items
    not met up to t. The paper's Eq. 8 sets one sampled negative against each positive; the full softmax needs no
    sampling and ranks clearly better. Items met before are left out of the sum because they are left out of what is
    recommended: otherwise much is spent on learning that nobody meets a popular film twice.
    With `negatives` the sum runs over N items, drawn for each batch and shared by its targets, and weighs them by I/N:
    the importance-sampled estimate of the full sum, for catalogues whose full one takes too long.

Input
    Histories in time order, cut into windows that shift a little from epoch to epoch; a learned start token stands
    before the first item, so the empty history has a learned answer. Ratings and profiles are not read.

Relations
    item_knn and ease see a bag of items (here with decay); this sees an order. BERT4Rec reads both directions and
    guesses masked items. Ours against the paper: norms stand first, and each item has a bias c_i that starts at its log
    popularity, which saves the epochs in which a model learns nothing else.

When it fails
    New items have no embedding worth the name, unless `texts` predicts one; only the last `window` items count; long
    gaps of time look like short ones.

Reference
    Kang & McAuley, Self-attentive sequential recommendation (ICDM 2018), arXiv:1808.09781.
    On the full softmax: Klenitskiy & Vasilev, Turning dross into gold loss (RecSys 2023); on the sampled one: Bengio &
    Senécal, Adaptive importance sampling (IEEE Transactions on Neural Networks 2008).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from app.errors import ConfigError
from recommenders.contract import Count, CountOrNone, Need, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, UserState
from recommenders.networks import CausalBlock, Loss, initial


class SASRec(initial.PlacesCold):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        window: Count = 25
        """T: how many of the latest items are read."""
        embedding_size: Count = 64
        """D of items and positions; a multiple of `heads`."""
        layers: Count = 2
        """b: attention blocks."""
        heads: Count = 2
        widening: Count = 2
        """The feed-forward part is this many times wider than D."""
        dropout: Share = 0.2
        epochs: Count = 20
        batch_size: Count = 64
        """Windows, each with up to T targets."""
        negatives: CountOrNone = 0
        """Items drawn against the targets of a batch; 0 compares them with the whole catalogue, which is affordable
        below some ten thousand items."""
        learning_rate: Positive = 3e-3
        """The peak, after the warm-up."""
        weight_decay: NotNegative = 0.0
        warmup: Share = 0.1
        """Share of the steps until the peak."""
        patience: Count = 5
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0
        texts: str | None = None
        """Folder of a sentence encoder, from the project's root: items that training never met get the embedding and
        bias that their texts predict (recommenders.initial); none leaves them as they began."""
        lift: float = 1.0
        """Added to these predicted biases: predicted embeddings are shorter than learnt ones, and without it a new item
        never comes among the first ten. Higher shows new items more often, at the cost of those that are known."""

    config: Config
    module: "Network"

    def place_cold(self, texts: np.ndarray, counts: np.ndarray) -> None:
        """Give items without interactions (counts (I,) of 0) the embedding and bias that their text vectors (I, S)
        predict."""
        n, module = len(self.catalogue), self.module
        with torch.no_grad():
            trained = torch.cat([module.embedding.weight[:n], module.bias[:, None]], dim=1).cpu().numpy()
            placed = torch.from_numpy(initial.mapped(texts, trained, counts)).to(self.device)
            module.embedding.weight[:n], module.bias[:] = placed[:, :-1], placed[:, -1]
            module.bias[torch.from_numpy(counts == 0).to(self.device)] += self.config.lift

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        n, size = len(data.catalogue), self.config.window
        sequences = [(n, *state.items) for state in data.states() if state.items]  # n is the start token
        lengths = torch.tensor([len(s) for s in sequences], device=self.device)
        # One row a user, with room for a window that begins at the last item: (U, longest + T), padded by n + 1.
        padded = np.full((len(sequences), int(lengths.max()) + size), n + 1)
        for row, sequence in enumerate(sequences):
            padded[row, : len(sequence)] = sequence
        table = torch.from_numpy(padded).to(self.device)
        windows = [(u, start) for u, s in enumerate(sequences) for start in range(0, len(s) - 1, size)]
        users, starts = (torch.tensor(column, device=self.device) for column in zip(*windows, strict=True))

        counts = np.bincount(data.interactions.item, minlength=n)
        self.module = self._build().to(self.device)
        self.module.start_from(torch.from_numpy(np.log1p(counts)).float())
        places = torch.arange(size + 1, device=self.device)

        def loss(rows: Tensor) -> Tensor:
            """Over all next items of these windows, each moved by a random step so that cuts fall elsewhere."""
            u = users[rows]  # (B,)
            moved = starts[rows] + torch.randint(-(size // 2), size // 2 + 1, rows.shape).to(u.device)
            begin = torch.minimum(moved.clamp(min=0), lengths[u] - 2)  # (B,) at least one target follows
            tokens = table[u[:, None], begin[:, None] + places]  # (B, T + 1)
            known, following = tokens[:, :-1], tokens[:, 1:]  # (B, T)
            real = following != n + 1
            hidden, target = self.module(known)[real], following[real]  # (targets, D), (targets,)
            window, place = real.nonzero(as_tuple=True)
            latest = begin[window] + place  # (targets,) the place up to which the history is known
            if not self.config.negatives:
                logits = self.module.logits(hidden).float()  # (targets, I)
                met = first_met(table[u], n)  # (B, I)
                before = met[window] <= latest.to(met.dtype)[:, None]  # (targets, I)
                before[torch.arange(len(window)), target] = False  # a repeated item is a target all the same
                return functional.cross_entropy(logits.masked_fill_(before, -torch.inf), target)
            drawn = torch.randint(n, (self.config.negatives,)).unique().to(u.device)  # (N,) sorted
            logits = self.module.logits(hidden, drawn).float() + math.log(n / len(drawn))  # (targets, N)
            met = first_met(among(table[u], drawn), len(drawn))  # (B, N)
            before = met[window] <= latest.to(met.dtype)[:, None]  # (targets, N)
            before |= drawn == target[:, None]
            own = self.module.logits_of(hidden, target).float()  # (targets,)
            against = torch.cat([own[:, None], logits.masked_fill_(before, -torch.inf)], dim=1)  # (targets, 1 + N)
            return functional.cross_entropy(against, torch.zeros_like(target))

        return len(windows), loss

    def needs(self, data: Dataset) -> Need:
        """The scores of a step's targets for the items they are compared with, and what their gradient takes, 16 bytes
        each; the item embeddings, their gradient and Adam's two moments."""
        c, n = self.config, len(data.catalogue)
        size = 16 * (min(c.negatives or n, n) * c.batch_size * c.window + n * c.embedding_size)
        return Need(size, "set negatives, to a thousand say; lower batch_size or window; or train bpr")

    def _build(self) -> "Network":
        c = self.config
        if c.embedding_size % c.heads:
            raise ConfigError(f"sasrec: embedding_size {c.embedding_size} is not a multiple of heads {c.heads}")
        return Network(len(self.catalogue), self.config)

    @torch.inference_mode()
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n, size = len(self.catalogue), self.config.window
        if not states:
            return np.zeros((0, n if candidates is None else candidates.shape[1]), np.float32)
        sequences = [(n, *state.items)[-size:] for state in states]
        last = [len(s) - 1 for s in sequences]
        tokens = np.full((len(states), max(last) + 1), n + 1)
        for row, sequence in enumerate(sequences):
            tokens[row, : len(sequence)] = sequence  # padding comes after and, by causality, changes nothing
        hidden = self.module(torch.from_numpy(tokens).to(self.device))  # (B, T, D)
        scores = self.module.logits(hidden[torch.arange(len(states)), last]).cpu().numpy()  # (B, I)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)


def first_met(histories: Tensor, items: int) -> Tensor:
    """(B, L) tokens in time order -> (B, I): the place at which each item first stands, L where it never does."""
    b, length = histories.shape
    small = torch.int16 if length < 2**15 else torch.int32  # half the bytes: all targets are compared with all items
    places = torch.arange(length, dtype=small, device=histories.device).expand(b, length)
    first = torch.full((b, items + 2), length, dtype=small, device=histories.device)
    return first.scatter_reduce_(1, histories, places, "amin")[:, :items]


def among(tokens: Tensor, drawn: Tensor) -> Tensor:
    """Each token's number in `drawn` (N,), which is sorted; N where it is not there."""
    place = torch.searchsorted(drawn, tokens).clamp_(max=len(drawn) - 1)
    return torch.where(drawn[place] == tokens, place, len(drawn))


class Network(nn.Module):
    """Tokens: 0..I-1 the items, I the start of a history, I + 1 padding."""

    def __init__(self, items: int, config: SASRec.Config) -> None:
        super().__init__()
        size = config.embedding_size
        self.items, self.dropout = items, config.dropout
        self.embedding = nn.Embedding(items + 2, size, padding_idx=items + 1)
        self.positions = nn.Parameter(torch.empty(config.window, size))
        self.blocks = nn.ModuleList(
            CausalBlock(size, config.heads, config.widening, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(size)
        self.bias = nn.Parameter(torch.zeros(items))
        nn.init.normal_(self.embedding.weight, std=size**-0.5)  # dot products of about 1 at the start
        nn.init.normal_(self.positions, std=0.5 * size**-0.5)

    def start_from(self, log_popularity: Tensor) -> None:
        """Let the bias say what is known before any training."""
        with torch.no_grad():
            self.bias.copy_(log_popularity - log_popularity.mean())

    def forward(self, tokens: Tensor) -> Tensor:  # (B, T) -> (B, T, D)
        x = self.embedding(tokens) + self.positions[: tokens.shape[1]]
        x = functional.dropout(x, self.dropout, self.training)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def logits(self, hidden: Tensor, items: Tensor | None = None) -> Tensor:  # (..., D) -> (..., I), or of (N,) items
        if items is None:
            return functional.linear(hidden, self.embedding.weight[: self.items], self.bias)
        return functional.linear(hidden, self.embedding(items), self.bias[items])

    def logits_of(self, hidden: Tensor, item: Tensor) -> Tensor:  # (B, D), (B,) -> (B,)
        return (hidden * self.embedding(item)).sum(-1) + self.bias[item]
