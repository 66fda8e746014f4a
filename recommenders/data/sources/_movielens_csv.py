"""The tables movies.csv and ratings.csv as GroupLens publishes them with its newer sets, read within little memory."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from app.errors import DataError
from recommenders.data.sources import _film_facts
from recommenders.data.sources._titles import article_first, split_year
from recommenders.data.tables import Catalogue, Dataset, Interactions

FACTS = Path(__file__).with_name("film_facts_2016.csv")
_RATINGS = {"userId": pa.int32(), "movieId": pa.int32(), "rating": pa.float32(), "timestamp": pa.int64()}


def read(folder: Path, label: str, licence: str, texts: Path | None = None, relatives: Path | None = None) -> Dataset:
    """The data set in `folder`, of its name. Films get what this project knows of them; what `texts` (columns movieId,
    extract and cast) says of one goes before."""
    films = table(folder / "movies.csv", ("movieId", "title", "genres"))
    named = [split_year(title) for title in films["title"]]
    items, schema = _film_facts.joined(
        pd.DataFrame(
            {
                "item_id": films["movieId"],
                "title": [article_first(title) for title, _ in named],
                "year": pd.array([year for _, year in named], dtype="Int64"),
                "genres": films["genres"].replace("(no genres listed)", ""),
            }
        ),
        FACTS,
    )
    if texts is not None and texts.is_file():
        own = table(texts, ("movieId", "extract", "cast")).set_index("movieId").reindex(films["movieId"])
        extracts = own["extract"].fillna("").str.split().str.join(" ").tolist()
        casts = ["|".join(_cast(names)) for names in own["cast"].fillna("")]
        for column, cells in (("text", extracts), ("people", casts)):
            known = items[column] if column in items else [""] * len(items)
            items[column] = [cell or other for cell, other in zip(cells, known, strict=True)]
    catalogue = Catalogue.of(items, schema)
    if relatives is not None:
        catalogue = catalogue.with_relatives(_film_facts.relatives(relatives))
    return Dataset(folder.name, *_ratings(folder / "ratings.csv", catalogue), True, 4.0, label, licence)


def _ratings(path: Path, catalogue: Catalogue) -> tuple[Catalogue, Interactions, pd.DataFrame]:
    try:
        rows = csv.read_csv(
            path, convert_options=csv.ConvertOptions(column_types=_RATINGS, include_columns=[*_RATINGS])
        )
    except KeyError as error:  # a column that is not there
        raise DataError(f"{path} lacks a column: {error.args[0]}") from error
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    user, ids = pd.factorize(rows["userId"].to_numpy())
    item = pd.Index(np.array(catalogue.ids.ids, dtype=np.int32)).get_indexer(rows["movieId"].to_numpy())
    if (item < 0).any():
        raise DataError(f"{path} rates films that movies.csv lacks")
    interactions = Interactions.of(user, item, rows["rating"].to_numpy(), rows["timestamp"].to_numpy())
    return catalogue, interactions, pd.DataFrame({"user_id": ids.astype(str)})


def table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """A small table, all cells as text. DataError where it can't be read or lacks a column."""
    try:
        found = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    missing = [c for c in columns if c not in found]
    if missing:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; it has {', '.join(found.columns)}")
    return found


def _cast(names: str) -> tuple[str, ...]:
    """The cast without remarks such as "(voices)" or "Voices of"."""
    parts = (part.strip() for part in names.split("|"))
    return tuple(n for n in parts if n and not n.startswith("(") and n.casefold() not in ("voices", "voices of"))
