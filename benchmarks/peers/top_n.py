"""The top-N task: which trainings are measured, and their table of interactions.

Leave-last-one-out by time (splits.py): a user's last item is for the test, the one before for validation.
Whole catalogue ranked, items met before left out; for the test a user has met the validation item as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recommenders.data.splits import items_of, leave_last_one_out
from recommenders.data.tables import Dataset

from .results import TopN, now

# side -> (environment, module, models)
SIDES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "ours": (
        "ours",
        "ours_top_n_side",
        ("popularity", "item_knn", "ease", "bpr", "neural_cf", "sasrec", "bert4rec"),
    ),
    "implicit": ("implicit", "implicit_side", ("als",)),
    "RecTools": ("rectools", "rectools_side", ("sasrec", "bert4rec")),
    "RecBole": ("recbole", "recbole_side", ("bpr", "neural_cf")),
}

# Not measured again: RecBole's SASRec needs 267 CPU seconds an epoch and 4.2 GB; its other figures were taken before on
# the same protocol and kind of machine. Recall@10, NDCG@10.
REFERENCES = {
    "RecBole popularity": (0.084, 0.039),
    "RecBole item_knn": (0.115, 0.063),
    "RecBole ease": (0.135, 0.0706),
}


@dataclass(frozen=True)
class Run:
    """One training to measure."""

    side: str
    model: str
    seed: int = 0
    threads: int = 1

    @property
    def key(self) -> str:
        return f"{self.side}/{self.model}/{self.seed}"

    def task(self, tables: str, more: dict[str, Any]) -> dict[str, Any]:
        return {**vars(self), "tables": tables, **more}

    def measured(self, answer: dict[str, Any]) -> TopN:
        return TopN(side=self.side, model=self.model, seed=self.seed, measured=now(), **answer)


def runs(models: Sequence[str] | None, sides: Sequence[str], seeds: int) -> Iterator[Run]:
    for side in sides:
        for model in SIDES[side][2]:
            for seed in range(seeds) if models is None or model in models else ():
                yield Run(side, model, seed)


def write(data: Dataset, path: Path) -> None:
    """Write the table: train.user, train.item, train.timestamp (N,), users in order and each by time; valid and test
    (U,) item numbers of all users; items () how many there are."""
    x, cut = data.interactions, leave_last_one_out(data)
    ends = np.cumsum(np.bincount(x.user, minlength=len(data.users)))
    valid, test = x.item[ends - 2], x.item[ends - 1]
    if not (np.array_equal(valid, items_of(cut.valid)) and np.array_equal(test, items_of(cut.test))):
        raise ValueError(f"data set {data.name!r}: not every user has a validation and a test item of their own")
    train = cut.train.interactions
    arrays = {"train.user": train.user, "train.item": train.item, "train.timestamp": train.timestamp}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".part.npz")
    np.savez(new, valid=valid, test=test, items=np.array(len(data.catalogue)), **arrays)  # type: ignore[arg-type]
    new.replace(path)


def report(found: Sequence[TopN]) -> str:
    """The table as text: means over seeds, with the lowest and the highest."""
    by: dict[str, list[TopN]] = {}
    for m in found:
        by.setdefault(f"{m.side} {m.model}", []).append(m)
    lines = ["Top-N, test items: Recall@10, NDCG@10, CPU seconds of the whole training (one thread)"]
    for name, (recall, ndcg) in REFERENCES.items():
        lines.append(f"  {name:24} {recall:.4f}{'':18} {ndcg:.4f}{'':18} (taken before)")
    for name, several in sorted(by.items(), key=lambda pair: float(np.mean([m.ndcg for m in pair[1]]))):
        cells = [_spread([getattr(m, figure) for m in several]) for figure in ("recall", "ndcg")]
        cpu = np.mean([m.cpu for m in several])
        lines.append(f"  {name:24} {cells[0]:24} {cells[1]:24} {cpu:8.1f}  {several[0].note}")
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    mean = f"{np.mean(values):.4f}"
    return f"{mean} [{min(values):.4f}, {max(values):.4f}]" if len(values) > 1 else mean
