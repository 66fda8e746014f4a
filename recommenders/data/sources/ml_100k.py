"""MovieLens 100K: 100,000 ratings (1 to 5) of 1,682 films by 943 people, September 1997 to April 1998.

The files are those of the package recbole (its example data), read without installing it. What is done to them:

- Titles get their article in front ("Usual Suspects, The" -> "The Usual Suspects").
- Film 267 has no title, year or genre ("unkonwn"): nothing can be shown to a person, so it and its 9 ratings are left
  out. Film 1373 has the genre "unknown": kept, with no genre. Film 1412 has the year "V" and its year in the title.
- 18 films occur under two numbers (the data set's own slip). Both rows stay, since people rated both; the pipeline
  shows only one of a pair.
- What the data set lacks (director, actors, language, country, keywords, content notes) is joined from
  film_facts.csv beside this file, which this project wrote (docs/decisions/0003-film-facts.md); blank where not known.
- Postal codes of users are not taken over: nothing uses them, and they are the most personal column.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from app.errors import DataError
from recommenders.data.attributes import Schema, read_attribute
from recommenders.data.sources import _film_facts
from recommenders.data.sources._titles import article_first, split_year
from recommenders.data.tables import Catalogue, Dataset, IdMap, Interactions

LABEL = "MovieLens 100K"
LICENCE = (
    "GroupLens Research, University of Minnesota: free for research, not for commercial use, not to be redistributed; "
    "cite F. Maxwell Harper and Joseph A. Konstan, The MovieLens Datasets, ACM TiiS 5(4), 2015."
)
REQUIREMENT = "recbole==1.2.1"
ARCHIVE = MD5 = ""
MEMBERS = {f"ml-100k.{kind}": f"recbole/dataset_example/ml-100k/ml-100k.{kind}" for kind in ("inter", "item", "user")}
SHA256 = {
    "ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
    "ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
}
LEAST: dict[str, int] = {}
COST = "5 MB to fetch"
FACTS = Path(__file__).with_name("film_facts.csv")
RELATIVES = Path(__file__).with_name("film_relatives.csv")
# the people are there already, and a country is hardly asked for where a language is
DECLARED = Schema(read_attribute({"kind": "text", "name": n, "hidden": True}) for n in ("director", "country"))
HOW = "fetch it: chatrec data get ml-100k"


def folder(cache_dir: Path, datasets_dir: Path) -> Path:
    return cache_dir / "ml-100k"


def files(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / name for name in MEMBERS)


def also_read(folder: Path) -> tuple[Path, ...]:
    return (FACTS, RELATIVES)


def read(folder: Path) -> Dataset:
    items = _table(folder / "ml-100k.item", ("item_id", "movie_title", "release_year", "class"))
    items = items[items["movie_title"] != "unkonwn"].reset_index(drop=True)
    named = [split_year(title) for title in items["movie_title"]]
    years = pd.to_numeric(items["release_year"], errors="coerce")
    catalogue = Catalogue.of(
        pd.DataFrame(
            {
                "item_id": items["item_id"],
                "title": [article_first(title) for title, _ in named],
                "year": years.fillna(pd.Series([year for _, year in named], dtype="float64")),
                "genres": [tuple(g for g in row.split(" ") if g not in ("", "unknown")) for row in items["class"]],
                **_facts(items["item_id"]),
            }
        ),
        DECLARED,
    ).with_relatives(_relatives())
    people = _table(folder / "ml-100k.user", ("user_id", "age", "gender", "occupation"))
    users = people[["user_id", "gender", "occupation"]].copy()
    users.insert(1, "age", people["age"].astype(np.int64))

    rows = _table(folder / "ml-100k.inter", ("user_id", "item_id", "rating", "timestamp"))
    rows = rows[rows["item_id"].isin(set(catalogue.ids.ids))]
    user_numbers = IdMap(users["user_id"])
    interactions = Interactions.of(
        user_numbers.numbers(rows["user_id"]),
        catalogue.ids.numbers(rows["item_id"]),
        rows["rating"].to_numpy(np.float32),
        rows["timestamp"].astype(np.float64).to_numpy(np.int64),
    )
    return Dataset("ml-100k", catalogue, interactions, users, True, 4.0, LABEL, LICENCE)


_JOINED = ("director", "actors", "country", "language", "keywords")
"""Facts that become other columns; all others are attributes as they stand."""


def _facts(item_ids: pd.Series) -> dict[str, list[str]]:
    """The columns of the film facts in the order of the item ids, "" where not known or the table is not there."""
    facts = pd.read_csv(FACTS, dtype=str, keep_default_na=False).set_index("item_id") if FACTS.is_file() else None
    if facts is None:
        return {}
    facts = facts.reindex(item_ids, fill_value="")
    directors, actors = facts["director"].tolist(), facts["actors"].tolist()
    return {
        "people": [f"{d}|{a}".strip("|") for d, a in zip(directors, actors, strict=True)],
        "language": [row.partition("|")[0] for row in facts["language"]],
        "text": [row.replace("|", ", ") for row in facts["keywords"]],
        "director": [row.replace("|", ", ") for row in directors],
        "country": [row.replace("|", ", ") for row in facts["country"]],
        **{column: facts[column].tolist() for column in facts.columns if column not in _JOINED},
    }


def _relatives() -> pd.DataFrame:
    """Well-known films that the data set may lack, written as its own are."""
    films = _film_facts.relatives(RELATIVES)
    if films.empty:
        return films
    genres = [tuple({"Children": "Children's"}.get(g, g) for g in row.split("|")) for row in films["genres"]]
    return films.assign(text=[row.replace("|", ", ") for row in films["keywords"]], genres=genres)


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A file of RecBole's form: tab-separated, no quotes, the head names each column with its type ("age:token")."""
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, quoting=csv.QUOTE_NONE, keep_default_na=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise DataError(
            f"cannot read {path}: {error}; delete it and fetch it again: chatrec data get ml-100k"
        ) from error
    table.columns = [str(c).partition(":")[0] for c in table.columns]
    missing = [c for c in columns if c not in table]
    if missing:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; it has {', '.join(table.columns)}")
    return table
