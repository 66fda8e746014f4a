"""Vector search at 10,000, 100,000 and a million items: recall, time against the bare FAISS call, memory.

    python -m benchmarks.retrieval [--sizes 10000 100000 1000000]

The vectors are made up in the shape of real ones (benchmarks/vectors.py, fitted to the film texts of ML-100K, so
`chatrec setup` must have run). Two kinds of queries: more vectors of that shape, and what people really wrote to a film
recommender (ReDial, where the folder of data sets has it), which are unlike the items and therefore harder. Times are
seconds of one core, the median over the queries; both calls of a ratio take turns, on the same index with the same
parameters. A million takes about three minutes and 5 GB. Results: benchmarks/results/retrieval.json
"""

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
from tqdm import tqdm

from app.settings import settings
from benchmarks.measure import about, peak, write
from benchmarks.vectors import Shape, neighbourhood
from recommenders.texts.text_index import TextEncoder
from recommenders.texts.vector_index import VectorIndex

K = 10
QUERIES = 200
ALLOWED = (0.5, 0.25, 0.1, 0.01)  # shares of the items that a filter lets pass
_WANTS = re.compile(r"\b(looking for|recommend|suggest|in the mood|something like|movies? like)\b", re.IGNORECASE)


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--sizes", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    sizes = given.parse_args().sizes
    faiss.omp_set_num_threads(1)

    real = _real()
    shape = Shape.of(real)
    queries = {"of the items' shape": shape.sample(QUERIES, seed=1)}
    spoken = _spoken(QUERIES)
    if spoken:
        queries["what people wrote"] = TextEncoder(settings().cache_dir / "encoder").encode(spoken)
    likeness = {"real": neighbourhood(real), "made up": neighbourhood(shape.sample(len(real)))}
    for name, found in likeness.items():
        print(f"{name:8} {len(real):,} vectors: " + ", ".join(f"{k} {v:.3f}" for k, v in found.items()))
    rows = [_measured(size, shape, queries) for size in sizes]
    write("retrieval", {**about(), "k": K, "likeness": likeness, "rows": rows})


def _real() -> np.ndarray:
    """The vectors of the film texts of ML-100K."""
    index = faiss.read_index(str(settings().runs_dir / "ml-100k" / "text-index" / "index.faiss"))
    return faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d).copy()


def _spoken(n: int) -> list[str]:
    """What seekers asked for, one message a dialogue; [] where the data are absent."""
    path = settings().datasets / "redial-valid" / "valid_data.jsonl"
    found: list[str] = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            dialogue = json.loads(line)
            own = [m["text"] for m in dialogue["messages"] if m["senderWorkerId"] == dialogue["initiatorWorkerId"]]
            found += [text for text in own if "@" not in text and len(text) > 30 and _WANTS.search(text)][:1]
    return found[:n]


def _measured(size: int, shape: Shape, queries: dict[str, np.ndarray]) -> dict[str, object]:
    vectors = shape.sample(size, seed=2)
    before, began = peak(reset=True), time.process_time()
    with tqdm(desc=f"  {size:,} items", leave=False) as bar:

        def progress(done: int, total: int, _: str) -> None:
            bar.total = total
            bar.update(done - bar.n)

        index = VectorIndex.build(vectors, "made up", progress=progress)
    row: dict[str, object] = {
        "items": size,
        "kind": index.kind,
        "build_cpu_seconds": round(time.process_time() - began, 1),
        "build_peak_mb": round(peak() - before),
    }
    del vectors
    row |= _stored(index)
    flat = faiss.IndexFlatIP(index.vectors.shape[1])
    flat.add(index.vectors)
    row["queries"] = {name: _searched(index, flat, some) for name, some in queries.items()}
    row["filtered"] = {str(share): _filtered(index, flat, queries, share) for share in ALLOWED}
    _show(row)
    return row


def _stored(index: VectorIndex) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        index.save(path)
        size = sum(f.stat().st_size for f in path.iterdir())
        began = time.perf_counter()
        VectorIndex.load(path, "made up")
        return {"file_mb": round(size / 1e6), "load_ms": round(1e3 * (time.perf_counter() - began), 1)}


def _raw(
    index: VectorIndex, allowed: np.ndarray | None = None
) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """The FAISS call that the wrapper makes, its parameters and selector prepared beforehand."""
    if index.kind == "flat":
        return lambda q: index._flat.search(q, K)
    parameters = index.parameters(K, allowed)
    return lambda q: index._refined.search(q, K, params=parameters)  # type: ignore[union-attr]


def _searched(index: VectorIndex, flat: faiss.IndexFlatIP, queries: np.ndarray) -> dict[str, float]:
    _, exact = flat.search(queries, K)
    ours, raw = _times((lambda q: index.search(q, K), _raw(index)), queries)
    (scan,) = _times((lambda q: flat.search(q, K),), queries[:20])
    found = index.search(queries, K)[1]
    return {"recall": _recall(found, exact), "ms": ours, "faiss_ms": raw, "ratio": ours / raw, "exact_ms": scan}


def _filtered(
    index: VectorIndex, flat: faiss.IndexFlatIP, queries: dict[str, np.ndarray], share: float
) -> dict[str, float]:
    """Half of the queries of each kind, under a random filter."""
    some = np.concatenate([q[: len(q) // 4] for q in queries.values()])
    allowed = np.random.default_rng(3).random(len(index)) < share
    only = faiss.SearchParameters(sel=faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little")))
    _, exact = flat.search(some, K, params=only)
    found = index.search(some, K, allowed=allowed)[1]
    if not allowed[found].all():
        raise AssertionError("a filter was violated")
    bare = index.kind == "flat" or share < 0.2  # all allowed vectors are compared: FAISS's exact search likewise
    raw_call = (lambda q: flat.search(q, K, params=only)) if bare else _raw(index, allowed)
    ours, raw = _times((lambda q: index.search(q, K, allowed=allowed), raw_call), some)
    return {"recall": _recall(found, exact), "ms": ours, "faiss_ms": raw, "ratio": ours / raw}


def _times(calls: tuple[Callable[[np.ndarray], object], ...], queries: np.ndarray) -> list[float]:
    """Of each call, the median milliseconds of this thread's processor time for one query; they take turns."""
    spent = np.empty((len(queries), len(calls)))
    for call in calls:
        call(queries[:1])  # the first call pays for pages and imports
    for n in range(len(queries)):
        order = range(len(calls)) if n % 2 else reversed(range(len(calls)))  # the second one finds a warm cache
        for c in order:
            began = time.thread_time()
            calls[c](queries[n : n + 1])
            spent[n, c] = time.thread_time() - began
    return [float(t) for t in 1e3 * np.median(spent, axis=0)]


def _recall(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / K for a, b in zip(found.tolist(), exact.tolist(), strict=True)]))


def _show(row: dict[str, object]) -> None:
    told = ("kind", "build_cpu_seconds", "build_peak_mb", "file_mb", "load_ms")
    print(f"\n{row['items']:,} items: " + ", ".join(f"{k} {row[k]}" for k in told))
    print(f"  {'':28} {'recall@10':>9} {'ms':>7} {'FAISS':>7} {'ratio':>6}")
    parts = [(name, x) for name, x in row["queries"].items()]  # type: ignore[attr-defined]
    parts += [(f"{float(share):.0%} allowed", x) for share, x in row["filtered"].items()]  # type: ignore[attr-defined]
    for name, x in parts:
        scan = f"   exact scan {x['exact_ms']:.2f} ms" if "exact_ms" in x else ""
        print(f"  {name:28} {x['recall']:9.3f} {x['ms']:7.2f} {x['faiss_ms']:7.2f} {x['ratio']:6.2f}{scan}")


if __name__ == "__main__":
    main()
