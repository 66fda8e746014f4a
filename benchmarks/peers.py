"""Speed and quality beside the field's libraries and a hand-written floor: python benchmarks/peers.py

    python benchmarks/peers.py --set-up                     environments of the peers, once
    python benchmarks/peers.py                              everything that is not measured yet
    python benchmarks/peers.py --only ctr-speed --models deepfm dcn
    python benchmarks/peers.py --sides ours --again         ours anew, beside what the others gave
    python benchmarks/peers.py --show                       the tables of what has been measured

Every measurement is a process of its own and is kept in benchmarks/results/peers.json as soon as it is made, so a run
that is broken off goes on where it was. CPU seconds are the headline: other work on the machine touches them less.

Click task: MovieLens 100K, rating ≥ 4, the rows and fields of peers/ctr_tables.py for all sides; embeddings of 16, a
deep part of 256 and 128, Adam with 1e-3. Top-N: leave-last-one-out by time, the whole catalogue ranked, seen items left
out.
"""

import argparse
import os
import sys
from pathlib import Path

from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the project, from wherever this is called

from peers import ctr, ctr_tables, top_n
from peers.environments import FUXICTR, Home, NotSetUp
from peers.process import Failed, hardware, measure
from peers.results import Results

from app.settings import settings
from recommenders.data import sources

PARTS = ("ctr-speed", "ctr-quality", "top-n", "ctr-wall")  # wall seconds at two threads need an idle machine
RESULTS = Path(__file__).parent / "results" / "peers.json"
DATA = "ml-100k"


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--set-up", action="store_true", help="install the peers into environments of their own")
    given.add_argument("--fuxictr", default=FUXICTR, help="git repository of FuxiCTR's model files")
    given.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    given.add_argument("--models", nargs="+", help="names as in the tables; all unless given")
    given.add_argument("--sides", nargs="+", choices=tuple(dict.fromkeys((*ctr.SIDES, *top_n.SIDES))))
    given.add_argument("--seeds", type=int, default=1, help="of quality; speed is of the first")
    given.add_argument("--again", action="store_true", help="measure anew what is there already")
    given.add_argument("--show", action="store_true", help="measure nothing")
    given.add_argument("--results", type=Path, default=RESULTS)
    arguments = given.parse_args()

    s = settings()
    home = Home(s.cache_dir.resolve() / "peers")
    if arguments.set_up:
        home.set_up(arguments.fuxictr, lambda text: print(text, flush=True))
        return
    results = Results.read(arguments.results)
    if not arguments.show:
        known = {*ctr.MODELS, *(model for _, _, models in top_n.SIDES.values() for model in models)}
        if unknown := set(arguments.models or ()) - known:
            given.error(f"unknown model {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
        sides = arguments.sides or tuple(dict.fromkeys((*ctr.SIDES, *top_n.SIDES)))
        todo = _todo(arguments, sides, results)
        for run in todo:
            home.python(_environment(run))  # before anything is measured
        results = _measure(todo, home, arguments.results)
    print(f"{results.hardware}; {results.load}; {', '.join(f'{n} {v}' for n, v in sorted(results.versions.items()))}\n")
    print(ctr.report(list(results.clicks.values())))
    print()
    print(top_n.report(list(results.top_n.values())))


def _todo(arguments: argparse.Namespace, sides: tuple[str, ...], results: Results) -> list[ctr.Run | top_n.Run]:
    models = arguments.models
    todo: list[ctr.Run | top_n.Run] = []
    if set(arguments.only) - {"top-n"}:
        chosen = [m for m in ctr.MODELS if not models or m in models]
        todo += ctr.runs(arguments.only, chosen, [side for side in ctr.SIDES if side in sides], arguments.seeds)
    if "top-n" in arguments.only:
        todo += top_n.runs(models, [side for side in top_n.SIDES if side in sides], arguments.seeds)
    there = {*results.clicks, *results.top_n}
    return [run for run in todo if arguments.again or run.key not in there]


def _environment(run: ctr.Run | top_n.Run) -> str:
    return (ctr.SIDES if isinstance(run, ctr.Run) else top_n.SIDES)[run.side][0]


def _measure(todo: list[ctr.Run | top_n.Run], home: Home, path: Path) -> Results:
    """Measure one after the other; what has been measured in all."""
    s = settings()
    data = sources.load(DATA, s.cache_dir, s.datasets)
    ours = {"data": DATA, "cache": str(s.cache_dir.resolve()), "datasets": str(s.datasets.resolve())}
    for split in ctr_tables.SPLITS:
        ctr_tables.write(data, split, home.folder / f"ctr-{split}.npz")
    top_n.write(data, home.folder / "top-n.npz")
    failed, results = [], Results.read(path)
    with tqdm(todo, unit="measurement") as bar:
        for run in bar:
            bar.set_description(run.key)
            environment, module = (ctr.SIDES if isinstance(run, ctr.Run) else top_n.SIDES)[run.side][:2]
            python = home.python(environment)
            try:
                if isinstance(run, ctr.Run):
                    tables, more = home.folder / f"ctr-{run.split}.npz", ours | {"models": str(home.models)}
                else:
                    tables, more = home.folder / "top-n.npz", ours
                answer = measure(python, module, run.task(str(tables), more))
            except Failed as error:
                failed.append(run.key)
                tqdm.write(f"{run.key}: {error}")
                continue
            results = Results.read(path)  # another run may have added to it meanwhile
            if isinstance(run, ctr.Run):
                results.clicks[run.key] = run.measured(answer)
            else:
                results.top_n[run.key] = run.measured(answer)
            if environment != "ours":
                results.versions |= home.versions(environment)
            results.hardware, results.load = hardware(), f"load {os.getloadavg()[1]:.1f} at the end"
            results.write(path)
    if failed:
        print(f"failed: {', '.join(failed)}")
    return results


if __name__ == "__main__":
    try:
        main()
    except NotSetUp as error:
        sys.exit(str(error))
