"""How much of its quality a recommender keeps for users it was not trained with, on ML-100K.

    OMP_NUM_THREADS=1 python -m benchmarks.fold_in [MODEL ...]

A fifth of the users, drawn by seed, is left out. Each model with its settings of recommenders/configs is fitted twice
on the training part of leave-last-one-out: with everybody, and without the fifth. Both times it ranks the catalogue for
the users of the fifth, given the same histories: for each the item before the last and the last. `kept` is NDCG@10
without them over NDCG@10 with them, its interval by drawing users anew (both figures of a user together). 1 means that
nothing is lost; part of a loss is that a fifth less of the data was there to learn from.

Results: benchmarks/results/fold_in.json, written after each model. A model whose settings and seed are in there already
is not measured again; a training that was killed goes on at its last epoch.
"""

import argparse
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from app.progress import Progress, bars
from app.settings import settings
from benchmarks import measure
from recommenders.contract import registry
from recommenders.contract.config import configured
from recommenders.data import sources
from recommenders.data.splits import Case, first, leave_last_one_out
from recommenders.data.tables import Dataset
from recommenders.evaluation import metrics
from recommenders.evaluation.evaluate import foreseen, rank
from recommenders.experiments.training import cpu_seconds

K = 10
SHARE = 0.2
DRAWS = 2000


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("models", nargs="*", help="all unless given")
    given.add_argument("--seed", type=int, default=0, help="of the draw of users")
    arguments = given.parse_args()
    names = arguments.models or registry.names()
    s = settings()
    data = sources.load("ml-100k", s.cache_dir, s.datasets)
    training = leave_last_one_out(data).train
    away = np.zeros(len(data.users), bool)
    away[np.random.default_rng(arguments.seed).permutation(len(away))[: int(SHARE * len(away))]] = True
    cases, users = _cases_of(data, np.flatnonzero(away))
    x = training.interactions
    parts = {"seen": training, "unseen": training.with_interactions(x.where(~away[x.user]))}

    known = _known()
    for number, name in enumerate(names, start=1):
        config = dataclasses.asdict(configured(name).config)
        about = {"settings": json.loads(json.dumps(config)), "seed": arguments.seed}
        found = known["models"].get(name, {})
        if {key: found.get(key) for key in about} != about:
            ndcg, began = {}, cpu_seconds()
            with bars() as progress:
                for part, rows in parts.items():
                    checkpoint = s.cache_dir / "fold_in" / f"{name}.{part}"
                    ndcg[part] = _ndcg(name, rows, cases, users, checkpoint, progress)
            found = {**about, **kept(ndcg["seen"], ndcg["unseen"]), "cpu_seconds": cpu_seconds() - began}
            known["models"][name] = found
            measure.write("fold_in", {**measure.about(), "users": int(away.sum()), "models": known["models"]})
            for part in parts:
                shutil.rmtree(s.cache_dir / "fold_in" / f"{name}.{part}", ignore_errors=True)
        print(
            f"{number}/{len(names)} {name:16} seen {found['seen']:.3f}  unseen {found['unseen']:.3f}  "
            f"kept {found['kept']:.2f} [{found['low']:.2f}, {found['high']:.2f}]",
            flush=True,
        )


def kept(seen: np.ndarray, unseen: np.ndarray) -> dict[str, float]:
    """Means of both (one value a user each, paired), their ratio and its bootstrap 95 % interval over users."""
    counts = metrics.resampled(len(seen), DRAWS)  # (draws, users)
    low, high = metrics.percentiles((counts @ unseen) / np.maximum(counts @ seen, 1e-12))
    return {
        "seen": float(seen.mean()),
        "unseen": float(unseen.mean()),
        "kept": float(unseen.mean() / max(seen.mean(), 1e-12)),
        "low": low,
        "high": high,
    }


def _cases_of(data: Dataset, users: np.ndarray) -> tuple[list[Case], np.ndarray]:
    """What leave-last-one-out withholds of these users, the item before the last and the last; whose each case is."""
    cases, owners = [], []
    for user in users:
        state = data.state(int(user))
        for known in (len(state.items) - 2, len(state.items) - 1):
            if known > 0 and state.items[known] not in state.items[:known]:
                cases.append((first(state, known), state.items[known]))
                owners.append(user)
    return cases, np.array(owners)


def _ndcg(
    name: str, training: Dataset, cases: list[Case], users: np.ndarray, checkpoint: Path, progress: Progress
) -> np.ndarray:
    """One value a user: the mean over the user's cases."""
    model = configured(name).fit(training, checkpoint=checkpoint, progress=progress)
    values = foreseen(rank(model, cases, K, progress=progress).lists, cases, K)["ndcg"]
    _, who = np.unique(users, return_inverse=True)
    return np.bincount(who, weights=values) / np.bincount(who)


def _known() -> dict[str, Any]:
    path = measure.RESULTS / "fold_in.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"models": {}}


if __name__ == "__main__":
    main()
