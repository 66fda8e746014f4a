"""MINT: retrieval for requests in words, learnt from narratives.

Idea
    Few people's requests are on record, but much of what people liked. So a language model writes, for a set of items
    that a person liked, the request that the set answers; a second one keeps of the set what suits the request; and a
    bi-encoder learns to put a request near its answers. It then understands real people's requests.

Formula
    q_u = LLM(examples, items D_u)                      the narrative                      (llm.writing, app.narratives)
    D'_u = the M of D_u with the highest P_LM(q_u | d)  the filter                                    (llm.likelihood)
    v(text) = n(mean over tokens of BERT(text))
    Loss: −log softmax over d of s v(q)·v(d), among the answers of the batch and hard negatives (recommenders.biencoder)
    score(u, i) = n(Σ_j w_j v("I really liked" j)) · v(i) + ε pop(i),  w_j = 2^(−newer items than j / h)

Input
    Titles, years, genres and texts of items, and sets of items that one person liked. Narratives come from a file that
    a language model wrote (`narratives`) and from rules (recommenders.narratives; `composed` of them). A user is read
    as what they would say: that they liked each item of their history. Ratings below the line of a like count as items
    met. Nothing is kept of users, so one whom nobody has seen is read like all others; without a history popularity
    decides.

Relations
    The text index has the same encoder before training. unbert reads the words of history and candidate together, which
    is dearer; here finished vectors are compared, in FAISS. item_knn compares who met two items; here what is said of
    them, so new items come up at once. Ours against the paper: a MiniLM of six layers with the lower ones frozen in
    place of MPNet, the softmax in place of a margin, and no cross-encoder behind it.

When it fails
    It knows of an item what its text says; taste that is not in words is learnt only as far as titles can be learnt by
    heart. Narratives of a weak language model repeat its examples and teach little: docs/lab-log.md has the figures.

Reference
    Mysore, McCallum & Zamani, Large language model augmented narrative driven recommendations (RecSys 2023),
    arXiv:2306.02250. The encoder: Reimers & Gurevych, Sentence-BERT (EMNLP 2019); Wang et al., MiniLM (NeurIPS 2020).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from app.errors import ConfigError
from recommenders.contract import Count, CountOrNone, NotNegative, Positive, Role, Share, artefact
from recommenders.data import Dataset, UserState, popularity, weighted
from recommenders.networks import Loss, Lower, NeuralRecommender, Sizes, Texts, Tower, biencoder, wordpieces
from recommenders.places import named
from recommenders.texts import Narrative, VectorIndex, narratives, text_index

_HARD = 30  # nearest wrong items of each narrative that hard negatives are drawn from


class MINT(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        pretrained: str | None = "data/cache/encoder"
        """Folder of the pre-trained BERT (recommenders.places); none starts from random weights and own words."""
        narratives: str | None = None
        """File of narratives by a language model (chatrec mint write; recommenders.places); none for none."""
        composed: CountOrNone = 6000
        """Narratives composed by rules beside them."""
        set_size: Count = 5
        """Liked items of one person that a composed narrative is about."""
        layers: Count = 6
        """Layers of the BERT that are read."""
        upper: Count = 2
        """How many of them, the last ones, are trained; without pre-trained weights all are."""
        tokens: Count = 48
        """T: word pieces read of a text, [CLS] and [SEP] included."""
        embedding_size: Count = 32
        """D where there are no pre-trained weights (which bring their own): a multiple of `heads`."""
        heads: Count = 4
        """Of attention, where there are no pre-trained weights."""
        scale: Positive = 20.0
        """s: what cosines are multiplied by."""
        hard_negatives: CountOrNone = 32
        """Items near to a request but not its answers that each batch is given."""
        half_life: Positive = 3.0
        """h: after how many newer history items an item's weight is halved."""
        prior: NotNegative = 0.1
        """ε: weight of popularity."""
        dropout: Share = 0.1
        epochs: Count = 2
        batch_size: Count = 64
        """Narratives, each with one of its answers."""
        learning_rate: Positive = 1e-4
        weight_decay: NotNegative = 1e-2
        warmup: Share = 0.1
        """Share of the steps until the learning rate's peak."""
        patience: Count = 2
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    config: Config
    module: Tower
    state: ClassVar[tuple[str, ...]] = ("sizes", "items", "praised", "popularity")
    sizes: np.ndarray  # of the BERT, as recommenders.bert.Sizes
    items: np.ndarray  # (I, D) float32: the items' texts
    praised: np.ndarray  # (I, D) float32: that somebody liked each item
    popularity: np.ndarray  # (I,) float32
    _texts: Texts | None = None  # in training: items, then praise of each, then narratives
    _pieces: np.ndarray
    _index: VectorIndex

    # -- learning ---------------------------------------------------------------------------------------------------

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        c, n, device = self.config, len(data.catalogue), self.device
        self.popularity = popularity(data)
        told = self._narratives(data)
        praise = [narratives.praise(data.catalogue, i) for i in range(n)]
        self._start([*text_index.documents(data.catalogue), *praise, *(x.text for x in told)])
        texts = self._texts
        assert texts is not None
        answers = _padded([x.items for x in told], device)  # (N, A), -1 where there are fewer
        known = _padded([(*x.items, *x.known) for x in told], device)  # (N, K)
        hard = self._hard(texts, known, n) if c.hard_negatives else known[:, :0]  # (N, H)

        def loss(rows: Tensor) -> Tensor:
            own = answers[rows]  # (B, A)
            which = (torch.rand(len(rows), device=device) * (own >= 0).sum(dim=1)).long()
            wanted = own.gather(1, which[:, None])[:, 0]  # (B,)
            some = torch.randperm(len(rows), device=device)[: c.hard_negatives]
            drawn = hard[rows[some], torch.randint(max(1, hard.shape[1]), some.shape, device=device)]
            candidates, place = torch.unique(torch.cat([wanted, drawn]), return_inverse=True)  # (C,)
            void = (known[rows][:, :, None] == candidates).any(dim=1)  # (B, C)
            queries = texts.vectors(self.module, 2 * n + rows)
            items = texts.vectors(self.module, candidates)
            return biencoder.contrastive(queries.float(), items.float(), place[: len(rows)], void, c.scale)

        return len(told), loss

    def _narratives(self, data: Dataset) -> list[Narrative]:
        c, catalogue = self.config, data.catalogue
        found = [] if c.narratives is None else narratives.read(named(c.narratives), catalogue)
        rng = np.random.default_rng(c.seed)
        chosen = narratives.sets(data, c.set_size, c.composed, c.seed)
        found += [x for x in (narratives.composed(catalogue, some, rng) for some in chosen) if x.items]
        # where nobody liked two items there are no sets: then at least titles are learnt
        return found or [Narrative(narratives.praise(catalogue, i), (i,)) for i in range(len(catalogue))]

    def _start(self, texts: Sequence[str]) -> None:
        """Texts as word pieces, and the layers with pre-trained or random weights."""
        c = self.config
        if c.tokens < 3:
            raise ConfigError(f"mint: tokens must be 3 or more ([CLS], [SEP], words), got {c.tokens}")
        if c.pretrained is None:
            if c.embedding_size % c.heads:
                raise ConfigError(f"mint: embedding_size {c.embedding_size} is not a multiple of heads {c.heads}")
            self._pieces, words = wordpieces.of_own_words(texts, c.tokens)
            self.sizes = Sizes(words, c.tokens, c.embedding_size, c.heads, widening=2).array()
            self.module = self._build().to(self.device)
            self._texts = Texts(self._pieces, self.device, None)
            return
        if not 0 < c.upper <= c.layers:
            raise ConfigError(f"mint: upper must be at least 1 and at most layers ({c.layers}), got {c.upper}")
        folder = named(c.pretrained)
        sizes, lower, tower = biencoder.pretrained(folder, c.layers, c.upper, c.dropout)
        self.sizes = sizes.array()
        self._pieces = wordpieces.of_vocabulary(folder, texts, min(c.tokens, sizes.positions))
        self.module = tower.to(self.device)
        self._texts = Texts(self._pieces, self.device, lower.to(self.device))

    def _build(self) -> Tower:
        c, sizes = self.config, Sizes.of(self.sizes)
        lower = Lower(sizes, 0, c.dropout) if c.pretrained is None else None
        return Tower(sizes, lower, c.layers if c.pretrained is None else c.upper, c.dropout)

    def _hard(self, texts: Texts, known: Tensor, n: int) -> Tensor:
        """(N, H) the items nearest to each narrative before training, without those that its person liked."""
        vectors = torch.from_numpy(texts.all(self.module, len(self._pieces))).to(known.device)
        near = vectors[2 * n :] @ vectors[:n].T  # (N, I)
        near = torch.cat([near, near.new_zeros(len(near), 1)], dim=1)
        near.scatter_(1, torch.where(known < 0, n, known), -torch.inf)  # column n takes what is padding
        return near[:, :n].topk(min(_HARD, n), dim=1).indices

    def _key(self, data: Dataset, valid: Sequence[tuple[UserState, int]]) -> str:
        return super()._key(data, valid) + wordpieces.fingerprint(self._pieces)

    # -- serving ----------------------------------------------------------------------------------------------------

    def _ready(self) -> None:
        n = len(self.catalogue)
        if self._texts is not None:
            vectors = self._texts.all(self.module, 2 * n)
            self.items, self.praised = vectors[:n], vectors[n:]
        biased = np.concatenate([self.items, self.config.prior * self.popularity[:, None]], axis=1)
        self._index = VectorIndex.build(biased, artefact.fingerprint(self.catalogue))

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        scores = self._queries(states) @ self._index.vectors.T  # (B, I)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)

    def recommend(self, state: UserState, k: int, *, allowed: np.ndarray | None = None) -> list[tuple[int, float]]:
        may = np.ones(len(self.catalogue), bool) if allowed is None else allowed.copy()
        may[list(state.items + state.disliked)] = False
        scores, items = self._index.search(self._queries([state]), k, allowed=may)
        return [(int(i), float(s)) for i, s in zip(items[0], scores[0], strict=True)]

    def _queries(self, states: Sequence[UserState]) -> np.ndarray:
        """(B, D + 1) what each history says, of length one (0 for an empty one), and 1 for the popularity."""
        said = weighted(states, len(self.catalogue), self.config.half_life) @ self.praised  # (B, D)
        said /= np.maximum(np.linalg.norm(said, axis=1, keepdims=True), 1e-9)
        return np.concatenate([said, np.ones((len(states), 1))], axis=1).astype(np.float32)

    def export(self, folder: Path) -> None:
        """Write the trained encoder as a folder that sentence-transformers and recommenders.text read."""
        if self.config.pretrained is None:
            raise ConfigError("mint: an encoder of own words cannot be exported; train from pre-trained weights")
        biencoder.export(self.module, named(self.config.pretrained), folder, self.config.layers)


def _padded(lists: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """(N, longest), -1 behind the end of each."""
    table = np.full((len(lists), max(map(len, lists))), -1)
    for row, items in enumerate(lists):
        table[row, : len(items)] = items
    return torch.from_numpy(table).to(device)
