"""How long each model takes to score 500 candidates of one user: python -m benchmarks.candidates [--models afm din]

The boards take this beside whatever else the machine does; here it is the median over 40 users of MovieLens 100K on one
thread, the models one after the other, each trained for one epoch, since how long it takes does not depend on how well
it learnt. UNBERT is left out: its one epoch takes minutes, and it is two orders of magnitude above the others.
"""

import argparse
import time
import warnings

import numpy as np
import torch
from tqdm import tqdm

from app.settings import settings
from benchmarks.measure import about, write
from recommenders.contract import registry
from recommenders.contract.config import tuned
from recommenders.data import sources
from recommenders.experiments.boards import CANDIDATES

USERS = 40
LEFT_OUT = ("mint", "unbert")  # MINT answers with its generator's vectors, and needs narratives
BRIEF = {"epochs": 1, "negatives": 4, "batch_size": 4096}


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--models", nargs="*", help="all but those left out, unless given")
    options = given.parse_args()
    torch.set_num_threads(1)
    s = settings()
    data = sources.load("ml-100k", s.cache_dir, s.datasets)
    rng = np.random.default_rng(0)
    states = [data.state(user) for user in range(USERS)]
    candidates = [rng.choice(len(data.catalogue), CANDIDATES, replace=False)[None] for _ in states]
    took: dict[str, float] = {}
    for name in tqdm(options.models or [n for n in registry.names() if n not in LEFT_OUT]):
        cls = registry.get(name)
        brief = {key: value for key, value in BRIEF.items() if hasattr(cls.Config, key)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # read-only arrays handed to torch
            model = cls(cls.Config(**{**tuned(name), **brief})).fit(data)
        seconds = []
        for state, rows in zip(states, candidates, strict=True):
            began = time.perf_counter()
            model.score([state], rows)
            seconds.append(time.perf_counter() - began)
        took[name] = 1000 * float(np.median(seconds[1:]))
        tqdm.write(f"{name:16}{took[name]:8.2f} ms")
    if not options.models:
        write("candidates", {"about": about(), "candidates": CANDIDATES, "users": USERS, "milliseconds": took})


if __name__ == "__main__":
    main()
