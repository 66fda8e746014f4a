"""UNBERT: user-news matching BERT, over item texts.

Idea
    A pre-trained BERT already knows what words have to do with each other. Let it read the candidate's text and the
    texts of the history as one sequence, so that "Alien" in the one meets "space horror" in the other word by word, and
    let a second transformer match the items as wholes. Both views decide whether the person would click.

Formula
    e = e_token + e_segment + e_position + e_news-segment                    input embedding
    [CLS] candidate [SEP] item_1 [NSEP] item_2 [NSEP] ...                    the sequence
    WLM: H^l = Transformer(H^(l-1)),  Q Kᵀ/√d softmax over all words         word-level matching
    e_n = h_[NSEP] | mean_w h_w | Σ_w a_w h_w, a = softmax_w vᵀ tanh(W h_w + b)      the three aggregators
    NLM: E^l = Transformer(E^(l-1)) over the e_n of candidate and history    news-level matching
    ŷ = σ(wᵀ [h_[CLS] ; e_candidate] + b)                                    click predictor
    Loss "click": log loss, clicked = rated at or above `liked_from`, read against the items liked before.
    Loss "next": −log softmax over the item met next and K others drawn with q ∝ count^¾, each score less log q; to
    the scores p log(share of all interactions) is added, p learnt from 1 on.

Input
    Title, year, genres, text and people of items as word pieces (recommenders.wordpieces), `tokens_per_item` of each,
    for the candidate and the latest `history` items, latest first. No item or user id, no profile. Histories of users
    nobody has seen are read like all others; an empty one leaves the candidate's own text.

Relations
    sasrec reads numbers of items, this their words: it can score an item that nobody met. The text index compares two
    finished vectors; here words meet words. BERT4Rec has BERT's form but not its knowledge. Ours against the paper:
    - The lowest `apart` layers read every item by itself, once for all users, and only the layers above see the whole
      sequence (MacAvaney et al. 2020). Positions therefore count within an item, [SEP] and [NSEP] are one token told
      apart by the segment, and segment and news-segment vectors are added where the items meet.
    - `frozen` keeps these lower layers as pre-trained: their output is computed once and training costs a fraction.
    - The history's words don't look at the candidate's, which look at both: a history is read once for all candidates.
    - "next" is told how popular items are, which words say badly; an item nobody met counts as met once.
    - apart = 0, frozen = false, mutual = true is the paper's network, and costs the paper's time.

When it fails
    Speed: every candidate is read against every history. On one CPU thread 20, 50, 100 and 500 candidates of one user
    take about 7, 11, 17 and 70 ms of CPU time at the settings of recommenders/configs/unbert.toml, so it is for the
    head of a list: 10 ms for 500 candidates can't be had from it. Explaining by leave-one-out scores the whole
    catalogue once for each history item: seconds. Taste that is not in the words must be learnt by heart, item by
    item, and a short training leaves most of it unlearnt: where items are old and well known (MovieLens), sasrec's
    order is not improved by it. Only `history` items count.

Reference
    Zhang et al., UNBERT: User-news matching BERT for news recommendation (IJCAI 2021).
    On layers that read texts apart: MacAvaney et al., PreTTR (SIGIR 2020), arXiv:2004.14255.
    Pre-trained: Wang et al., MiniLM (NeurIPS 2020), as all-MiniLM-L6-v2 (Reimers & Gurevych 2019).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from app.errors import ConfigError
from app.progress import Progress, quiet
from recommenders.contract import Count, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, Rated, UserState
from recommenders.evaluation import log_loss
from recommenders.networks import (
    Aggregator,
    Lower,
    Network,
    NeuralRecommender,
    Popular,
    Read,
    Sizes,
    bert,
    loop,
    wordpieces,
)
from recommenders.places import named

_PAIRS_AT_ONCE = 1024  # user-item pairs scored in one go: about 100 MB
_ITEMS_AT_ONCE = 256  # items read by the lower layers in one go
_CACHED = 300_000_000  # bytes of items projected ahead of all questions; a larger catalogue is projected when asked
_JUDGED, _AMONG = 300, 100  # validation cases after an epoch, and the items that each ranks


class UNBERT(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"ranker"})

    @dataclass(frozen=True)
    class Config:
        objective: Literal["next", "click"] = "next"
        """What is learnt: "next" to rank, "click" for the chance of a like (the paper's)."""
        pretrained: str | None = "data/cache/encoder"
        """Folder of the pre-trained BERT (recommenders.places); none starts from random weights and own words."""
        layers: Count = 3
        """Layers of the word level, the lowest of the pre-trained ones."""
        apart: int = 2
        """How many of them read each item by itself; fewer than `layers`."""
        frozen: bool = True
        """The embeddings and the layers that read items apart stay as they were pre-trained (random ones never do)."""
        mutual: bool = False
        """The history's words also see the candidate's, as in the paper: each candidate needs the history read anew."""
        aggregator: Aggregator = "nsep"
        """How an item's words become its vector: its closing token, the mean, or attention."""
        news_layers: Count = 1
        """Layers of the news level."""
        tokens_per_item: Count = 16
        """T: word pieces read of an item, [CLS] and [SEP] included."""
        history: Count = 8
        """h: how many of the latest items are read."""
        embedding_size: Count = 64
        """D where there are no pre-trained weights (which bring their own): a multiple of `heads`."""
        heads: Count = 4
        """Of attention, where there are no pre-trained weights."""
        dropout: Share = 0.1
        negatives: Count = 8
        """K: items drawn against each item met; "next" only."""
        every: Count = 4
        """An epoch reads one place in so many of the histories, another one each time; 1 reads all."""
        epochs: Count = 3
        batch_size: Count = 128
        """Places in histories."""
        learning_rate: Positive = 5e-4
        weight_decay: NotNegative = 1e-2
        warmup: Share = 0.1
        """Share of the steps until the learning rate's peak."""
        patience: Count = 2
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    config: Config
    module: Network
    state: ClassVar[tuple[str, ...]] = ("pieces", "sizes", "encoded", "liked_from", "log_popularity")
    pieces: np.ndarray  # (I, T) int32
    sizes: np.ndarray  # of the network, as recommenders.bert.Sizes
    encoded: np.ndarray  # (I, T, D) float16: what frozen lower layers give; (0, 0, 0) where they are trained
    liked_from: np.ndarray  # (1,) the least rating of a history item that is read; -inf reads all
    log_popularity: np.ndarray  # (I,) float32, log of an item's share of all interactions; 0 where it isn't read
    _rated: Sequence[Rated] = ()
    _states: Tensor  # (I, T, D) what the lower layers give
    _read: Read | None = None  # all items projected, where memory allows

    # -- learning ---------------------------------------------------------------------------------------------------

    def fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]] = (),
        rated: Sequence[Rated] = (),
        progress: Progress = quiet,
        checkpoint: Path | None = None,
    ) -> Self:
        """As every recommender's; `rated` is what stops a training for "click" early: its log loss is measured after
        each epoch. For "next", some of `valid` rank their item among others drawn by popularity."""
        self._rated, self._clicked_from = rated, data.liked_from
        return super().fit(data, valid=valid, progress=progress, checkpoint=checkpoint)

    def _prepare(self, data: Dataset) -> tuple[int, loop.Loss]:
        c, x, n, device = self.config, data.interactions, len(data.catalogue), self.device
        self._check()
        clicks = c.objective == "click"
        self.liked_from = np.array([data.liked_from if clicks and data.explicit else -np.inf], np.float32)
        chance = np.maximum(np.bincount(x.item, minlength=n), 1)
        spread = np.log(chance / chance.sum()).astype(np.float32)
        self.log_popularity = np.zeros_like(spread) if clicks else spread
        self._start()
        self._ready()
        places = _Places(data, c.history, float(self.liked_from[0]), device)
        item, value = (torch.from_numpy(np.ascontiguousarray(column)).to(device) for column in (x.item, x.value))
        draw = Popular(chance, device)

        def pick(rows: Tensor) -> Tensor:
            """A place (B,) of each row's `every`: another one from epoch to epoch."""
            return (rows * c.every + torch.randint(c.every, rows.shape).to(device)).clamp(max=len(x) - 1)

        def next_item(rows: Tensor) -> Tensor:
            place = pick(rows)
            history, wanted = places.histories(place), item[place]  # (B, h), (B,)
            drawn, log_chance = draw(len(rows), c.negatives), draw.log_chance  # (B, K), (I,)
            candidates = torch.cat([wanted[:, None], drawn], dim=1)  # (B, 1 + K)
            logits = self._logits(history, candidates) - log_chance[candidates]
            # What is the wanted item itself, or is read already and so excluded when ranking, is no counter-example.
            void = (drawn == wanted[:, None]) | (drawn[:, :, None] == history[:, None, :]).any(dim=-1)
            void = functional.pad(void, (1, 0))  # (B, 1 + K), the wanted item never
            return functional.cross_entropy(logits.masked_fill(void, -torch.inf), torch.zeros_like(place))

        def click(rows: Tensor) -> Tensor:
            place = pick(rows)
            logits = self._logits(places.histories(place), item[place][:, None])[:, 0]
            return functional.binary_cross_entropy_with_logits(logits, (value[place] >= data.liked_from).float())

        return -(-len(x) // c.every), click if clicks else next_item

    def _check(self) -> None:
        c = self.config
        if not 0 <= c.apart < c.layers:
            raise ConfigError(f"unbert: apart must be at least 0 and less than layers ({c.layers}), got {c.apart}")
        if c.tokens_per_item < 3:
            raise ConfigError(
                f"unbert: tokens_per_item must be 3 or more ([CLS], [SEP], words), got {c.tokens_per_item}"
            )
        if c.pretrained is None and c.embedding_size % c.heads:
            raise ConfigError(f"unbert: embedding_size {c.embedding_size} is not a multiple of heads {c.heads}")

    def _start(self) -> None:
        """Texts as word pieces, and the network with pre-trained or random weights."""
        c, texts = self.config, wordpieces.lines(self.catalogue)
        self.encoded = np.zeros((0, 0, 0), np.float16)
        if c.pretrained is None:
            self.pieces, words = wordpieces.of_own_words(texts, c.tokens_per_item)
            self.sizes = Sizes(words, c.tokens_per_item, c.embedding_size, c.heads, widening=4).array()
            self.module = self._build().to(self.device)
            return
        folder = named(c.pretrained)
        sizes = bert.sizes(folder)
        if c.tokens_per_item > sizes.positions:
            raise ConfigError(f"unbert: tokens_per_item is {c.tokens_per_item}, the BERT reads {sizes.positions}")
        self.sizes, arrays = sizes.array(), bert.weights(folder)
        self.pieces = wordpieces.of_vocabulary(folder, texts, c.tokens_per_item)
        lower = Lower(sizes, c.apart, c.dropout)
        bert.start_embedding(lower.embedding, arrays)
        for layer, block in enumerate(lower.blocks):
            bert.start_block(block, arrays, layer)
        if c.frozen:
            self.encoded = self._through(lower.to(self.device).eval()).half().cpu().numpy()
        self.module = self._build().to(self.device)
        if self.module.lower is not None:
            self.module.lower.load_state_dict(lower.state_dict())
        for layer, block in enumerate(self.module.across, start=c.apart):
            bert.start_block(block, arrays, layer)

    def _build(self) -> Network:
        c, sizes = self.config, Sizes.of(self.sizes)
        return Network(
            sizes,
            Lower(sizes, c.apart, c.dropout) if self.encoded.size == 0 else None,
            across=c.layers - c.apart,
            news_layers=c.news_layers,
            history=c.history,
            aggregator=c.aggregator,
            mutual=c.mutual,
            dropout=c.dropout,
        )

    def _validator(self, valid: Sequence[tuple[UserState, int]]) -> Callable[[], float] | None:
        """ "next": the mean NDCG of the withheld item among 100 others drawn by popularity, over 300 cases. To rank the
        catalogue for every case would take longer than the training. "click": the log loss of `rated`, negative."""
        if self.config.objective == "click":
            return self._click_validator()
        if not valid:
            return None
        rng = np.random.default_rng(self.config.seed)
        cases = [valid[n] for n in sorted(rng.permutation(len(valid))[:_JUDGED])]
        n = len(self.catalogue)
        met = np.bincount([i for state, _ in valid for i in state.items], minlength=n) + 1.0
        items = np.zeros((len(cases), 1 + min(_AMONG, n - 1)), np.int64)
        for row, (state, item) in enumerate(cases):
            chance = met.copy()
            chance[list(state.items)] = 1e-9  # seen items come in only where nothing else is left
            others = np.delete(np.arange(n), item)
            chance = chance[others] / chance[others].sum()
            items[row] = [item, *rng.choice(others, items.shape[1] - 1, replace=False, p=chance)]

        def among() -> float:
            self._ready()
            scores = self.score([state for state, _ in cases], items)
            better = (scores[:, 1:] >= scores[:, :1]).sum(axis=1)
            return float((1 / np.log2(2 + better)).mean())

        return among

    def _click_validator(self) -> Callable[[], float] | None:
        if not self._rated:
            return None
        states, items = [state for state, _, _ in self._rated], np.array([item for _, item, _ in self._rated])
        liked = np.array([value >= self._clicked_from for _, _, value in self._rated])

        def likelihood() -> float:
            self._ready()
            return -log_loss(liked, self.predict_click(states, items))

        return likelihood

    def _key(self, data: Dataset, valid: Sequence[tuple[UserState, int]]) -> str:
        """Texts are what this model reads: other texts, another training."""
        return super()._key(data, valid) + wordpieces.fingerprint(self.pieces)

    # -- serving ----------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n = len(self.catalogue)
        width = n if candidates is None else candidates.shape[1]
        scores = np.zeros((len(states), width), np.float32)
        pairs = max(1, _PAIRS_AT_ONCE // self.config.history) if self.config.mutual else _PAIRS_AT_ONCE
        wide = max(1, min(width, pairs))
        chunk = max(1, pairs // wide)
        for start in range(0, len(states), chunk):
            history = self._histories(states[start : start + chunk])
            rows = slice(start, start + len(history))
            for first in range(0, width, wide):
                columns = slice(first, min(first + wide, width))
                if candidates is None:
                    asked = torch.arange(columns.start, columns.stop).expand(len(history), -1)
                else:
                    asked = torch.from_numpy(candidates[rows, columns])
                scores[rows, columns] = self._logits(history, asked.to(self.device)).cpu().numpy()
        return scores

    def predict_click(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B,) float32: the chance that each user likes their item of `items` (B,)."""
        if self.config.objective != "click":
            raise ConfigError(f"{self.name} learnt {self.config.objective!r}; to predict clicks set objective='click'")
        logits = self.score(states, np.asarray(items, np.int64)[:, None])[:, 0]
        return (1 / (1 + np.exp(-logits))).astype(np.float32)

    def _histories(self, states: Sequence[UserState]) -> Tensor:
        """(B, h) the items that are read, latest first, -1 where there are fewer."""
        size, least = self.config.history, float(self.liked_from[0])
        read = np.full((len(states), size), -1, np.int64)
        for row, state in enumerate(states):
            items = [i for i, v in zip(state.items, state.values, strict=True) if v >= least][: -size - 1 : -1]
            read[row, : len(items)] = items
        return torch.from_numpy(read).to(self.device)

    def _ready(self) -> None:
        """Read every item, and project it for the first layer across: requests then start from there."""
        self._texts, self._read = _Texts(self.pieces, self.device), None
        self._log_popularity = torch.from_numpy(self.log_popularity).to(self.device)
        training = self.module.training
        self.module.eval()
        with torch.inference_mode():
            lower = self.module.lower
            states = torch.from_numpy(self.encoded).to(self.device) if lower is None else self._through(lower)
            self._states = states  # float16 where frozen: half the memory
            if 3 * 4 * states.numel() <= _CACHED:
                parts = [
                    self.module.read(states[rows].float(), self._texts.there[rows])
                    for rows in torch.arange(len(states), device=self.device).split(_ITEMS_AT_ONCE)
                ]
                self._read = Read(*(torch.cat(columns) for columns in zip(*parts, strict=True)))
        self.module.train(training)

    def _through(self, lower: Lower) -> Tensor:
        """(I, T, D) all items through the lower layers."""
        t = _Texts(self.pieces, self.device)
        with torch.inference_mode():
            rows = torch.arange(len(self.pieces), device=self.device).split(_ITEMS_AT_ONCE)
            return torch.cat([lower(t.pieces[r], t.positions[r], t.there[r]) for r in rows])

    def _logits(self, history: Tensor, candidates: Tensor) -> Tensor:
        """(B, C) float32 for items history (B, h), -1 none, and candidates (B, C)."""
        met = history >= 0
        prior = self.module.popularity * self._log_popularity[candidates]  # (B, C)
        if not self.module.training and self._read is not None:
            return self.module(self._read, history.clamp(min=0), met, candidates).float() + prior
        both = torch.cat([history.clamp(min=0), candidates], dim=1)
        items, places = torch.unique(both, return_inverse=True)  # each item is projected once, however often it occurs
        read = self.module.read(self._encode(items), self._texts.there[items])
        h = history.shape[1]
        return self.module(read, places[:, :h], met, places[:, h:]).float() + prior

    def _encode(self, items: Tensor) -> Tensor:
        """(n, T, D) what the lower layers give for these items (n,)."""
        if self.module.lower is not None and self.module.training:
            t = self._texts
            encoded: Tensor = self.module.lower(t.pieces[items], t.positions[items], t.there[items])
            return encoded
        return self._states[items].float()


class _Texts:
    """The catalogue's word pieces on the device, each (I, T)."""

    def __init__(self, pieces: np.ndarray, device: torch.device) -> None:
        self.pieces = torch.from_numpy(pieces.clip(min=0).astype(np.int64)).to(device)
        self.positions = torch.from_numpy(wordpieces.positions(pieces).astype(np.int64)).to(device)
        self.there = torch.from_numpy(pieces != wordpieces.NOTHING).to(device)


class _Places:
    """What came before each interaction: the latest items rated at or above `least`, without a copy for each."""

    def __init__(self, data: Dataset, size: int, least: float, device: torch.device) -> None:
        x = data.interactions
        read = x.value >= least
        before: np.ndarray = np.cumsum(read) - read  # (N,) rows that are read before this one, of all users
        first: np.ndarray = before[np.searchsorted(x.user, x.user)]  # (N,) the same at the user's first row
        self.items = torch.from_numpy(np.append(x.item[read], -1)).to(device)  # never empty
        self.before, self.first = torch.from_numpy(before).to(device), torch.from_numpy(first).to(device)
        self.steps = torch.arange(1, size + 1, device=device)

    def histories(self, rows: Tensor) -> Tensor:
        """(B, h) latest first, -1 where there are fewer."""
        earlier = self.before[rows][:, None] - self.steps
        return torch.where(earlier >= self.first[rows][:, None], self.items[earlier.clamp(min=0)], -1)
