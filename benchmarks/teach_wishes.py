"""Teaches the reader of wishes anew and writes its artefact (recommenders/wishes/wish_teaching.py says how).

python -m benchmarks.teach_wishes [--minutes 25] [--out FOLDER]
"""

import argparse
import csv
from pathlib import Path

from app.progress import bars
from app.settings import settings
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
    print("after:", held)
    middles = {"query_middle": query_middle, "item_middle": item_middle}
    write(args.out, pupil, columns, middles, vectors, {"learnt from": len(on.learnt), "held out": held})


if __name__ == "__main__":
    main()
