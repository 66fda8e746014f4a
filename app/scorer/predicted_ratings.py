"""Language models that foretell ratings, as the recommenders do: `predict_rating(states, items)`.

Two ways: the text that any backend answers, and a tuned network. Each may have a conventional model beside it, whose
expectation stands in the text.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from langchain_core.language_models import BaseChatModel

from app.errors import ConfigError, LLMError, MalformedOutput, Stopped, did_you_mean
from app.progress import Progress
from app.scorer.rating_texts import Shot, Words, drawn, expected, taught
from llm.calls import streaming, structured, to_chat
from llm.rating import Config, RatingScorer, answers, tune
from recommenders.data import Dataset, UserState, ratings
from recommenders.evaluation import Baseline, PredictsRatings, rated_factors, rated_neighbours, rating_task

_DEFAULT = Config()

BESIDE: dict[str, Callable[[Dataset], PredictsRatings] | None] = {
    "none": None,
    "biases": lambda data: Baseline("biases").fit(data, "rating"),
    "rated_neighbours": lambda data: rated_neighbours.RatedNeighbours().fit(data),
    "rated_factors": lambda data: rated_factors.RatedFactors().fit(data),
}
"""Conventional models that may stand beside the language model; each is fitted in seconds."""


def beside(name: str, data: Dataset) -> PredictsRatings | None:
    """The conventional model of this name, fitted. ConfigError for a name that is none."""
    if name not in BESIDE:
        raise ConfigError(f"nothing called {name!r} can stand beside a language model{did_you_mean(name, BESIDE)}")
    make = BESIDE[name]
    return None if make is None else make(data)


def words_of(data: Dataset, known: int) -> Words:
    low, high = ratings.scale(data)
    return Words(data.catalogue, float(low), float(high), known)


@dataclass
class TextRatings:
    """What any chat model answers, read as a number. An answer that gives none, or a call that fails, counts as
    unread: then the rating is what stands beside, or the mean of the person's own ratings.

    first_token_seconds, total_seconds  deadlines of one question
    stop  ends the question under way when it is set
    """

    model: BaseChatModel
    words: Words
    shots: Sequence[Shot] = ()
    other: PredictsRatings | None = None
    first_token_seconds: float = 20.0
    total_seconds: float = 60.0
    stop: threading.Event | None = None
    asked: int = 0
    unread: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32 for items (B, C)."""
        hints = grid(self.other, states, items)
        found = np.zeros(items.shape, np.float32)
        for b, state in enumerate(states):
            for c, item in enumerate(items[b].tolist()):
                told = hint(hints, b, c)
                try:
                    found[b, c] = self.ask(state, int(item), told)
                except LLMError:
                    found[b, c] = self._instead(state) if told is None else told
        return found

    def ask(self, state: UserState, item: int, hint: float | None = None, seconds: float | None = None) -> float:
        """One rating. LLMError where the call fails or is not over in time (`seconds` where that is less than the
        own deadline), MalformedOutput where the text gives no rating."""
        w, total = self.words, min(self.total_seconds, self.total_seconds if seconds is None else seconds)
        with self._lock:
            self.asked += 1
            self.unread += 1  # until it is read
        chunks = streaming.stream(
            self.model,
            to_chat(w.question(state, item, hint, self.shots)),
            stop=self.stop,
            first_token_seconds=min(self.first_token_seconds, total),
            total_seconds=total,
            max_tokens=12,
        )
        text = structured.collect(chunks).text
        if self.stop is not None and self.stop.is_set():
            raise Stopped("stopped while the model was rating")
        said = answers.rating(text, w.low, w.high)
        if said is None:
            raise MalformedOutput(text, f"it gives no rating from {w.low:g} to {w.high:g}")
        with self._lock:
            self.unread -= 1
        return said

    def _instead(self, state: UserState) -> float:
        return float(np.mean(state.values)) if state.values else (self.words.low + self.words.high) / 2


@dataclass
class TunedRatings:
    """A tuned network. mean: what its head adds to where nothing stands beside."""

    scorer: RatingScorer
    words: Words
    mean: float
    other: PredictsRatings | None = None

    def predict_rating(self, states: Sequence[UserState], items: np.ndarray) -> np.ndarray:
        """(B, C) float32 for items (B, C)."""
        hints = grid(self.other, states, items)
        texts = [
            self.words.text(state, int(item), hint(hints, b, c))
            for b, state in enumerate(states)
            for c, item in enumerate(items[b].tolist())
        ]
        base = [self.mean] * len(texts) if hints is None else hints.ravel().tolist()
        return np.array(self.scorer.predict(texts, base), np.float32).reshape(items.shape)

    @classmethod
    def of(cls, scorer: RatingScorer, data: Dataset) -> "TunedRatings":
        """A scorer that `teach` made, with what stands beside it fitted on all of `data`."""
        notes = scorer.notes
        return cls(
            scorer,
            words_of(data, int(notes["known"])),
            float(notes["mean"]),
            beside(str(notes["beside"]), data),
        )


def teach(
    data: Dataset,
    start: Path | Callable[[Sequence[str]], Path],
    work: Path,
    config: Config = _DEFAULT,
    *,
    name: str = "none",
    rows: int = 4000,
    valid: int = 400,
    known: int = 10,
    progress: Progress | None = None,
    device: str = "cpu",
) -> RatingScorer:
    """Tune a network on rows of the training part of the cut by time, checked on rows of its validation part.

    start  a Hugging Face folder, or what makes one of the texts that will be read
    name   what stands beside, of BESIDE; it is fitted without the rows that the network learns from
    rows, valid  how many to learn from and to check on; known: ratings of a person that a text tells
    """
    cut = rating_task.rating_split(data, "time", known="rolling")
    mine, rest = taught(cut.train, rows, config.seed)
    checked = drawn(cut.valid, valid, config.seed + 1)
    other = beside(name, rest)
    words = words_of(data, known)
    mean = float(cut.train.interactions.value.mean())
    bases = [np.full(len(r), mean) if other is None else expected(other, r) for r in (mine, checked)]
    taught_with, checked_on = (
        words.examples(r, b, told=other is not None) for r, b in zip((mine, checked), bases, strict=True)
    )
    folder = start if isinstance(start, Path) else start([e.text for e in taught_with])
    notes: dict[str, Any] = {"beside": name, "known": known, "mean": mean, "dataset": data.name}
    return tune(
        folder,
        taught_with,
        checked_on,
        words.low,
        words.high,
        work,
        config,
        notes=notes,
        progress=progress,
        device=device,
    )


def grid(other: PredictsRatings | None, states: Sequence[UserState], items: np.ndarray) -> np.ndarray | None:
    """(B, C) what stands beside expects for items (B, C); None where nothing does."""
    return None if other is None else other.predict_rating(states, items).astype(np.float64)


def hint(hints: np.ndarray | None, b: int, c: int) -> float | None:
    """One cell of `grid`."""
    return None if hints is None else float(hints[b, c])
