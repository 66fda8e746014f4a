"""NeuralCF: a user and an item vector, joined by a learned function (GMF, MLP, or both: NeuMF).

Idea
    Matrix factorisation fixes how two vectors become a score: their dot product. Learn that function instead: weigh
    the products of the coordinates (GMF), let layers find any interaction (MLP), or do both side by side (NeuMF).

Formula
    φ_G = p^G_u ⊙ q^G_i                                                            (GMF, Eq. 8 of the paper)
    z_1 = ReLU(W_1 [p^M_u; q^M_i] + b_1),  z_l = ReLU(W_l z_(l−1) + b_l),  φ_M = z_L           (MLP, Eq. 10)
    ŷ_ui = σ(hᵀ [φ_G; φ_M] + c)                                               (NeuMF, Eq. 12; alone: Eq. 9, 10)
    Loss: −Σ_(met) ln ŷ − Σ_(drawn, not met) ln(1 − ŷ), some negatives a positive, drawn anew each epoch (Eq. 7)
    Pre-training: NeuMF starts from a trained GMF and a trained MLP, h = [α h_G; (1 − α) h_M]           (Eq. 13)
    Fold-in: on frozen items and layers, the vector θ = [p^G; p^M] of a user lowers the same loss,
        Σ_i w_i ln(1 + e^−s_i) + β (Σ_i w_i) mean_j ln(1 + e^s_j) + ρ/2 ‖θ − θ̄‖²,  s = logit of ŷ,
    over the latest history items i, w_i = 2^(−newer items than i / half-life), and a fixed sample of items j not
    met; θ̄ is the mean trained user. From θ̄ on, a few steps θ ← θ − (¼ Jᵀ V J + ρ Id)⁻¹ gradient, with J the
    derivatives of s and V the weights: ¼ bounds the curvature of the log loss, so for GMF every step lowers it.
    Users of the training are served in the same way.

Input
    Which user met which item; the order of the history at serving. Ratings and profiles are not read.

Relations
    bpr is GMF with h = 1 and pairs in place of cells. DeepFM and Deep Crossing feed such layers with features.

When it fails
    An MLP learns a dot product only with much data and width (Rendle et al. 2020), so plain factorisation is often as
    good. Every candidate passes through the layers: no index of vectors can retrieve for it.

Reference
    He et al., Neural collaborative filtering (WWW 2017), arXiv:1708.05031.
    The bound: Böhning & Lindsay, Monotonicity of quadratic-approximation algorithms (1988).
"""

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from app.progress import Progress
from recommenders.contract import Count, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, UserState, weighted
from recommenders.networks import Loss, Negatives, NeuralRecommender

CELLS = 500_000  # scored at a time: bounds the memory of the layers' activations


class NeuralCF(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        variant: Literal["gmf", "mlp", "neumf"] = "neumf"
        factors: Count = 16
        """D: size of the GMF vectors and of the MLP's last layer ("predictive factors")."""
        layers: Count = 3
        """L of the MLP; each is half as wide as the one before, and its vectors are as wide as the first."""
        pretrain: bool = False
        """Start NeuMF from a trained GMF and MLP."""
        balance: Share = 0.5
        """α of the pre-trained GMF in the output."""
        negatives: Count = 4
        """Unmet items drawn for each met one."""
        regularisation: NotNegative = 1e-5
        """On the squared vectors of each cell."""
        half_life: Positive | None = None
        """After how many newer history items an item's weight is halved at fold-in; None weighs all alike."""
        background: NotNegative = 4.0
        """β: weight of the unmet items at fold-in, against that of the history."""
        sample: Count = 256
        """Unmet items that a fold-in looks at."""
        recent: Count = 64
        """History items that a fold-in looks at, the latest ones."""
        ridge: Positive = 1.0
        """ρ: how firmly a folded-in user is held at the average user."""
        steps: Count = 6
        """Of a fold-in."""
        epochs: Count = 15
        """Of each half as well, with `pretrain`."""
        batch_size: Count = 1024
        """Positives."""
        learning_rate: Positive = 5e-3
        weight_decay: NotNegative = 0.0
        warmup: Share = 0.05
        """Share of the steps until the learning rate's peak."""
        patience: Count = 5
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    config: Config
    module: "Network"
    state: ClassVar[tuple[str, ...]] = ("_taught",)
    _halves: tuple["Network", "Network"] | None = None  # a trained GMF and MLP while NeuMF is trained from them

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        if self.config.pretrain and self.config.variant == "neumf":
            halves = []
            for variant in ("gmf", "mlp"):
                half = NeuralCF(dataclasses.replace(self.config, variant=variant, pretrain=False))
                own = checkpoint / variant if checkpoint is not None else None
                half.fit(data, valid=valid, progress=progress, checkpoint=own)
                halves.append(half.module)
            self._halves = (halves[0], halves[1])
        super()._fit(data, valid=valid, progress=progress, checkpoint=checkpoint)
        self._halves = None

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        x, c = data.interactions, self.config
        users = torch.from_numpy(x.user).to(self.device)
        items = torch.from_numpy(x.item).to(self.device)
        draw = Negatives(users, items, len(data.catalogue))
        self._taught = np.bincount(x.user, minlength=len(data.users)) > 0  # (U,) who has interactions
        self.module = self._build().to(self.device)
        if self._halves is not None:
            self.module.start_from(*self._halves, c.balance)

        def loss(rows: Tensor) -> Tensor:
            many = users[rows].repeat(c.negatives)  # (negatives · B,)
            drawn, real = draw(many)
            u, i = torch.cat([users[rows], many]), torch.cat([items[rows], drawn])  # ((1 + negatives) · B,)
            met = torch.arange(len(u), device=u.device) < len(rows)
            weight = torch.cat([torch.ones_like(rows, dtype=torch.float32), real.float()])  # 0: no negative was found
            p, q = self.module.users(u), self.module.items(i)
            s = self.module(p, q).float()
            cells = functional.binary_cross_entropy_with_logits(s, met.float(), reduction="none")
            norms = (p**2).sum(-1) + (q**2).sum(-1)
            return ((cells + c.regularisation * norms) * weight).sum() / weight.sum()

        return len(x), loss

    def _build(self) -> "Network":
        return Network(len(self._taught), len(self.catalogue), self.config)

    @torch.inference_mode()
    def _ready(self) -> None:
        """The average user, and the items that stand for the unmet ones in each fold-in: the same for everybody."""
        taught = torch.from_numpy(self._taught).to(self.device)
        self._average_user = self.module.users.weight[taught].mean(0)  # (W,)
        order = np.random.default_rng(self.config.seed).permutation(len(self.catalogue))
        self._sample = np.sort(order[: self.config.sample])  # (M,)

    @torch.inference_mode()
    def fold_in(self, states: Sequence[UserState]) -> Tensor:
        """(B, W): the vectors [p^G; p^M] of these users, from their histories alone."""
        c, n = self.config, len(self.catalogue)
        history = weighted(states, n, c.half_life)  # (B, I)
        latest = [list(dict.fromkeys(reversed(s.items)))[: c.recent] for s in states]
        width = max(1, max(len(x) for x in latest))
        chosen = np.zeros((len(states), width + len(self._sample)), np.int64)  # (B, n + M) items looked at
        chosen[:, width:] = self._sample
        weights = np.zeros(chosen.shape, np.float32)  # (B, n + M), 0 for padding
        for b, x in enumerate(latest):
            chosen[b, : len(x)] = x
            weights[b, : len(x)] = history[b, x].toarray().ravel() if x else 0
        total = weights.sum(1, keepdims=True)  # (B, 1)
        unmet = history[:, self._sample].toarray() == 0  # (B, M)
        weights[:, width:] = c.background * total * unmet / np.maximum(1, unmet.sum(1, keepdims=True))

        v = torch.from_numpy(weights).to(self.device)
        items = self.module.items(torch.from_numpy(chosen).to(self.device))  # (B, n + M, W)
        met = torch.arange(chosen.shape[1], device=self.device) < width
        theta = self._average_user.expand(len(states), -1)  # (B, W)
        identity = torch.eye(theta.shape[1], device=self.device)
        for _ in range(c.steps):
            s, j = self.module.linearised(theta[:, None], items)  # (B, n + M), (B, n + M, W)
            slope = v * (torch.sigmoid(s) - met.float())
            gradient = (j.transpose(1, 2) @ slope[..., None]).squeeze(-1) + c.ridge * (theta - self._average_user)
            curvature = j.transpose(1, 2) @ (j * v[..., None] / 4) + c.ridge * identity  # (B, W, W)
            theta = theta - torch.linalg.solve(curvature, gradient)
        return theta

    @torch.inference_mode()
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n = len(self.catalogue)
        if not states:
            return np.zeros((0, n if candidates is None else candidates.shape[1]), np.float32)
        size = max(1, CELLS // n)
        scores = np.concatenate([self._scored(states[b : b + size]) for b in range(0, len(states), size)])  # (B, I)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)

    def _scored(self, states: Sequence[UserState]) -> np.ndarray:
        return self.module(self.fold_in(states)[:, None], self.module.items.weight).cpu().numpy()


class Network(nn.Module):
    """The vectors of users and items are [p^G; p^M] and [q^G; q^M], of size W together; a half that the variant lacks
    has size 0."""

    def __init__(self, users: int, items: int, config: NeuralCF.Config) -> None:
        super().__init__()
        widths = [config.factors * 2 ** (config.layers - 1 - layer) for layer in range(config.layers)]
        self.deep = config.variant != "gmf"
        self.products = config.factors if config.variant != "mlp" else 0  # size of p^G
        size = self.products + (widths[0] if self.deep else 0)
        self.users, self.items = nn.Embedding(users, size), nn.Embedding(items, size)
        if self.deep:  # W_1 in two parts: the item's share is then the same for all users
            self.of_user, self.of_item = nn.Linear(widths[0], widths[0]), nn.Linear(widths[0], widths[0], bias=False)
            self.tower = nn.ModuleList(nn.Linear(a, b) for a, b in itertools.pairwise(widths))
        self.out = nn.Linear(self.products + (config.factors if self.deep else 0), 1)  # h, c
        for embedding in (self.users, self.items):
            nn.init.normal_(embedding.weight, std=0.1)
        if self.products:
            nn.init.ones_(self.out.weight[:, : self.products])

    def start_from(self, gmf: "Network", mlp: "Network", balance: float) -> None:
        """Sec. 3.4.1 of the paper: both halves as they were trained, h weighed by α and 1 − α."""
        state = mlp.state_dict()
        for name in ("users.weight", "items.weight"):
            state[name] = torch.cat([gmf.state_dict()[name], state[name]], 1)
        state["out.weight"] = torch.cat([balance * gmf.out.weight, (1 - balance) * mlp.out.weight], 1).detach()
        state["out.bias"] = (balance * gmf.out.bias + (1 - balance) * mlp.out.bias).detach()
        self.load_state_dict(state)

    def forward(self, p: Tensor, q: Tensor) -> Tensor:  # (..., W), (..., W) -> (...) the logits
        g, h = self.products, self.out.weight[0]
        s = (p[..., :g] * q[..., :g]) @ h[:g] + self.out.bias
        if self.deep:
            z = functional.relu(self.of_user(p[..., g:]) + self.of_item(q[..., g:]))
            for layer in self.tower:
                z = functional.relu(layer(z))
            s = s + z @ h[g:]
        return s

    def linearised(self, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        """The logits (...) and their derivatives by p (..., W)."""
        g, h = self.products, self.out.weight[0]
        s = (p[..., :g] * q[..., :g]) @ h[:g] + self.out.bias
        slopes = [h[:g] * q[..., :g]]
        if self.deep:
            z = functional.relu(self.of_user(p[..., g:]) + self.of_item(q[..., g:]))
            passed = [z > 0]
            for layer in self.tower:
                z = functional.relu(layer(z))
                passed.append(z > 0)
            s = s + z @ h[g:]
            back = h[g:] * passed[-1]
            weights = [layer.get_parameter("weight") for layer in self.tower]
            for weight, open_ in zip(reversed(weights), reversed(passed[:-1]), strict=True):
                back = (back @ weight) * open_
            slopes.append(back @ self.of_user.weight)
        return s, torch.cat(slopes, -1)
