"""MovieLens 32M: 32,000,204 ratings (0.5 to 5) of 87,585 films by 200,948 people, 1995 to 2023.

movies.csv and ratings.csv as GroupLens publishes them, in `<datasets>/ml-32m`, else in the cache, where
`chatrec data get ml-32m` puts them. The best-known films get the facts of film_facts_2016.csv (the same movieIds).
"""

from pathlib import Path

import psutil

from app.errors import DataError
from recommenders.data.sources import _movielens_csv
from recommenders.data.tables import Dataset

LABEL = "MovieLens 32M"
LICENCE = (
    "GroupLens Research, University of Minnesota: not for commercial use; redistribution under the same conditions; "
    "cite F. Maxwell Harper and Joseph A. Konstan, The MovieLens Datasets, ACM TiiS 5(4), 2015."
)
REQUIREMENT = ""
ARCHIVE = "https://files.grouplens.org/datasets/movielens/ml-32m.zip"
MD5 = "d472be332d4daa821edc399621853b57"
MEMBERS = {name: f"ml-32m/{name}" for name in ("movies.csv", "ratings.csv")}
LEAST: dict[str, int] = {}
SHA256: dict[str, str] = {}
HOW = "fetch it: chatrec data get ml-32m, or put GroupLens' folder into the one that CHATREC_DATASETS names"
COST = "239 MB to fetch, 900 MB on the disk, about 4 GB of memory to read; every model takes long on it"
_BYTES_A_BYTE = 4.5  # of memory at the peak for a byte of ratings.csv: the table, its columns as numbers, their order


def folder(cache_dir: Path, datasets_dir: Path) -> Path:
    own = datasets_dir / "ml-32m"
    return own if own.is_dir() else cache_dir / "ml-32m"


def files(folder: Path) -> tuple[Path, ...]:
    return (folder / "movies.csv", folder / "ratings.csv")


def also_read(folder: Path) -> tuple[Path, ...]:
    return (_movielens_csv.FACTS,)


def read(folder: Path) -> Dataset:
    needed, free = _BYTES_A_BYTE * (folder / "ratings.csv").stat().st_size, psutil.virtual_memory().available
    if needed > free:
        raise DataError(f"{LABEL} takes about {needed / 1e9:.1f} GB of memory to read; {free / 1e9:.1f} GB are free")
    return _movielens_csv.read(folder, LABEL, LICENCE)
