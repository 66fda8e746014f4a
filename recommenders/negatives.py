"""Drawing items that a user has not met, for models that learn from met against unmet."""

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
