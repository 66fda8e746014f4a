"""The tables that everything reads: Catalogue, Interactions, Users, and the Dataset that joins them.

Column names are defined here and nowhere else, and every table is checked when it is made.
Internal item numbers (int, row of the catalogue) and external item ids (str, the owner's key) never mix:
numbers are called `item`/`items`, ids are called `item_id`/`item_ids`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from app import words
from app.errors import DataError, UnknownItem, did_you_mean
from recommenders.data.attributes import Bound, Schema
from recommenders.data.default_schema import GENRES, ITEM_ID, LANGUAGE, PEOPLE, TEXT, TITLE, YEAR, default_schema

USER_ID = "user_id"
VALUE, TIMESTAMP, USER, ITEM = "value", "timestamp", "user", "item"

FeedbackKind = Literal["like", "dislike", "seen"]
"""What a person may say of an item."""


NOTHING_DECLARED = Schema()
_GENRES_OF_FILMS = frozenset({"filmnoir", "western", "animation", "scifi", "documentary", "thriller"})


class IdMap:
    """External ids (str) to internal numbers (0..n-1) and back, in a fixed order."""

    def __init__(self, ids: Iterable[object]) -> None:
        self.ids: tuple[str, ...] = tuple(str(i) for i in ids)
        self._number = {id_: n for n, id_ in enumerate(self.ids)}
        if len(self._number) != len(self.ids):
            seen: set[str] = set()
            twice = next(i for i in self.ids if i in seen or seen.add(i))  # type: ignore[func-returns-value]
            raise DataError(f"ids must be unique, but {twice!r} occurs more than once")

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, id_: object) -> bool:
        return str(id_) in self._number

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdMap) and self.ids == other.ids

    def __hash__(self) -> int:
        return hash(self.ids)

    def number(self, id_: object) -> int:
        try:
            return self._number[str(id_)]
        except KeyError:
            raise UnknownItem(f"unknown id {str(id_)!r}{did_you_mean(str(id_), self.ids[:5000])[:200]}") from None

    def numbers(self, ids: Iterable[object]) -> np.ndarray:
        return np.fromiter((self.number(i) for i in ids), dtype=np.int64)


@dataclass(frozen=True)
class Catalogue:
    """What can be recommended: one row an item, in the order of the internal item numbers.

    `table` columns: item_id (str, unique), title (str, not empty), year (Int64, may be missing), genres and people
    (tuple of str, may be empty), language (str, "" unknown), text (str, free description, "" unknown); any further
    column is kept as an extra item feature. `schema` says what may be asked of them. Make it with `Catalogue.of`, which
    checks and normalises.

    relatives: well-known things that it lacks, with the same attributes. What somebody names out of it is said to be
    missing, and what is most like it is found; none of it is an item, ever shown, counted or searched.
    """

    table: pd.DataFrame
    schema: Schema
    relatives: "Catalogue | None" = None

    @classmethod
    def of(cls, frame: pd.DataFrame, declared: Schema = NOTHING_DECLARED) -> "Catalogue":
        """declared: attributes of the further columns, or of standard ones that are to be others here; columns that
        it does not name become what they look like."""
        missing = [c for c in (ITEM_ID, TITLE) if c not in frame.columns]
        if missing:
            raise DataError(
                f"the items lack the column(s) {', '.join(missing)}; it has {', '.join(map(str, frame.columns))}. "
                "Name your columns with the column options of `chatrec data import`."
            )
        if frame.empty:
            raise DataError("the item table has no rows; expected at least one item")
        table = frame.reset_index(drop=True).copy()
        table[ITEM_ID] = table[ITEM_ID].astype(str)
        table[TITLE] = table[TITLE].astype(str).str.strip()
        empty = table[TITLE].eq("")
        if empty.any():
            raise DataError(f"item {table[ITEM_ID][empty].iloc[0]!r} has an empty title; every item needs one")
        IdMap(table[ITEM_ID])  # raises on duplicates
        years = table[YEAR] if YEAR in table else pd.Series(pd.NA, index=table.index)
        table[YEAR] = pd.to_numeric(years, errors="coerce").round().astype("Int64")
        for column in (GENRES, PEOPLE):
            values: Iterable[object] = table[column] if column in table else [()] * len(table)
            table[column] = pd.Series([_names(v) for v in values], index=table.index, dtype=object)
        for column in (LANGUAGE, TEXT):
            table[column] = table[column].fillna("").astype(str) if column in table else ""
        return cls(table, default_schema(table, declared))

    def __len__(self) -> int:
        return len(self.table)

    def with_relatives(self, frame: pd.DataFrame) -> "Catalogue":
        """The same with a table of what it lacks; rows that it has after all (title, and year within one) are left
        out."""
        if frame.empty:
            return self
        needed = {column for a in self.schema for column in a.columns} - {*frame.columns}
        others = Catalogue.of(frame.assign(**dict.fromkeys(sorted(needed), "")), self.schema)
        have: dict[tuple[str, ...], list[int]] = {}
        for title, year in zip(self.titles, self.years.tolist(), strict=True):
            for key in _title_keys(title):
                have.setdefault(key, []).append(year)
        lacking = [
            not any(not y or not year or abs(y - year) <= 1 for key in _title_keys(title) for y in have.get(key, ()))
            for title, year in zip(others.titles, others.years.tolist(), strict=True)
        ]
        table = others.table[lacking].reset_index(drop=True)
        return replace(self, relatives=Catalogue(table, self.schema) if len(table) else None)

    @cached_property
    def ids(self) -> IdMap:
        return IdMap(self.table[ITEM_ID])

    @cached_property
    def titles(self) -> tuple[str, ...]:
        return tuple(self.table[TITLE])

    @cached_property
    def years(self) -> np.ndarray:
        """(I,) int64, 0 where unknown."""
        return self.table[YEAR].fillna(0).to_numpy(dtype=np.int64)

    @cached_property
    def genres(self) -> tuple[tuple[str, ...], ...]:
        return tuple(self.table[GENRES])

    @cached_property
    def people(self) -> tuple[tuple[str, ...], ...]:
        return tuple(self.table[PEOPLE])

    @cached_property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.table[LANGUAGE])

    @cached_property
    def texts(self) -> tuple[str, ...]:
        return tuple(self.table[TEXT])

    @cached_property
    def attributes(self) -> Bound:
        """What may be asked of the items, with their cells."""
        return Bound(self.schema, self.table)

    @cached_property
    def genre_names(self) -> tuple[str, ...]:
        return tuple(sorted({g for row in self.genres for g in row}))

    @cached_property
    def people_names(self) -> tuple[str, ...]:
        return tuple(sorted({p for row in self.people for p in row}))

    @cached_property
    def language_names(self) -> tuple[str, ...]:
        return tuple(sorted({x for x in self.languages if x}))

    @cached_property
    def extra_columns(self) -> tuple[str, ...]:
        known = {ITEM_ID, TITLE, YEAR, GENRES, PEOPLE, LANGUAGE, TEXT}
        return tuple(str(c) for c in self.table.columns if c not in known)

    @cached_property
    def columns_of_features(self) -> tuple[str, ...]:
        """The further columns that recommenders read: neither running text nor what was counted of interactions."""
        unread = {a.name for a in self.schema if a.counted or (a.kind == "text" and not a.hidden)}
        return tuple(c for c in self.extra_columns if c not in unread)

    @property
    def nouns(self) -> tuple[str, ...]:
        """What its items may be called besides picks: films, when its genres are those of films; else nothing."""
        of_films = {"".join(words.folded(g)) for g in self.genre_names} & _GENRES_OF_FILMS
        return ("films", "movies", "film", "movie") if len(of_films) >= 2 else ()

    def label(self, item: int) -> str:
        """Title with its year: "Heat (1995)"."""
        return f"{self.titles[item]} ({self.years[item]})" if self.years[item] else self.titles[item]


_PARENTHESES = re.compile(r"\(([^()]*)\)")
_AKA = re.compile(r"^\s*a\.?k\.?a\.?\s+", re.IGNORECASE)


def _title_keys(title: str) -> set[tuple[str, ...]]:
    """What a title may be known as: itself, and another one in parentheses."""
    others = (_AKA.sub("", inside) for inside in _PARENTHESES.findall(title))
    return {key for t in (_PARENTHESES.sub(" ", title), *others) if (key := words.folded(t))}


def _names(value: object) -> tuple[str, ...]:
    """A multi-valued cell as a tuple: a sequence as it stands, or a string separated by | (or nothing)."""
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NA:
        return ()
    parts = value.split("|") if isinstance(value, str) else value
    if not isinstance(parts, Iterable):
        raise DataError(f"expected names separated by '|', got {value!r}")
    return tuple(dict.fromkeys(p for p in (str(x).strip() for x in parts) if p))


@dataclass(frozen=True)
class Interactions:
    """Who met what, when: row n says that `user[n]` gave `item[n]` the `value[n]` at `timestamp[n]`.

    All four are arrays of one length N: user, item (int64 internal numbers), value (float32; the rating, or for
    implicit feedback how often, 1.0 where nobody counted), timestamp (int64 seconds since 1970; 0 where unknown).
    Sorted by user, then time (stable).
    """

    user: np.ndarray
    item: np.ndarray
    value: np.ndarray
    timestamp: np.ndarray

    @classmethod
    def of(
        cls,
        user: np.ndarray,
        item: np.ndarray,
        value: np.ndarray | None = None,
        timestamp: np.ndarray | None = None,
    ) -> "Interactions":
        n = len(user)
        value = np.ones(n, np.float32) if value is None else np.asarray(value, np.float32)
        timestamp = np.zeros(n, np.int64) if timestamp is None else np.asarray(timestamp, np.int64)
        if not len(item) == len(value) == len(timestamp) == n:
            raise DataError(f"interaction columns differ in length: {n}, {len(item)}, {len(value)}, {len(timestamp)}")
        if n and (min(user.min(), item.min()) < 0 or not np.isfinite(value).all()):
            raise DataError("interactions need non-negative user and item numbers and finite values")
        order = np.lexsort((timestamp, user))
        return cls(
            np.asarray(user, np.int64)[order],
            np.asarray(item, np.int64)[order],
            value[order],
            timestamp[order],
        )

    def __len__(self) -> int:
        return len(self.user)

    def where(self, keep: np.ndarray) -> "Interactions":
        """The rows that the boolean mask `keep` (N,) marks."""
        return Interactions(self.user[keep], self.item[keep], self.value[keep], self.timestamp[keep])


@dataclass(frozen=True)
class Dataset:
    """One catalogue with its interactions and what is known of its users.

    `users` has one row a user in the order of the internal user numbers; column user_id and any profile columns
    (age, gender, occupation, ...). `explicit` tells ratings from implicit feedback; ratings at or above
    `liked_from` count as liked.
    """

    name: str
    catalogue: Catalogue
    interactions: Interactions
    users: pd.DataFrame
    explicit: bool = True
    liked_from: float = 4.0
    source: str = ""
    licence: str = ""
    _by_user: dict[int, slice] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if USER_ID not in self.users.columns:
            raise DataError(f"the user table lacks the column {USER_ID}; it has {', '.join(self.users.columns)}")
        if len(self.interactions):
            if self.interactions.item.max() >= len(self.catalogue):
                raise DataError("an interaction names an item that is not in the catalogue")
            if self.interactions.user.max() >= len(self.users):
                raise DataError("an interaction names a user that is not in the user table")

    @cached_property
    def popularity(self) -> np.ndarray:
        """(I,) int64: how often each item was chosen, by an interaction of any value."""
        return np.bincount(self.interactions.item, minlength=len(self.catalogue))

    @cached_property
    def mean_ratings(self) -> np.ndarray:
        """(I,) float64: the mean rating of each item; nan where nobody rated it, or feedback is no rating."""
        if not self.explicit:
            return np.full(len(self.catalogue), np.nan)
        total = np.bincount(self.interactions.item, weights=self.interactions.value, minlength=len(self.catalogue))
        with np.errstate(invalid="ignore"):
            return total / self.popularity

    @cached_property
    def user_ids(self) -> IdMap:
        return IdMap(self.users[USER_ID])

    @property
    def profile_columns(self) -> tuple[str, ...]:
        return tuple(str(c) for c in self.users.columns if c != USER_ID)

    @cached_property
    def _bounds(self) -> np.ndarray:
        """(U + 1,) where each user's rows begin and end (interactions are sorted by user)."""
        return np.searchsorted(self.interactions.user, np.arange(len(self.users) + 1))

    def rows_of(self, user: int) -> slice:
        return slice(int(self._bounds[user]), int(self._bounds[user + 1]))

    def state(self, user: int) -> "UserState":
        """The state of a known user: the whole history in this data set, oldest first, and the profile."""
        rows = self.rows_of(user)
        x = self.interactions
        profile = {c: self.users[c].iloc[user] for c in self.profile_columns}
        return UserState(
            items=tuple(x.item[rows].tolist()),
            values=tuple(x.value[rows].tolist()),
            timestamps=tuple(x.timestamp[rows].tolist()),
            profile=profile,
        )

    def states(self, users: Sequence[int] | None = None) -> list["UserState"]:
        return [self.state(int(u)) for u in (range(len(self.users)) if users is None else users)]

    def with_catalogue(self, catalogue: Catalogue) -> "Dataset":
        """The same data set with more known of its items, which stay in their order."""
        return replace(self, catalogue=catalogue, _by_user={})

    def with_interactions(self, interactions: Interactions) -> "Dataset":
        """The same data set with other interactions (a split); catalogue and user numbers stay."""
        return Dataset(
            self.name,
            self.catalogue,
            interactions,
            self.users,
            self.explicit,
            self.liked_from,
            self.source,
            self.licence,
        )


@dataclass(frozen=True)
class UserState:
    """All that a recommender may know of a user; never a bare user id, so users nobody has seen work alike.

    items       what the user met (rated, watched, liked in the chat), internal numbers, oldest first
    values      the rating of each on the data set's scale (how often, or 1.0, for implicit feedback); same length
    timestamps  seconds since 1970 of each, 0 unknown; same length
    disliked    rejected in the chat: never recommended, and what resembles them sinks
    profile     what is known of the person (age, gender, occupation, ...), may be empty
    """

    items: tuple[int, ...] = ()
    values: tuple[float, ...] = ()
    timestamps: tuple[int, ...] = ()
    disliked: tuple[int, ...] = ()
    profile: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.items)
        if not self.values:
            object.__setattr__(self, "values", (1.0,) * n)
        if not self.timestamps:
            object.__setattr__(self, "timestamps", (0,) * n)
        if not len(self.values) == len(self.timestamps) == n:
            raise DataError(
                f"a user state needs one value and one time stamp an item: {n} items, "
                f"{len(self.values)} values, {len(self.timestamps)} time stamps"
            )

    def without(self, position: int) -> "UserState":
        """The same user had they never met the item at `position` of the history (leave-one-out)."""

        def drop(xs: tuple) -> tuple:
            return xs[:position] + xs[position + 1 :]

        return UserState(drop(self.items), drop(self.values), drop(self.timestamps), self.disliked, self.profile)
