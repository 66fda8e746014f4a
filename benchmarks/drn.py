"""What DRN gains by learning online, against the same network frozen: python benchmarks/drn.py

A network is trained on the first half of the time of ML-100K. Then the people of the second half come, whom it has
mostly never seen, with their first five ratings of that time. Each is shown lists of ten; they click what they rated 4
or more in truth, later on, and nothing else: no model stands for the person. Clicked items join the history, in all
arms alike; what was shown is not shown again.

Arms, the same visits in the same order for all of a seed:
- frozen
- explored: lists interleaved with those of a disturbed network, and nothing learnt; what other items on a list do
- coin: the same, and the weights move to the disturbed ones when a coin says so; what mere movement does
- minor: the same, and the weights move when the clicks of a round of lists say so (dueling bandit gradient descent)
- major: no exploration; replay of all lists so far after every few rounds
- both: minor and major
The gain is the difference in clicks a list to the frozen arm, person by person, with 95 % intervals from a bootstrap
that draws people and seeds anew. The verdict of a whole round is surer than that of one list, so --minor-rate is above
what the chat uses; it and --explore were chosen with seed 11.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from app.progress import Progress, bars
from app.settings import settings
from recommenders.contract.config import configured, parsed
from recommenders.data import sources
from recommenders.data.tables import Dataset, UserState
from recommenders.learning.online import Impression, credit, interleave
from recommenders.models.drn import DRN

ARMS = ("frozen", "explored", "coin", "minor", "major", "both")
EXPLORING = ("explored", "coin", "minor", "both")
LENGTH = 10  # items of a list
KNOWN = 5  # ratings of the second half that a person brings
WEEK = 7 * 86_400


@dataclass
class Person:
    """state: as the network sees them; likes: what they will click; shown: what is not shown again."""

    state: UserState
    likes: frozenset[int]
    shown: set[int] = field(default_factory=set)


def halves(data: Dataset) -> tuple[Dataset, list[Person]]:
    """The first half of the time as a data set, and the people of the second half who like at least five things."""
    x = data.interactions
    middle = np.quantile(x.timestamp, 0.5)
    people = []
    for user in range(len(data.users)):
        whole = data.state(user)
        start = int(np.searchsorted(whole.timestamps, middle, side="right"))
        rest = range(start + KNOWN, len(whole.items))
        likes = frozenset(whole.items[n] for n in rest if whole.values[n] >= data.liked_from)
        if len(likes) >= 5:
            n = start + KNOWN
            state = UserState(whole.items[:n], whole.values[:n], whole.timestamps[:n], (), whole.profile)
            people.append(Person(state, likes))
    return data.with_interactions(x.where(x.timestamp <= middle)), people


def simulate(
    trained: DRN, people: Sequence[Person], arm: str, seed: int, options: argparse.Namespace, progress: Progress
) -> np.ndarray:
    """(visits, people) clicks of each list."""
    rng = np.random.default_rng(seed)
    schedule = [rng.permutation(len(people)) for _ in range(options.visits)]
    people = [Person(p.state, p.likes) for p in people]
    clicks = np.zeros((options.visits, len(people)))
    model, memory, rounds = trained, [], 0
    total = sum(-(-len(order) // options.round) for order in schedule)
    for visit, order in enumerate(schedule):
        for start in range(0, len(order), options.round):
            here = order[start : start + options.round]
            lists, won = _show(model, [people[p] for p in here], arm in EXPLORING, seed * 10_000 + rounds)
            for p, items in zip(here, lists, strict=True):
                memory.append(_clicked(people[p], items, visit))
                clicks[visit, p] = sum(memory[-1].rewards)
            rounds += 1
            if arm == "coin":
                won = bool(rng.random() < 0.5)
            if won and arm != "explored":
                model = model.moved(model.minor_update(seed * 10_000 + rounds - 1))
            if arm in ("major", "both") and rounds % options.every == 0:
                model = model.moved(model.major_update(memory, seed=seed * 10_000 + rounds))
            progress(rounds, total, f"seed {seed}, {arm}")
    return clicks


def _show(model: DRN, people: Sequence[Person], explores: bool, seed: int) -> tuple[list[list[int]], bool]:
    """A list for each, and whether the explored network's items were clicked more often."""
    own = _rankings(model, people)
    if not explores:
        return [ranking[:LENGTH] for ranking in own], False
    others = _rankings(model.moved(model.disturbance(seed)), people)
    rng = np.random.default_rng((seed, 1))
    lists, earned = [], {"current": 0.0, "explored": 0.0}
    for person, a, b in zip(people, own, others, strict=True):
        items, origins = interleave(a, b, LENGTH, rng)
        lists.append(items)
        gained = credit(dict(zip(items, origins, strict=True)), {i: 1.0 for i in items if i in person.likes})
        earned = {name: earned[name] + worth for name, worth in gained.items()}
    return lists, earned["explored"] > earned["current"]


def _rankings(model: DRN, people: Sequence[Person]) -> list[list[int]]:
    scores = model.score([p.state for p in people])
    for row, person in enumerate(people):
        scores[row, list({*person.state.items, *person.shown})] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, : 2 * LENGTH].tolist()


def _clicked(person: Person, items: list[int], visit: int) -> Impression:
    """The list takes effect; what the network may learn of it."""
    before, hits = person.state, [i for i in items if i in person.likes]
    at = max(before.timestamps) + (WEEK if visit else 0)
    person.state = UserState(
        (*before.items, *hits), (*before.values, *[5.0] * len(hits)), (*before.timestamps, *[at] * len(hits)),
        (), before.profile,
    )  # fmt: skip
    person.shown.update(items)
    rewards = tuple(float(i in person.likes) for i in items)
    return Impression(before, tuple(items), rewards, person.state)


def interval(values: np.ndarray, draws: int = 2000) -> tuple[float, float, float]:
    """Mean of (seeds, people) and its 95 % interval when both are drawn anew."""
    rng = np.random.default_rng(0)
    seeds, people = values.shape
    means = [
        values[np.ix_(rng.integers(seeds, size=seeds), rng.integers(people, size=people))].mean() for _ in range(draws)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(values.mean()), float(low), float(high)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    given.add_argument("--arms", nargs="*", choices=ARMS, default=list(ARMS))
    given.add_argument("--explore", type=float, default=0.2, help="α, the share by which weights are disturbed")
    given.add_argument("--minor-rate", type=float, default=1.0, help="η, how far weights move to those that won")
    given.add_argument("--visits", type=int, default=6, help="of each person")
    given.add_argument("--round", type=int, default=32, help="lists shown between two verdicts")
    given.add_argument("--every", type=int, default=10, help="rounds between two major updates")
    given.add_argument("--people", type=int, default=None, help="fewer people, for a quick look")
    given.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of drn")
    options = given.parse_args()
    torch.set_num_threads(1)
    s, began = settings(), time.process_time()
    first, people = halves(sources.load("ml-100k", s.cache_dir, s.datasets))
    people = people[: options.people]
    print(f"{len(first.interactions):,} ratings to train on; {len(people)} people see {options.visits} lists each")
    results: dict[str, list[np.ndarray]] = {arm: [] for arm in options.arms}
    with bars() as progress:
        for seed in options.seeds:
            online = {"explore": options.explore, "minor_rate": options.minor_rate, "seed": seed}
            trained = configured("drn", {**parsed(options.set), **online}).fit(first, progress=progress)
            assert isinstance(trained, DRN)
            for arm in options.arms:
                results[arm].append(simulate(trained, people, arm, seed, options, progress))
    print(f"{'':8} {'clicks a list':>24} {'gain over frozen':>28} {'second half of visits':>28}")
    for arm in options.arms:
        found = np.stack(results[arm])  # (seeds, visits, people)
        line = "{:.3f} [{:.3f}, {:.3f}]".format(*interval(found.mean(axis=1)))
        gains = ""
        if arm != "frozen" and "frozen" in results:
            gain = found - np.stack(results["frozen"])
            late = gain[:, options.visits // 2 :]
            gains = " ".join(
                f"{'{:+.3f} [{:+.3f}, {:+.3f}]'.format(*interval(g.mean(axis=1))):>28}" for g in (gain, late)
            )
        print(f"{arm:8} {line:>24} {gains}")
        print("         by visit: " + ", ".join(f"{v:.3f}" for v in found.mean(axis=(0, 2))))
    print(f"{time.process_time() - began:.0f} CPU s; intervals: bootstrap over people and seeds, 95 %")


if __name__ == "__main__":
    main()
