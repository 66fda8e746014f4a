"""What all models that read fields share: their inputs, their three objectives, scoring and keeping.

A model of this family is a network over the fields of recommenders.features. What differs from paper to paper is how
the fields meet: that is `FieldNetwork.head`, written in each model's own file. What is learnt is the `objective`:
- next    rank: −log softmax over the item met next and `negatives` others, drawn for each batch with probability
          q ∝ count^¾; each score less log q, which makes the sample stand for the whole catalogue (Bengio & Senécal
          2008)
- click   −[y log σ(ŷ) + (1 − y) log(1 − σ(ŷ))], y = 1 where a rating is at or above the data set's `liked_from`
          (log loss, the objective of the click-through-rate papers)
- rating  (y − ŷ)², y the rating itself
Each training row is a place in a history: only what came before it is read; counts and the items' usual ratings come
from the training data as a whole.
Fold-in: no field is a user id; a user nobody has seen is read from profile and history like all others.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from app.errors import ConfigError
from app.progress import Progress, quiet
from recommenders.contract import Count, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, Rated, UserState
from recommenders.evaluation import log_loss
from recommenders.networks import initial
from recommenders.networks.fields.features import SIDES, Features, Field, Histories, Places, Side, Slots
from recommenders.networks.layers import FieldEmbedding, Start, added
from recommenders.networks.loop import Loss
from recommenders.networks.negatives import Popular

Objective = Literal["next", "click", "rating"]
_SLOTS_IN_MEMORY = 40_000_000  # rows × slots that are read once before training; beyond it each batch is read anew


@dataclass(frozen=True)
class FieldConfig:
    """The settings of every model of the family; a model's Config adds its own."""

    objective: Objective = "next"
    """What is learnt: "next" to rank, "click" for the chance of a like, "rating" for the rating."""
    fields: tuple[str, ...] = ()
    """Names of the fields to read; empty reads all that the data has."""
    embedding_size: Count = 16
    """D of every field."""
    spread: Positive = 0.1
    """Standard deviation of fresh embeddings: with a small one, rows that training never met say next to nothing."""
    start: Start = "uniform"
    """How the fresh weights of the layers are spread: "uniform" as torch does, "he" further, by what follows a layer
    (recommenders.layers). "he" fits quicker: a gain at random where nothing is dropped; with the shipped dropout
    validation tells the two apart by nothing (docs/lab-log.md)."""
    dropout: Share = 0.2
    """Share of the field embeddings' numbers, and where the paper says so of the hidden units, dropped in training."""
    latest: Count = 25
    """L: how many of the latest history items are read."""
    half_life: Positive = 3.0
    """After how many newer items a history item counts half, where decay is meant."""
    negatives: Count = 64
    """Items drawn for each batch, against every item met in it; "next" only."""
    hidden_histories: Share = 0.0
    """Share of the rows of each batch whose history is hidden, so that people without one are learnt as well; not for
    "next"."""
    epochs: Count = 4
    batch_size: Count = 256
    """Places in histories."""
    learning_rate: Positive = 3e-3
    weight_decay: NotNegative = 1e-4
    warmup: Share = 0.1
    """Share of the steps until the learning rate's peak."""
    patience: Count = 3
    """Epochs without a better validation value before training stops, where validation cases are given."""
    seed: int = 0
    texts: str | None = None
    """Folder of a sentence encoder, from the project's root: items that training never met get the embeddings that
    their texts predict (recommenders.initial); none leaves them as they began."""


@dataclass(frozen=True)
class Block:
    """Some fields of some pairs: b is B or 1, c is C or 1, so that what does not depend on user or candidate is read
    once and broadcast.

    slots    (b, c, W)
    vectors  (b, c, F, D)
    weight   (b, c): Σ_f w_f x_f, 0 for networks without a linear part
    """

    fields: tuple[Field, ...]
    slots: Slots
    vectors: Tensor
    weight: Tensor


class Users(NamedTuple):
    """What is read of B users once, whatever the candidates; `more` is what a network's `read_users` returns."""

    histories: Histories
    block: Block
    more: Any


@dataclass(frozen=True)
class Inputs:
    """B users and their C candidates (candidates is (B, C), or (1, C) where all users have the same)."""

    blocks: tuple[Block, ...]
    histories: Histories
    candidates: Tensor
    more: Any = None

    @cached_property
    def vectors(self) -> Tensor:
        """(B, C, F, D): the embeddings of all fields side by side."""
        if len(self.blocks) == 1:
            return self.blocks[0].vectors
        b, c = len(self.histories.items), self.candidates.shape[1]
        return torch.cat([block.vectors.expand(b, c, -1, -1) for block in self.blocks], dim=-2)

    @property
    def linear(self) -> Tensor:
        """(B, C): Σ w x over all fields."""
        return added(block.weight for block in self.blocks)

    def numbers(self) -> Tensor:
        """(B, C, N): the standardised values of the numeric fields."""
        b, c = len(self.histories.items), self.candidates.shape[1]
        found = [self.blocks[0].slots.weights[..., :0].expand(b, c, 0)]
        for block in self.blocks:
            places = [s for f, s in _starts(block.fields) if f.kind == "numeric"]
            found.append(block.slots.weights[..., places].expand(b, c, -1))
        return torch.cat(found, dim=-1)

    def slots(self, name: str) -> Slots:
        """(b, c, width of the field): the slots of one field."""
        for block in self.blocks:
            for field, start in _starts(block.fields):
                if field.name == name:
                    return block.slots[..., start : start + field.width]
        raise KeyError(name)


class FieldNetwork(nn.Module):
    """One embedding table for all fields, and a head that lets them meet."""

    linear: ClassVar[bool] = True  # whether the head reads Inputs.linear: one weight for each row of the table

    def __init__(self, features: Features, config: Any) -> None:
        super().__init__()
        self.features, self.config = features, config
        self.groups: dict[Side, tuple[Field, ...]] = {side: features.of_side(side) for side in SIDES}
        self.fields = tuple(field for side in SIDES for field in self.groups[side])  # in the order of Inputs.vectors
        self.size = len(self.fields) * config.embedding_size  # of all embeddings side by side
        self.vectors = FieldEmbedding(features.rows, config.embedding_size, spread=config.spread)
        if self.linear:
            self.weights = FieldEmbedding(features.rows, 1, spread=0.0)
        self.bias = nn.Parameter(torch.zeros(1))

    @abstractmethod
    def head(self, x: Inputs) -> Tensor:
        """Scores (B, C) of the candidates, but for the bias."""

    def read_users(self, histories: Histories, block: Block) -> Any:
        """Whatever else the head needs that depends on the user alone; it comes back as Inputs.more."""
        return None

    @property
    def reads_histories(self) -> bool:
        """Whether the network reads more of a history than the fields hold. Where not, none are looked up again for
        rows whose fields have been read already, and Inputs.histories is empty in training."""
        return type(self).read_users is not FieldNetwork.read_users

    def penalty(self, x: Inputs) -> Tensor | float:
        """What the paper adds to the loss of a batch (regularisation, an auxiliary loss)."""
        return 0.0

    def study(self, rows: Iterable[tuple[Histories, Tensor]]) -> None:
        """Called once before training, with all its rows in parts: histories and the items (b,) they are met by. What
        is learnt here is for training alone, it isn't kept."""

    def users(self, histories: Histories) -> Users:
        slots = self.features.users(histories)[:, None]
        block = self.block(self.groups["user"], slots)
        return Users(histories, block, self.read_users(histories, block))

    def inputs(self, users: Users, candidates: Tensor) -> Inputs:
        """Candidates (B, C), or the same (1, C) for all B users."""
        items = self.block(self.groups["item"], self.features.items[candidates])
        blocks = [users.block, items]
        if self.groups["pair"]:  # one or two numbers a pair: nothing to overfit, and much to draw
            pairs = self.features.pairs(users.histories, candidates)
            blocks.append(self.block(self.groups["pair"], pairs, dropped=False))
        return Inputs(tuple(blocks), users.histories, candidates, users.more)

    def rows(self, slots: Slots, histories: Histories, candidates: Tensor) -> Inputs:
        """One candidate (B, 1) a user, all slots (B, W) of the pair read in one go."""
        block = self.block(self.fields, slots[:, None])
        return Inputs((block,), histories, candidates, self.read_users(histories, block))

    def forward(self, x: Inputs) -> Tensor:
        return self.head(x) + self.bias

    def block(self, fields: tuple[Field, ...], slots: Slots, *, dropped: bool = True) -> Block:
        vectors = self.vectors(slots.rows, slots.weights, [f.width for f in fields])
        if dropped:
            vectors = functional.dropout(vectors, self.config.dropout, self.training)
        linear = self.weights.sum(slots.rows, slots.weights) if self.linear else vectors.new_zeros(())
        return Block(fields, slots, vectors, linear)


class FeatureModel(initial.PlacesCold):
    """Subclasses give `Config` (a FieldConfig) and `_build` (a FieldNetwork)."""

    roles: ClassVar[frozenset[Role]] = frozenset({"ranker"})
    pairs_at_once: ClassVar[int] = 65_536  # user-item pairs scored in one go: bounds memory
    bf16: ClassVar[bool] = False  # sums of many small products: gains no time and costs digits
    state: ClassVar[tuple[str, ...]] = ("_scale",)
    config: Any
    module: FieldNetwork
    features: Features
    _scale: np.ndarray  # (2,) the lowest and the highest rating
    _rated: Sequence[Rated] = ()

    @abstractmethod
    def _build(self) -> FieldNetwork: ...

    def fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]] = (),
        rated: Sequence[Rated] = (),
        progress: Progress = quiet,
        checkpoint: Path | None = None,
    ) -> Self:
        """As every recommender's; `rated` is what stops a training for "click" or "rating" early: its log loss, or its
        squared error, is measured after each epoch."""
        self._rated, self._liked_from = rated, data.liked_from
        return super().fit(data, valid=valid, progress=progress, checkpoint=checkpoint)

    def place_cold(self, texts: np.ndarray, counts: np.ndarray) -> None:
        """Give items without interactions (counts (I,) of 0) the rows that their text vectors (I, S) predict, as
        candidates and in histories, and an unknown popularity: nobody chose them since nobody could."""
        n, module = len(self.catalogue), self.module
        tables = [module.vectors.table.weight, *([module.weights.table.weight] if module.linear else [])]
        with torch.no_grad():
            for field in self.features.fields:
                if field.name == "item" or field.kind == "sequence":
                    rows = slice(field.offset, field.offset + n)
                    for table in tables:
                        placed = initial.mapped(texts, table[rows].cpu().numpy(), counts)
                        table[rows] = torch.from_numpy(placed).to(table.device)
        self.features.forget_popularity(counts == 0)
        self._ready()

    def _features(self, data: Dataset) -> Features:
        c = self.config
        opinions = c.objective != "next"  # for what comes next they cost a third more time and gained nothing
        return Features.of(data, latest=c.latest, half_life=c.half_life, only=c.fields, opinions=opinions)

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        x = data.interactions
        self.features = self._features(data).to(self.device)
        self._scale = np.array([x.value.min(), x.value.max()], np.float32)
        self.module = self._build().to(self.device)
        rows = Places(self.features, data, self.device)
        self.module.study(rows.parts())
        if self.config.objective == "next":
            return len(x), _NextItem(self.module, rows, data, self.config.negatives)
        return len(x), _OneItem(self.module, rows, data, self.config)

    def _validator(self, valid: Sequence[tuple[UserState, int]]) -> Any:
        if self.config.objective == "next":
            return super()._validator(valid)
        if not self._rated:
            return None
        states = [state for state, _, _ in self._rated]
        items = np.array([item for _, item, _ in self._rated])
        values = np.array([value for _, _, value in self._rated], np.float32)

        def better() -> float:
            if self.config.objective == "rating":
                return -float(np.mean((self.score(states, items[:, None])[:, 0] - values) ** 2))
            return -log_loss(values >= self._liked_from, self.predict_click(states, items))

        return better

    @torch.inference_mode()
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n = len(self.catalogue)
        everything = torch.arange(n, device=self.device)[None]  # (1, I)
        width = n if candidates is None else candidates.shape[1]
        scores = np.zeros((len(states), width), np.float32)
        chunk = max(1, self.pairs_at_once // max(1, width))
        for start in range(0, len(states), chunk):
            histories = self.features.histories(states[start : start + chunk]).to(self.device)
            items = everything
            if candidates is not None:
                items = torch.from_numpy(candidates[start : start + chunk]).to(self.device)
            users = self.module.users(histories)
            scores[start : start + chunk] = self.module(self.module.inputs(users, items)).cpu().numpy()
        return scores

    def predict_click(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B,) float32: the chance that each user likes their item of `items` (B,)."""
        if self.config.objective != "click":
            raise ConfigError(f"{self.name} learnt {self.config.objective!r}; to predict clicks set objective='click'")
        logits = self.score(states, np.asarray(items, np.int64)[:, None])[:, 0]
        return (1 / (1 + np.exp(-logits))).astype(np.float32)

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32: the rating that each user would give each of their items (B, C), within the data's scale."""
        if self.config.objective != "rating":
            raise ConfigError(
                f"{self.name} learnt {self.config.objective!r}; to predict ratings set objective='rating'"
            )
        return self.score(states, items).clip(*self._scale)

    def _arrays(self) -> dict[str, np.ndarray]:
        return super()._arrays() | self.features.arrays()

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self.features = Features.restore(arrays).to(self.device)
        super()._restore(arrays)


class _NextItem:
    """The loss "next" of a batch of rows."""

    def __init__(self, module: FieldNetwork, rows: Places, data: Dataset, negatives: int) -> None:
        self.module, self.rows, self.negatives = module, rows, negatives
        module.bias.requires_grad_(False)  # the softmax takes it out again
        counts = np.bincount(data.interactions.item, minlength=len(data.catalogue))
        self.draw = Popular(counts, rows.item.device)

    def __call__(self, batch: Tensor) -> Tensor:
        histories, wanted = self.rows.histories(batch), self.rows.item[batch]  # (B,)
        drawn, log_chance = self.draw(self.negatives), self.draw.log_chance
        users = self.module.users(histories)
        own = self.module.inputs(users, wanted[:, None])
        chosen = self.module(own).float() - log_chance[wanted][:, None]  # (B, 1)
        others = self.module(self.module.inputs(users, drawn[None])).float() - log_chance[drawn]  # (B, negatives)
        # What is the wanted item itself, or is seen already and so excluded when ranking, is no counter-example.
        same = drawn == wanted[:, None]
        seen = (drawn[None, :, None] == histories.items[:, None, :]).any(dim=-1)
        logits = torch.cat([chosen, others.masked_fill(same | seen, -torch.inf)], dim=1)
        return functional.cross_entropy(logits, torch.zeros_like(batch)) + self.module.penalty(own)


class _OneItem:
    """The losses "click" and "rating" of a batch of rows: each row is one user and one item."""

    def __init__(self, module: FieldNetwork, rows: Places, data: Dataset, config: FieldConfig) -> None:
        self.module, self.rows, self.hidden = module, rows, config.hidden_histories
        self.objective = objective = config.objective
        value = rows.value
        profile = {f.name for f in module.fields if f.name.startswith("user.")}
        of_history = [f.name not in profile and f.side != "item" for f in module.fields for _ in range(f.width)]
        self.of_history = torch.tensor(of_history, device=value.device)  # (W,) bool
        self.wanted = value if objective == "rating" else (value >= data.liked_from).float()
        with torch.no_grad():  # training starts at the mean instead of learning it first
            mean = self.wanted.mean()
            module.bias.fill_(mean if objective == "rating" else torch.logit(mean, eps=1e-3))
        width = sum(field.width for field in module.fields)
        self.known: Slots | None = None
        if len(value) * width <= _SLOTS_IN_MEMORY:
            parts = [self._slots(part) for part in torch.arange(len(value), device=value.device).split(8192)]
            rows_of, weights = (torch.cat([getattr(p, name) for p in parts]) for name in ("rows", "weights"))
            self.known = Slots(rows_of.int(), weights)

    def _slots(self, batch: Tensor) -> Slots:
        """(B, W) everything that is read of these rows."""
        histories, items = self.rows.histories(batch), self.rows.item[batch]
        features = self.module.features
        parts = [
            features.users(histories),
            features.items[items],
            features.pairs(histories, items[:, None])[:, 0],
        ]
        return Slots(torch.cat([p.rows for p in parts], dim=1), torch.cat([p.weights for p in parts], dim=1))

    def __call__(self, batch: Tensor) -> Tensor:
        if self.known is None:
            slots = self._slots(batch)
        else:  # index_select copies whole rows; indexing goes number by number
            slots = Slots(self.known.rows.index_select(0, batch), self.known.weights.index_select(0, batch))
        histories = self.rows.histories(batch) if self.module.reads_histories else _unread(batch)
        if self.hidden:
            hide = (torch.rand(len(batch)) < self.hidden).to(batch.device)[:, None]  # (B, 1)
            slots = Slots(slots.rows, slots.weights.masked_fill(hide & self.of_history, 0.0))
            histories = Histories(
                histories.items.masked_fill(hide, -1),
                histories.values.masked_fill(hide, 0.0),
                histories.lengths.masked_fill(hide[:, 0], 0),
                histories.profile,
            )
        x = self.module.rows(slots, histories, self.rows.item[batch][:, None])
        predicted, wanted = self.module(x)[:, 0], self.wanted[batch]
        if self.objective == "rating":
            loss = functional.mse_loss(predicted, wanted)
        else:
            loss = functional.binary_cross_entropy_with_logits(predicted, wanted)
        return loss + self.module.penalty(x)


def _unread(batch: Tensor) -> Histories:
    """Histories of B users that nobody will look at."""
    nothing = batch.new_zeros((len(batch), 0))
    return Histories(nothing, nothing.float(), torch.zeros_like(batch), nothing)


def _starts(fields: tuple[Field, ...]) -> list[tuple[Field, int]]:
    """Each field with the number of its first slot among these fields' slots."""
    found, start = [], 0
    for field in fields:
        found.append((field, start))
        start += field.width
    return found
