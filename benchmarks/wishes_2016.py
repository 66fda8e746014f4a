"""How well wishes in people's words find films of movielens-2016, in six languages.

    python -m benchmarks.wishes_2016 [--write] [--worst 15]

wishes.csv: 169 wishes with known answers (70 describe one film, 49 a theme, 50 a mood or an occasion), written with no
ranking in sight by somebody who wrote none of the lessons, and put into five other languages. Every film that is
described there was held out when the reader was taught. recall@10: answers among the first ten, of as many as could be
there; themes and moods have more good answers than are listed, so that 1 cannot be reached there.

Rows: bare words; each encoder as it comes, with the films' texts and then with the requests that were written for films
besides; the reader that was taught; the whole pipeline for somebody of whom nothing is known.
"""

import argparse
import csv
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from app.service import Workbench
from app.settings import settings
from benchmarks.measure import write
from recommenders.contract import Request
from recommenders.data import Catalogue, UserState, sources
from recommenders.texts import TextEncoder, TextIndex, word_index
from recommenders.wishes import WishIndex, WishReader, multilingual

WISHES = Path(__file__).with_name("wishes.csv")
LANGUAGES = ("en", "de", "fr", "es", "it", "pt")
KINDS = ("one", "theme", "mood")
Ranked = Callable[[str], np.ndarray]  # a wish -> (I,) scores, or (n,) items best first where it is ints


def wishes() -> list[dict[str, str]]:
    with WISHES.open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


def recall(found: np.ndarray, answers: set[int], k: int = 10) -> float:
    top = found[:k] if found.dtype.kind == "i" else np.argsort(-found, kind="stable")[:k]
    return len({*top.tolist()} & answers) / min(k, len(answers))


def row(catalogue: Catalogue, ranked: Ranked, asked: list[dict[str, str]]) -> dict[str, object]:
    """Recall by language and kind, and milliseconds a wish (median)."""
    found: dict[str, object] = {}
    seconds = []
    for language in LANGUAGES:
        values: dict[str, list[float]] = {kind: [] for kind in KINDS}
        for wish in asked:
            began = time.perf_counter()
            scores = ranked(wish[language])
            seconds.append(time.perf_counter() - began)
            answers = {catalogue.ids.number(i) for i in wish["answers"].split("|")}
            values[wish["kind"]].append(recall(scores, answers))
        every = [v for some in values.values() for v in some]
        found[language] = {"all": round(float(np.mean(every)), 3)} | {
            kind: round(float(np.mean(some)), 3) for kind, some in values.items()
        }
    found["ms"] = round(1000 * float(np.median(seconds)), 1)
    return found


def rows(bench: Workbench) -> Mapping[str, Ranked]:
    s, c = bench.settings, bench.catalogue
    index, texts = word_index.index_of(c), bench.text_index()
    assert isinstance(texts, TextIndex)
    encoder = texts.encoder
    requests = sources.requests(s.dataset)
    owners = np.array([c.ids.number(i) for i, _ in requests])
    plain = multilingual.Encoder(s.cache_dir / "encoder" / multilingual.FILE)
    wished = WishIndex.build(WishReader(plain), c, requests, folder=bench.runs / "wish-index")
    voices = plain.encode([multilingual.QUERY + t for _, t in requests]) - wished.reader.query_middle
    voices /= np.linalg.norm(voices, axis=1, keepdims=True)
    pipeline = bench.pipeline(bench.standing_in("ease"), None)

    def e5(text: str) -> np.ndarray:
        return plain.encode([multilingual.QUERY + text])[0] - wished.reader.query_middle

    def with_requests(vectors: np.ndarray, voices: np.ndarray, query: Callable[[str], np.ndarray]) -> Ranked:
        middle = vectors.copy()
        np.add.at(middle, owners, voices)
        middle /= np.linalg.norm(middle, axis=1, keepdims=True)

        def ranked(text: str) -> np.ndarray:
            q = query(text)
            near = vectors @ q
            np.maximum.at(near, owners, voices @ q)
            return near + middle @ q

        return ranked

    small = TextEncoder(s.cache_dir / "encoder").encode([t for _, t in requests])
    return {
        "words": index.coverage,
        "MiniLM, texts": lambda t: texts.vectors @ encoder.query(t),
        "MiniLM, texts and requests": with_requests(texts.vectors, small, encoder.query),
        "e5, texts": lambda t: wished.texts @ e5(t),
        "e5, texts and requests": with_requests(wished.texts, voices, e5),
        "reader": wished.scores,
        "pipeline": lambda t: np.array(
            [x.item for x in pipeline.recommend(UserState(), Request(k=10, wish=t)).candidates]
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep the figures in benchmarks/results")
    parser.add_argument("--worst", type=int, default=0, help="wishes in English that the reader answers worst")
    args = parser.parse_args()
    bench = Workbench(settings().model_copy(update={"dataset": "movielens-2016"}))
    asked, report = wishes(), {}
    known = rows(bench)
    for name, ranked in known.items():
        report[name] = found = row(bench.catalogue, ranked, asked)
        print(f"{name:28} {found['ms']:>6} ms  " + "  ".join(f"{k} {found[k]}" for k in LANGUAGES), flush=True)
    c = bench.catalogue
    worst = []
    for wish in asked if args.worst else ():
        scores = known["reader"](wish["en"])
        value = recall(scores, {c.ids.number(i) for i in wish["answers"].split("|")})
        worst.append((value, wish["en"], [c.titles[i] for i in np.argsort(-scores)[:8]]))
    for line in sorted(worst)[: args.worst]:
        print(*line)
    if args.write:
        write("wishes_2016", report)


if __name__ == "__main__":
    main()
