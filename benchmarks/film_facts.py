"""How right film_facts.csv is: directors and actors against encyclopaedia extracts of the same films.

    python benchmarks/film_facts.py [--datasets FOLDER] [--show 20]

A film is checked when the folder film-texts holds an extract under the same title and year (one year of tolerance,
since release years differ by country). A director counts as confirmed when the extract names them; an actor when the
extract or its cast list does. An extract that names no director at all confirms and contradicts nothing.
"""

import argparse
import re
import unicodedata
from pathlib import Path

import pandas as pd

from app.settings import settings
from recommenders.data import sources

FACTS = Path(__file__).resolve().parent.parent / "recommenders" / "data" / "sources" / "film_facts.csv"


def plain(text: str) -> str:
    """Lower case, without accents, punctuation and articles at either end, so that spellings meet."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[^a-z0-9 ]+", " ", text)
    text = re.sub(r"\b(the|a|an)\b", " ", text)
    return " ".join(text.split())


def main() -> None:  # noqa: C901 a script, told in its order
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=settings().datasets)
    parser.add_argument("--show", type=int, default=20, help="disagreements to print")
    args = parser.parse_args()

    facts = pd.read_csv(FACTS, dtype=str, keep_default_na=False).set_index("item_id")
    print(f"{len(facts)} films. Filled cells:")
    for column in facts.columns:
        print(f"  {column:12} {(facts[column] != '').mean():6.1%}")

    texts = pd.read_csv(args.datasets / "film-texts" / "films.csv", dtype=str, keep_default_na=False)
    parts = texts["title"].str.extract(r"^(?P<name>.*?)\s*\((?P<year>\d{4})\)\s*$")
    extracts: dict[str, list[tuple[int, str, str]]] = {}
    for name, year, extract, cast in zip(parts["name"], parts["year"], texts["extract"], texts["cast"], strict=True):
        if isinstance(year, str):
            name = re.sub(r"^(.*), (The|A|An|La|Le|Les|Il|El|Das|Der|Die)( \(.*\))?$", r"\2 \1", name)
            name = re.sub(r"\s*\(.*?\)", "", name)
            extracts.setdefault(plain(name), []).append((int(year), plain(extract), plain(cast.replace("|", " "))))

    catalogue = sources.load("ml-100k", settings().cache_dir, args.datasets).catalogue
    checked = directors = directors_right = actors = actors_right = 0
    wrong: list[str] = []
    for item, item_id in enumerate(catalogue.ids.ids):
        if item_id not in facts.index:
            continue
        title = re.sub(r"\s*\(.*?\)", "", catalogue.titles[item])
        near = [e for e in extracts.get(plain(title), []) if abs(e[0] - int(catalogue.years[item])) <= 1]
        if not near:
            continue
        checked += 1
        _, extract, cast = near[0]
        row = facts.loc[item_id]
        named = [d for d in row["director"].split("|") if d]
        if named and "directed by" in extract:
            directors += 1
            if any(plain(d) in extract for d in named):
                directors_right += 1
            else:
                wrong.append(f"director of {catalogue.label(item)}: {row['director']!r}; extract: {extract[:160]}")
        for actor in (a for a in row["actors"].split("|") if a):
            if cast:
                actors += 1
                found = plain(actor) in cast or plain(actor) in extract
                actors_right += found
                if not found:
                    wrong.append(f"actor in {catalogue.label(item)}: {actor!r}; cast: {cast[:120]}")
    print(f"{checked} films have an extract.")
    print(f"directors: {directors_right} of {directors} confirmed ({directors_right / max(1, directors):.1%})")
    print(f"actors: {actors_right} of {actors} confirmed ({actors_right / max(1, actors):.1%}; cast lists are partial)")
    for line in wrong[: args.show]:
        print("  ", line)


if __name__ == "__main__":
    main()
