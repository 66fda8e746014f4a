"""How the recommenders' cost grows with users, items and history length, and what a million items cost.

    OMP_NUM_THREADS=1 python -m benchmarks.scaling [--models bpr sasrec ...] [--part sweeps|large|both]

On made-up interactions (benchmarks/synthetic.py), one thread, each measurement in a process of its own. From each
model's base size one of the three is varied from a quarter to four times; the exponent is the slope of log cost over
log size from the base upwards, where fixed costs matter least. 1 means in proportion, 2 that twice the size costs four
times.
Then 500,000 users, a million items and ten million interactions: measured for the models that can take it, refused in
words by those that need more than --memory GB; of those that would take hours an epoch's time is told from its first
steps (not from the exponents: what is small at the base, Adam's pass over a table, is most of it here). About ten
minutes; results: benchmarks/results/scaling.json (models that are measured again replace their part).

Seconds are of the processor: `fit`, one epoch of it for models with epochs; `recommend` the best 10 for one user.
Memory is the process's peak while fitting, less what it held before.
"""

import argparse
import json
import math
import multiprocessing
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection

import numpy as np
import torch
from tqdm import tqdm

from app.errors import TooLarge
from benchmarks import measure, synthetic
from recommenders.contract import memory
from recommenders.contract.config import configured

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
VARIED = ("users", "items", "length")


@dataclass(frozen=True)
class Size:
    users: int
    items: int
    length: int


@dataclass(frozen=True)
class Plan:
    """base      where the sweeps begin: large enough that fixed costs do not hide the growth
    settings  beside the tuned ones; one epoch
    large     whether the large point is measured whole; else only a look is taken
    at_large  settings of the large point alone
    """

    base: Size
    settings: Mapping[str, object]
    large: bool = False
    at_large: Mapping[str, object] = field(default_factory=dict)


ONE_EPOCH = {"epochs": 1}
A_LOOK = 30.0  # seconds of training from which an epoch's time is told
LARGE = Size(500_000, 1_000_000, 20)
PLANS = {
    "popularity": Plan(Size(40_000, 40_000, 20), {}, large=True),
    "item_knn": Plan(Size(10_000, 10_000, 20), {}, large=True),
    "ease": Plan(Size(10_000, 1_500, 20), {}, large=True),
    "bpr": Plan(Size(40_000, 40_000, 20), ONE_EPOCH, large=True),
    "item_autorec": Plan(Size(4_000, 4_000, 20), ONE_EPOCH),
    "user_autorec": Plan(Size(4_000, 4_000, 20), ONE_EPOCH),
    "neural_cf": Plan(Size(4_000, 4_000, 20), ONE_EPOCH),
    "sasrec": Plan(Size(2_000, 4_000, 20), ONE_EPOCH, at_large={"negatives": 1_000, "batch_size": 256}),
    "bert4rec": Plan(Size(2_000, 4_000, 20), ONE_EPOCH),
    "fm": Plan(Size(1_000, 2_000, 20), ONE_EPOCH),
    "deepfm": Plan(Size(1_000, 2_000, 20), ONE_EPOCH),
    "din": Plan(Size(500, 2_000, 20), ONE_EPOCH),
}


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--models", nargs="*", default=list(PLANS), choices=list(PLANS))
    given.add_argument(
        "--part", choices=("sweeps", "large", "both"), default="both", help="large alone goes on from stored sweeps"
    )
    given.add_argument("--memory", type=float, default=8.0, help="GB that a model may take at the large point")
    arguments = given.parse_args()
    torch.set_num_threads(1)
    _warm()

    path = measure.RESULTS / "scaling.json"
    stored = json.loads(path.read_text(encoding="utf-8"))["models"] if path.is_file() else {}
    if arguments.part == "large":
        lacking = [name for name in arguments.models if name not in stored]
        if lacking:
            raise SystemExit(f"{path} has no sweeps of {', '.join(lacking)}; leave --part out to measure them too")
        found = {name: stored[name] for name in arguments.models}
    else:
        found = {name: _swept(name, PLANS[name]) for name in arguments.models}
    print("\nExponents: how cost grows with each\n")
    print(
        f"{'':13}{'base: users × items × length':>29}  {'fit':>8} {'users items length':>17}"
        f"  {'memory':>8} {'same':>17}  {'recommend':>9} {'same':>17}"
    )
    for name, model in found.items():
        _show(name, model)
    if arguments.part != "sweeps":
        print(
            f"\n{LARGE.users:,} users, {LARGE.items:,} items, {LARGE.users * LARGE.length:,} interactions, one epoch\n"
        )
        for name, model in tqdm(found.items(), desc="  the large point", leave=False):
            model["large"] = _large(name, arguments.memory)
            tqdm.write(f"{name:13}{in_words(model['large'])}")
    measure.write("scaling", {"made": measure.about()["made"], "large": asdict(LARGE), "models": {**stored, **found}})


def _warm() -> None:
    """What torch imports at the first optimiser (a second, 130 MB), here and not in each measurement."""
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.zeros(2)
    optimiser = torch.optim.AdamW([weight], fused=True)
    torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
    optimiser.step()


def _swept(name: str, plan: Plan) -> dict[str, object]:
    """All measurements of one model, and the exponents."""
    sizes = {what: [_times(plan.base, what, factor) for factor in FACTORS] for what in VARIED}
    done: dict[Size, dict[str, float]] = {}
    for size in tqdm(list(dict.fromkeys(s for row in sizes.values() for s in row)), desc=f"  {name}", leave=False):
        done[size] = _in_child(name, plan.settings, size, None)  # type: ignore[assignment]
    exponents = {
        cost: {what: _exponent([done[size] for size in row], what, cost) for what, row in sizes.items()}
        for cost in ("fit_seconds", "fit_mb", "recommend_ms")
    }
    return {
        "hardware": measure.about()["hardware"],
        "base": {**asdict(plan.base), **done[plan.base]},
        "settings": dict(plan.settings),
        "exponents": exponents,
        "sweeps": {what: [done[size] for size in row] for what, row in sizes.items()},
    }


def _times(base: Size, what: str, factor: float) -> Size:
    return Size(**{**asdict(base), what: round(getattr(base, what) * factor)})


def _exponent(points: Sequence[Mapping[str, float]], what: str, cost: str) -> float | None:
    """The slope of log cost over log size from the base upwards; None where the cost is too small to be measured."""
    upper = points[FACTORS.index(1.0) :]
    sizes = np.array([p[what] for p in upper])
    costs = np.array([p[cost] for p in upper])
    least = {"fit_seconds": 0.005, "fit_mb": 2.0, "recommend_ms": 0.01}[cost]
    if costs.max() < least or costs.min() <= 0:
        return None
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def _large(name: str, limit_gb: float) -> dict[str, object]:
    plan = PLANS[name]
    settings = {**plan.settings, **plan.at_large}
    found = _in_child(name, settings, LARGE, limit_gb, seconds=None if plan.large else A_LOOK)
    return {**found, "settings": dict(plan.at_large), "hardware": measure.about()["hardware"]}


def _in_child(
    name: str, settings: Mapping[str, object], size: Size, limit_gb: float | None, *, seconds: float | None = None
) -> dict[str, object]:
    """One measurement in a process of its own, forked so that imports are paid once; what it sends back."""
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(
        target=_measured, args=(theirs, name, settings, size, limit_gb, seconds)
    )
    child.start()
    theirs.close()
    try:
        found: dict[str, object] = ours.recv()
    except EOFError:
        child.join()
        raise SystemExit(f"measuring {name} at {size} ended with exit code {child.exitcode}") from None
    child.join()
    return found


class _Enough(Exception):
    """Raised inside a training that has shown how long its steps take."""


class _Look:
    """A Progress that ends the training after some seconds of it; None lets it run."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self.first: tuple[int, float] | None = None  # steps done and processor time at the first report

    def __call__(self, done: int, total: int, what: str) -> None:
        self.done, self.total, self.now = done, total, time.process_time()
        if self.first is None:
            self.first = (done, self.now)
        elif self.seconds is not None and self.now - self.first[1] > self.seconds:
            raise _Enough

    def share(self) -> float:
        return self.done / self.total

    def told(self) -> float:
        """Seconds of all steps, at the pace since the first report."""
        assert self.first is not None
        return (self.now - self.first[1]) / (self.done - self.first[0]) * self.total


def _measured(
    to: Connection, name: str, settings: Mapping[str, object], size: Size, limit_gb: float | None, seconds: float | None
) -> None:
    if limit_gb is not None:
        limit, free = int(limit_gb * 1e9), memory.free
        memory.free = lambda: min(limit, free() or limit)
    made = time.process_time()
    data = synthetic.dataset(size.users, size.items, size.length)
    made = time.process_time() - made
    model = configured(name, {**settings, "max_items": min(size.items, 10_000)} if name == "ease" else settings)
    before = measure.peak(reset=True)
    began = time.process_time()
    look = _Look(seconds)
    try:
        model.fit(data, progress=look)
    except TooLarge as error:
        to.send({"refused": str(error)})
        return
    except _Enough:
        to.send({"told_seconds": look.told(), "looked_at": look.share(), "fit_mb": measure.peak() - before})
        return
    fit = time.process_time() - began
    held = measure.peak() - before
    states = [data.state(u) for u in np.linspace(0, size.users - 1, 12).astype(int)]
    spent = []
    for state in states:
        began = time.thread_time()
        model.recommend(state, 10)
        spent.append(time.thread_time() - began)
    interactions = len(data.interactions)
    to.send(
        {
            **asdict(size),
            "length": interactions / size.users,  # pairs that were drawn twice count once
            "interactions": interactions,
            "data_seconds": made,
            "fit_seconds": fit,
            "fit_mb": held,
            "recommend_ms": 1e3 * float(np.median(spent[2:])),
        }
    )


def _show(name: str, model: Mapping[str, object]) -> None:
    base, exponents = model["base"], model["exponents"]
    size = f"{base['users']:,} × {base['items']:,} × {base['length']:.0f}"  # type: ignore[index]
    parts = []
    for cost in ("fit_seconds", "fit_mb", "recommend_ms"):
        values = [exponents[cost][what] for what in VARIED]  # type: ignore[index]
        parts.append(" ".join("    –" if v is None else f"{v:5.2f}" for v in values))
    seconds, mb, ms = (base[c] for c in ("fit_seconds", "fit_mb", "recommend_ms"))  # type: ignore[index]
    print(
        f"{name:13}{size:>29}  {f'{seconds:.2f} s':>8} {parts[0]}  {f'{mb:.0f} MB':>8} {parts[1]}"
        f"  {f'{ms:.2f} ms':>9} {parts[2]}"
    )


def in_words(large: Mapping[str, object]) -> str:
    if "refused" in large:
        return str(large["refused"])
    if "told_seconds" in large:
        told, share, held = (float(large[c]) for c in ("told_seconds", "looked_at", "fit_mb"))  # type: ignore[arg-type]
        settings = ", ".join(f"{key} {value:,}" for key, value in large.get("settings", {}).items())  # type: ignore[attr-defined]
        pace = f"{_duration(told)} an epoch{f' with {settings}' if settings else ''}"
        return f"{pace}, told from {share:.2%} of it, {held:,.0f} MB beside the data"
    seconds, mb, ms = (large[c] for c in ("fit_seconds", "fit_mb", "recommend_ms"))
    return f"{seconds:,.1f} s, {mb:,.0f} MB beside the data, {ms:.1f} ms a user"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} hours" if seconds >= 3600 else f"{math.ceil(seconds / 60)} minutes"


if __name__ == "__main__":
    main()
