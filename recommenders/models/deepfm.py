"""DeepFM: factorisation machine and deep network on shared embeddings.

Idea
    What matters is which features meet: this occupation with that genre, this history with that film. A factorisation
    machine models all pairs by dot products of embeddings, a deep network reads the same embeddings for whatever takes
    more than two; neither needs crosses made by hand.

Formula
    ŷ = y_FM + y_DNN        (Eq. 1)
    y_FM = ⟨w, x⟩ + Σ_{i<j} ⟨V_i, V_j⟩ x_i x_j        (Eq. 2)
    y_DNN = W a^(H) + b,  a^(l+1) = ReLU(W^(l) a^(l) + b^(l)),  a^(0) = [e_1, ..., e_F]        (Eq. 3, 4)
    with e_f the embedding of field f, shared by both parts. The pairs are summed in O(F D) by
    ½ Σ_d [(Σ_f v_fd)² − Σ_f v_fd²].
    Loss: −log softmax over the item met next and `negatives` others drawn with probability q ∝ count^¾ for each batch,
    each score less log q, which makes the sample stand for the whole catalogue (Bengio & Senécal 2008). The paper fits
    clicks by log loss; here the order of candidates is wanted, and no shown-but-not-clicked items are known.

Input
    Fields of recommenders.features: profile columns, the latest history items (evenly and with decay), genres, length
    and mean rating of the history; the item's id, popularity, genres, people, year, language and further columns; how
    genres and year of item and history suit each other. No bare user id. Each training row is a place in a history:
    only what came before it is read, and counts come from the training data alone.

Relations
    FM is this without the deep part, Wide & Deep without the pairs; NFM pools the pairs before the deep part. sasrec
    reads the order of a history whole, this its decayed mean, but sees people and items it knows only by attributes.

When it fails
    Little beyond popularity for a user without history and profile; the exact order of a history is lost.

Reference
    Guo et al., DeepFM: a factorization-machine based neural network for CTR prediction (IJCAI 2017), arXiv:1703.04247.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise as consecutive
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.base import Role
from recommenders.config import Count, NotNegative, Positive, Share
from recommenders.features import SIDES, Features, Histories, Side, Slots
from recommenders.layers import FieldEmbedding, linear_of_blocks, pairwise
from recommenders.loop import Loss
from recommenders.neural import NeuralRecommender
from recommenders.tables import Dataset, UserState

_PAIRS_AT_ONCE = 65_536  # user-item pairs scored in one go: bounds memory


class DeepFM(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"ranker"})

    @dataclass(frozen=True)
    class Config:
        embedding_size: Count = 16
        """D of every field."""
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the deep part's layers."""
        dropout: Share = 0.2
        latest: Count = 25
        """L: how many of the latest history items are read."""
        half_life: Positive = 3.0
        """After how many newer items a history item counts half, where decay is meant."""
        negatives: Count = 64
        """Items drawn for each batch, against every item met in it."""
        epochs: Count = 4
        batch_size: Count = 256
        """Places in histories."""
        learning_rate: Positive = 3e-3
        weight_decay: NotNegative = 1e-4
        warmup: Share = 0.1
        patience: Count = 3
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    bf16: ClassVar[bool] = False  # sums of many small products: gains no time and costs digits
    config: Config
    module: "Network"
    features: Features

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        c, x, n, device = self.config, data.interactions, len(data.catalogue), self.device
        self.features = features = Features.of(data, latest=c.latest, half_life=c.half_life)
        self.module = self._build().to(device)
        # Row r of a user is preceded by `place[r]` rows of the same user: the history at that place.
        sizes = np.bincount(x.user, minlength=len(data.users))
        place = np.arange(len(x)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        item, value, user, before = (
            torch.from_numpy(np.ascontiguousarray(column)).to(device) for column in (x.item, x.value, x.user, place)
        )
        profiles = features.profiles(data.users.to_dict("records")).to(device)  # (U, Fp)
        steps = torch.arange(1, c.latest + 1, device=device)
        counts = np.bincount(x.item, minlength=n)
        chance = torch.from_numpy(np.maximum(counts, 1) ** 0.75).float().to(device)
        log_chance = (chance / chance.sum()).log()  # (I,)
        cumulated = chance.double().cumsum(0) / chance.double().sum()

        def loss(rows: Tensor) -> Tensor:
            earlier = rows[:, None] - steps  # (B, L) latest first
            there = steps <= before[rows][:, None]
            met = torch.where(there, item[earlier.clamp(min=0)], -1)
            ratings = torch.where(there, value[earlier.clamp(min=0)], 0.0)
            histories = Histories(met, ratings, before[rows], profiles[user[rows]])
            wanted = item[rows]  # (B,)
            drawn = torch.searchsorted(cumulated, torch.rand(c.negatives, device=device).double()).clamp(max=n - 1)
            users = self.module.users(histories)
            chosen = self.module(users, wanted[:, None]).float() - log_chance[wanted][:, None]  # (B, 1)
            others = self.module(users, drawn[None]).float() - log_chance[drawn]  # (B, negatives)
            # What is the wanted item itself, or is seen already and so excluded when ranking, is no counter-example.
            same = drawn == wanted[:, None]
            seen = (drawn[None, :, None] == met[:, None, :]).any(dim=-1)
            logits = torch.cat([chosen, others.masked_fill(same | seen, -torch.inf)], dim=1)
            return functional.cross_entropy(logits, torch.zeros_like(rows))

        return len(x), loss

    def _build(self) -> "Network":
        return Network(self.features, self.config)

    @torch.inference_mode()
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n = len(self.catalogue)
        everything = torch.arange(n, device=self.device)[None]  # (1, I)
        width = n if candidates is None else candidates.shape[1]
        scores = np.zeros((len(states), width), np.float32)
        chunk = max(1, _PAIRS_AT_ONCE // max(1, width))
        for start in range(0, len(states), chunk):
            histories = self.features.histories(states[start : start + chunk]).to(self.device)
            items = everything
            if candidates is not None:
                items = torch.from_numpy(candidates[start : start + chunk]).to(self.device)
            scores[start : start + chunk] = self.module(self.module.users(histories), items).cpu().numpy()
        return scores

    def _arrays(self) -> dict[str, np.ndarray]:
        return super()._arrays() | self.features.arrays()

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self.features = Features.restore(arrays)
        super()._restore(arrays)


class Network(nn.Module):
    def __init__(self, features: Features, config: DeepFM.Config) -> None:
        super().__init__()
        self.features, self.dropout = features, config.dropout
        self.widths = {side: [f.width for f in features.of_side(side)] for side in SIDES}
        self.vectors = FieldEmbedding(features.rows, config.embedding_size, spread=0.1)
        self.weights = FieldEmbedding(features.rows, 1, spread=0.0)
        sizes = (len(features.fields) * config.embedding_size, *config.hidden, 1)
        self.deep = nn.ModuleList(nn.Linear(inward, outward) for inward, outward in consecutive(sizes))

    def users(self, histories: Histories) -> "Users":
        return Users(histories, *self._read(self.features.users(histories)[:, None], "user"))

    def forward(self, users: "Users", candidates: Tensor) -> Tensor:
        """Scores (B, C) of candidates (B, C), or of the same candidates (1, C) for all B users."""
        read = [
            (users.vectors, users.weight),  # (B, 1, F, D), (B, 1)
            self._read(self.features.items[candidates], "item"),  # (B or 1, C, F, D), (B or 1, C)
            self._read(self.features.pairs(users.histories, candidates), "pair"),  # (B, C, F, D), (B, C)
        ]
        blocks = [vectors for vectors, _ in read]
        first, *others = self.deep
        hidden = linear_of_blocks(first, blocks)  # (B, C, H)
        for layer in others:
            hidden = layer(functional.relu(hidden))
        return sum(weight for _, weight in read) + pairwise(blocks) + hidden.squeeze(-1)

    def _read(self, slots: Slots, side: Side) -> tuple[Tensor, Tensor]:
        """The fields' vectors (.., .., F, D), some dropped in training, and the sum of their weights (.., ..)."""
        vectors = self.vectors(slots.rows, slots.weights, self.widths[side])
        weight = self.weights(slots.rows, slots.weights, self.widths[side]).sum(dim=(-2, -1))
        if side != "pair":  # two numbers a pair: nothing to overfit, and much to draw
            vectors = functional.dropout(vectors, self.dropout, self.training)
        return vectors, weight


class Users(NamedTuple):
    """What is read of B users once, whatever the candidates: vectors (B, 1, F, D) and weight (B, 1)."""

    histories: Histories
    vectors: Tensor
    weight: Tensor
