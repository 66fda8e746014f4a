"""What networks that read histories item by item share: how an item is read, alike in the history and as a candidate.

An item's vector is the embeddings of some of its fields side by side (goods, shop and category in the papers; here the
item itself and its genres, where the data has them). History items share these rows with the candidates, so both move
together in training. What was thought of a history item, its rating, stands beside its vector.

Dimension letters besides those of recommenders.features: E numbers of an item's vector, T places of a history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from app.errors import ConfigError, did_you_mean
from recommenders.networks.fields.feature_model import FieldConfig, FieldNetwork
from recommenders.networks.fields.features import Features, Field, Histories


@dataclass(frozen=True)
class BehaviourConfig(FieldConfig):
    """FieldConfig, and how an item of the history is read."""

    behaviour: tuple[str, ...] = ()
    """Item fields whose embeddings make up an item of the history and the candidate it meets; empty reads "item" and
    "genres", or all item fields where the data has neither."""
    opinions: bool = True
    """Whether the rating of a history item is read beside it; in the papers all behaviours are clicks."""


@dataclass(frozen=True)
class Behaviours:
    """The history items of B users.

    vectors  (B, T, E)
    known    (B, T, E + 1): the same and the rating, from -1, the data's lowest, to 1, its highest; 0 where there is
             none. (B, T, E) where opinions are not read
    there    (B, T) bool: False where the history is shorter
    table    (I, E): the vectors of all items, where they were needed anyway
    """

    vectors: Tensor
    known: Tensor
    there: Tensor
    table: Tensor | None


class BehaviourNetwork(FieldNetwork):
    """A FieldNetwork that reads items one by one. `scale` is the lowest and the highest rating."""

    linear = False
    slots: Tensor

    def __init__(self, features: Features, config: Any, scale: np.ndarray) -> None:
        super().__init__(features, config)
        fields = _chosen(features.of_side("item"), config.behaviour)
        starts = np.cumsum([0, *(f.width for f in features.of_side("item"))])
        columns = [np.arange(f.width) + starts[features.of_side("item").index(f)] for f in fields]
        self.register_buffer("slots", torch.from_numpy(np.concatenate(columns)), persistent=False)
        self.widths = [f.width for f in fields]
        self.item_size = len(fields) * config.embedding_size  # E
        self.known_size = self.item_size + config.opinions  # E + 1, or E
        low, high = (float(end) for end in scale)
        self.middle, self.reach = (low + high) / 2, (high - low) / 2

    def items(self, ids: Tensor, table: Tensor | None = None) -> Tensor:
        """Items (...) -> (..., E); looked up in the table of all items where there is one."""
        if table is not None:
            # As an embedding's would be, but its gradient is added up three times quicker.
            return table.index_select(0, ids.reshape(-1)).view(*ids.shape, -1)
        found = self.features.items
        rows, weights = (t[ids].index_select(-1, self.slots) for t in (found.rows, found.weights))
        return self.vectors(rows, weights, self.widths).flatten(-2)

    def behaviours(self, histories: Histories) -> Behaviours:
        """Places in the order they are given in."""
        ids, there = histories.items.clamp(min=0), histories.items >= 0
        count = len(self.features.items.rows)
        # In a batch most items occur several times: each is put together once.
        table = self.items(torch.arange(count, device=ids.device)) if ids.numel() >= count else None
        vectors = known = self.items(ids, table)
        if self.config.opinions:
            ratings = torch.zeros_like(histories.values)
            if self.reach > 0:
                ratings = ((histories.values - self.middle) / self.reach).masked_fill(~there, 0.0)
            known = torch.cat([vectors, ratings[..., None]], dim=-1)
        return Behaviours(vectors, known, there, table)


def _chosen(fields: Sequence[Field], names: Sequence[str]) -> list[Field]:
    known = {field.name: field for field in fields}
    for name in names:
        if name not in known:
            raise ConfigError(f"behaviour: the items have no field {name!r}{did_you_mean(name, known)}")
    if names:
        return [known[name] for name in names]
    return [known[name] for name in ("item", "genres") if name in known] or list(fields)
