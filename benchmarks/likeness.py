"""What "like X" brings somebody unknown: is it like X, and not what most people chose anyway?

    python -m benchmarks.likeness [--generator ease]

Lists of ten for 54 well-known films and 100 others with 20 ratings and more, of MovieLens to 2016, from three ways:
as it was (the generator for a user who met only X, fused with the texts, beside what was said and popularity), the
cosine of the texts alone, and the pipeline now. People are split in halves: who likes what is learned from one and
measured on the other (the generator of "as it was" saw both, in its favour).

distinct      items over all lists, of as many places; most: lists in which the most repeated item stands
genres, moods Jaccard of X's and the item's, where both are known
lift          people of the other half who like X and the item, against what chance would bring; liked: their number
popularity    mean percentile of the items

Weights were chosen on half of the first half against the other half of it, and another hundred films; but the weight of
who likes both and the least mean of neighbours with a look at what is measured here (docs/lab-log.md).
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.settings import settings
from benchmarks import measure
from recommenders.contract import Request, best, registry
from recommenders.data import Catalogue, Dataset, UserState, sources
from recommenders.pipeline import Likeness, Pipeline, PipelineConfig, likes
from recommenders.texts import TEXT_INDEX, TextEncoder, TextIndex, word_index

K, RANDOM, FEWEST, SEED = 10, 100, 20, 1
WELL_KNOWN = """Scream|Heat|The Godfather|Pulp Fiction|The Matrix|Toy Story|Alien|Titanic|Forrest Gump|Jurassic Park|
The Silence of the Lambs|Seven|Fight Club|The Lion King|Amelie|Spirited Away|Blade Runner|Die Hard|
When Harry Met Sally...|Pretty Woman|The Shining|Psycho|Casablanca|Star Wars: Episode IV - A New Hope|
Raiders of the Lost Ark|The Dark Knight|Inception|Memento|The Notebook|Clueless|Groundhog Day|Airplane!|
Monty Python and the Holy Grail|The Big Lebowski|Fargo|Saving Private Ryan|Gladiator|Braveheart|
The Lord of the Rings: The Fellowship of the Ring|Harry Potter and the Sorcerer's Stone|Finding Nemo|Shrek|Interstellar|
Gravity|Get Shorty|L.A. Confidential|The Usual Suspects|12 Angry Men|Bridget Jones's Diary|Mean Girls|Dirty Dancing|
Unforgiven|Trainspotting|Lost in Translation"""
Way = Callable[[int], list[int]]


def well_known(data: Dataset) -> list[int]:
    """Of several of one title the one that most people chose; other titles stand in parentheses."""
    plain = [title.split(" (")[0] for title in data.catalogue.titles]
    wanted = [title.strip() for title in WELL_KNOWN.split("|")]
    return [max((i for i, t in enumerate(plain) if t == w), key=lambda i: int(data.popularity[i])) for w in wanted]


def said(catalogue: Catalogue, item: int) -> str:
    return f"something like {catalogue.titles[item]}"


def as_it_was(pipeline: Pipeline, popularity: np.ndarray) -> Way:
    """The answer before there was likeness, for somebody unknown, without diversity."""
    catalogue, texts = pipeline.catalogue, pipeline.texts
    assert texts is not None
    words, taste = word_index.index_of(catalogue), pipeline.generator.score([UserState()])[0].astype(np.float64)
    chosen = np.log1p(popularity) / np.log1p(popularity.max())

    def reciprocal(scores: np.ndarray) -> np.ndarray:
        return 61 / (60 + 1 + np.argsort(np.argsort(-scores, kind="stable"), kind="stable"))

    def way(item: int) -> list[int]:
        text = said(catalogue, item)
        alone = pipeline.generator.score([UserState(items=(item,))])[0].astype(np.float64)
        cosines = (texts.vectors @ texts.vectors[item]).astype(np.float64)
        told = texts.vectors @ texts.encoder.query(text) + 0.3 * words.coverage(text)
        allowed = np.setdiff1d(np.arange(len(catalogue)), [item])
        pool = np.unique([allowed[best(s[allowed], 200)] for s in (alone, cosines, told, chosen)])
        liked = taste[pool] - taste[pool].min()
        fused = (reciprocal(alone[pool]) + reciprocal(cosines[pool])) / 2
        score = told[pool] + 0.4 * chosen[pool] + 0.3 * fused + 0.15 * liked / max(liked.max(), 1e-9)
        return [int(i) for i in pool[best(score, K)]]

    return way


def by_texts(pipeline: Pipeline) -> Way:
    assert pipeline.texts is not None
    vectors = pipeline.texts.vectors

    def way(item: int) -> list[int]:
        cosines = vectors @ vectors[item]
        cosines[item] = -np.inf
        return [int(i) for i in best(cosines, K)]

    return way


def now(pipeline: Pipeline) -> Way:
    def way(item: int) -> list[int]:
        request = Request(k=K, like=(item,), said=said(pipeline.catalogue, item))
        return [c.item for c in pipeline.recommend(UserState(), request).candidates][:K]

    return way


def measured(lists: Mapping[int, Sequence[int]], data: Dataset, other: Dataset) -> dict[str, float]:
    places = np.array([item for found in lists.values() for item in found])
    counts = np.bincount(places)
    liked = likes(other)
    number = np.asarray(liked.sum(axis=0)).ravel()
    people = int((liked.getnnz(axis=1) > 0).sum())
    both = expected = 0.0
    for seed, found in lists.items():
        both += float((liked[:, list(found)].T @ liked[:, [seed]]).sum())
        expected += float((number[list(found)] * number[seed] / people).sum())
    percentile = np.argsort(np.argsort(data.popularity, kind="stable")) / len(data.popularity)
    return {
        "places": len(places),
        "distinct": int((counts > 0).sum()),
        "most": int(counts.max()),
        "genres": _overlap(lists, data.catalogue.genres),
        "moods": _overlap(lists, data.catalogue.attributes.cells("moods")),
        "lift": both / expected,
        "liked": int(both),
        "popularity": float(percentile[places].mean()),
    }


def _overlap(lists: Mapping[int, Sequence[int]], cells: Sequence[Sequence[str]]) -> float:
    pairs = [({*cells[s]}, {*cells[i]}) for s, found in lists.items() for i in found if cells[s] and cells[i]]
    return float(np.mean([len(a & b) / len(a | b) for a, b in pairs]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", default="ease")
    name = parser.parse_args().generator
    s = settings()
    data = sources.load("movielens-2016", s.cache_dir, s.datasets)
    runs = s.runs_dir / "movielens-2016"
    texts = TextIndex.load(runs / TEXT_INDEX, TextEncoder(s.cache_dir / "encoder"), data.catalogue)
    people = np.random.default_rng(0).permutation(len(data.users))
    first = np.isin(data.interactions.user, people[: len(people) // 2])
    learned, other = (data.with_interactions(data.interactions.where(rows)) for rows in (first, ~first))
    likeness = Likeness(data.catalogue, texts.vectors, likes(learned))
    began = time.process_time()
    likeness.prepare()
    ready = time.process_time() - began
    generator = registry.get(name).load(runs / name, data.catalogue)
    config = PipelineConfig(liked_from=data.liked_from)
    pipeline = Pipeline(data.catalogue, generator, None, texts, config, data.popularity, likeness)
    famous = well_known(data)
    rest = np.setdiff1d(np.flatnonzero(data.popularity >= FEWEST), famous)
    others = np.random.default_rng(SEED).choice(rest, RANDOM, replace=False).tolist()
    ways = {"as it was": as_it_was(pipeline, data.popularity), "texts": by_texts(pipeline), "now": now(pipeline)}
    found: dict[str, dict[str, dict[str, float]]] = {}
    seconds = 0.0
    for way, lists_of in ways.items():
        began = time.process_time()
        lists = {seed: lists_of(seed) for seed in (*famous, *others)}
        seconds = (time.process_time() - began) / len(lists)
        parts = {"all": (*famous, *others), "well known": famous, "others": others}
        found[way] = {part: measured({i: lists[i] for i in seeds}, data, other) for part, seeds in parts.items()}
        print(way, *(f"\n  {part}: {values}" for part, values in found[way].items()), flush=True)
    costs = {"ready_s": ready, "request_ms": 1000 * seconds}
    measure.write("likeness", {**measure.about(), "generator": name, "costs": costs, "ways": found})


if __name__ == "__main__":
    main()
