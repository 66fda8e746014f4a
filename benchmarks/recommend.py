"""Quality and cost of the recommenders and of the whole pipeline on ML-100K: python benchmarks/recommend.py

Protocol: leave-last-one-out by time, full ranking, seen items excluded, nothing sampled; fitted on the training part,
pipelines tuned on the validation items, figures of the test items. Hyper-parameters are those of recommenders/configs,
chosen on the validation items.
"""

import argparse
import platform
from pathlib import Path

import torch

from app.progress import bars
from app.settings import settings
from recommenders.data import sources
from recommenders.experiments.compare import compare, comparison_table

MODELS = ("popularity", "item_knn", "ease", "user_autorec", "sasrec")
PIPELINES = ("sasrec+user_autorec", "sasrec+ease", "sasrec+deepfm")

# Test NDCG@10 and Recall@10 of other libraries on this protocol and data.
REFERENCES = {
    "popularity (RecBole)": (0.039, 0.084),
    "item-kNN (RecBole)": (0.063, 0.115),
    "EASE (RecBole)": (0.071, 0.135),
    "implicit ALS": (0.070, 0.138),
    "SASRec (target)": (0.090, None),
}


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--data", default="ml-100k")
    given.add_argument("--models", nargs="*", default=list(MODELS))
    given.add_argument("--pipelines", nargs="*", default=list(PIPELINES))
    given.add_argument("--on", choices=("test", "valid"), default="test")
    given.add_argument("--threads", type=int, default=None, help="of torch; its own choice unless given")
    arguments = given.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    s = settings()
    data = sources.load(arguments.data, s.cache_dir, s.datasets)
    with bars() as progress:
        rows = compare(arguments.models, arguments.pipelines, data, on=arguments.on, progress=progress)
    print(f"{data.name}, {arguments.on} items, {_hardware()}")
    print(comparison_table(rows))
    if arguments.data == "ml-100k" and arguments.on == "test":
        print("\nReferences (NDCG@10 / Recall@10):")
        for name, (ndcg, recall) in REFERENCES.items():
            print(f"  {name:22} {ndcg:.3f}" + (f" / {recall:.3f}" if recall else ""))


def _hardware() -> str:
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    cores = f"{len(names)} × {names[0]}" if names else platform.machine()
    return f"{cores}, torch {torch.__version__} with {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
