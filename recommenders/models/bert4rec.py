"""BERT4Rec: bidirectional transformer that fills gaps in the history.

Idea
    Hide some items of the history and guess each from what stands on both sides of it. To recommend, put one hidden
    place behind the history and fill that gap.

Formula
    h⁰_t = v_t + p_t                                         item or mask, and place           (Eq. 6 of the paper)
    A = h + Dropout(MH(LN(h))),  h' = A + Dropout(PFFN(LN(A)))                       Trm blocks (Eq. 1 to 5)
    P(v | gap t) = softmax(GELU(h_t W + b) Eᵀ + b_O), E the item embeddings                                   (Eq. 7)
    Loss: mean over the gaps of −log P(hidden item | the rest)                                                (Eq. 8)
    with items that are met and not hidden left out of the softmax, as they are left out of what is recommended
    Gaps: each place with probability ρ (at least one); in a share of the samples the last place alone, because that
    is the task at serving (Sec. 3.6).

Input
    Histories in time order; each sample is a window of at most T items that ends at a random place, so a gap behind
    an empty history is among them. Ratings and profiles are not read.

Relations
    SASRec predicts at every place but looks only back; this looks both ways and predicts at the gaps, so it learns
    less from each pass and wants more of them. Ours against the paper: norms stand first (trains without long
    warm-up), places count from the newest, and b_O starts at the log popularity.

When it fails
    New items have no embedding worth the name; only the last T − 1 items count; training is slow for what it learns.

Reference
    Sun et al., BERT4Rec: sequential recommendation with bidirectional encoder representations from transformer
    (CIKM 2019), arXiv:1904.06690.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from app.errors import ConfigError
from recommenders.contract import Count, Need, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, UserState
from recommenders.networks import Loss, NeuralRecommender


class BERT4Rec(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})

    @dataclass(frozen=True)
    class Config:
        window: Count = 25
        """T: places of a window, the gap at its end among them."""
        embedding_size: Count = 64
        """D of items and places; a multiple of `heads`."""
        layers: Count = 2
        heads: Count = 2
        widening: Count = 2
        """The feed-forward part is this many times wider than D."""
        dropout: Share = 0.2
        masked: Share = 0.3
        """ρ: share of the places that become gaps."""
        last_only: Share = 0.5
        """Share of the samples whose one gap is the last place."""
        epochs: Count = 60
        """In each, every user gives as many windows as would cover the history once."""
        batch_size: Count = 128
        """Windows."""
        learning_rate: Positive = 3e-3
        """The peak, after the warm-up."""
        weight_decay: NotNegative = 0.0
        warmup: Share = 0.1
        """Share of the steps until the peak."""
        patience: Count = 10
        """Epochs without a better validation value before training stops, where validation cases are given."""
        seed: int = 0

    config: Config
    module: "Network"

    def _prepare(self, data: Dataset) -> tuple[int, Loss]:
        c, n = self.config, len(self.catalogue)
        items = torch.from_numpy(data.interactions.item).to(self.device)  # (N,) sorted by user, then time
        sizes = np.bincount(data.interactions.user, minlength=len(data.users))  # (U,)
        owners = np.repeat(np.arange(len(sizes)), -(-sizes // c.window))  # (windows,) their users
        starts = torch.from_numpy((np.cumsum(sizes) - sizes)[owners]).to(self.device)  # of the users' rows in `items`
        lengths = torch.from_numpy(sizes[owners]).to(self.device)
        back = torch.arange(-c.window, 0, device=self.device)  # (T,)

        counts = np.bincount(data.interactions.item, minlength=n)
        self.module = self._build().to(self.device)
        self.module.start_from(torch.from_numpy(np.log1p(counts)).float())

        def loss(rows: Tensor) -> Tensor:
            """Over all gaps of these windows."""
            start, length = starts[rows, None], lengths[rows, None]  # (B, 1)
            end = 1 + (torch.rand(len(rows), 1).to(self.device) * length).long().clamp(max=length - 1)  # (B, 1)
            place = end + back  # (B, T) within the user's history, negative before its first item
            real = place >= 0
            tokens = torch.where(real, items[start + place.clamp(min=0)], n + 1)
            gaps = self._gaps(real)
            hidden = self.module(torch.where(gaps, n, tokens))  # (B, T, D)
            window = gaps.nonzero()[:, 0]  # (gaps,) their rows
            met = self._met(items, start[:, 0], end[:, 0])  # (B, I)
            met[window, tokens[gaps]] = False
            logits = self.module.logits(hidden[gaps]).float().masked_fill_(met[window], -torch.inf)  # (gaps, I)
            return functional.cross_entropy(logits, tokens[gaps])

        return len(owners), loss

    def _met(self, items: Tensor, start: Tensor, number: Tensor) -> Tensor:
        """(B, I) bool: the items among the first `number` (B,) of the histories that begin at `start` (B,)."""
        owner = torch.arange(len(start), device=items.device).repeat_interleave(number)
        place = torch.arange(len(owner), device=items.device) - (number.cumsum(0) - number)[owner]
        met = torch.zeros(len(start), len(self.catalogue), dtype=torch.bool, device=items.device)
        met[owner, items[start[owner] + place]] = True
        return met

    def _gaps(self, real: Tensor) -> Tensor:
        """Which places of the windows are hidden: (B, T) bool, at least one in each row, none of them padding."""
        last = torch.zeros_like(real)
        last[:, -1] = True
        drawn = (torch.rand(real.shape).to(real.device) < self.config.masked) & real
        alone = (torch.rand(len(real), 1).to(real.device) < self.config.last_only) | ~drawn.any(1, keepdim=True)
        return torch.where(alone, last, drawn)

    def needs(self, data: Dataset) -> Need:
        """The scores of a step's targets for all items, and what their gradient takes; 16 bytes each."""
        c, n = self.config, len(data.catalogue)
        size = 16 * n * (c.batch_size * c.window + c.embedding_size)
        return Need(size, "lower batch_size or window, or train bpr, whose steps touch only what they read")

    def _build(self) -> "Network":
        c = self.config
        if c.embedding_size % c.heads:
            raise ConfigError(f"bert4rec: embedding_size {c.embedding_size} is not a multiple of heads {c.heads}")
        return Network(len(self.catalogue), c)

    @torch.inference_mode()
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n, known = len(self.catalogue), self.config.window - 1
        if not states:
            return np.zeros((0, n if candidates is None else candidates.shape[1]), np.float32)
        width = 1 + min(known, max(len(s.items) for s in states))
        tokens = np.full((len(states), width), n + 1)
        for row, state in enumerate(states):
            latest = (*state.items, n)[-width:]
            tokens[row, width - len(latest) :] = latest
        hidden = self.module(torch.from_numpy(tokens).to(self.device))[:, -1]  # (B, D)
        scores = self.module.logits(hidden).cpu().numpy()  # (B, I)
        return scores if candidates is None else np.take_along_axis(scores, candidates, axis=1)


class Block(nn.Module):
    """One transformer block whose places all see each other, except padding, which nobody sees (Eq. 1 to 5)."""

    def __init__(self, size: int, heads: int, widening: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_attention, self.norm_forward = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, widening * size), nn.Linear(widening * size, size)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:  # (B, T, D), (B, T) bool -> (B, T, D)
        b, t, d = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, T, D / heads)
        mixed = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=real[:, None, None, :], dropout_p=self.dropout if self.training else 0.0
        )
        x = x + self._drop(self.out(mixed.transpose(1, 2).reshape(b, t, d)))
        return x + self._drop(self.down(functional.gelu(self.up(self.norm_forward(x)))))

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


class Network(nn.Module):
    """Tokens: 0..I-1 the items, I the gap, I + 1 padding (before the first item)."""

    def __init__(self, items: int, config: BERT4Rec.Config) -> None:
        super().__init__()
        size = config.embedding_size
        self.items, self.dropout = items, config.dropout
        self.embedding = nn.Embedding(items + 2, size, padding_idx=items + 1)
        self.places = nn.Parameter(torch.empty(config.window, size))  # the last row is the newest place
        self.blocks = nn.ModuleList(
            Block(size, config.heads, config.widening, config.dropout) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(size)
        self.project = nn.Linear(size, size)
        self.bias = nn.Parameter(torch.zeros(items))
        nn.init.normal_(self.embedding.weight, std=size**-0.5)  # dot products of about 1 at the start
        nn.init.normal_(self.places, std=0.5 * size**-0.5)

    def start_from(self, log_popularity: Tensor) -> None:
        """Let the bias say what is known before any training."""
        with torch.no_grad():
            self.bias.copy_(log_popularity - log_popularity.mean())

    def forward(self, tokens: Tensor) -> Tensor:  # (B, T) -> (B, T, D)
        real = tokens != self.items + 1
        x = self.embedding(tokens) + self.places[-tokens.shape[1] :]
        x = functional.dropout(x, self.dropout, self.training)
        for block in self.blocks:
            x = block(x, real)
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:  # (..., D) -> (..., I)
        return functional.linear(functional.gelu(self.project(hidden)), self.embedding.weight[: self.items], self.bias)
