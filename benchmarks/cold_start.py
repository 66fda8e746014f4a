"""Items that nobody has met yet: what sentence vectors of their texts are worth as embeddings.

    python -m benchmarks.cold_start [--models sasrec deepfm] [--seeds 1]

A tenth of the items of MovieLens 100K that ten or more people met is taken out of the training data; everybody's last
two interactions are withheld as always. A case is a person's meeting with a cold item: their earlier history without
cold items is known, and the whole catalogue is ranked without it. At most three cases a person, their latest; of models
that are rankers, whose scoring takes longer, every third person.
NDCG@10 and Recall@10 among all items and among the cold ones alone, averaged over a person's cases, then over people;
intervals are 95 % bootstraps over people, differences paired. Half of the cold items were for choosing, the other half
is reported. "warm" is the usual test (the last item, where it is not cold): what a change costs there.

    as trained   cold items keep the embedding that they began with, pushed down by training
    from texts   the setting `texts`: a ridge regression from text vectors to trained embeddings (recommenders.initial);
                 of models of fields also the next line
    unknown      models of fields alone: the field "popularity" of cold items says that it is not known (the mean), not
                 that nobody chose them
    lifted       SASRec alone: and its setting `lift`, which the first line sets to 0

Results: benchmarks/results/cold_start.json.
"""

import argparse
import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from app.progress import bars
from app.settings import settings
from benchmarks.measure import about, write
from recommenders.contract import registry
from recommenders.contract.artefact import fingerprint
from recommenders.contract.config import configured
from recommenders.data import sources
from recommenders.data.splits import Case, first, leave_last_one_out
from recommenders.data.tables import Dataset
from recommenders.evaluation import metrics
from recommenders.networks.fields.feature_model import FeatureModel
from recommenders.networks.initial import PlacesCold, of_texts

K, PER_PERSON, SHARE, LEAST = 10, 3, 0.1, 10
EVERY = 3  # of the people, where a ranker is asked


@dataclass(frozen=True)
class Cut:
    """train without cold items; cold (I,) bool of the two halves; cases (person, state, cold item) of each half."""

    train: Dataset
    choose: np.ndarray
    report: np.ndarray
    cases: dict[str, list[tuple[int, Case]]]
    warm: list[Case]


def cut(data: Dataset) -> Cut:
    rng = np.random.default_rng(0)
    n = len(data.catalogue)
    counts = np.bincount(data.interactions.item, minlength=n)
    often = np.flatnonzero(counts >= LEAST)
    drawn = rng.permutation(often)[: round(SHARE * len(often))]
    choose, report = np.zeros(n, bool), np.zeros(n, bool)
    choose[drawn[::2]], report[drawn[1::2]] = True, True
    cold = choose | report
    split = leave_last_one_out(data)
    x = split.train.interactions
    train = split.train.with_interactions(x.where(~cold[x.item]))
    cases: dict[str, list[tuple[int, Case]]] = {"choose": [], "report": []}
    for person in range(len(data.users)):
        state = data.state(person)
        for half, marked in (("choose", choose), ("report", report)):
            met = [n for n, item in enumerate(state.items) if marked[item]][-PER_PERSON:]
            cases[half] += [(person, (without(first(state, n), cold), state.items[n])) for n in met]
    warm = [(without(state, cold), item) for state, item in split.test if not cold[item]]
    return Cut(train, choose, report, cases, warm)


def without(state, cold: np.ndarray):  # type: ignore[no-untyped-def]
    for place in reversed([n for n, item in enumerate(state.items) if cold[item]]):
        state = state.without(place)
    return state


def measured(model, cut_: Cut, half: str) -> dict[str, dict[int, float]]:  # type: ignore[no-untyped-def]
    """Measure -> person -> value."""
    marked = cut_.choose if half == "choose" else cut_.report
    step = 1 if "generator" in model.roles else EVERY
    cases = [case for case in cut_.cases[half] if case[0] % step == 0]
    scores = []
    for start in range(0, len(cases), 256):
        scores.append(model.score([state for _, (state, _) in cases[start : start + 256]]))
    found: dict[str, dict[int, list[float]]] = {}
    for (person, (state, item)), row in zip(cases, np.concatenate(scores), strict=True):
        row[list(state.items)] = -np.inf
        for name, among in (("all", np.ones(len(row), bool)), ("cold", marked)):
            place = int((row[among] > row[item]).sum()) + 1  # ties to the item: they do not occur between floats
            found.setdefault(f"recall among {name}", {}).setdefault(person, []).append(float(place <= K))
            value = 1 / np.log2(1 + place) if place <= K else 0.0
            found.setdefault(f"ndcg among {name}", {}).setdefault(person, []).append(float(value))
    return {name: {p: float(np.mean(v)) for p, v in rows.items()} for name, rows in found.items()}


def warm(model, cases: Sequence[Case]) -> dict[int, float]:  # type: ignore[no-untyped-def]
    """NDCG@10 of everybody's last item."""
    found: dict[int, float] = {}
    cases = cases[:: 1 if "generator" in model.roles else EVERY]
    for start in range(0, len(cases), 256):
        some = cases[start : start + 256]
        for n, ((state, item), row) in enumerate(zip(some, model.score([s for s, _ in some]), strict=True)):
            row[list(state.items)] = -np.inf
            place = int((row > row[item]).sum()) + 1
            found[start + n] = 1 / np.log2(1 + place) if place <= K else 0.0
    return found


def ways(model: PlacesCold, texts: np.ndarray, counts: np.ndarray) -> dict[str, PlacesCold]:
    """The same model with its cold items placed in every way; texts (I, S), counts (I,) of interactions."""
    made = {"as trained": model, "from texts": copy.deepcopy(model)}
    if isinstance(model, FeatureModel):
        unknown = copy.deepcopy(model)
        unknown.features.forget_popularity(counts == 0)
        unknown._ready()
        made["unknown"] = unknown
    else:
        made["from texts"].config = dataclasses.replace(model.config, lift=0.0)
        made["lifted"] = copy.deepcopy(model)
        made["lifted"].place_cold(texts, counts)
    made["from texts"].place_cold(texts, counts)
    return made


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--models", nargs="*", default=["sasrec", "deepfm"])
    given.add_argument("--seeds", type=int, default=1)
    options = given.parse_args()
    torch.set_num_threads(1)
    s = settings()
    data = sources.load("ml-100k", s.cache_dir, s.datasets)
    parts = cut(data)
    folder = s.runs_dir / data.name / "cold-start"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"texts-{fingerprint(data.catalogue)}.npy"
    with bars() as progress:
        if not kept.is_file():
            np.save(kept, of_texts("data/cache/encoder", data.catalogue, progress=progress))
        texts = np.load(kept)
        counts = np.bincount(parts.train.interactions.item, minlength=len(data.catalogue))
        found: dict[str, dict[str, list[dict[int, float]]]] = {}  # way -> measure -> one a seed
        for seed in range(options.seeds):
            for name in options.models:
                run = folder / f"{name}-{seed}"
                if (run / "config.json").is_file():
                    model = registry.get(name).load(run, data.catalogue)
                else:
                    model = configured(name, {"seed": seed})
                    model.fit(parts.train, progress=progress, checkpoint=run.with_suffix(".checkpoint"))
                    model.save(run)
                assert isinstance(model, PlacesCold)
                for kind, ready in ways(model, texts, counts).items():
                    way = f"{name}, {kind}"
                    rows = found.setdefault(way, {})
                    for half in ("choose", "report"):
                        for measure, people in measured(ready, parts, half).items():
                            rows.setdefault(f"{half}: {measure}", []).append(people)
                    rows.setdefault("warm: ndcg", []).append(warm(ready, parts.warm))
                    print(way, {m: round(float(np.mean(list(v[-1].values()))), 4) for m, v in rows.items()}, flush=True)
    told = {way: {m: summary(v, _base(found, way, m)) for m, v in rows.items()} for way, rows in found.items()}
    head = {**about(), "catalogue": data.name, "cold_items": int(parts.report.sum()), "seeds": options.seeds}
    write("cold_start", {**head, "cases": len(parts.cases["report"]), "ways": told})


def _base(found: dict[str, dict[str, list[dict[int, float]]]], way: str, measure: str) -> list[dict[int, float]] | None:
    plain = f"{way.split(',')[0]}, as trained"
    return None if way == plain else found[plain][measure]


def summary(seeds: list[dict[int, float]], base: list[dict[int, float]] | None) -> dict[str, object]:
    """Mean over people of the mean over seeds, and the paired gain over the model as trained."""
    own = np.mean([list(p.values()) for p in seeds], axis=0)
    told: dict[str, object] = {"value": float(own.mean()), "interval": metrics.interval(own), "people": len(own)}
    if base is not None:
        gain = own - np.mean([list(p.values()) for p in base], axis=0)
        told["gain"] = {"value": float(gain.mean()), "interval": metrics.interval(gain)}
    return told


if __name__ == "__main__":
    main()
