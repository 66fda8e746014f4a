"""Ratings in words: what a language model reads of a person and an item, and what it is taught with.

A question is about one row: the person's latest ratings, oldest first, and the item. Beside it may stand what a
conventional model expects; then the language model corrects it instead of beginning from nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

import prompts
from app.errors import DataError
from llm.rating import Example
from prompts import Message
from recommenders.data import Catalogue, Dataset, Places, Rows, UserState
from recommenders.evaluation import PredictsRatings

LEAST = 5  # ratings that must be known of a person for a row to be asked about


class Shot(TypedDict):
    """A question with its answer, as the template `rate` shows it."""

    rated: list[tuple[str, str]]
    candidate: str
    expected: str
    rating: str


@dataclass(frozen=True)
class Words:
    """How rows are said. known: latest ratings that are told; low, high: the scale."""

    catalogue: Catalogue
    low: float
    high: float
    known: int = 10

    def rated(self, state: UserState) -> list[tuple[str, str]]:
        """(title, rating) of the latest ratings, oldest first."""
        latest = zip(state.items[-self.known :], state.values[-self.known :], strict=True)
        return [(self.catalogue.label(i), f"{v:g}") for i, v in latest]

    def item(self, item: int) -> str:
        """Title, year and genres: "Heat (1995); Action, Crime"."""
        return "; ".join(filter(None, [self.catalogue.label(item), ", ".join(self.catalogue.genres[item])]))

    def text(self, state: UserState, item: int, expected: float | None = None) -> str:
        """What a tuned model reads."""
        said = "" if expected is None else f"{expected:.1f}"
        return prompts.render("rated", rated=self.rated(state), candidate=self.item(item), expected=said).strip()

    def question(
        self, state: UserState, item: int, expected: float | None = None, shots: Sequence[Shot] = ()
    ) -> tuple[Message, ...]:
        """What a model that was never tuned is asked; without shots it is zero-shot."""
        return prompts.messages(
            "rate",
            noun=next(iter(self.catalogue.nouns), "items"),
            low=f"{self.low:g}",
            high=f"{self.high:g}",
            examples=list(shots),
            rated=self.rated(state),
            candidate=self.item(item),
            expected="" if expected is None else f"{expected:.1f}",
        )

    def shots(self, rows: Rows, expected: np.ndarray | None = None) -> list[Shot]:
        """Rows as questions with their answers; expected (N,), where a conventional model stands beside."""
        return [
            Shot(
                rated=self.rated(state),
                candidate=self.item(int(item)),
                expected="" if expected is None else f"{expected[n]:.1f}",
                rating=f"{value:g}",
            )
            for n, (state, item, value) in enumerate(zip(rows.states, rows.items, rows.values, strict=True))
        ]

    def examples(self, rows: Rows, base: np.ndarray, *, told: bool) -> list[Example]:
        """What a network is taught with or checked on. base (N,): what its head adds to; `told`: the text says it."""
        return [
            Example(self.text(state, int(item), float(b) if told else None), float(b), float(value))
            for state, item, value, b in zip(rows.states, rows.items, rows.values, base, strict=True)
        ]


# -- rows -------------------------------------------------------------------------------------------------------------


def drawn(rows: Rows, n: int, seed: int = 0) -> Rows:
    """n of the rows (all where there are fewer) of people of whom LEAST ratings are known, in the order of the rows."""
    able = [place for place in range(len(rows)) if len(rows.states[place].items) >= LEAST]
    if not able:
        raise DataError(f"of nobody in these {len(rows)} rows {LEAST} ratings are known before; nothing can be asked")
    return _taken(rows, np.sort(np.random.default_rng(seed).permutation(able)[:n]))


def taught(train: Dataset, n: int, seed: int = 0) -> tuple[Rows, Dataset]:
    """n rows of the training part to learn from, each with what its user had rated before, and the part without them:
    a conventional model that stands beside must not have seen the answers that it is shown to foretell."""
    x = train.interactions
    everything = Rows(Places(train, x.user, np.arange(len(x))), x.item, x.value, x.user)
    first = np.searchsorted(x.user, x.user)  # (N,) where each row's user begins
    able = np.flatnonzero(np.arange(len(x)) - first >= LEAST)
    chosen = np.sort(np.random.default_rng(seed).permutation(able)[:n])
    kept = np.ones(len(x), bool)
    kept[chosen] = False
    return _taken(everything, chosen), train.with_interactions(x.where(kept))


def spread_out(rows: Rows, n: int, seed: int = 0) -> Rows:
    """n rows of people who differ, as unlike in their ratings as there are values, for examples in a prompt."""
    order = np.random.default_rng(seed).permutation(len(rows))
    wanted = np.linspace(rows.values.min(), rows.values.max(), n + 2)[1:-1]
    found: list[int] = []
    for value in wanted:
        free = [p for p in order if p not in found and rows.users[p] not in rows.users[found]]
        found.append(min(free, key=lambda p: abs(float(rows.values[p]) - value)))
    return _taken(rows, np.array(found))


def expected(model: PredictsRatings, rows: Rows) -> np.ndarray:
    """(N,) what a conventional model foretells of each row."""
    return model.predict_rating(list(rows.states), rows.items[:, None])[:, 0].astype(np.float64)


def _taken(rows: Rows, places: np.ndarray) -> Rows:
    states = [rows.states[int(p)] for p in places]
    return Rows(states, rows.items[places], rows.values[places], rows.users[places])
