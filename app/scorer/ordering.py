"""A ranker whose order comes from a language model: it orders what others found, and counts when there is no order.

It brings no item in and drops none. Where the model gives no order the incoming one stays, and the reply says so.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from app.errors import LLMError, RecommenderError
from app.progress import Progress
from recommenders.contract import Recommendation, Recommender, Role
from recommenders.data import Catalogue, Dataset, UserState

Order = Callable[[UserState, Sequence[int]], np.ndarray]
"""(state, n items) -> (n,) values, lower is better; LLMError where the model gives none."""


@dataclass
class Tally:
    """Calls for an order, those that gave none, and why the last one did not."""

    asked: int = 0
    unread: int = 0
    why: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, why: str = "") -> None:
        with self._lock:
            self.asked += 1
            if why:
                self.unread += 1
                self.why = why


class LLMRanker(Recommender):
    """Scores are 1 for the item that the model puts first, falling to 1/n for its last, 0 for what it did not read."""

    roles: ClassVar[frozenset[Role]] = frozenset({"ranker"})

    @dataclass(frozen=True)
    class Config:
        depth: int = 10
        """Candidates that the model reads; the first ones of the incoming order."""

    def __init__(self, name: str, catalogue: Catalogue, order: Order, config: Config | None = None) -> None:
        super().__init__(config)
        self._name, self._catalogue, self._order = name, catalogue, order
        self.tally = Tally()
        self._known: dict[tuple[tuple[int, ...], tuple[int, ...]], np.ndarray] = {}

    @property
    def name(self) -> str:
        return self._name

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        """(B, C) float32 for candidates (B, C), whose order is the incoming one. RecommenderError without candidates:
        nobody asks a language model about a whole catalogue."""
        if candidates is None:
            raise RecommenderError(f"{self.name} orders candidates that others found; it cannot score a catalogue")
        scores = np.zeros(candidates.shape, np.float32)
        for b, state in enumerate(states):
            items = tuple(candidates[b, : self.config.depth].tolist())
            if not (n := len(items)):
                continue
            best_first = np.argsort(self._values(state, items), kind="stable")  # ties keep the incoming order
            scores[b, best_first] = 1 - np.arange(n) / n
        return scores

    def _values(self, state: UserState, items: tuple[int, ...]) -> np.ndarray:
        """(n,) lower is better; the incoming order where the model gives none. Asked once for the same."""
        key = (state.items, items)
        if key not in self._known:
            try:
                self._known[key] = self._order(state, items)
                self.tally.count()
            except LLMError as error:
                self.tally.count(str(error) or type(error).__name__)
                self._known[key] = np.arange(len(items), dtype=np.float64)
        return self._known[key]

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        """Nothing to learn: the model is as it is."""

    def _arrays(self) -> dict[str, np.ndarray]:
        raise RecommenderError(f"{self.name} has no weights of its own to keep")

    def _restore(self, arrays: dict[str, np.ndarray]) -> None:
        raise RecommenderError(f"{self.name} has no weights of its own to read")


def noted(found: Recommendation, ranker: Recommender | None) -> Recommendation:
    """With a word on a language model that was to order the list and did not."""
    if not isinstance(ranker, LLMRanker) or not ranker.tally.unread:
        return found
    said = "The language model was bypassed: it gave no order, so the recommender's stands."
    return replace(found, note=f"{found.note} {said}".strip())
