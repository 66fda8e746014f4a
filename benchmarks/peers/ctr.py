"""The click task: which trainings are measured, and their tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean, stdev
from typing import Any

from .process import hardware
from .results import Clicks, now

SPLITS = ("random", "time")
BATCHES = (4096, 256)
QUALITY_BATCH = 256
EPOCHS = 5
EMBEDDING_SIZE, LEARNING_RATE = 16, 1e-3
SLOW = ("din", "dien")  # fewer epochs are timed

# side -> (environment, module, models). mlp has no peer and no model of ours: it is what a deep part alone costs.
SIDES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "floor": (
        "ours",
        "floor_side",
        (
            *("mlp", "fm", "fnn", "deep_crossing", "wide_deep", "deepfm", "dcn", "ipnn", "opnn", "nfm", "afm"),
            *("din", "dien"),
        ),
    ),
    "ours": (
        "ours",
        "ours_side",
        (
            *("fm", "fnn", "deep_crossing", "wide_deep", "deepfm", "dcn", "ipnn", "opnn", "nfm", "afm"),
            *("din", "dien"),
        ),
    ),
    "FuxiCTR": (
        "ctr",
        "fuxictr_side",
        ("fm", "deep_crossing", "wide_deep", "deepfm", "dcn", "ipnn", "nfm", "afm", "din", "dien"),
    ),
    "DeepCTR-Torch": (
        "ctr",
        "deepctr_side",
        ("wide_deep", "deepfm", "dcn", "ipnn", "opnn", "nfm", "afm", "din", "dien"),
    ),
}
MODELS = SIDES["floor"][2]
# Of which models a setting is chosen (ours_side.py). At random their start; FM has no layers and NFM is better without.
# In time dropout; validation prefers none of the others.
CHOSEN = {
    "random": ("fnn", "deep_crossing", "wide_deep", "deepfm", "dcn", "ipnn", "opnn", "afm", "din", "dien"),
    "time": ("deepfm", "ipnn", "opnn", "nfm", "din", "dien"),
}


@dataclass(frozen=True)
class Run:
    """One training to measure."""

    side: str
    model: str
    setting: str
    split: str
    batch_size: int
    threads: int
    epochs: int
    seed: int = 0

    @property
    def key(self) -> str:
        return f"{self.side}/{self.model}/{self.setting}/{self.split}/{self.batch_size}/{self.threads}/{self.seed}"

    def task(self, tables: str, more: dict[str, Any]) -> dict[str, Any]:
        common = {"embedding_size": EMBEDDING_SIZE, "learning_rate": LEARNING_RATE, "tables": tables}
        return {**vars(self), **common, **more}

    def measured(self, answer: dict[str, Any]) -> Clicks:
        own = {name: value for name, value in vars(self).items() if name != "epochs"}
        kept = {name: answer[name] for name in ("cpu", "wall", "quality", "parameters", "peak_mb")}
        return Clicks(**own, **kept, hardware=hardware(), measured=now())


def runs(parts: Sequence[str], models: Sequence[str], sides: Sequence[str], seeds: int = 1) -> Iterator[Run]:
    """Model by model, and for each setting all sides one after the other, so that they meet the same machine. Seeds
    after the first are of quality alone."""
    for seed in range(seeds):
        for model in models:
            for run in _of_model(model, parts if not seed else [part for part in parts if part == "ctr-quality"]):
                for side in sides:
                    if model in SIDES[side][2]:
                        yield Run(side, model, *run, seed=seed)
            if "ctr-quality" in parts and "ours" in sides and model in SIDES["ours"][2]:
                for split in SPLITS:
                    if model in CHOSEN[split]:
                        yield Run("ours", model, "chosen", split, QUALITY_BATCH, 1, EPOCHS, seed)
                    yield Run("ours", model, "shipped", split, 0, 1, 0, seed)


def _of_model(model: str, parts: Sequence[str]) -> Iterator[tuple[str, str, int, int, int]]:
    """(setting, split, batch size, threads, epochs)"""
    if {"ctr-speed", "ctr-quality"} & set(parts):  # the one training that serves both
        yield "same", "random", QUALITY_BATCH, 1, EPOCHS
    if "ctr-quality" in parts:
        yield "same", "time", QUALITY_BATCH, 1, EPOCHS
    if "ctr-speed" in parts:
        yield "same", "random", 4096, 1, 3 if model in SLOW else EPOCHS
    if "ctr-wall" in parts:
        for batch_size in BATCHES:
            yield "same", "random", batch_size, 2, 2 if model in SLOW else 3


def report(found: Sequence[Clicks]) -> str:
    """Both tables as text."""
    by: dict[tuple[Any, ...], list[Clicks]] = {}  # seeds in order
    for m in sorted(found, key=lambda m: m.seed):
        by.setdefault((m.side, m.model, m.setting, m.split, m.batch_size, m.threads), []).append(m)
    sides = tuple(SIDES)
    lines = ["CPU seconds of an epoch of 79,992 rows, one thread: batch 4096 / 256 (wall at two threads)"]
    lines.append(f"{'':14}" + "".join(f"{side:>32}" for side in sides) + f"{'ours: floor':>14}{'best peer':>14}")
    for model in MODELS:
        cells, cpu = [], {}
        for side in sides:
            got = [[by.get((side, model, "same", "random", b, t)) for b in BATCHES] for t in (1, 2)]
            cpu[side] = [(m[0].cpu_an_epoch, m[0].hardware) if m else None for m in got[0]]
            wall = [m[0].wall_an_epoch if m else None for m in got[1]]
            seconds = _pair([c[0] if c else None for c in cpu[side]])
            cells.append(f"{seconds} ({_pair(wall)})" if any(cpu[side]) else "")
        peers = [[c for side in sides[2:] if (c := cpu[side][n]) is not None] for n in (0, 1)]
        best = [min(p) if p else None for p in peers]
        cells_right = f"{_ratios(cpu['floor'], cpu['ours']):>14}{_ratios(best, cpu['ours']):>14}"
        lines.append(f"{model:14}" + "".join(f"{cell:>32}" for cell in cells) + cells_right)
    lines.append(
        "ours: floor, best peer: their seconds divided by ours, where one processor took both; more is faster."
    )
    lines += [
        "",
        f"AUC of the test rows, batch {QUALITY_BATCH}, the epoch of {EPOCHS} that is best on the validation rows",
    ]
    lines[-1] += ": random / time-ordered split, mean ± standard deviation of the seeds (how many)"
    names = (*sides, "ours, chosen", "ours as shipped")
    lines.append(f"{'':14}" + "".join(f"{name:>36}" for name in names))
    for model in MODELS:
        cells = []
        own = (("ours", "chosen", QUALITY_BATCH), ("ours", "shipped", 0))
        for side, setting, batch in (*((s, "same", QUALITY_BATCH) for s in sides), *own):
            got_split = [by.get((side, model, setting, split, batch, 1), []) for split in SPLITS]
            cells.append(" / ".join(map(_mean, got_split)) if any(got_split) else "")
        lines.append(f"{model:14}" + "".join(f"{cell:>36}" for cell in cells))
    return "\n".join(lines)


def _mean(found: Sequence[Clicks]) -> str:
    values = [m.auc for m in found]
    if len(values) < 2:
        return f"{values[0]:.4f}" if values else "-"
    return f"{mean(values):.4f}±{stdev(values):.4f}({len(values)})"


def _pair(values: Sequence[float | None]) -> str:
    return "/".join("-" if v is None else f"{v:.2f}" for v in values)


def _ratios(theirs: Sequence[tuple[float, str] | None], ours: Sequence[tuple[float, str] | None]) -> str:
    """Seconds and the processor they were taken on."""
    return " / ".join(
        "-" if a is None or b is None or a[1] != b[1] else f"{a[0] / b[0]:.2f}"
        for a, b in zip(theirs, ours, strict=True)
    )
