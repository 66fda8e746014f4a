"""DRN: a dueling deep Q-network whose reward is the click and the user's activeness, and which goes on learning.

Idea
    What is shown now changes what the person does next, so an item is worth more than its click. Q(s, a) estimates
    the click of showing item a in state s plus what follows. Online the network explores by disturbing its own weights
    a little: both networks' lists are shown interleaved, and the weights move to the disturbed ones when people prefer
    their items. No random items are shown.

Formula
    y = r + γ Q(s', argmax_a' Q(s', a'; W); W')        (Eq. 1, 2: double Q-learning, W' the slow weights)
    Q(s, a) = V(s) + A(s, a)                           (Sec. 4.3, Fig. 5: V reads the state alone, A reads all)
    A(s, a) = w·[e_a, x_sa, p_sa] + MLP[e_s, e_a, x_sa, p_sa],   p_sa = Σ_f e_sf ∘ Σ_f e_af
    S(t) = exp(−∫ λ(x) dx), λ constant between visits; S ← min(1, S + S_a) at each return   (Eq. 4, Sec. 4.4)
    r = r_click + β r_active                           (Eq. 6; r_active is S at the next interaction)
    ΔW = α rand(−1, 1) W,   W ← W + η ΔW where W + ΔW won        (Eq. 7, 8: dueling bandit gradient descent)
    Loss offline: Σ over the item met next (r_click 1, or `unliked` below the liked values) and `negatives` drawn
    others (r_click 0, s' = s) of (Q − y)², plus `conservative` times τ log Σ_a exp(Q/τ) − Q(s, a_logged).
    The argmax runs over the drawn items and the one met next, not over the catalogue.

Input
    State: the user fields of recommenders.features and the activeness S. Action: the item fields. Both: the pair fields
    x_sa and the product p_sa. Logged histories as transitions: state before an item, the item, state after it. Hours
    and weekdays, context in the paper, are left out: a state does not say when it will be scored.

Relations
    deepfm reads the same fields and maximises the likelihood of the next item; this one the discounted reward, and it
    has a value of the state apart from the item. The last term of the loss is of conservative Q-learning (Kumar et al.
    2020, Eq. 4): logs hold nothing of items never shown, and without it their Q is a guess. Eq. 8 as printed adds
    η(W + ΔW), which would also scale all weights by 1 + η at every win; here W moves towards the winner.

When it fails
    Single duels are noisy: a good minor update takes many lists. The activeness of rated films says little, as people
    rate hundreds at one sitting. Values of states are of no use for ranking one list.

Reference
    Zheng et al., DRN: A Deep Reinforcement Learning Framework for News Recommendation (WWW 2018).
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, NamedTuple, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from recommenders.contract import Count, NotNegative, Positive, Role, Share
from recommenders.data import Dataset, UserState
from recommenders.learning import Impression, activeness, activeness_at_each
from recommenders.networks import Features, FieldEmbedding, Histories, NeuralRecommender, Places, Popular, Slots, loop

Module = TypeVar("Module", bound=nn.Module)
_PAIRS_AT_ONCE = 65_536  # user-item pairs scored in one go: bounds memory


class DRN(NeuralRecommender):
    roles: ClassVar[frozenset[Role]] = frozenset({"generator", "ranker"})

    @dataclass(frozen=True)
    class Config:
        embedding_size: Count = 16
        """D of every field."""
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the advantage's layers; the value has one of the first size."""
        dropout: Share = 0.2
        latest: Count = 25
        """L: how many of the latest history items are read."""
        half_life: Positive = 3.0
        """After how many newer items a history item counts half, where decay is meant."""
        discount: Share = 0.4
        """γ of what follows; the paper's value."""
        activeness: NotNegative = 0.05
        """β of the user's activeness in the reward; the paper's value."""
        unliked: NotNegative = 1.0
        """r_click of an item that was met but not liked; liked ones have 1."""
        conservative: NotNegative = 1.0
        """Weight of the conservative term."""
        temperature: Positive = 0.1
        """τ of the conservative term, in units of reward."""
        negatives: Count = 64
        """Items drawn for each batch, against every item met in it."""
        averaging: Share = 0.99
        """Share of the slow weights W' that a step keeps; the rest is W."""
        explore: Positive = 0.1
        """α: the largest share of itself by which a weight is disturbed; the paper's value."""
        minor_rate: Positive = 0.05
        """η: how far weights move to the disturbed ones that won; the paper's value."""
        replay_rate: Positive = 1e-3
        """Learning rate of a major update."""
        replay_steps: Count = 100
        """Batches of 32 shown lists in a major update."""
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
    module: "Networks"
    features: Features

    # -- learning from logs -----------------------------------------------------------------------------------------

    def _prepare(self, data: Dataset) -> tuple[int, loop.Loss]:
        c, x, n, device = self.config, data.interactions, len(data.catalogue), self.device
        self.features = features = Features.of(data, latest=c.latest, half_life=c.half_life).to(device)
        self.module = self._build().to(device)
        fast, slow = self.module.fast, self.module.slow
        places = Places(features, data, device)
        click = np.where(x.value >= data.liked_from, 1.0, c.unliked) if data.explicit else np.ones(len(x))
        after, following = activeness_at_each(x.user, x.timestamp)
        clicked, active, active_next = (
            torch.from_numpy(np.ascontiguousarray(column)).to(device)
            for column in (click.astype(np.float32), after, following)
        )
        item, user, before = places.item, places.user, places.before
        draw = Popular(np.bincount(x.item, minlength=n), device)
        ends = torch.from_numpy(np.append(x.user[1:] != x.user[:-1], True)).to(device)
        initial = active.new_tensor(activeness(()))

        def state(owners: Tensor, ends_at: Tensor, lengths: Tensor) -> tuple[Histories, Tensor]:
            """Users `owners` when they had met `lengths` (0 or more) items, the last of them in row ends_at − 1."""
            known = torch.where(lengths > 0, active[(ends_at - 1).clamp(min=0)], initial)
            return places.until(owners, ends_at, lengths), known

        def loss(rows: Tensor) -> Tensor:
            self.module.follow(c.averaging)
            now, known = state(user[rows], rows, before[rows])
            wanted = item[rows]  # (B,)
            drawn, log_chance = draw(c.negatives), draw.log_chance
            # What is the wanted item itself, or is met already and so never shown, is no action of this state.
            barred = (drawn == wanted[:, None]) | (drawn[None, :, None] == now.items[:, None, :]).any(dim=-1)
            users, offered = fast.users(now, known), fast.items(drawn)
            logged = fast(users, fast.items(wanted).one_each(), features.pairs(now, wanted[:, None]))  # (B, 1)
            others = fast(users, offered.for_all(), features.pairs(now, drawn[None]))  # (B, negatives)

            with torch.no_grad():
                later, known_later = state(user[rows], rows + 1, before[rows] + 1)
                upcoming = item[(rows + 1).clamp(max=len(item) - 1)]
                there = torch.cat([logged, others.masked_fill(barred, -torch.inf)], dim=1)
                stays = self._greedy(slow, now, known, wanted, drawn, there)  # Q(s, ·) when nothing was clicked
                users_later = fast.users(later, known_later)
                met = barred | (drawn == wanted[:, None])
                goes_on = fast(users_later, fast.items(upcoming).one_each(), features.pairs(later, upcoming[:, None]))
                elsewhere = fast(users_later, offered.for_all(), features.pairs(later, drawn[None]))
                there = torch.cat([goes_on, elsewhere.masked_fill(met, -torch.inf)], dim=1)
                leads_to = self._greedy(slow, later, known_later, upcoming, drawn, there)
                lasting = c.activeness * active_next[rows]
                hit = clicked[rows] + lasting + c.discount * leads_to * ~ends[rows]
                miss = lasting + c.discount * stays
            errors = (others - miss[:, None]).square() * ~barred
            td = (logged.squeeze(1) - hit).square() + errors.sum(dim=1)
            # Drawn with chance q, less log q: the sample stands for the whole catalogue (Bengio & Senécal 2008).
            likely = torch.cat([logged, others], dim=1) / c.temperature
            likely = likely - torch.cat([log_chance[wanted][:, None], log_chance[drawn].expand_as(others)], dim=1)
            likely = likely.masked_fill(functional.pad(barred, (1, 0)), -torch.inf)
            kept = c.temperature * functional.cross_entropy(likely, torch.zeros_like(rows))
            return td.mean() + c.conservative * kept

        return len(x), loss

    def _greedy(
        self, judge: "Network", now: Histories, known: Tensor, first: Tensor, others: Tensor, q: Tensor
    ) -> Tensor:
        """(B,): what `judge` says of the action with the highest q (B, 1 + N), of first (B,) and others (N,)."""
        best = q.argmax(dim=1)
        chosen = torch.where(best == 0, first, others[(best - 1).clamp(min=0)])
        pairs = self.features.pairs(now, chosen[:, None])
        return judge(judge.users(now, known), judge.items(chosen).one_each(), pairs).squeeze(1)

    def _build(self) -> "Networks":
        return Networks(self.features, self.config)

    # -- serving ----------------------------------------------------------------------------------------------------

    @torch.inference_mode()
    def _ready(self) -> None:
        self._all = self.module.fast.items(torch.arange(len(self.catalogue), device=self.device))

    @torch.inference_mode()
    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        n, network = len(self.catalogue), self._network
        width = n if candidates is None else candidates.shape[1]
        scores = np.zeros((len(states), width), np.float32)
        chunk = max(1, _PAIRS_AT_ONCE // max(1, width))
        everything = torch.arange(n, device=self.device)[None]  # (1, I)
        for start in range(0, len(states), chunk):
            part = states[start : start + chunk]
            histories, known = self._read(part)
            users = network.users(histories, known)
            if candidates is None:
                items, numbers = self._all.for_all(), everything
            else:
                numbers = torch.from_numpy(candidates[start : start + chunk]).to(self.device)
                items = self._all.at(numbers)
            scores[start : start + chunk] = network(users, items, self.features.pairs(histories, numbers)).cpu().numpy()
        return scores

    @property
    def _network(self) -> "Network":
        _ = self.catalogue  # NotFitted says what to do
        return self.module.fast

    def _read(self, states: Sequence[UserState]) -> tuple[Histories, Tensor]:
        known = torch.tensor([activeness(s.timestamps) for s in states], dtype=torch.float32)
        return self.features.histories(states).to(self.device), known.to(self.device)

    # -- learning on ------------------------------------------------------------------------------------------------

    def weights(self) -> dict[str, np.ndarray]:
        """The network's weights W, by name."""
        return {name: w.detach().cpu().numpy() for name, w in self._network.named_parameters()}

    def disturbance(self, seed: int) -> dict[str, np.ndarray]:
        """ΔW = α rand(−1, 1) W (Eq. 7), the same for the same seed and weights."""
        rng = np.random.default_rng(seed)
        alpha = np.float32(self.config.explore)
        return {n: alpha * rng.uniform(-1, 1, w.shape).astype(np.float32) * w for n, w in self.weights().items()}

    def minor_update(self, seed: int) -> dict[str, np.ndarray]:
        """η ΔW: what is added to the weights when the network that `disturbance(seed)` made has won (Eq. 8)."""
        return {name: np.float32(self.config.minor_rate) * d for name, d in self.disturbance(seed).items()}

    def moved(self, change: Mapping[str, np.ndarray]) -> Self:
        """A model with weights W + change; this one stays as it is."""
        other = copy.copy(self)
        other.module = copied(self.module, self.features)
        with torch.no_grad():
            for name, weight in other.module.fast.named_parameters():
                weight.add_(torch.from_numpy(change[name]).to(self.device))
        other.module.eval()
        other._ready()
        return other

    def major_update(self, shown: Sequence[Impression], seed: int = 0) -> dict[str, np.ndarray]:
        """Change of the weights by experience replay: the double Q-learning target on lists that were really shown.

        The same for the same weights, lists and seed; all zero where nothing was shown.
        """
        c = self.config
        before, learner = self.weights(), copied(self.module, self.features)
        if shown:
            with loop.seeded(seed), loop.on_threads(1):
                optimiser = torch.optim.Adam(learner.fast.parameters(), lr=c.replay_rate)
                for _ in range(c.replay_steps):
                    learner.follow(c.averaging)
                    batch = [shown[i] for i in torch.randint(len(shown), (min(32, len(shown)),)).tolist()]
                    optimiser.zero_grad(set_to_none=True)
                    self._replayed(learner, batch).backward()
                    nn.utils.clip_grad_norm_(learner.fast.parameters(), 1.0)
                    optimiser.step()
        return {name: w.detach().cpu().numpy() - before[name] for name, w in learner.fast.named_parameters()}

    def _replayed(self, networks: "Networks", batch: Sequence[Impression]) -> Tensor:
        fast, slow, c = networks.fast, networks.slow, self.config
        width = max(len(i.items) for i in batch)
        there = torch.tensor([[n < len(i.items) for n in range(width)] for i in batch], device=self.device)
        items, rewards = (
            torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=self.device)
            for rows in ([i.items for i in batch], [i.rewards for i in batch])
        )
        now, known = self._read([i.state for i in batch])
        later, known_later = self._read([i.after for i in batch])
        q = fast(fast.users(now, known), fast.items(items), self.features.pairs(now, items))  # (B, K)
        with torch.no_grad():
            drawn = torch.randint(len(self.catalogue), (1 + c.negatives,), device=self.device)
            pairs = self.features.pairs(later, drawn[None])
            offered = fast(fast.users(later, known_later), fast.items(drawn).for_all(), pairs)
            offered = offered.masked_fill((drawn[None, :, None] == later.items[:, None, :]).any(dim=-1), -torch.inf)
            future = self._greedy(slow, later, known_later, drawn[:1].expand(len(batch)), drawn[1:], offered)
            lasting = c.activeness * known_later
            target = rewards.float() + (lasting + c.discount * future)[:, None]
        return ((q - target).square() * there).sum() / there.sum()

    # -- keeping ----------------------------------------------------------------------------------------------------

    def _arrays(self) -> dict[str, np.ndarray]:
        weights = {f"module.{k}": v.detach().cpu().numpy() for k, v in self.module.fast.state_dict().items()}
        return weights | self.features.arrays()

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        self.features = Features.restore(arrays).to(self.device)
        self.module = self._build().to(self.device)
        weights = {k.removeprefix("module."): torch.from_numpy(v) for k, v in arrays.items() if k.startswith("module.")}
        self.module.fast.load_state_dict(weights)
        self.module.follow(0.0)
        self.module.eval()
        self._ready()


def copied(module: Module, features: Features) -> Module:
    """Weights of its own, the same features."""
    return copy.deepcopy(module, {id(features): features})


class Networks(nn.Module):
    """W and W' of the same form; the slow one is in here so that a training that goes on after a kill has it too."""

    def __init__(self, features: Features, config: DRN.Config) -> None:
        super().__init__()
        self.fast = Network(features, config)
        self.slow = copied(self.fast, features).requires_grad_(False)

    @torch.no_grad()
    def follow(self, averaging: float) -> None:
        """W' ← averaging W' + (1 − averaging) W."""
        torch._foreach_lerp_(list(self.slow.parameters()), list(self.fast.parameters()), 1 - averaging)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        self.slow.eval()  # targets without dropout
        return self


class Users(NamedTuple):
    """What is read of B states once, whatever the items: value (B, 1), hidden (B, 1, H), vector (B, 1, D)."""

    value: Tensor
    hidden: Tensor
    vector: Tensor


class Items(NamedTuple):
    """What is read of items once, whatever the state: hidden (..., H), vector (..., D), skip (...)."""

    hidden: Tensor
    vector: Tensor
    skip: Tensor

    def one_each(self) -> "Items":
        """(B,) items as one action for each of B states: (B, 1)."""
        return Items(*(t[:, None] for t in self))

    def for_all(self) -> "Items":
        """(C,) items as the actions of every state: (1, C)."""
        return Items(*(t[None] for t in self))

    def at(self, numbers: Tensor) -> "Items":
        return Items(*(t[numbers] for t in self))


class Network(nn.Module):
    """Q(s, a) = V(s) + A(s, a)."""

    def __init__(self, features: Features, config: DRN.Config) -> None:
        super().__init__()
        self.features, self.dropout = features, config.dropout
        self.user_widths = [f.width for f in features.of_side("user")]
        self.item_widths = [f.width for f in features.of_side("item")]
        pairs = sum(f.width for f in features.of_side("pair"))
        size, first = config.embedding_size, config.hidden[0]
        of_user, of_item = len(self.user_widths) * size, len(self.item_widths) * size
        self.vectors = FieldEmbedding(features.rows, size, spread=0.1)
        self.value = nn.Sequential(nn.Linear(of_user + 1, first), nn.ReLU(), nn.Linear(first, 1))
        self.from_user = nn.Linear(of_user, first)
        self.from_item = nn.Linear(of_item, first, bias=False)
        self.from_both = nn.Linear(size + pairs, first, bias=False)
        sizes = (*config.hidden, 1)
        self.deeper = nn.ModuleList(nn.Linear(inward, outward) for inward, outward in pairwise(sizes))
        self.skip_item = nn.Linear(of_item, 1, bias=False)
        self.skip_both = nn.Linear(size + pairs, 1, bias=False)
        nn.init.ones_(self.skip_both.weight[:, :size])  # begins as the dot product of state and item

    def users(self, histories: Histories, activeness: Tensor) -> Users:
        slots = self.features.users(histories)
        fields = self._fields(slots, self.user_widths)  # (B, F, D)
        flat = fields.flatten(-2)
        value = self.value(torch.cat([flat, activeness[:, None]], dim=1))
        return Users(value, self.from_user(flat)[:, None], fields.sum(dim=-2)[:, None])

    def items(self, numbers: Tensor) -> Items:
        """Of items (...)."""
        slots = self.features.items[numbers]
        fields = self._fields(slots, self.item_widths)  # (..., F, D)
        flat = fields.flatten(-2)
        return Items(self.from_item(flat), fields.sum(dim=-2), self.skip_item(flat).squeeze(-1))

    def forward(self, users: Users, items: Items, pairs: Slots) -> Tensor:
        """Q (B, C) for items (B, C) or (1, C) and what they have in the pair fields (B, C, W)."""
        both = torch.cat([users.vector * items.vector, pairs.weights], dim=-1)  # (B, C, D + W)
        hidden = users.hidden + items.hidden + self.from_both(both)  # (B, C, H)
        for layer in self.deeper:
            hidden = layer(functional.relu(hidden))
        return users.value + items.skip + self.skip_both(both).squeeze(-1) + hidden.squeeze(-1)

    def _fields(self, slots: Slots, widths: Sequence[int]) -> Tensor:
        vectors = self.vectors(slots.rows, slots.weights, widths)
        return functional.dropout(vectors, self.dropout, self.training)
