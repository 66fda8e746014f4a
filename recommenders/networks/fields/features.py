"""One schema of features for models that read fields: built from whatever columns a data set has.

A *field* has some rows of one embedding table (`offset` is its first). What a user, an item or a pair of both has in a
field is a handful of *slots*: row numbers with weights, whose weighted sum is the field's embedding.
- categorical: one row a value, weight 1; row 0 of the field stands for unknown or missing
- numeric: one row, weighted by the standardised value (0 where missing), as factorisation machines read numbers
- multi-valued: the rows of all values (genres, people), weighted to sum to 1
- sequence: the rows of the latest history items, latest first, weighted to sum to 1 ("history", "recent") or each by
  how far its rating lies from the average one, over their number ("opinions")

Dimension letters besides those of recommenders.base: L history items read, W slots, F fields.
Ratings are read as biases (Koren 2010, Eq. 1): "rating" is what an item usually gets, "history rating" how far a user
rates above what their items usually get.
No field is the bare user id, so users nobody has seen are read like all others.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
from pydantic import TypeAdapter
from torch import Tensor

from app.errors import ConfigError, did_you_mean
from recommenders.data import LANGUAGE, Catalogue, Dataset, UserState

Side = Literal["user", "item", "pair"]
SIDES: tuple[Side, ...] = ("user", "item", "pair")
Kind = Literal["categorical", "numeric", "multi-valued", "sequence"]
BINS = 8  # of a numeric column read as categories
ITEM_SHRINKAGE, USER_SHRINKAGE = 3.0, 8.0  # in ratings, as in recommenders/evaluation/baselines.py


@dataclass(frozen=True)
class Field:
    """Rows offset .. offset + size - 1 of the table, `width` slots.

    values  of a categorical or multi-valued field: what its rows after the first (unknown) mean
    edges   of a categorical field made from numbers: the bins' inner limits
    mean, spread  of a numeric field, and of the opinions: how the number is standardised
    """

    name: str
    side: Side
    kind: Kind
    offset: int
    size: int
    width: int = 1
    values: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()
    mean: float = 0.0
    spread: float = 1.0


@dataclass(frozen=True)
class Slots:
    """rows (..., W) int64 of the embedding table and their weights (..., W) float32, fields side by side."""

    rows: Tensor
    weights: Tensor

    def __getitem__(self, which: Any) -> "Slots":
        return Slots(self.rows[which], self.weights[which])


@dataclass(frozen=True)
class Histories:
    """The latest L items of each user, latest first.

    items    (B, L) int64, -1 where the history is shorter
    values   (B, L) float32, ratings
    lengths  (B,) int64: length of the whole history
    profile  (B, Fp) int64: rows of the profile fields
    """

    items: Tensor
    values: Tensor
    lengths: Tensor
    profile: Tensor

    def to(self, device: torch.device) -> "Histories":
        return Histories(*(t.to(device) for t in (self.items, self.values, self.lengths, self.profile)))


class Features:
    """The fields of a data set, and what its items have in them.

    latest     L: how many of the latest history items are read
    half_life  after how many newer items a history item counts half in the field "recent"
    """

    def __init__(
        self,
        fields: Sequence[Field],
        items: Slots,
        pair: np.ndarray,
        latest: int,
        half_life: float,
        usual: np.ndarray | None = None,
    ) -> None:
        self.fields = tuple(fields)
        self.items = items  # (I, W of the item fields)
        self.pair = torch.from_numpy(pair)  # (I, 1 + G): year (0 unknown, in decades), and the share of each genre
        self.usual = torch.from_numpy(np.zeros(len(pair), np.float32) if usual is None else usual)  # (I,) usual rating
        self.latest = latest
        self.half_life = half_life
        self._profile_codes = [
            (f.name.removeprefix("user."), _code(f)) for f in self.of_side("user") if f.name.startswith("user.")
        ]

    def to(self, device: torch.device) -> "Features":
        """The same, its tensors on a device (in place)."""
        self.items = Slots(self.items.rows.to(device), self.items.weights.to(device))
        self.pair, self.usual = self.pair.to(device), self.usual.to(device)
        return self

    def forget_popularity(self, items: np.ndarray) -> None:
        """Say of these items (I,) bool that their popularity is not known, not that nobody chose them."""
        place = 0
        for field in self.of_side("item"):
            if field.name == "popularity":
                self.items.weights[torch.from_numpy(items).to(self.items.weights.device), place] = 0.0
            place += field.width

    @property
    def rows(self) -> int:
        return max(f.offset + f.size for f in self.fields)

    def of_side(self, side: Side) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.side == side)

    # -- making -----------------------------------------------------------------------------------------------------

    @classmethod
    def of(
        cls, data: Dataset, *, latest: int, half_life: float, only: Collection[str] = (), opinions: bool = True
    ) -> "Features":
        """Learn the fields from a data set; counts come from its interactions alone (give it the training part).

        only      names of the fields to read; () reads all. ConfigError for a name that the data has no field of
        opinions  whether "all" includes the fields "opinions" and "rating": what is liked, not what is met next
        """
        made = _Made(only)
        usual = _usual(data)
        _of_users(made, data, latest, usual, opinions)
        _of_items(made, data, usual, opinions)
        if data.catalogue.genre_names:
            made.add("genre overlap", "pair", "numeric", 1, mean=0.4, spread=0.3)
        if (data.catalogue.years > 0).any():
            made.add("year gap", "pair", "numeric", 1, mean=0.0, spread=1.0)
        for name in only:
            if name not in made.offered:
                raise ConfigError(f"data set {data.name!r} has no field {name!r}{did_you_mean(name, made.offered)}")
        if not made.columns:
            raise ConfigError(f"the fields to read say nothing of an item: {', '.join(only)}; add one such as 'item'")
        rows = np.concatenate([r for r, _ in made.columns], axis=1).astype(np.int64)
        weights = np.concatenate([w for _, w in made.columns], axis=1).astype(np.float32)
        slots = Slots(torch.from_numpy(rows), torch.from_numpy(weights))
        return cls(made.fields, slots, _attributes(data.catalogue), latest, half_life, usual)

    # -- reading ----------------------------------------------------------------------------------------------------

    def profiles(self, profiles: Sequence[Mapping[str, object]]) -> Tensor:
        """(B, Fp) int64 rows of the profile fields; what is missing or was never met gives the unknown row."""
        codes = [[code(profile.get(column)) for column, code in self._profile_codes] for profile in profiles]
        return torch.tensor(codes, dtype=torch.int64).reshape(len(profiles), len(self._profile_codes))

    def histories(self, states: Sequence[UserState]) -> Histories:
        """What the fields read of these users."""
        items = np.full((len(states), self.latest), -1, np.int64)
        values = np.zeros((len(states), self.latest), np.float32)
        for row, state in enumerate(states):
            latest = state.items[: -self.latest - 1 : -1]
            items[row, : len(latest)] = latest
            values[row, : len(latest)] = state.values[: -self.latest - 1 : -1]
        profile = self.profiles([s.profile for s in states])
        lengths = torch.tensor([len(s.items) for s in states], dtype=torch.int64)
        return Histories(torch.from_numpy(items), torch.from_numpy(values), lengths, profile)

    def users(self, histories: Histories) -> Slots:
        """(B, W of the user fields)."""
        met = histories.items >= 0  # (B, L)
        items = histories.items.clamp(min=0)
        even = _to_one(met.float())  # (B, L)
        recent = _to_one(met * self._decay(met.device))  # (B, L)
        rows: list[Tensor] = [histories.profile]
        weights: list[Tensor] = [torch.ones_like(histories.profile, dtype=torch.float32)]
        for field in self.of_side("user"):
            if field.kind == "sequence":
                rows.append(items + field.offset)
                if field.name == "opinions":
                    weights.append((histories.values - field.mean) / field.spread * even)
                else:
                    weights.append(even if field.name == "history" else recent)
            elif field.name == "history genres":
                shares = self._taste(items, recent)[:, 1:]  # (B, G)
                rows.append(torch.arange(field.size, device=met.device).expand(len(items), -1) + field.offset)
                weights.append(shares)
            elif field.kind == "numeric":
                if field.name == "history length":
                    value = torch.log1p(histories.lengths.float())
                else:
                    above = ((histories.values - self.usual[items]) * met).sum(dim=1)
                    value = above / (USER_SHRINKAGE + met.sum(dim=1))
                known = histories.lengths > 0
                standard = ((value - field.mean) / field.spread).clamp(-3, 3)
                rows.append(torch.full_like(histories.lengths, field.offset)[:, None])
                weights.append((standard * known)[:, None].float())
        return Slots(torch.cat(rows, dim=1), torch.cat(weights, dim=1))

    def pairs(self, histories: Histories, candidates: Tensor) -> Slots:
        """(B, C, W of the pair fields): how candidates, (B, C) or (1, C), suit the histories."""
        met = histories.items >= 0
        recent = _to_one(met * self._decay(met.device))
        taste = self._taste(histories.items.clamp(min=0), recent)  # (B, 1 + G)
        has = self.pair[candidates]  # (B or 1, C, 1 + G)
        rows, weights = [], []
        for field in self.of_side("pair"):
            if field.name == "genre overlap":
                norms = taste[:, None, 1:].norm(dim=-1) * has[..., 1:].norm(dim=-1)
                value = (taste[:, None, 1:] @ has[..., 1:].mT)[:, 0] / norms.clamp(min=1e-6)  # (B, C)
                known = norms > 0
            else:
                value = has[..., 0] - taste[:, None, 0]  # decades
                known = (has[..., 0] > 0) & (taste[:, None, 0] > 0)
            standard = ((value - field.mean) / field.spread).clamp(-3, 3)
            rows.append(torch.full(standard.shape, field.offset, device=met.device))
            weights.append(standard * known)
        if not rows:
            empty = torch.zeros((len(met), candidates.shape[1], 0), device=met.device)
            return Slots(empty.long(), empty)
        return Slots(torch.stack(rows, dim=-1), torch.stack(weights, dim=-1).float())

    def _decay(self, device: torch.device) -> Tensor:
        return 0.5 ** (torch.arange(self.latest, device=device) / self.half_life)  # (L,) latest first

    def _taste(self, items: Tensor, weights: Tensor) -> Tensor:
        """(B, 1 + G): mean year of the history in decades (over known years; 0 without one) and share of each genre."""
        attributes = self.pair[items] * weights[..., None]  # (B, L, 1 + G)
        total = attributes.sum(dim=1)
        dated = (weights * (attributes[..., 0] > 0)).sum(dim=1)
        return torch.cat([(total[:, 0] / dated.clamp(min=1e-6))[:, None], total[:, 1:]], dim=1)

    # -- keeping ----------------------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything needed to read users and items alike later, whatever became of the catalogue's attributes."""
        text = json.dumps(
            {"fields": [asdict(f) for f in self.fields], "latest": self.latest, "half_life": self.half_life}
        )
        return {
            "features.schema": np.frombuffer(text.encode(), np.uint8).copy(),
            "features.rows": self.items.rows.cpu().numpy(),
            "features.weights": self.items.weights.cpu().numpy(),
            "features.pair": self.pair.cpu().numpy(),
            "features.usual": self.usual.cpu().numpy(),
        }

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray]) -> "Features":
        schema = json.loads(arrays["features.schema"].tobytes().decode())
        fields = TypeAdapter(list[Field]).validate_python(schema["fields"])
        slots = Slots(torch.from_numpy(arrays["features.rows"]), torch.from_numpy(arrays["features.weights"]))
        return cls(
            fields, slots, arrays["features.pair"], schema["latest"], schema["half_life"], arrays["features.usual"]
        )


class Places:
    """Interactions as places in histories: what came before each of the rows, without a copy for each."""

    def __init__(self, features: Features, data: Dataset, device: torch.device) -> None:
        x = data.interactions
        sizes = np.bincount(x.user, minlength=len(data.users))
        before = np.arange(len(x)) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # rows of the same user before this one
        self.item, self.value, self.user, self.before = (
            torch.from_numpy(np.ascontiguousarray(column)).to(device) for column in (x.item, x.value, x.user, before)
        )
        self.profiles = features.profiles(data.users.to_dict("records")).to(device)  # (U, Fp)
        self.steps = torch.arange(1, features.latest + 1, device=device)

    def histories(self, rows: Tensor) -> Histories:
        """Of the users of these rows (B,), when they met the rows' items."""
        return self.until(self.user[rows], rows, self.before[rows])

    def until(self, users: Tensor, rows: Tensor, lengths: Tensor) -> Histories:
        """Of `users` (B,) when they had met `lengths` items, the last of them in the row before `rows`."""
        earlier = rows[:, None] - self.steps  # (B, L) latest first
        there = self.steps <= lengths[:, None]
        met = torch.where(there, self.item[earlier.clamp(min=0)], -1)
        ratings = torch.where(there, self.value[earlier.clamp(min=0)], 0.0)
        return Histories(met, ratings, lengths, self.profiles[users])

    def parts(self) -> Iterator[tuple[Histories, Tensor]]:
        """All rows: histories and items."""
        for rows in torch.arange(len(self.item), device=self.item.device).split(8192):
            yield self.histories(rows), self.item[rows]


class _Made:
    """The fields so far, each behind the last; the names that there would be without `only`; and what the fields of
    items read: rows and weights, each (I, width)."""

    def __init__(self, only: Collection[str]) -> None:
        self.only = only
        self.fields: list[Field] = []
        self.offered: list[str] = []
        self.columns: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, name: str, side: Side, kind: Kind, size: int, **more: Any) -> Field | None:
        """The field, None where it is not to be read."""
        self.offered.append(name)
        if self.only and name not in self.only:
            return None
        offset = self.fields[-1].offset + self.fields[-1].size if self.fields else 0
        self.fields.append(Field(name, side, kind, offset, size, **more))
        return self.fields[-1]

    def number(self, name: str, values: np.ndarray) -> None:
        """A numeric field of items with its values (I,)."""
        if (field := self.add(name, "item", "numeric", 1, **_scale(values))) is not None:
            self.columns.append((np.full((len(values), 1), field.offset), _standard(field, values)[:, None]))


def _of_users(made: _Made, data: Dataset, latest: int, usual: np.ndarray, opinions: bool) -> None:
    x, n, genres = data.interactions, len(data.catalogue), data.catalogue.genre_names
    for column in data.profile_columns:
        _categories(made.add, f"user.{column}", "user", data.users[column])
    made.add("history", "user", "sequence", n, width=latest)
    made.add("recent", "user", "sequence", n, width=latest)
    if genres:
        made.add("history genres", "user", "multi-valued", len(genres), width=len(genres), values=genres)
    lengths = np.log1p(np.bincount(x.user, minlength=len(data.users)) / 2)  # in the middle of their history
    made.add("history length", "user", "numeric", 1, **_scale(lengths))
    if np.ptp(x.value) > 0:
        if opinions or "opinions" in made.only:
            made.add("opinions", "user", "sequence", n, width=latest, **_scale(x.value))
        made.add("history rating", "user", "numeric", 1, **_scale(_generous(data, usual)))


def _of_items(made: _Made, data: Dataset, usual: np.ndarray, opinions: bool) -> None:
    catalogue, x = data.catalogue, data.interactions
    n = len(catalogue)
    if (field := made.add("item", "item", "categorical", n)) is not None:
        made.columns.append((field.offset + np.arange(n)[:, None], np.ones((n, 1))))
    made.number("popularity", np.log1p(np.bincount(x.item, minlength=n)))
    if np.ptp(x.value) > 0 and opinions:
        made.number("rating", usual)
    for name, lists in (("genres", catalogue.genres), ("people", catalogue.people)):
        _of_names(made, name, lists, 1 if name == "genres" else 3)
    for column in ("year", LANGUAGE, *catalogue.columns_of_features):
        if column in catalogue.schema and catalogue.schema[column].kind == "set":
            _of_names(made, column, catalogue.attributes.cells(column), 3)
            continue
        values = catalogue.table[column]
        if (field := _categories(made.add, column, "item", values.replace("", None))) is not None:
            code = _code(field)
            made.columns.append((np.array([code(v) for v in values], np.int64)[:, None], np.ones((n, 1))))


def _of_names(made: _Made, name: str, lists: Sequence[Sequence[str]], at_least: int) -> None:
    """A multi-valued field of items whose names occur so often; none where no name does."""
    names = _frequent(pd.Series([v for row in lists for v in row], dtype=object), at_least)
    if names:
        width = max(1, max(len(set(row) & set(names)) for row in lists))
        field = made.add(name, "item", "multi-valued", len(names), width=width, values=names)
        if field is not None:
            made.columns.append(_multi(field, lists))


def _categories(add: Any, name: str, side: Side, column: pd.Series) -> Field | None:
    """A categorical field for a column: bins for numbers with many values, else the values that occur five times or
    more (in smaller tables: twice). None, and no field, where nothing of the kind is there."""
    known = column.dropna()
    numbers = pd.to_numeric(known, errors="coerce")
    if len(known) and numbers.notna().all() and numbers.nunique() > BINS:
        edges = np.unique(np.quantile(numbers.astype(float), np.linspace(0, 1, BINS + 1)[1:-1]))
        return add(name, side, "categorical", len(edges) + 2, edges=tuple(float(e) for e in edges))
    values = _frequent(known.map(str), 5 if len(column) >= 100 else 2)
    return add(name, side, "categorical", len(values) + 1, values=values) if len(values) > 1 else None


def _code(field: Field) -> Callable[[object], int]:
    """What gives the row of a value in a categorical field."""
    place = {value: field.offset + n for n, value in enumerate(field.values, start=1)}

    def of_number(value: object) -> int:
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return field.offset
        return field.offset + (1 + bisect_right(field.edges, number) if math.isfinite(number) else 0)

    def of_name(value: object) -> int:
        return place.get(str(value), field.offset)

    return of_number if field.edges else of_name


def _multi(field: Field, lists: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
    """Rows and weights, each (n, width), of a multi-valued field; all weights 0 where a row has no value."""
    place = {value: n for n, value in enumerate(field.values)}
    rows = np.full((len(lists), field.width), field.offset)
    weights = np.zeros((len(lists), field.width))
    for n, values in enumerate(lists):
        known = [place[v] for v in dict.fromkeys(values) if v in place]
        rows[n, : len(known)] += np.array(known, np.int64)
        weights[n, : len(known)] = 1 / max(1, len(known))
    return rows, weights


def _usual(data: Dataset) -> np.ndarray:
    """(I,) float32: the mean rating of each item, drawn towards the mean of all where it has few."""
    x, n = data.interactions, len(data.catalogue)
    mean = float(x.value.mean()) if len(x) else 0.0
    total = np.bincount(x.item, weights=x.value - mean, minlength=n)
    return (mean + total / (ITEM_SHRINKAGE + np.bincount(x.item, minlength=n))).astype(np.float32)


def _generous(data: Dataset, usual: np.ndarray) -> np.ndarray:
    """(U,): how far each user rates above what their items usually get, drawn towards 0 where they rated few."""
    x, n = data.interactions, len(data.users)
    total = np.bincount(x.user, weights=x.value - usual[x.item], minlength=n)
    return total / (USER_SHRINKAGE + np.bincount(x.user, minlength=n))


def _attributes(catalogue: Catalogue) -> np.ndarray:
    """(I, 1 + G) float32: year in decades since 1900 (0 unknown), and each genre's share of the item's genres."""
    names = {g: n for n, g in enumerate(catalogue.genre_names, start=1)}
    table = np.zeros((len(catalogue), 1 + len(names)), np.float32)
    years = catalogue.years
    table[:, 0] = np.where(years > 0, np.maximum((years - 1900) / 10, 0.01), 0)
    for item, genres in enumerate(catalogue.genres):
        for genre in genres:
            table[item, names[genre]] = 1 / len(genres)
    return table


def _frequent(column: pd.Series, at_least: int) -> tuple[str, ...]:
    counts = column.value_counts()
    return tuple(sorted(str(v) for v in counts.index[counts >= at_least]))


def _scale(values: np.ndarray) -> dict[str, float]:
    spread = float(np.std(values))
    return {"mean": float(np.mean(values)), "spread": spread if spread > 1e-6 else 1.0}


def _standard(field: Field, values: np.ndarray) -> np.ndarray:
    return np.clip((values - field.mean) / field.spread, -3, 3)


def _to_one(weights: Tensor) -> Tensor:
    """Each row divided by its sum; rows of zeros stay."""
    return weights / weights.sum(dim=1, keepdim=True).clamp(min=1e-9)
