"""What online learning works with: lists that were shown, who of two rankers earned the likes, how active a user is.

- Probabilistic interleaving (Hofmann, Whiteson & de Rijke, CIKM 2011): each ranker is a distribution over items that
  falls with the rank, P(r) ∝ r^−τ; for every place of the merged list a coin picks the ranker, which then draws one of
  the items that are left. An item's credit goes to the ranker that drew it.
- A recommender that keeps learning (`OnlineLearner`) never changes in place: updates are changes of its weights, so a
  turn that is under way keeps the network that it began with.
- Activeness (Zheng et al., WWW 2018, Sec. 4.4): a survival curve that decays while the user stays away and is raised by
  each return.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, Self, runtime_checkable

import numpy as np

from recommenders.contract import Origin
from recommenders.data import UserState

STEEPNESS = 3.0  # τ of probabilistic interleaving; the value of Hofmann et al.

INITIAL = 0.5  # S_0; with the two below a user who returns daily keeps it: S_0 exp(−λ_0 · 1 day) + S_a = S_0
DECAY = 1.2e-5  # λ_0 a second
RAISE = 0.32  # S_a of one return
RETURN = 1800  # seconds without an interaction after which the next one is a return


@dataclass(frozen=True)
class Impression:
    """A list that somebody was shown, and what came of it: all that a major update needs.

    state    the user when it was shown
    items    what was shown
    rewards  for each item: 1 liked, 0 not judged, -1 disliked
    after    the user afterwards
    """

    state: UserState
    items: tuple[int, ...]
    rewards: tuple[float, ...]
    after: UserState


@runtime_checkable
class OnlineLearner(Protocol):
    """What a recommender offers that learns in the chat; changes are arrays by name of the weight."""

    def disturbance(self, seed: int) -> dict[str, np.ndarray]:
        """What the explored network differs by; the same for the same seed and weights."""
        ...

    def minor_update(self, seed: int) -> dict[str, np.ndarray]:
        """The change when the network explored with this seed has won."""
        ...

    def major_update(self, shown: Sequence[Impression], seed: int = 0) -> dict[str, np.ndarray]:
        """The change by replay of lists that were shown."""
        ...

    def moved(self, change: Mapping[str, np.ndarray]) -> Self:
        """A model with the weights changed; this one stays as it is."""
        ...


# -- interleaving -----------------------------------------------------------------------------------------------------


def interleave(
    current: Sequence[int], explored: Sequence[int], k: int, rng: np.random.Generator
) -> tuple[list[int], list[Origin]]:
    """k items of two ranked lists (fewer where they hold fewer), each once, and the list that each was drawn from.

    When one list has nothing left that is new, the other goes on alone.
    """
    merged: list[int] = []
    origins: list[Origin] = []
    left = {"current": _distribution(current), "explored": _distribution(explored)}
    while len(merged) < k and any(left.values()):
        origin: Origin = "current" if rng.random() < 0.5 else "explored"
        if not left[origin]:
            origin = "explored" if origin == "current" else "current"
        items, weights = list(left[origin]), np.array(list(left[origin].values()))
        item = items[int(rng.choice(len(items), p=weights / weights.sum()))]
        for distribution in left.values():
            distribution.pop(item, None)
        merged.append(item)
        origins.append(origin)
    return merged, origins


def _distribution(ranking: Sequence[int]) -> dict[int, float]:
    """item -> its unnormalised chance."""
    return {item: rank**-STEEPNESS for rank, item in enumerate(dict.fromkeys(ranking), start=1)}


def credit(origins: Mapping[int, Origin], judged: Mapping[int, float]) -> dict[Origin, float]:
    """The sum of what was said of each ranker's items; items that nobody drew count for nobody."""
    earned: dict[Origin, float] = {"current": 0.0, "explored": 0.0}
    for item, worth in judged.items():
        if item in origins:
            earned[origins[item]] += worth
    return earned


def explored_wins(origins: Mapping[int, Origin], judged: Mapping[int, float]) -> bool:
    """Whether the explored network's items were received better. A draw, and silence, leave the network as it is."""
    earned = credit(origins, judged)
    return earned["explored"] > earned["current"]


# -- activeness -------------------------------------------------------------------------------------------------------


def activeness(timestamps: Sequence[int]) -> float:
    """S right after the last of these interactions (seconds, ascending); INITIAL for nobody's."""
    value = INITIAL
    for earlier, later in pairwise(timestamps):
        value = _next(value, later - earlier)
    return value


def _next(value: float, gap: float) -> float:
    decayed = value * math.exp(-DECAY * max(0.0, gap))
    return min(1.0, decayed + RAISE) if gap > RETURN else decayed


def activeness_at_each(users: np.ndarray, timestamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For rows sorted by user and time, both (N,) float32: S right after each interaction, and S after the user's next
    one. After a user's last row nobody returned: S has decayed for a day."""
    after = np.empty(len(users), np.float32)
    value = INITIAL
    gaps = np.diff(timestamps, prepend=0)
    first = np.diff(users, prepend=-1) != 0
    for row, (begins, gap) in enumerate(zip(first.tolist(), gaps.tolist(), strict=True)):
        value = INITIAL if begins else _next(value, gap)
        after[row] = value
    following = np.append(after[1:], 0).astype(np.float32)
    last = np.append(first[1:], True)
    following[last] = after[last] * math.exp(-DECAY * 86_400)
    return after, following
