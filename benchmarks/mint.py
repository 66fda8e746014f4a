"""What the language model's features are worth for real people's requests: film facts, descriptions, MINT training.

    python -m benchmarks.mint [--forms facts composed ...] [--half report]

For every turn of ReDial's human recommenders (benchmarks/replay.py) the text index is asked with the seeker's words so
far, films written as their titles; films mentioned before are left out. Recall@k is the share of the films that the
seeker liked later among the first k, averaged over a dialogue's turns that have such films, then over dialogues.
Intervals are 95 % bootstraps over dialogues, differences paired. Settings were chosen on the even dialogues of the file
(--half choose); the odd ones are reported.

    bare       the encoder as it comes; it reads titles, years, genres
    facts      and the keywords of film_facts.csv: what the app has
    described  and the descriptions that the language model wrote (chatrec mint describe)
    composed   facts, the encoder trained on narratives composed by rules, as `chatrec train mint` does
    written    facts, trained on the narratives that the language model wrote alone (chatrec mint write)
    popular    facts, and how popular a film is: cosine + .8 log(1 + interactions) / the largest such value
    blended    the cosines of facts and composed added, and the same popularity

Encoders are trained where they are not in the runs folder yet, on MovieLens 100K without everybody's last rating; a
killed training goes on. Results: benchmarks/results/mint.json, without any text of ReDial; forms that are not asked for
keep their earlier figures.
"""

import argparse
import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from app.progress import bars
from app.settings import Settings, settings
from benchmarks.measure import RESULTS, about, write
from benchmarks.replay import Moment, moments, read
from recommenders.contract.config import configured, parsed
from recommenders.data import sources
from recommenders.data.tables import Catalogue, Dataset
from recommenders.evaluation import metrics
from recommenders.experiments.training import record, train
from recommenders.models.mint import MINT
from recommenders.pipeline.tune import withhold_last
from recommenders.texts import text_index
from recommenders.texts.text_index import TextEncoder, TextIndex

CUTS = (10, 50)
FORMS = ("bare", "facts", "described", "composed", "written", "popular", "blended")
LONG = 12  # epochs where there are a few hundred narratives
POPULARITY = 0.8
AGAINST = {
    "facts": "bare",
    "described": "facts",
    "composed": "facts",
    "written": "facts",
    "popular": "facts",
    "blended": "popular",
}


@dataclass(frozen=True)
class Asked:
    """One turn: the dialogue it belongs to, the seeker's words, films that may not come, films that should."""

    dialogue: int
    words: str
    met: tuple[int, ...]
    targets: tuple[int, ...]


def turns(path: Path, catalogue: Catalogue, half: str) -> list[Asked]:
    found = []
    for n, said in enumerate(read(path, catalogue)):
        if n % 2 == (half == "report"):
            found += [Asked(n, words(m), m.met, m.targets) for m in moments(said) if m.targets]
    return found


def words(m: Moment) -> str:
    return " ".join(turn.text for turn in m.before if turn.who == "seeker")


def recalls(items: np.ndarray, queries: np.ndarray, asked: Sequence[Asked]) -> dict[int, dict[int, float]]:
    """k -> dialogue -> Recall@k, for vectors of items (I, D) and of the turns' words (n, D)."""
    scores = queries @ items.T
    found: dict[int, dict[int, list[float]]] = {k: {} for k in CUTS}
    for row, a in enumerate(asked):
        scores[row, list(a.met)] = -np.inf
        order = np.argsort(-scores[row], kind="stable")
        for k in CUTS:
            share = float(np.isin(a.targets, order[:k]).mean())
            found[k].setdefault(a.dialogue, []).append(share)
    return {k: {d: float(np.mean(shares)) for d, shares in rows.items()} for k, rows in found.items()}


def bare(catalogue: Catalogue) -> list[str]:
    return [". ".join(p for p in (catalogue.label(i), ", ".join(g)) if p) for i, g in enumerate(catalogue.genres)]


def trained(form: str, s: Settings, known: Dataset, given: Mapping[str, object]) -> tuple[MINT, TextEncoder, float]:
    """The model of a form and its encoder, trained where need be, and the CPU seconds of that training."""
    folder, written = s.runs_dir / known.name / "mint-bench" / form, s.runs_dir / known.name / "narratives.jsonl"
    own: dict[str, object] = dict(given)
    if form == "written":
        own |= {"epochs": LONG, "composed": 0, "narratives": str(written)}
    digest = hashlib.sha256(written.read_bytes()).hexdigest() if form == "written" else ""
    resolved = dataclasses.asdict(configured("mint", own).config)
    stamp = json.dumps([resolved, digest, text_index.fingerprint(known.catalogue)], sort_keys=True)
    if not ((folder / "stamp.json").is_file() and (folder / "stamp.json").read_text(encoding="utf-8") == stamp):
        with bars() as progress:
            model = train("mint", known, folder / "run", config=own, progress=progress)
        assert isinstance(model, MINT)
        model.export(folder / "encoder")
        (folder / "stamp.json").write_text(stamp, encoding="utf-8")
    ready = MINT.load(folder / "run", known.catalogue)
    return ready, TextEncoder(folder / "encoder"), record(folder / "run").cpu_seconds


def main() -> None:  # noqa: C901 a script, told in its order; a third are the forms inside it
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--forms", nargs="*", choices=FORMS, default=list(FORMS))
    given.add_argument("--half", choices=("choose", "report"), default="report")
    given.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings of mint, while choosing")
    options = given.parse_args()
    torch.set_num_threads(1)
    s = settings()
    path = s.datasets / "redial-valid" / "valid_data.jsonl"
    if not path.is_file():
        raise SystemExit(f"{path} is missing; set CHATREC_DATASETS to the folder that holds redial-valid")
    data = sources.load("ml-100k", s.cache_dir, s.datasets)
    known, _ = withhold_last(data)
    catalogue = data.catalogue
    asked = turns(path, catalogue, options.half)
    written = s.runs_dir / data.name / "descriptions.json"
    described = json.loads(written.read_text(encoding="utf-8")) if written.is_file() else {}
    found: dict[str, dict[int, dict[int, float]]] = {}
    told: dict[str, dict[str, object]] = {}
    plain = TextEncoder(s.cache_dir / "encoder")
    said = [a.words for a in asked]
    chosen = np.log1p(known.popularity)
    popular = POPULARITY * (chosen / chosen.max()).astype(np.float32)[:, None]  # (I, 1)
    one = np.ones((len(asked), 1), np.float32)
    vectors: dict[str, tuple[np.ndarray, np.ndarray, float]] = {}  # form -> items, queries, seconds of training

    def read_by(form: str) -> tuple[np.ndarray, np.ndarray, float]:
        if form not in vectors:
            vectors[form] = made(form)
        return vectors[form]

    def made(form: str) -> tuple[np.ndarray, np.ndarray, float]:
        if form == "facts":
            index = TextIndex.load(s.runs_dir / data.name / "text-index", plain, catalogue)
            return index.vectors.copy(), plain.encode(said), 0.0
        if form == "bare":
            return plain.encode(bare(catalogue)), read_by("facts")[1], 0.0
        if form == "described":
            items = read_by("facts")[0].copy()
            rows = [n for n, id_ in enumerate(catalogue.ids.ids) if id_ in described]
            texts = [f"{text_index.document(catalogue, n)}. {described[catalogue.ids.ids[n]]}" for n in rows]
            items[rows] = plain.encode(texts)
            return items, read_by("facts")[1], 0.0
        if form in ("popular", "blended"):
            parts = [read_by(name) for name in (("facts",) if form == "popular" else ("facts", "composed"))]
            items, queries = (np.hstack([*(part[n] for part in parts), last]) for n, last in ((0, popular), (1, one)))
            return items, queries, sum(part[2] for part in parts)
        model, reader, seconds = trained(form, s, known, parsed(options.set))
        return model.items, reader.encode(said), seconds

    for form in options.forms:
        items, queries, seconds = read_by(form)
        found[form] = recalls(items, queries, asked)
        told[form] = {"training_cpu_seconds": seconds}
        for k in CUTS:
            own = np.array(list(found[form][k].values()))
            told[form][f"recall@{k}"] = {"value": float(own.mean()), "interval": metrics.interval(own)}
            other = found.get(AGAINST.get(form, ""))
            if other is not None:
                gain = own - np.array(list(other[k].values()))
                told[form][f"gain@{k}"] = {
                    "over": AGAINST[form],
                    "value": float(gain.mean()),
                    "interval": metrics.interval(gain),
                }
        print(form, json.dumps(told[form]), flush=True)
    if options.half == "report":
        sizes = {"dialogues": len({a.dialogue for a in asked}), "turns": len(asked), "described": len(described)}
        kept = RESULTS / "mint.json"
        earlier = json.loads(kept.read_text(encoding="utf-8"))["forms"] if kept.is_file() else {}
        write("mint", {**about(), "catalogue": data.name, **sizes, "forms": {**earlier, **told}})


if __name__ == "__main__":
    main()
