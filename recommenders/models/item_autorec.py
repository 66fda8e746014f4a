"""I-AutoRec: autoencoder over the columns of items.

Idea
    Squeeze the column of an item (what each user made of it) through a narrow layer and rebuild it. The narrow layer
    is then a code of the item, and each user is one output unit that reads the codes.

Formula
    h(r; θ) = W · g(V r + μ) + b,  g the sigmoid                                          (Eq. 1 of the paper)
    min_θ Σ_i ‖r^(i) − h(r^(i); θ)‖²_O + λ/2 (‖W‖² + ‖V‖²)                                                (Eq. 2)
    ‖·‖_O counts known cells only. feedback = "ratings" is that, r holding the ratings and 0 where there is none.
    feedback = "met", ours, is for ranking: r holds 1 for a user who met the item and is divided by its norm, other
    cells count as zeros of a weight α, and a random share of the input is hidden in each pass.
    Fold-in: a new user is a new output unit, a row w of W with its bias. The codes z_i = g(V r^(i) + μ), frozen and
    kept from training, get a constant 1 beside them, and
        min_w Σ_i v_i (t_i − w·z_i)² + β (Σ_i v_i) mean_j (w·z_j)² + ρ ‖w − w̄‖²,  w̄ the mean trained row
    over the history items i, in closed form. "met": t_i = 1, v_i = 2^(−newer items than i / half-life). "ratings":
    t_i the rating, v_i = 1, β = 0. Users of the training are served in the same way. That the new user's own cells
    would also change the codes a little is left out: no column of V belongs to them.

Input
    "ratings": the latest rating of each item. "met": which items, and their order at serving. No profiles.

Relations
    user_autorec rebuilds rows and needs no fold-in. BPR learns item vectors freely; here a code is computed from the
    column, so an item that gains ratings gets a new code without training.

When it fails
    An item that nobody met has the code of an empty column. The weights grow with users × hidden units.

Reference
    Sedhain et al., AutoRec: autoencoders meet collaborative filtering (WWW 2015 Companion).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from scipy import sparse

from app.errors import ConfigError
from recommenders.contract import Count, Need, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, UserState, histories, ratings
from recommenders.networks import AutoEncoder, Loss, NeuralRecommender, Reconstruction, fold_in, memory, unit


class ItemAutoRec(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        feedback: Literal["met", "ratings"] = "met"
        """What is rebuilt: which items were met (to rank) or their ratings (to predict ratings)."""
        hidden_size: Count = 100
        """Units of the narrow layer."""
        regularisation: NotNegative = 1.0
        """λ of both matrices."""
        unmet_weight: NotNegative = 0.5
        """α of an unmet cell in training, "met" only."""
        corruption: Share = 0.5
        """Share of the input hidden in each pass, "met" only."""
        half_life: Positive | None = None
        """After how many newer history items an item's weight is halved, "met" only; None weighs all alike."""
        background: NotNegative = 1.0
        """β: weight of the whole catalogue as zeros at fold-in, against that of the history; "met" only."""
        ridge: Positive = 1.0
        """ρ: how firmly a folded-in user is held at the average user."""
        epochs: Count = 60
        batch_size: Count = 64
        """Items."""
        learning_rate: Positive = 3e-3
        weight_decay: NotNegative = 0.0
        warmup: Share = 0.05
        """Share of the steps until the learning rate's peak."""
        patience: Count = 8
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    config: Config
    module: AutoEncoder
    state: ClassVar[tuple[str, ...]] = ("_codes", "_taught", "_scale")
    _columns: sparse.csr_matrix | None = None  # (I, U) while there is training; what is loaded has its codes already

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        c, met = self.config, self.config.feedback == "met"
        rows = histories.users_by_items(data) if met else ratings.users_by_items(data)
        self._columns = rows.T.tocsr()
        self._taught = rows.getnnz(axis=1) > 0  # (U,) who has interactions
        self._scale = ratings.scale(data)
        self.module = self._build().to(self.device)
        if not met:
            torch.nn.init.constant_(self.module.decoder.bias, float(rows.data.mean()))
        columns = self._columns[self._columns.getnnz(axis=1) > 0]
        loss = Reconstruction(
            self.module,
            columns,
            unknown=c.unmet_weight if met else 0.0,
            regularisation=c.regularisation,
            corruption=c.corruption if met else 0.0,
            scaled=met,
        )
        return columns.shape[0], loss

    def needs(self, data: Dataset) -> Need:
        size = memory(len(data.users), self.config.hidden_size, self.config.batch_size)
        return Need(size, "lower hidden_size or batch_size, or train bpr, whose steps touch only what they read")

    def _build(self) -> AutoEncoder:
        return AutoEncoder(len(self._taught), self.config.hidden_size)

    @torch.inference_mode()
    def _ready(self) -> None:
        """The items' codes with a 1 beside them, and the average user's row."""
        if self._columns is not None:
            self._codes = np.concatenate([self._encoded(self._columns[s : s + 1024]) for s in self._starts()])  # (I, k)
        self._vectors = np.pad(self._codes, ((0, 0), (0, 1)), constant_values=1)  # (I, k + 1)
        w = torch.cat([self.module.decoder.weight, self.module.decoder.bias[:, None]], 1).cpu().numpy()  # (U, k + 1)
        self._average_user = w[self._taught].mean(axis=0)
        self._gram = self._vectors.T @ self._vectors / len(self._vectors)  # (k + 1, k + 1)

    def _starts(self) -> range:
        return range(0, len(self.catalogue), 1024)

    def _encoded(self, columns: sparse.csr_matrix) -> np.ndarray:  # (n, U) -> (n, k)
        r = torch.from_numpy(columns.toarray()).to(self.device)
        return self.module.encode(unit(r) if self.config.feedback == "met" else r).cpu().numpy()

    def fold_in(self, states: Sequence[UserState]) -> np.ndarray:
        """(B, k + 1): the output rows of these users with their biases, from their histories alone."""
        c, n = self.config, len(self.catalogue)
        if c.feedback == "met":
            history = histories.weighted(states, n, c.half_life)  # (B, I)
            targets, background = np.ones(history.nnz), c.background
        else:
            history = ratings.of(states, n)
            targets, background = history.data.copy(), 0.0
            history.data[:] = 1
        return fold_in.least_squares(
            history,
            self._vectors,
            targets,
            background=self._gram,
            background_weights=background * np.asarray(history.sum(axis=1)).ravel(),
            background_target=np.zeros(len(self._average_user)),
            ridge=c.ridge,
            prior=self._average_user,
        )

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n = len(self.catalogue)
        if not states:
            return np.zeros((0, n if candidates is None else candidates.shape[1]), np.float32)
        scores = self.fold_in(states) @ self._vectors.T  # (B, I)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32: the rating that each user would give each of their items (B, C), within the data's scale."""
        if self.config.feedback != "ratings":
            raise ConfigError("item_autorec was trained to rank; to predict ratings train it with feedback='ratings'")
        return self.score(states, items).clip(*self._scale)
