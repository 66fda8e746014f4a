"""Drawing items for models that learn from met against unmet: of one user's unmet ones, or from the whole catalogue."""

import numpy as np
import torch
from torch import Tensor

ROUNDS = 8  # a user who met half of the catalogue is left without a negative once in 256 draws


class Negatives:
    """Draws with torch's random state, so a seeded training repeats them.

    users, items  (N,) int64: who met what; draws happen on their device
    power         an item is drawn in proportion to (its number of interactions)^power; 0 draws all items alike
    """

    def __init__(self, users: Tensor, items: Tensor, number_of_items: int, power: float = 0.0) -> None:
        self.items = number_of_items
        self.met = torch.unique(users * number_of_items + items)  # sorted keys of the met cells
        counts = torch.bincount(items, minlength=number_of_items).double()
        self.cumulative = (counts**power).cumsum(0).float() if power else None

    def __call__(self, users: Tensor) -> tuple[Tensor, Tensor]:
        """For each of the users (B,): an item they have not met, and False where chance found none (both (B,))."""
        items = self._any(len(users))
        wrong = self._was_met(users, items)
        for _ in range(ROUNDS - 1):
            again = wrong.nonzero().squeeze(-1)
            if not len(again):
                break
            items[again] = self._any(len(again))
            wrong[again] = self._was_met(users[again], items[again])
        return items, ~wrong

    def _any(self, n: int) -> Tensor:
        device = self.met.device
        if self.cumulative is None:
            return torch.randint(self.items, (n,)).to(device)
        where = torch.rand(n).to(device) * self.cumulative[-1]
        return torch.searchsorted(self.cumulative, where, right=True).clamp(max=self.items - 1)

    def _was_met(self, users: Tensor, items: Tensor) -> Tensor:
        keys = users * self.items + items
        place = torch.searchsorted(self.met, keys).clamp(max=len(self.met) - 1)
        return self.met[place] == keys


class Popular:
    """Draws from the whole catalogue with chance q ∝ count^¾, met or not, with torch's random state.

    Scores less log q make such a sample stand for the whole catalogue in a softmax (Bengio & Senécal 2008).
    counts  (I,) interactions of each item; an item without any counts once
    """

    def __init__(self, counts: np.ndarray, device: torch.device) -> None:
        chance = torch.from_numpy(np.maximum(counts, 1) ** 0.75).to(device)
        chance = chance / chance.sum()
        self.log_chance = chance.log().float()  # (I,)
        self._cumulated = chance.cumsum(0)

    def __call__(self, *shape: int) -> Tensor:
        """Item numbers of that shape, int64."""
        where = torch.rand(*shape, device=self._cumulated.device).double()
        return torch.searchsorted(self._cumulated, where).clamp(max=len(self._cumulated) - 1)
