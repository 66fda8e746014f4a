"""The language model as scorer and ranker, tuned or not, with a conventional model or without: all four quadrants.

    python -m benchmarks.llm_scoring                     what is missing
    python -m benchmarks.llm_scoring --only t5-regression --again
    python -m benchmarks.llm_scoring --show

Ratings: MovieLens 100K cut by time, rows of the test part of people of whom at least five ratings are known, each with
all that came before it; the same rows for everybody. Lists: leave-last-one-out by time; a ranker that orders the first
ten anew changes something only for users whose withheld item is among them, so users are drawn from those, and the mean
is multiplied by their share of all. The T5 that orders lists is taught on the training part of that cut. Each finished
part is written at once to app/scorer/shipped/llm_scoring.json, which comes with the package.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from app.progress import bars
from app.scorer import figures as llm_figures
from app.scorer import predicted_ratings
from app.scorer.ordering import LLMRanker
from app.scorer.predicted_ratings import TextRatings, TunedRatings, words_of
from app.scorer.rankers import ByTuned, Listwise, Pointwise
from app.scorer.rating_texts import drawn, spread_out, taught
from app.settings import Settings, settings
from benchmarks.expected_ratings import ExpectedRatings, TokenRatings
from llm.backends import available
from llm.rating import network, starts
from llm.rating.tuning import Config
from recommenders.contract.config import configured
from recommenders.contract.request import Request
from recommenders.data import sources
from recommenders.data.rows import Rows
from recommenders.data.splits import leave_last_one_out
from recommenders.data.tables import Dataset, UserState
from recommenders.evaluation import intervals, metrics, rating_task
from recommenders.evaluation.baselines import Baseline
from recommenders.evaluation.rating_task import PredictsRatings
from recommenders.experiments.leaderboard import hardware
from recommenders.pipeline.pipeline import Pipeline

RESULTS = llm_figures.FILE
ROWS, SEED = 400, 0
ASKED_KNOWN, TUNED_KNOWN = 4, 10  # ratings of the person in a prompt, in a text that a tuned network reads
BESIDE = "rated_neighbours"
SMOL, LEAD = "smollm2-135m", "Rating: "


class UserMean:
    """The mean of the person's own ratings, with five ratings of the overall mean added."""

    def __init__(self, mean: float) -> None:
        self.mean = mean

    def predict_rating(self, states: list[UserState], items: np.ndarray) -> np.ndarray:
        own = [(sum(s.values) + 5 * self.mean) / (len(s.values) + 5) for s in states]
        return np.repeat(np.array(own, np.float32)[:, None], items.shape[1], axis=1)


class World:
    """The data, cut once, and what is made for several parts."""

    def __init__(self, s: Settings, work: Path, progress: Callable[[int, int, str], None]) -> None:
        self.settings, self.work, self.progress = s, work, progress
        self.data: Dataset = sources.load("ml-100k", s.cache_dir, s.datasets)
        self.cut = rating_task.rating_split(self.data, "time", known="rolling")
        self.lists = leave_last_one_out(self.data)
        self.test = drawn(self.cut.test, ROWS, SEED)
        self.mean = float(self.cut.train.interactions.value.mean())
        self._tokens: ExpectedRatings | None = None

    def tokens(self) -> ExpectedRatings:
        if self._tokens is None:
            w = words_of(self.data, 1)
            self._tokens = ExpectedRatings(starts.embedded(SMOL, self.settings.cache_dir), w.low, w.high, lead=LEAD)
        return self._tokens

    def by_tokens(self, *, few: bool, beside: bool) -> tuple[PredictsRatings, dict[str, Any]]:
        words = words_of(self.data, ASKED_KNOWN)
        other = predicted_ratings.beside(BESIDE, self.cut.train) if beside else None
        rows, rest = taught(self.cut.train, 500, SEED)
        shown = spread_out(rows, 3, SEED)
        at_hand = predicted_ratings.beside(BESIDE, rest) if beside and few else None
        hints = None if at_hand is None else predicted_ratings.expected(at_hand, shown)
        shots = words.shots(shown, hints) if few else []
        return TokenRatings(self.tokens(), words, shots, other, 8, self.progress), {}

    def tuned(
        self, kind: str, beside: str, config: Config, rows: int, valid: int = 400, known: int = TUNED_KNOWN
    ) -> tuple[PredictsRatings, dict[str, Any]]:
        scorer = self._taught(self.data, kind, beside, config, rows, valid, known)
        scorer.save(self.work / f"{kind}-{config.objective}-{beside}")
        model = TunedRatings.of(scorer, self.cut.train)
        return model, {"learnt_from": rows, "epochs": config.epochs, "history": scorer.notes["history"]}

    def _taught(
        self, data: Dataset, kind: str, beside: str, config: Config, rows: int, valid: int, known: int
    ) -> network.RatingScorer:
        start: Any = starts.embedded(SMOL, self.settings.cache_dir) if kind == "smollm2" else self._t5
        return predicted_ratings.teach(
            data,
            start,
            self.work / "tuning",
            config,
            name=beside,
            rows=rows,
            valid=valid,
            known=known,
            progress=self.progress,
        )

    def orders(self, kind: str) -> Any:
        """How a list is put in order."""
        if kind == "tuned":
            kept = self.work / "t5-regression-lists"
            if not (kept / network.CARD).is_file():
                self._taught(self.lists.train, "t5", "none", T5, 6000, 400, TUNED_KNOWN).save(kept)
            return ByTuned(TunedRatings.of(network.load(kept), self.lists.train))
        model = available.load(f"embedded:{SMOL}", self.settings.llm)
        if kind == "pointwise":
            return Pointwise(TextRatings(model, words_of(self.data, ASKED_KNOWN)), 600)
        return Listwise(model, self.data.catalogue, self.data.liked_from, total_seconds=600, first_token_seconds=300)

    def _t5(self, texts: list[str]) -> Path:
        return starts.small_t5(self.work / "small-t5", texts)


Part = Callable[[World], tuple[PredictsRatings, dict[str, Any]]]
T5 = Config(epochs=2, batch_size=32, learning_rate=1e-3)
DECODER = Config(layers=4, trained=2, epochs=1, checks=2, batch_size=8)


def fitted(make: Callable[[World], Any]) -> Part:
    return lambda w: (make(w), {})


def autorec(w: World) -> Any:
    return configured("item_autorec", {}, task="rating").fit(w.cut.train, progress=w.progress)


# name -> (label, tuned, conventional model in it, how it is made)
PARTS: dict[str, tuple[str, bool | None, bool, Part]] = {
    "mean": ("mean of all ratings", None, True, fitted(lambda w: Baseline("mean").fit(w.cut.train, "rating"))),
    "user-mean": ("mean of the person", None, True, fitted(lambda w: UserMean(w.mean))),
    "item-mean": ("mean of the item", None, True, fitted(lambda w: Baseline("item_mean").fit(w.cut.train, "rating"))),
    "biases": ("biases", None, True, fitted(lambda w: Baseline("biases").fit(w.cut.train, "rating"))),
    "item-knn": ("item-kNN (ratings)", None, True, fitted(lambda w: predicted_ratings.beside(BESIDE, w.cut.train))),
    "mf": (
        "matrix factorisation",
        None,
        True,
        fitted(lambda w: predicted_ratings.beside("rated_factors", w.cut.train)),
    ),
    "autorec": ("I-AutoRec", None, True, fitted(autorec)),
    "t5-regression": (
        "T5 from scratch, regression",
        True,
        False,
        lambda w: w.tuned("t5", "none", T5, 6000),
    ),
    "t5-beside": (
        "T5 from scratch, regression, beside item-kNN",
        True,
        True,
        lambda w: w.tuned("t5", BESIDE, T5, 6000),
    ),
    "smollm2-regression": (
        "SmolLM2 cut to 4 layers, 2 trained, regression",
        True,
        False,
        lambda w: w.tuned("smollm2", "none", DECODER, 1000, 100, 5),
    ),
    "zero-shot": ("SmolLM2 zero-shot, expected", False, False, lambda w: w.by_tokens(few=False, beside=False)),
    "few-shot-beside": (
        "SmolLM2 3-shot, expected, beside item-kNN",
        False,
        True,
        lambda w: w.by_tokens(few=True, beside=True),
    ),
    "few-shot": ("SmolLM2 3-shot, expected", False, False, lambda w: w.by_tokens(few=True, beside=False)),
    "zero-shot-text": (
        "SmolLM2 zero-shot, text",
        False,
        False,
        lambda w: (
            TextRatings(available.load(f"embedded:{SMOL}", w.settings.llm), words_of(w.data, ASKED_KNOWN)),
            {},
        ),
    ),
    "t5-classification": (
        "T5 from scratch, classification",
        True,
        False,
        lambda w: w.tuned("t5", "none", replace(T5, objective="classification"), 6000),
    ),
}


def measured(name: str, world: World) -> dict[str, Any]:
    """One row of the results, with what was foretold of each test row."""
    label, tuned, conventional, make = PARTS[name]
    began = time.process_time()
    model, notes = make(world)
    made = time.process_time() - began
    began = time.process_time()
    rows = world.test
    told = predicted_ratings.expected(model, rows)
    took = time.process_time() - began
    figures = intervals.of_ratings(rows.values, told, rows.users)
    row = {
        "name": name,
        "label": label,
        "tuned": tuned,
        "conventional": conventional,
        **{key: [round(v, 4) for v in (f.value, f.low, f.high)] for key, f in figures.items()},
        "cpu_seconds_making": round(made, 1),
        "cpu_ms_a_row": round(1000 * took / len(told), 2),
        **notes,
        "foretold": [round(float(x), 2) for x in told],
    }
    if isinstance(model, TextRatings):
        row["unread"] = [model.unread, model.asked]
    if isinstance(model, TokenRatings):
        row["mass"] = round(model.mass, 3)
    return row


def compare(kept: dict[str, Any], rows: Rows) -> None:
    """Write into every row of the results how far its RMSE lies above item-kNN's, once item-kNN is there."""
    told = {row["name"]: np.array(row["foretold"]) for row in kept["ratings"]}
    if llm_figures.YARDSTICK in told:
        for row in kept["ratings"]:
            row["behind"] = behind(rows, told[row["name"]], told[llm_figures.YARDSTICK])


def behind(rows: Rows, told: np.ndarray, other: np.ndarray) -> list[float]:
    """RMSE of what is told (N,) less that of another (N,), with the 95 % interval over users, drawn alike for both."""
    _, who = np.unique(rows.users, return_inverse=True)
    draws, sizes = metrics.resampled(int(who.max()) + 1, intervals.DRAWS), np.bincount(who)  # (draws, U), (U,)
    squares = [np.bincount(who, weights=(x - rows.values) ** 2) for x in (told, other)]
    values = np.sqrt(squares[0].sum() / len(who)) - np.sqrt(squares[1].sum() / len(who))
    gaps = np.sqrt(draws @ squares[0] / (draws @ sizes)) - np.sqrt(draws @ squares[1] / (draws @ sizes))
    return [round(float(v), 4) for v in (values, *metrics.percentiles(gaps))]


# -- lists ------------------------------------------------------------------------------------------------------------

USERS, FIRST = 60, 10  # users drawn; items of a list, all of which the model reads
ALONE = 1e6  # weight of a ranker beside which the generator's scores count nothing

# name -> (label, tuned, conventional model in it, generator, how the order is made)
LISTS: dict[str, tuple[str, bool, bool, str, Callable[[World], Any]]] = {
    "ease-tuned": ("EASE, T5 ratings", True, True, "ease", lambda w: w.orders("tuned")),
    "popularity-tuned": ("popularity, T5 ratings", True, False, "popularity", lambda w: w.orders("tuned")),
    "ease-listwise": ("EASE, SmolLM2 listwise", False, True, "ease", lambda w: w.orders("listwise")),
    "popularity-listwise": ("popularity, SmolLM2 listwise", False, False, "popularity", lambda w: w.orders("listwise")),
    "ease-pointwise": ("EASE, SmolLM2 pointwise", False, True, "ease", lambda w: w.orders("pointwise")),
    "popularity-pointwise": (
        "popularity, SmolLM2 pointwise",
        False,
        False,
        "popularity",
        lambda w: w.orders("pointwise"),
    ),
}


def listed(name: str, world: World) -> dict[str, Any]:
    """NDCG@10 as it comes, in the model's order, and in the pipeline's blend of both."""
    label, tuned, conventional, generator, make = LISTS[name]
    cut = world.lists
    pipeline = Pipeline(world.data.catalogue, configured(generator).fit(cut.train))
    before = [places(pipeline, state, item) for state, item in cut.test]
    hits = [n for n, place in enumerate(before) if place]
    chosen = np.sort(np.random.default_rng(SEED).permutation(hits)[:USERS])
    order = make(world)
    pipeline.ranker = ranker = LLMRanker(name, world.data.catalogue, order, LLMRanker.Config(depth=FIRST))
    weight = pipeline.config.ranker_weight
    found: dict[str, list[float]] = {"before": [], "alone": [], "blended": []}
    began = time.process_time()
    for done, n in enumerate(chosen, start=1):
        state, item = cut.test[n]
        found["before"].append(gain(before[n]))
        for kind, w in (("alone", ALONE), ("blended", weight)):
            pipeline.config = replace(pipeline.config, ranker_weight=w)
            found[kind].append(gain(places(pipeline, state, item)))
        world.progress(done, len(chosen), f"lists, {name}")
    share = len(hits) / len(cut.test)
    values = {kind: share * np.array(v) for kind, v in found.items()}
    changes = {f"{kind}_change": values[kind] - values["before"] for kind in ("alone", "blended")}
    return {
        "name": name,
        "label": label,
        "tuned": tuned,
        "conventional": conventional,
        "generator": generator,
        "users": len(chosen),
        "share": round(share, 4),
        **{kind: interval_of(v) for kind, v in (values | changes).items()},
        "weight": weight,
        "asked": ranker.tally.asked,
        "unread": ranker.tally.unread,
        "cpu_seconds_a_list": round((time.process_time() - began) / len(chosen), 2),
        **({"first_pick_places": order.firsts} if isinstance(order, Listwise) else {}),
    }


def places(pipeline: Pipeline, state: UserState, item: int) -> int:
    """Where an item stands among the first ten, 1-based; 0 where it does not."""
    items = [c.item for c in pipeline.recommend(state, Request(k=FIRST)).candidates[:FIRST]]
    return items.index(item) + 1 if item in items else 0


def gain(place: int) -> float:
    return float(1 / np.log2(1 + place)) if place else 0.0


def interval_of(values: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in (values.mean(), *metrics.interval(values))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=[*PARTS, *LISTS], help="these parts alone")
    parser.add_argument("--again", action="store_true", help="compute what is there already too")
    parser.add_argument("--show", action="store_true", help="compute nothing")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = read()
    if not options.show:
        s = settings()
        with bars() as progress:
            world = World(s, s.runs_dir / "ml-100k" / "llm-scoring", progress)
            for name in options.only or [*PARTS, *LISTS]:
                kind, known, make = ("ratings", PARTS, measured) if name in PARTS else ("lists", LISTS, listed)
                if options.again or name not in {row["name"] for row in kept[kind]}:
                    row = make(name, world)
                    kept = read()
                    others = [r for r in kept[kind] if r["name"] != name]
                    kept[kind] = sorted([*others, row], key=lambda r: list(known).index(r["name"]))
                    compare(kept, world.test)
                    kept |= head(world)
                    write(kept)
                    print(line(row), flush=True)
    for row in [*kept["ratings"], *kept["lists"]]:
        print(line(row))


def head(world: World) -> dict[str, Any]:
    return {
        "dataset": world.data.name,
        "rows": len(world.test),
        "users": len(set(world.test.users.tolist())),
        "seed": SEED,
        "made": f"{datetime.now(UTC):%Y-%m-%d}",
        "hardware": hardware(),
    }


def line(row: dict[str, Any]) -> str:
    if "alone" in row:
        told = "  ".join("{} {:.3f} [{:.3f}, {:.3f}]".format(k, *row[k]) for k in ("before", "alone", "blended"))
        return f"{row['label']:50} NDCG@10 {told}  unread {row['unread']} of {row['asked']}"
    value, low, high = row["rmse"]
    return f"{row['label']:50} RMSE {value:.3f} [{low:.3f}, {high:.3f}]  MAE {row['mae'][0]:.3f}"


def read() -> dict[str, Any]:
    if not RESULTS.is_file():
        return {"ratings": [], "lists": []}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def write(kept: dict[str, Any]) -> None:
    """One line a row, so that two versions differ by what has changed."""
    head = {k: v for k, v in kept.items() if k not in ("ratings", "lists")}
    lists = ",\n".join(f' "{k}": [\n' + ",\n".join(map(json.dumps, kept[k])) + "\n ]" for k in ("ratings", "lists"))
    rest = "".join(f' "{k}": {json.dumps(v)},\n' for k, v in head.items())
    new = RESULTS.with_suffix(".new")
    new.write_text("{\n" + rest + lists + "\n}\n", encoding="utf-8")
    new.replace(RESULTS)


if __name__ == "__main__":
    main()
