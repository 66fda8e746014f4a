"""The language model as a ranker of the pipeline: it puts the first candidates in order, listwise, pointwise or tuned.

What it says is read as numbers of a list or ratings; an answer that gives none, a timeout, a failed call leave the
incoming order as it is (ordering.py). Models prefer what stands first (Hou et al., arXiv 2305.08845), so a list is
asked about in several orders drawn by chance, and the places are averaged.
"""

import copy
import random
import threading
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from langchain_core.language_models import BaseChatModel

import prompts
from app.errors import LLMError, MalformedOutput, RecommenderError, Stopped
from app.scorer.ordering import LLMRanker, Order
from app.scorer.predicted_ratings import TextRatings, TunedRatings, words_of
from app.settings import Settings
from llm.calls import streaming, structured, to_chat
from llm.rating import answers, network
from recommenders.data import Catalogue, Dataset, UserState
from recommenders.pipeline import Pipeline

LISTWISE, POINTWISE, TUNED = "llm_listwise", "llm_pointwise", "llm_tuned"
NAMES = (LISTWISE, POINTWISE, TUNED)
LABELS = {
    LISTWISE: "language model, lists",
    POINTWISE: "language model, ratings",
    TUNED: "language model, tuned ratings",
}
FOLDER = "llm-rating"  # of the tuned scorer, below the runs of a data set
KNOWN = 6  # ratings of the person that a pointwise question tells


@dataclass(frozen=True)
class Listwise:
    """The whole list in one prompt, in `shuffles` orders; the mean place counts.

    latest  liked items of the history that the prompt tells
    first_token_seconds of one call, total_seconds of all calls for one list; stop ends the call under way
    firsts  where in the shown list the item stood that each answer put first, 1-based: shows a bias of position
    """

    model: BaseChatModel
    catalogue: Catalogue
    liked_from: float
    shuffles: int = 2
    latest: int = 10
    first_token_seconds: float = 20.0
    total_seconds: float = 60.0
    stop: threading.Event | None = None
    firsts: list[int] = field(default_factory=list)

    def __call__(self, state: UserState, items: Sequence[int]) -> np.ndarray:
        n, began = len(items), time.monotonic()
        places = np.zeros(n)
        chance = random.Random(zlib.crc32(f"{state.items}|{list(items)}".encode()))
        read, trouble = 0, LLMError("it was not asked")
        for _ in range(self.shuffles):
            shown = list(range(n))
            chance.shuffle(shown)
            try:
                named = self._ask(state, [items[p] for p in shown], began + self.total_seconds - time.monotonic())
            except MalformedOutput as error:
                trouble = error
                continue
            except LLMError as error:
                trouble = error
                break
            self.firsts.append(named[0])
            order = [shown[x - 1] for x in named]
            order += [p for p in range(n) if p not in order]  # what it left out, as it came
            places[order] += np.arange(n)
            read += 1
        if not read:
            raise trouble
        return places

    def _ask(self, state: UserState, items: Sequence[int], seconds: float) -> list[int]:
        """Numbers of the list as the model names them, 1-based, each once. MalformedOutput where it names none."""
        liked = [i for i, v in zip(state.items, state.values, strict=True) if v >= self.liked_from][-self.latest :]
        asked = prompts.messages(
            "rank",
            noun=next(iter(self.catalogue.nouns), "items"),
            liked=self._labels(liked) or ["nothing yet"],
            labels=self._labels(items),
        )
        n = len(items)
        more: dict[str, Any] = {"max_tokens": 4 * n + 8}
        if getattr(self.model, "constrains", False):
            more["regex"] = answers.order_pattern(n, n)
        answer = structured.collect(
            streaming.stream(
                self.model,
                to_chat(asked),
                stop=self.stop,
                first_token_seconds=min(self.first_token_seconds, max(seconds, 0.01)),
                total_seconds=max(seconds, 0.01),
                **more,
            )
        )
        if self.stop is not None and self.stop.is_set():
            raise Stopped("stopped while the model was ordering")
        named = answers.order(answer.text, n)
        if not named:
            raise MalformedOutput(answer.text, f"it names no number from 1 to {n}")
        return named

    def _labels(self, items: Sequence[int]) -> list[str]:
        c = self.catalogue
        return ["; ".join(filter(None, [c.label(i), ", ".join(c.genres[i])])) for i in items]


@dataclass(frozen=True)
class Pointwise:
    """One question a candidate; an answer without a rating counts as the mean of the others.

    total_seconds  of all questions for one list
    """

    ratings: TextRatings
    total_seconds: float = 60.0

    def __call__(self, state: UserState, items: Sequence[int]) -> np.ndarray:
        end = time.monotonic() + self.total_seconds
        found = np.full(len(items), np.nan)
        trouble = LLMError("it was not asked")
        for n, item in enumerate(items):
            try:
                found[n] = self.ratings.ask(state, item, seconds=max(end - time.monotonic(), 0.01))
            except MalformedOutput as error:
                trouble = error
        if np.isnan(found).all():
            raise trouble
        return -np.where(np.isnan(found), np.nanmean(found), found)


@dataclass(frozen=True)
class ByTuned:
    """The ratings that a tuned network foretells."""

    ratings: TunedRatings

    def __call__(self, state: UserState, items: Sequence[int]) -> np.ndarray:
        return -self.ratings.predict_rating([state], np.array([items], np.int64))[0].astype(np.float64)


class Served(Protocol):
    """What is served: its data set, and the folder of what was trained on it."""

    @property
    def dataset(self) -> Dataset: ...

    @property
    def runs(self) -> Path: ...


class Rankers:
    """The language-model rankers of what is served, shared by all sessions. Holds nothing of any person."""

    def __init__(self, served: Served, settings: Settings) -> None:
        self.served, self.settings = served, settings
        self._lock = threading.Lock()
        self._tuned: dict[float, TunedRatings] = {}  # time of writing -> what was loaded then

    @property
    def folder(self) -> Path:
        return self.served.runs / FOLDER

    def names(self) -> list[str]:
        """Those that can be chosen: the tuned one where `chatrec llm tune-rating` has made it, the pointwise and the
        tuned one where there are ratings."""
        try:
            rated = self.served.dataset.explicit
        except RecommenderError:
            return []
        tuned = [TUNED] if rated and (self.folder / network.CARD).is_file() else []
        return [LISTWISE, *([POINTWISE] if rated else []), *tuned]

    def pipeline(
        self, pipeline: Pipeline, name: str, model: BaseChatModel, stop: threading.Event | None = None
    ) -> Pipeline:
        """The same pipeline with this ranker, made anew for each turn: its tally is of that turn."""
        made = copy.copy(pipeline)
        made.ranker = LLMRanker(name, pipeline.catalogue, self._order(name, model, stop))
        return made

    def _order(self, name: str, model: BaseChatModel, stop: threading.Event | None) -> Order:
        s, data = self.settings, self.served.dataset
        first, total = s.first_token_seconds, s.total_seconds
        if name == LISTWISE:
            liked_from = data.liked_from if data.explicit else 0.0
            return Listwise(
                model, data.catalogue, liked_from, first_token_seconds=first, total_seconds=total, stop=stop
            )
        if name == POINTWISE:
            return Pointwise(TextRatings(model, words_of(data, KNOWN), (), None, first, total, stop), total)
        if name == TUNED:
            return ByTuned(self._scorer(data))
        raise RecommenderError(f"no ranker of a language model is called {name!r}; there are {', '.join(NAMES)}")

    def _scorer(self, data: Dataset) -> TunedRatings:
        with self._lock:
            card = self.folder / network.CARD
            written = card.stat().st_mtime if card.is_file() else 0.0
            if written not in self._tuned:
                self._tuned = {written: TunedRatings.of(network.load(self.folder), data)}
            return self._tuned[written]
