"""BPR: matrix factorisation trained by Bayesian personalised ranking.

Idea
    A user and an item are a vector each, and their product is the score. What the data say is not that an unmet item
    is bad but that a met one is preferred to it: learn from pairs, so that the met item of a pair scores higher.

Formula
    score(u, i) = p_u · q_i                                                              (Sec. 4.3.1 of the paper)
    BPR-Opt = Σ_(u,i,j) ln σ(score(u, i) − score(u, j)) − λ‖Θ‖²,  i met by u and j not                   (Sec. 4.1)
    Pairs are drawn anew in each epoch, every met item once with one j, as in LearnBPR (Fig. 4).
    Fold-in: on frozen items, p is the maximum of the same criterion over all pairs of a history item i, weighted
    w_i = 2^(−newer items than i / h), and any item j. With ln σ(x) ≈ −ln 2 + x/2 − x²/8 it has a closed form:
        min_p Σ_i w_i mean_j (2 − p·(q_i − q_j))² + ρ‖p − p̄‖²,  p̄ the mean of the trained users' vectors
    that is (Σ_i w_i (q̃_i q̃_iᵀ + C) + ρ Id) p = 2 Σ_i w_i q̃_i + ρ p̄,  q̃ = q − mean q,  C = cov q.
    Users of the training are served in the same way, so their own p_u are dropped after it.
    Cost: a step of Adam touches all vectors. Where those are more than 16 batches long, it touches those of the step
    alone (lazy Adam), so that an epoch costs no more than its pairs; few vectors are quicker done all at once.

Input
    Which user met which item; the order of the history at serving. Ratings and profiles are not read.

Relations
    NeuralCF's GMF weighs the products and learns from single cells instead of pairs; EASE needs no narrow vectors.

When it fails
    The order of the history enters by the decay only, and new items have no vector. One product must say all:
    triangles (a likes b and c, b and c dislike each other) need a high D.

Reference
    Rendle et al., BPR: Bayesian personalized ranking from implicit feedback (UAI 2009), arXiv:1205.2618.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from app.errors import ConfigError
from recommenders.contract import Count, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, UserState, weighted
from recommenders.networks import Loss, Negatives, NeuralRecommender, Plan, adamw, fold_in

_LAZY_FROM = 16  # batches


class BPR(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        embedding_size: Count = 64
        """D of users and items."""
        regularisation: NotNegative = 1e-3
        """λ, on the three vectors of each pair."""
        negatives: Literal["uniform", "popular"] = "uniform"
        """How the unmet item of a pair is drawn: all alike, or in proportion to popularity^¾."""
        half_life: Positive | None = None
        """h: after how many newer history items an item's weight is halved; None weighs all alike."""
        ridge: Positive = 1.0
        """ρ: how firmly a folded-in user is held at the average user."""
        epochs: Count = 30
        batch_size: Count = 1024
        """Pairs."""
        learning_rate: Positive = 5e-3
        weight_decay: NotNegative = 0.0
        warmup: Share = 0.05
        """Share of the steps until the learning rate's peak."""
        patience: Count = 5
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    config: Config
    module: "Factors"
    clip: ClassVar[float | None] = None  # the gradient of a mean over so many pairs is short
    state: ClassVar[tuple[str, ...]] = ("_taught",)

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        x, c = data.interactions, self.config
        users = torch.from_numpy(x.user).to(self.device)
        items = torch.from_numpy(x.item).to(self.device)
        draw = Negatives(users, items, len(data.catalogue), power=0.75 if c.negatives == "popular" else 0.0)
        self._taught = np.bincount(x.user, minlength=len(data.users)) > 0  # (U,) who has interactions
        self.module = self._build().to(self.device)

        def loss(rows: Tensor) -> Tensor:
            u, i = users[rows], items[rows]  # (B,)
            j, real = draw(u)
            p, q_i, q_j = self.module.users(u), self.module.items(i), self.module.items(j)  # (B, D)
            preferred = functional.softplus(-(p * (q_i - q_j)).sum(-1))  # −ln σ of the difference, (B,)
            norms = (p**2 + q_i**2 + q_j**2).sum(-1)  # (B,)
            return ((preferred + c.regularisation * norms) * real).sum() / real.sum().clamp(min=1)

        return len(x), loss

    def _build(self) -> "Factors":
        users, items, c = len(self._taught), len(self.catalogue), self.config
        return Factors(users, items, c.embedding_size, lazy=users + items > _LAZY_FROM * c.batch_size)

    def _optimisers(self, module: nn.Module, plan: Plan) -> Sequence[torch.optim.Optimizer]:
        if not self.module.lazy:
            return adamw(module, plan)
        if plan.weight_decay:
            raise ConfigError("bpr: weight_decay would touch every vector in every step; set regularisation instead")
        return [torch.optim.SparseAdam(list(module.parameters()), lr=plan.learning_rate, betas=(0.9, 0.98))]

    def _ready(self) -> None:
        """What fold-in needs: the average user, and the items seen from their mean."""
        self._items = self.module.items.weight.detach().cpu().numpy()  # (I, D)
        self._average_user = self.module.users.weight.detach().cpu().numpy()[self._taught].mean(axis=0)  # (D,)
        self._centred = self._items - self._items.mean(axis=0)  # (I, D) q̃
        self._covariance = self._centred.T @ self._centred / len(self._items)  # (D, D) C

    def fold_in(self, states: Sequence[UserState]) -> np.ndarray:
        """(B, D): the vectors of these users, from their histories alone."""
        history = weighted(states, len(self.catalogue), self.config.half_life)  # (B, I)
        return fold_in.least_squares(
            history,
            self._centred,
            np.full(history.nnz, 2.0),
            background=self._covariance,
            background_weights=np.asarray(history.sum(axis=1)).ravel(),
            background_target=np.zeros(self.config.embedding_size),
            ridge=self.config.ridge,
            prior=self._average_user,
        )

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n = len(self.catalogue)
        if not states:
            return np.zeros((0, n if candidates is None else candidates.shape[1]), np.float32)
        scores = self.fold_in(states) @ self._items.T  # (B, I)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)


class Factors(nn.Module):
    """lazy: gradients hold the rows that were read, and nothing of the others."""

    def __init__(self, users: int, items: int, size: int, lazy: bool = False) -> None:
        super().__init__()
        self.lazy = lazy
        self.users, self.items = nn.Embedding(users, size, sparse=lazy), nn.Embedding(items, size, sparse=lazy)
        for embedding in (self.users, self.items):
            nn.init.normal_(embedding.weight, std=0.1)
