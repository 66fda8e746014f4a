"""U-AutoRec: autoencoder over the rows of users.

Idea
    Squeeze the row of a user through a narrow layer and rebuild it. What the layer keeps is their taste, and the
    rebuilt row has values where the original had none. A new user is one more row: nothing has to be estimated.

Formula
    h(r; θ) = W · g(V r + μ) + b,  g the sigmoid                                          (Eq. 1 of the paper)
    min_θ Σ_u ‖r^(u) − h(r^(u); θ)‖²_O + λ/2 (‖W‖² + ‖V‖²)                                  (Eq. 2, for users)
    ‖·‖_O counts known cells only. feedback = "ratings" is that, r holding the ratings and 0 where there is none.
    feedback = "met", ours, is for ranking: r holds 1 for a met item and is divided by its norm, unmet cells count as
    zeros of a weight α, and a random share of the input is hidden in each pass. A model of ratings knows how an item
    would be liked, not whether it will be met, so it ranks badly.
    Serving, "met": r_i = 2^(−newer items than i / half-life), divided by the norm.

Input
    "ratings": the latest rating of each item. "met": which items, and their order at serving. No profiles.

Relations
    item_autorec rebuilds columns; with ratings it is the more accurate one, as columns are longer. EASE is the linear
    one without a narrow layer.

When it fails
    The weights grow with items × hidden units and each pass touches all of them. Short rows say little: with ratings
    it is worse than I-AutoRec (in the paper .874 against .831 RMSE on ML-1M).

Reference
    Sedhain et al., AutoRec: autoencoders meet collaborative filtering (WWW 2015 Companion).
    On hiding inputs: Wu et al., Collaborative denoising auto-encoders for top-N recommender systems (WSDM 2016).
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
from recommenders.networks import AutoEncoder, Loss, NeuralRecommender, Reconstruction, memory, unit


class UserAutoRec(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator", "ranker"})

    @dataclass(frozen=True)
    class Config:
        feedback: Literal["met", "ratings"] = "met"
        """What is rebuilt: which items were met (to rank) or their ratings (to predict ratings)."""
        hidden_size: Count = 200
        """Units of the narrow layer."""
        regularisation: NotNegative = 1.0
        """λ of both matrices."""
        unmet_weight: NotNegative = 0.5
        """α of an unmet cell, "met" only."""
        corruption: Share = 0.5
        """Share of the input hidden in each pass, "met" only."""
        half_life: Positive | None = None
        """After how many newer history items an item's weight is halved, "met" only; None weighs all alike."""
        epochs: Count = 60
        batch_size: Count = 64
        """Users."""
        learning_rate: Positive = 3e-3
        weight_decay: NotNegative = 0.0
        warmup: Share = 0.05
        """Share of the steps until the learning rate's peak."""
        patience: Count = 8
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    config: Config
    module: AutoEncoder
    state: ClassVar[tuple[str, ...]] = ("_scale",)

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        c, met = self.config, self.config.feedback == "met"
        rows = histories.users_by_items(data) if met else ratings.users_by_items(data)
        rows = rows[rows.getnnz(axis=1) > 0]
        self._scale = ratings.scale(data)
        self.module = self._build().to(self.device)
        if not met:
            torch.nn.init.constant_(self.module.decoder.bias, float(rows.data.mean()))
        loss = Reconstruction(
            self.module,
            rows,
            unknown=c.unmet_weight if met else 0.0,
            regularisation=c.regularisation,
            corruption=c.corruption if met else 0.0,
            scaled=met,
        )
        return rows.shape[0], loss

    def needs(self, data: Dataset) -> Need:
        size = memory(len(data.catalogue), self.config.hidden_size, self.config.batch_size)
        return Need(size, "lower hidden_size or batch_size, or train bpr, whose steps touch only what they read")

    def _build(self) -> AutoEncoder:
        return AutoEncoder(len(self.catalogue), self.config.hidden_size)

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n = len(self.catalogue)
        if not states:
            return np.zeros((0, n if candidates is None else candidates.shape[1]), np.float32)
        if self.config.feedback == "met":
            scores = self._rebuilt(histories.weighted(states, n, self.config.half_life), scaled=True)  # (B, I)
        else:
            scores = self._rebuilt(ratings.of(states, n), scaled=False)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32: the rating that each user would give each of their items (B, C), within the data's scale."""
        if self.config.feedback != "ratings":
            raise ConfigError("user_autorec was trained to rank; to predict ratings train it with feedback='ratings'")
        return self.score(states, items).clip(*self._scale)

    @torch.inference_mode()
    def _rebuilt(self, rows: sparse.csr_matrix, *, scaled: bool) -> np.ndarray:  # (B, I) -> (B, I)
        r = torch.from_numpy(rows.toarray()).to(self.device)
        return self.module(unit(r) if scaled else r).cpu().numpy()
