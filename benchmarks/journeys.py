"""How far a journey goes through the house: files that it enters, and calls from one file into another.

    python -m benchmarks.journeys [turn train evaluate]

`turn` is one message, "something scary from the 80s", of somebody new, with the default parts but no language model's
sentence; `train` is `chatrec train sasrec` and `evaluate` is `chatrec evaluate ease`, both on a small made-up data set.
Counted with sys.setprofile among the files of app, recommenders, llm and prompts; the first call of each journey is
made once before, so that imports do not count. Also how often a text is cut into words, and how many texts.
"""

import argparse
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from app.service import Chat, Store, Workbench
from app.settings import settings
from app.words import tokens
from benchmarks.synthetic import dataset
from recommenders.experiments import compare, train

ROOT = Path(__file__).resolve().parents[1]
OWN = tuple(f"{ROOT / package}/" for package in ("app", "recommenders", "llm", "prompts"))
MESSAGE = "something scary from the 80s"


class Traced:
    """files entered, calls across files, calls by function."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.across = 0
        self.calls: Counter[str] = Counter()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(OWN):
            return
        file = frame.f_code.co_filename
        self.files.add(file)
        self.calls[f"{Path(file).relative_to(ROOT)}:{frame.f_code.co_qualname}"] += 1
        back = frame.f_back
        if back is not None and back.f_code.co_filename.startswith(OWN) and back.f_code.co_filename != file:
            self.across += 1


def traced(journey: Callable[[], object]) -> Traced:
    journey()  # imports and caches
    tokens.cache_clear()
    found = Traced()
    threading.setprofile(found)
    sys.setprofile(found)
    try:
        journey()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return found


def turn() -> Callable[[], object]:
    """One message of somebody new, answered by the reader."""
    s = settings()
    folder = tempfile.mkdtemp()
    chat = Chat(Workbench(s), Store(f"sqlite:///{folder}/store.db"), s)

    def journey() -> None:
        talk = chat.start(chat.person(), backend="none:none")
        list(chat.send(talk.id, MESSAGE, threading.Event()))

    return journey


def training() -> Callable[[], object]:
    data = dataset(60, 80, 12)
    folder = Path(tempfile.mkdtemp())
    return lambda: train("sasrec", data, folder / "sasrec", config={"epochs": 1})


def evaluation() -> Callable[[], object]:
    data = dataset(60, 80, 12)
    return lambda: compare(["ease"], [], data)


JOURNEYS: dict[str, Callable[[], Callable[[], object]]] = {"turn": turn, "train": training, "evaluate": evaluation}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("journeys", nargs="*", default=list(JOURNEYS), help="turn, train, evaluate")
    parser.add_argument("--calls", type=int, default=0, help="the functions that are called most, so many")
    args = parser.parse_args()
    for name in args.journeys:
        found = traced(JOURNEYS[name]())
        print(
            f"{name:10} {len(found.files):4} files, {found.across:7,} calls from one file into another; "
            f"texts cut into words: {found.calls['app/words.py:tokens']}"
        )
        for function, n in found.calls.most_common(args.calls):
            print(f"{'':10} {n:7,} {function}")


if __name__ == "__main__":
    main()
