"""The boards of the leaderboard: what is asked of a model, on which part of the data, and how the answer is measured.

Every board cuts the data once, trains on the training part alone and measures on the test part; settings are chosen on
the validation part, never here.
"""

import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from app.errors import ConfigError, did_you_mean
from app.progress import Progress
from recommenders.contract import Recommender, registry
from recommenders.data import Case, Dataset, How, Rated, Rows, items_of, leave_last_one_out, rows
from recommenders.evaluation import Figure, baselines, clicks, foreseen, metrics, rank, rating_task

Task = Literal["top-n", "ctr", "rating"]
SECTION: Mapping[Task, str] = {"top-n": "", "ctr": "click", "rating": "rating"}  # of recommenders/configs/<name>.toml
KS = (10, 20)  # lengths of the lists
CANDIDATES = 500  # of one user, scored as a ranker scores them
_PATIENCE = 10.0  # seconds that timing the candidates may take


@dataclass(frozen=True)
class Measure:
    """One column: higher tells which way is better, None where neither is."""

    key: str
    label: str
    about: str
    digits: int = 3
    higher: bool | None = True


@dataclass(frozen=True)
class Board:
    """measures: the first one orders the board. a_row: of what the milliseconds are."""

    name: str
    task: Task
    title: str
    about: str
    measures: tuple[Measure, ...]
    a_row: str
    how: How | None = None

    @property
    def first(self) -> Measure:
        return self.measures[0]

    def open(self, data: Dataset, sample: int | None = None) -> "Asked":
        """Cut the data. DataError where it cannot be asked this.

        sample  lists are made for so many users only, drawn always alike; None for all. Clicks and ratings are cheap
                and foreseen whole.
        """
        if self.task == "top-n":
            return TopN(data, sample)
        assert self.how is not None
        return Clicking(data, self.how) if self.task == "ctr" else Rating(data, self.how)

    def able(self) -> list[str]:
        """Who can take part: recommenders that offer the method, and what they must beat."""
        if self.task == "top-n":
            return registry.names()
        method = "predict_click" if self.task == "ctr" else "predict_rating"
        return [*baselines.NAMES, *(n for n in registry.names() if hasattr(registry.get(n), method))]

    def check(self, name: str) -> None:
        """ConfigError or UnknownRecommender where `name` cannot take part."""
        if name in self.able():
            return
        if name not in baselines.NAMES:
            registry.get(name)
        raise ConfigError(
            f"{name} cannot take part in {self.name}: it predicts no "
            f"{ {'top-n': 'lists', 'ctr': 'clicks', 'rating': 'ratings'}[self.task] }. These can: "
            f"{', '.join(self.able())}."
        )


# -- the three questions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """rows: how many test cases; milliseconds: of each, answered in batches; places: of the withheld item in the list
    of each case, from 1 on, 0 where it is not in it (of lists only)."""

    measures: Mapping[str, Figure]
    rows: int
    milliseconds: float
    places: tuple[int, ...] = ()


class Asked(ABC):
    """One board over one data set. valid, rated: what a training can be watched on; the other kind is empty."""

    train: Dataset
    valid: Sequence[Case] = ()
    rated: Sequence[Rated] = ()

    @abstractmethod
    def measure(self, model: Any, progress: Progress) -> Answer: ...


class TopN(Asked):
    """Which item comes next? The whole catalogue is ranked, nothing is sampled."""

    def __init__(self, data: Dataset, sample: int | None = None) -> None:
        cut = leave_last_one_out(data)
        self.train, self.valid, self.test = cut.train, cut.valid, cut.test
        if sample is not None and sample < len(self.test):
            drawn = np.random.default_rng(0).choice(len(self.test), sample, replace=False)
            self.test = [self.test[n] for n in np.sort(drawn)]
        x, n = self.train.interactions, len(data.catalogue)
        self.met = np.bincount(np.unique(x.user * n + x.item) % n, minlength=n)  # (I,) users who met each item
        self.users = len(np.unique(x.user))

    def measure(self, model: Recommender, progress: Progress) -> Answer:
        ranked = rank(model, self.test, max(KS), progress=progress)
        measures: dict[str, Figure] = {}
        for k in KS:
            for name, values in foreseen(ranked.lists, self.test, k).items():
                measures[f"{name}@{k}"] = _mean(values)
        k = KS[0]
        shown = metrics.coverage(ranked.lists, len(model.catalogue), k)
        measures[f"coverage@{k}"] = Figure(shown, float("nan"), float("nan"))
        measures[f"novelty@{k}"] = _mean(metrics.novelty(ranked.lists, self.met, self.users, k))
        histories = [state.items for state, _ in self.test]
        measures[f"lift@{k}"] = _mean(metrics.popularity_lift(ranked.lists, histories, self.met, k))
        measures["candidates_ms"] = Figure(self._scoring(model), float("nan"), float("nan"))
        found = ranked.lists == items_of(self.test)[:, None]  # (B, 20)
        places = np.where(found.any(axis=1), 1 + found.argmax(axis=1), 0)
        return Answer(measures, len(self.test), 1000 * ranked.seconds / len(self.test), tuple(places.tolist()))

    def _scoring(self, model: Recommender) -> float:
        """Milliseconds to score 500 candidates for one user: the median over some users, after one to warm up."""
        n = len(model.catalogue)
        rng, took = np.random.default_rng(0), list[float]()
        began = time.perf_counter()
        for state, _ in self.test[:21]:
            candidates = rng.choice(n, (1, min(CANDIDATES, n)), replace=False)
            start = time.perf_counter()
            model.score([state], candidates)
            took.append(1000 * (time.perf_counter() - start))
            if time.perf_counter() - began > _PATIENCE:
                break
        return statistics.median(took[1:] or took)


class Clicking(Asked):
    """Will this user like this item? Asked twice: of what training tells of the user, and of all that came before."""

    def __init__(self, data: Dataset, how: How) -> None:
        cut = clicks.click_split(data, how)
        self.train, self.test = cut.train, cut.test
        self.rated = _rated(rows.split(data, how).valid)
        self.rolling = clicks.click_split(data, how, known="rolling").test

    def measure(self, model: clicks.PredictsClicks, progress: Progress) -> Answer:
        found = clicks.evaluate(model, self.test, progress=progress)
        later = clicks.evaluate(model, self.rolling, progress=progress)
        measures = dict(found.measured) | {f"rolling_{name}": figure for name, figure in later.measured.items()}
        return Answer(measures, found.rows, 1000 * found.seconds / found.rows)


class Rating(Asked):
    """Which rating will this user give this item?"""

    def __init__(self, data: Dataset, how: How) -> None:
        cut = rating_task.rating_split(data, how)
        self.train, self.test, self.rated = cut.train, cut.test, _rated(cut.valid)

    def measure(self, model: rating_task.PredictsRatings, progress: Progress) -> Answer:
        found = rating_task.evaluate(model, self.test, progress=progress)
        return Answer(found.measured, found.rows, 1000 * found.seconds / found.rows)


def _rated(valid: Rows) -> list[Rated]:
    return list(zip(valid.states, valid.items.tolist(), valid.values.tolist(), strict=True))


def _mean(values: np.ndarray) -> Figure:
    """Over the users for whom there is a value."""
    known = values[np.isfinite(values)]
    if not len(known):
        return Figure(float("nan"), float("nan"), float("nan"))
    return Figure(float(known.mean()), *metrics.interval(known))


# -- the boards -------------------------------------------------------------------------------------------------------

_LISTS = (
    Measure("ndcg@10", "NDCG@10", "how high the next item stands in a list of ten"),
    Measure("recall@10", "Recall@10", "how often the next item is in a list of ten"),
    Measure("mrr@10", "MRR@10", "mean of one over the place of the next item, 0 outside the ten"),
    Measure("ndcg@20", "NDCG@20", "how high the next item stands in a list of twenty"),
    Measure("recall@20", "Recall@20", "how often the next item is in a list of twenty"),
    Measure("mrr@20", "MRR@20", "mean of one over the place of the next item, 0 outside the twenty"),
    Measure("coverage@10", "Coverage", "share of the catalogue that somebody is shown among their ten", higher=None),
    Measure("novelty@10", "Novelty", "bits: −log2 of the share of users who met what is shown", 2, higher=None),
    Measure("lift@10", "Lift", "how much more popular what is shown is than what the user met", 2, higher=None),
    Measure("candidates_ms", "500 ms", f"milliseconds to score {CANDIDATES} candidates for one user", 2, higher=False),
)
_CLICKS = (
    Measure("auc", "AUC", "chance that a liked row scores above one that is not"),
    Measure("gauc", "GAUC", "the same within one user's rows, weighted by their number"),
    Measure("log_loss", "Log loss", "mean −log of the probability of what happened, in nats", higher=False),
    Measure("rolling_auc", "AUC, rolling", "AUC when all that the user did before is known, not only in training"),
    Measure("rolling_gauc", "GAUC, rolling", "GAUC, likewise"),
    Measure("rolling_log_loss", "Log loss, rolling", "log loss, likewise", higher=False),
)
_RATINGS = (
    Measure("rmse", "RMSE", "root of the mean squared error, in ratings", higher=False),
    Measure("mae", "MAE", "mean absolute error, in ratings", higher=False),
)

_ALL = (
    Board(
        "top-n",
        "top-n",
        "What comes next",
        "Leave-last-one-out by time: everybody's last item is withheld and the whole catalogue is ranked, without what "
        "they have met. Nothing is sampled.",
        _LISTS,
        "user",
    ),
    Board(
        "ctr-time",
        "ctr",
        "Liked or not, by time",
        "The first 80 % of all ratings train, the next 10 % are for validation, the last 10 % are foreseen: will this "
        "user like this item? Many users of the test were never met before. Claims rest on this cut.",
        _CLICKS,
        "row",
        "time",
    ),
    Board(
        "ctr-random",
        "ctr",
        "Liked or not, at random",
        "The same with rows withheld at random (80/10/10). A model learns from what happened after the test, which "
        "flatters all of them; it is here because published figures are measured so.",
        _CLICKS,
        "row",
        "random",
    ),
    Board(
        "rating-random",
        "rating",
        "Ratings, at random",
        "Which rating will be given? Rows withheld at random (80/10/10); the user's other ratings are known, as is "
        "usual where rating matrices are completed.",
        _RATINGS,
        "row",
        "random",
    ),
    Board(
        "rating-time",
        "rating",
        "Ratings, by time",
        "The last 10 % of all ratings are foreseen from the first 80 %.",
        _RATINGS,
        "row",
        "time",
    ),
)
BOARDS: Mapping[str, Board] = {board.name: board for board in _ALL}


def of_tasks(names: list[str]) -> list[Board]:
    """Boards by task ("ctr": both cuts) or by their own name; all where none is named."""
    found: list[Board] = []
    for name in names or list(SECTION):
        some = [b for b in _ALL if name in (b.task, b.name)]
        if not some:
            raise ConfigError(f"unknown task {name!r}{did_you_mean(name, {*SECTION, *BOARDS})}")
        found += [b for b in some if b not in found]
    return found
