"""CHAT-REC's table (Gao et al. 2023, arXiv 2303.14524): the five best of MovieLens 100K for 200 users.

    python -m benchmarks.chat_rec [--users 200] [--reranked 20] [--models ease ...]

Published there (precision, recall, NDCG at 5): LightFM .283, .141, .285; LightGCN .303, .146, .343; CHAT-REC with
gpt-3.5-turbo .310, .128, .370; with text-davinci-003 .324, .140, .380. Which users, which cut and what counts as
relevant there is not known here, so the figures stand beside each other and are no ranking. Here:

- Every user's ratings are cut at random, 80 % to learn from and 20 % to foresee; all users train the models, 200 drawn
  by a seed are asked for. The cut ignores time, as is usual for such tables, and flatters every model.
- Relevant are the withheld films that the user rated 4 or more ("liked"); beside it, all withheld films ("met"). Users
  without a relevant film are left out.
- The whole catalogue is ranked, without the films of the training part.
- Models have the settings that were tuned for the next film in time, but no decay of histories, which a random cut
  makes senseless. Nothing was chosen on these users.
- "reranked" is the step of the paper: the pipeline's first 20 go to a language model, shuffled, with the user's
  history, and it picks five (app/turn/choosing.py). The embedded model (135M parameters) stands where the paper has
  text-davinci-003, and only the first users are asked, since a pick takes it seconds; beside it, the pipeline's own
  order for the same users.

Intervals are 95 % bootstraps over users, differences paired. Results: benchmarks/results/chat_rec.json.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from app.errors import LLMError
from app.service.workbench import Workbench
from app.settings import Settings, settings
from app.turn import led_by_model, led_by_reader, tools
from app.turn.choosing import choose
from app.turn.context import Parts, TurnContext
from app.turn.desk import Desk, Outcome
from benchmarks.measure import about, write
from llm.backends import available
from recommenders.contract.base import Recommender
from recommenders.contract.config import configured, tuned
from recommenders.data.tables import Dataset, UserState
from recommenders.evaluation import metrics
from recommenders.evaluation.evaluate import top
from recommenders.pipeline.pipeline import Pipeline

K, DEPTH, LIKED = 5, 20, 4.0
MODELS = ("popularity", "item_knn", "ease", "item_autorec", "user_autorec", "sasrec")
MESSAGE = "Recommend me something that I would like."
PUBLISHED = {
    "LightFM": (0.283, 0.141, 0.285),
    "LightGCN": (0.303, 0.1455, 0.3425),
    "CHAT-REC, gpt-3.5-turbo": (0.3103, 0.1279, 0.3696),
    "CHAT-REC, text-davinci-003": (0.324, 0.1404, 0.3802),
}


@dataclass(frozen=True)
class Cut:
    """states: what is known of the users asked for; liked, met: their withheld items."""

    train: Dataset
    users: tuple[int, ...]
    states: list[UserState]
    liked: list[set[int]]
    met: list[set[int]]


def cut(data: Dataset, users: int, seed: int = 0) -> Cut:
    """A random fifth of every user's interactions withheld; `users` of those with a liked item among them."""
    rng = np.random.default_rng(seed)
    x = data.interactions
    kept = rng.random(len(x)) >= 0.2
    train = data.with_interactions(x.where(kept))
    liked: dict[int, set[int]] = {}
    met: dict[int, set[int]] = {}
    known = set(zip(x.user[kept].tolist(), x.item[kept].tolist(), strict=True))
    for user, item, value in zip(x.user[~kept].tolist(), x.item[~kept].tolist(), x.value[~kept].tolist(), strict=True):
        if (user, item) not in known:
            met.setdefault(user, set()).add(item)
            if value >= LIKED:
                liked.setdefault(user, set()).add(item)
    able = sorted(user for user in liked if len(train.state(user).items) > 0)
    chosen = tuple(rng.permutation(able)[:users].tolist())
    return Cut(train, chosen, [train.state(u) for u in chosen], [liked[u] for u in chosen], [met[u] for u in chosen])


def fitted(name: str, train: Dataset) -> Recommender:
    """A model with its tuned settings, histories undecayed."""
    undecayed = {"half_life": None} if "half_life" in tuned(name) else {}
    began = time.process_time()
    model = configured(name, undecayed).fit(train, progress=lambda *_: None)
    print(f"{name}: fitted in {time.process_time() - began:.0f} CPU s", flush=True)
    return model


def figures(lists: np.ndarray, relevant: Sequence[set[int]]) -> dict[str, np.ndarray]:
    """precision, recall and NDCG at five, one value a user (B,); short lists count as misses."""
    return {
        "precision": metrics.hits(lists, relevant, K).sum(axis=1) / K,
        "recall": metrics.recall(lists, relevant, K),
        "ndcg": metrics.ndcg(lists, relevant, K),
    }


def told(lists: np.ndarray, some: Cut) -> dict[str, Any]:
    return {
        kind: {name: _mean(values) for name, values in figures(lists, relevant[: len(lists)]).items()}
        for kind, relevant in (("liked", some.liked), ("met", some.met))
    }


def _mean(values: np.ndarray) -> dict[str, Any]:
    return {"value": float(values.mean()), "interval": metrics.interval(values)}


def asked(pipeline: Pipeline, some: Cut) -> np.ndarray:
    """(B, 5) what the chat shows when asked for something, by the pipeline's order."""
    rows = [_found(pipeline, some, n)[2] for n in range(len(some.users))]
    return np.array([[*items, *[-1] * K][:K] for items in rows], np.int64)


def _found(
    pipeline: Pipeline, some: Cut, n: int, model: Any = None, info: Any = None
) -> tuple[Desk, Outcome, list[int]]:
    """A desk for one user alone, what the tool found there, and the items in order."""
    context = TurnContext((), some.states[n], "somebody", lambda item, kind: None)
    desk = Desk(Parts(info, model, pipeline, pipeline.generator.name, None), context, K, DEPTH, MESSAGE)
    outcome = tools.call("recommend", desk, {})
    return desk, outcome, list(outcome.items)


def reranked(pipeline: Pipeline, some: Cut, many: int, s: Settings) -> Iterator[tuple[list[int], bool, float]]:
    """For each of the first users: the model's five, whether it was bypassed, seconds."""
    info, model = available.describe(s.backend, s.llm), available.load(s.backend, s.llm)
    for n in range(min(many, len(some.users))):
        desk, outcome, items = _found(pipeline, some, n, model, info)
        began, bypassed = time.perf_counter(), False
        picks = items[:K]
        try:
            steps = choose(
                led_by_model.contexts(MESSAGE, desk), outcome, desk, s, threading.Event(), led_by_reader.voice(desk)
            )
            while True:
                next(steps)
        except StopIteration as end:
            picks = [c.item for c in end.value.picks]
        except LLMError:
            bypassed = True
        yield picks, bypassed, time.perf_counter() - began


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--users", type=int, default=200)
    given.add_argument("--reranked", type=int, default=20, help="users whose list the language model picks from")
    given.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    options = given.parse_args()
    s = settings()
    s = s.model_copy(update={"first_token_seconds": 300.0, "total_seconds": 600.0, "pool": DEPTH})
    bench = Workbench(s)
    some = cut(bench.dataset, options.users)
    results: dict[str, Any] = {**about(), "users": len(some.users), "backend": s.backend, "published": PUBLISHED}
    ours: dict[str, Any] = {}
    results["ours"] = ours
    models = {name: fitted(name, some.train) for name in options.models}
    for name, model in models.items():
        ours[name] = told(top(model, some.states, K), some)
        print(name, json.dumps(ours[name]), flush=True)
    if {s.generator, s.ranker} <= models.keys():
        served = bench.pipeline(s.generator, s.ranker).config
        two, popularity = (models[s.generator], models[s.ranker]), some.train.popularity
        pipeline = Pipeline(bench.catalogue, *two, bench.text_index(), served, popularity)
        own = asked(pipeline, some)
        ours[f"pipeline, {s.generator}+{s.ranker}"] = told(own, some)
        write("chat_rec", results)
        if options.reranked:
            found = list(tqdm(reranked(pipeline, some, options.reranked, s), total=options.reranked))
            lists = np.array([picks for picks, _, _ in found], np.int64)
            results["reranked"] = {
                "users": len(lists),
                "by the model": told(lists, some),
                "by the pipeline": told(own[: len(lists)], some),
                "gain": _gain(lists, own[: len(lists)], some.liked),
                "bypassed": sum(bypassed for _, bypassed, _ in found),
                "seconds": float(np.median([seconds for _, _, seconds in found])),
            }
            print("reranked", json.dumps(results["reranked"]))
    write("chat_rec", results)


def _gain(lists: np.ndarray, others: np.ndarray, liked: Sequence[set[int]]) -> dict[str, Any]:
    a, b = figures(lists, liked[: len(lists)]), figures(others, liked[: len(others)])
    return {name: _mean(a[name] - b[name]) for name in a}


if __name__ == "__main__":
    main()
