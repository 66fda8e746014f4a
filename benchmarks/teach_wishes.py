"""Teaches the reader of wishes anew and writes its artefact (recommenders/wishes/wish_teaching.py says how).

python -m benchmarks.teach_wishes [--minutes 25] [--out FOLDER]
"""

import argparse
import csv
import random
from pathlib import Path

import numpy as np
import torch

from app.progress import bars
from app.settings import settings
from app.understanding.lessons.lessons import lessons as messages
from recommenders.data import sources
from recommenders.wishes.multilingual import FILE, Encoder
from recommenders.wishes.wish_reader import ARTEFACT
from recommenders.wishes.wish_teaching import (
    Pupil,
    Teaching,
    course,
    lessons,
    look,
    lower_states,
    prepared,
    teach,
    told_apart,
    write,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=Teaching.minutes)
    parser.add_argument("--out", type=Path, default=ARTEFACT)
    parser.add_argument("--held", type=Path, default=Path("benchmarks/wishes.csv"), help="answers that stay out")
    args = parser.parse_args()
    s, how = settings(), Teaching(minutes=args.minutes)
    data = sources.load("movielens-2016", s.cache_dir, s.datasets)
    requests = sources.requests("movielens-2016")
    with args.held.open(encoding="utf-8") as f:
        out = {i for row in csv.DictReader(f) if row["kind"] == "one" for i in row["answers"].split("|")}
    encoder = Encoder(s.cache_dir / "encoder" / FILE)
    with bars() as progress:
        vectors, items, query_middle, item_middle, columns, alike = prepared(data, requests, encoder, progress)
        on = course(data, requests, lessons(), alike, {data.catalogue.ids.number(i) for i in out})
        states = lower_states(encoder, on.texts, how.layers, progress)
        pupil = Pupil(encoder.last_layers(how.layers), len(columns), query_middle, how.dropout)
        print("before:", look(pupil, items, states, on.held))
        teach(pupil, items, states, on, how, progress)
        held = look(pupil, items, states, on.held)
        asks = told_apart(*(vectors_of(pupil, lower_states(encoder, t, how.layers, progress)) for t in both_sides()))
    print("after:", held)
    middles = {"query_middle": query_middle, "item_middle": item_middle}
    write(args.out, pupil, columns, middles, vectors, {"learnt from": len(on.learnt), "held out": held}, asks)


@torch.inference_mode()
def vectors_of(pupil: Pupil, states: list[np.ndarray]) -> np.ndarray:
    pupil.eval()
    return np.concatenate([pupil(states[n : n + 64]).numpy() for n in range(0, len(states), 64)])


def both_sides() -> tuple[list[str], list[str]]:
    """Wishes and requests; and messages that ask for no items, composed ones and real ones (without those of IARD)."""
    chance, some = random.Random(0), lessons()
    chance.shuffle(some)
    wishes = [text for lesson in some for text in chance.sample(list(lesson.said.values()), 2)]
    wishes += [text for _, text in chance.sample(sources.requests("movielens-2016"), 700)]
    taught = messages(settings(), dialogues=700, checks=10, most=400, seed=1)
    talk = [m.text for m in (*taught.composed, *taught.real) if m.intent in _NO_WISH]
    return wishes, chance.sample(sorted(set(talk)), min(1500, len(set(talk))))


_NO_WISH = ("chat", "stop", "elsewhere", "ask_item", "feedback", "explain", "compare")


if __name__ == "__main__":
    main()
