"""MovieLens latest-small: 100,836 ratings (0.5 to 5) of 9,742 films by 610 people, 1996 to 2018, from a folder.

Expected in `<datasets>/ml-latest-small`: movies.csv and ratings.csv as GroupLens publishes them. Where
`<datasets>/film-texts/films.csv` is there too, its extracts become the items' texts and its cast lists their people.
Thumbnails are mostly non-free and are not taken over.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from app.errors import DataError
from recommenders.data.sources import _film_facts
from recommenders.data.sources._titles import article_first, split_year
from recommenders.data.tables import Catalogue, Dataset, IdMap, Interactions

RELATIVES = Path(__file__).with_name("film_relatives.csv")
LABEL = "MovieLens latest-small"
LICENCE = (
    "GroupLens Research, University of Minnesota: not for commercial use; redistribution under the same conditions; "
    "cite F. Maxwell Harper and Joseph A. Konstan, The MovieLens Datasets, ACM TiiS 5(4), 2015. "
    "Film texts: Wikipedia and DBpedia, CC BY-SA."
)
REQUIREMENT = ""
MEMBERS: dict[str, str] = {}
SHA256: dict[str, str] = {}
HOW = "put the folder ml-latest-small of GroupLens there, or name its parent in CHATREC_DATASETS"


def folder(cache_dir: Path, datasets_dir: Path) -> Path:
    return datasets_dir / "ml-latest-small"


def files(folder: Path) -> tuple[Path, ...]:
    return (folder / "movies.csv", folder / "ratings.csv")


def also_read(folder: Path) -> tuple[Path, ...]:
    return (folder.parent / "film-texts" / "films.csv", RELATIVES)


def read(folder: Path) -> Dataset:
    films = _table(folder / "movies.csv", ("movieId", "title", "genres"))
    named = [split_year(title) for title in films["title"]]
    items = pd.DataFrame(
        {
            "item_id": films["movieId"],
            "title": [article_first(title) for title, _ in named],
            "year": pd.array([year for _, year in named], dtype="Int64"),
            "genres": films["genres"].replace("(no genres listed)", ""),
        }
    )
    texts, _ = also_read(folder)
    if texts.is_file():
        extracts = _table(texts, ("movieId", "extract", "cast")).set_index("movieId").reindex(films["movieId"])
        items["text"] = extracts["extract"].fillna("").str.split().str.join(" ").to_numpy()
        items["people"] = [_cast(names) for names in extracts["cast"].fillna("")]
    catalogue = Catalogue.of(items).with_relatives(_film_facts.relatives(RELATIVES))

    rows = _table(folder / "ratings.csv", ("userId", "movieId", "rating", "timestamp"))
    users = pd.DataFrame({"user_id": rows["userId"].drop_duplicates().to_numpy()})
    interactions = Interactions.of(
        IdMap(users["user_id"]).numbers(rows["userId"]),
        catalogue.ids.numbers(rows["movieId"]),
        rows["rating"].to_numpy(np.float32),
        rows["timestamp"].to_numpy(np.int64),
    )
    return Dataset("ml-latest-small", catalogue, interactions, users, True, 4.0, LABEL, LICENCE)


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    missing = [c for c in columns if c not in table]
    if missing:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; it has {', '.join(table.columns)}")
    return table


def _cast(names: str) -> tuple[str, ...]:
    """The cast without remarks such as "(voices)" or "Voices of"."""
    parts = (part.strip() for part in names.split("|"))
    return tuple(n for n in parts if n and not n.startswith("(") and n.casefold() not in ("voices", "voices of"))
