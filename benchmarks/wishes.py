"""How well free-text wishes are answered on MovieLens 100K, whose answers are known (wishes.toml).

    python -m benchmarks.wishes [--forms]

The answers come from general knowledge of the films and are not complete. Of the wishes "seen" some answers were
written after first rankings (by titles and genres alone) had been seen, and the pipeline's weights were chosen on them:
they compare variants with each other. The wishes "held" were written before any ranking, and nothing was chosen on
them. Intervals are 95 % bootstraps over wishes. The last table asks for somebody of whom nothing is known, in whose
lists popularity has a say. --forms also compares what the encoder is given of an item (takes minutes).
"""

import argparse
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from app.settings import settings
from recommenders.contract.base import Recommender
from recommenders.contract.config import configured
from recommenders.contract.request import Request
from recommenders.data import sources
from recommenders.data.tables import Catalogue, UserState
from recommenders.evaluation import metrics
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from recommenders.texts import word_index
from recommenders.texts.text_index import TextEncoder, TextIndex, document

WISHES = Path(__file__).with_name("wishes.toml")
FORMS: dict[str, Callable[[Catalogue, int], str]] = {
    "title, genres, text": document,
    "and people, language": lambda c, i: ". ".join([document(c, i), ", ".join(c.people[i]), c.languages[i]]),
    "genres, text": lambda c, i: ". ".join([", ".join(c.genres[i]), c.texts[i]]),
}
Answers = Mapping[str, frozenset[str]]  # wish -> titles


def wishes() -> dict[str, Answers]:
    """ "seen" and "held"."""
    read = tomllib.loads(WISHES.read_text(encoding="utf-8"))
    return {name: {wish: frozenset(titles) for wish, titles in some.items()} for name, some in read.items()}


def recalls(c: Catalogue, answers: Answers, found: Callable[[str], list[int]], k: int) -> np.ndarray:
    """Of each wish: answers among the first k, of as many as could be there."""
    return np.array(
        [len({c.titles[i] for i in found(w)[:k]} & right) / min(k, len(right)) for w, right in answers.items()]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--forms", action="store_true")
    args = parser.parse_args()
    s = settings()
    data = sources.load("ml-100k", s.cache_dir, s.datasets)
    c = data.catalogue
    answers = wishes()["seen"]
    encoder = TextEncoder(s.cache_dir / "encoder")

    def recall(found: Callable[[str], list[int]], k: int) -> float:
        return float(recalls(c, answers, found, k).mean())

    print(f"{len(answers)} wishes, {len(c):,} films\n")
    if args.forms:
        index = word_index.index_of(c)
        print("| what the encoder reads | words weight | recall@10 | recall@5 | seconds |\n|---|---|---|---|---|")
        for name, form in FORMS.items():
            began = time.perf_counter()
            vectors = encoder.encode([form(c, item) for item in range(len(c))])
            seconds = time.perf_counter() - began
            for weight in (0.0, 0.15, 0.3, 0.5):

                def found(wish: str, vectors: np.ndarray = vectors, weight: float = weight) -> list[int]:
                    scores = vectors @ encoder.query(wish) + weight * index.coverage(wish)
                    return np.argsort(-scores, kind="stable")[:10].tolist()

                print(f"| {name} | {weight} | {recall(found, 10):.3f} | {recall(found, 5):.3f} | {seconds:.0f} |")
        print()

    texts = TextIndex.load(s.runs_dir / "ml-100k" / "text-index", encoder, c)
    generator: Recommender = configured("ease").fit(data)
    states = [data.state(user) for user in range(0, 60, 2)]
    print("| taste weight | recall@10 | recall@5 | generator's rank of the first five (geometric mean) |")
    print("|---|---|---|---|")
    for weight in (0.0, 0.05, 0.1, 0.15, 0.2, 0.3):
        pipeline = Pipeline(c, generator, None, texts, PipelineConfig(taste_weight=weight))
        at_10, at_5, ranks = [], [], []
        for state in states:
            lists = {w: pipeline.recommend(state, Request(k=10, wish=w, include_seen=True)).candidates for w in answers}
            at_10.append(recall(lambda w, lists=lists: [x.item for x in lists[w]], 10))  # type: ignore[misc]
            at_5.append(recall(lambda w, lists=lists: [x.item for x in lists[w]], 5))  # type: ignore[misc]
            ranks += [np.log(x.provenance[0].rank) for found_ in lists.values() for x in found_[:5]]
        print(f"| {weight} | {np.mean(at_10):.3f} | {np.mean(at_5):.3f} | {np.exp(np.mean(ranks)):.0f} |")

    popularity = data.popularity
    print("\n| wishes | popularity weight | recall@10 | recall@5 | recall@10 over none, 95 % |\n|---|---|---|---|---|")
    for name, some in wishes().items():
        without = np.zeros(len(some))
        for weight in (0.0, 0.2, 0.4, 0.8):
            pipeline = Pipeline(c, generator, None, texts, PipelineConfig(popularity_weight=weight), popularity)

            def asked(wish: str, pipeline: Pipeline = pipeline) -> list[int]:
                return [x.item for x in pipeline.recommend(UserState(), Request(k=10, wish=wish, said=wish)).candidates]

            ten, five = (recalls(c, some, asked, k) for k in (10, 5))
            without = ten if weight == 0 else without
            low, high = metrics.interval(ten - without)
            gain = f"{(ten - without).mean():+.3f} [{low:.3f}, {high:.3f}]"
            print(f"| {name} ({len(some)}) | {weight} | {ten.mean():.3f} | {five.mean():.3f} | {gain} |")


if __name__ == "__main__":
    main()
