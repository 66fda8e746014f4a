"""MovieLens latest-small: 100,836 ratings (0.5 to 5) of 9,742 films by 610 people, 1996 to 2018.

movies.csv and ratings.csv as GroupLens publishes them, in `<datasets>/ml-latest-small`, else in the cache, where
`chatrec data get ml-latest-small` puts them. Films get the facts of film_facts_2016.csv (the same movieIds). Where
`film-texts/films.csv` lies beside the folder, its extracts and casts go before. Thumbnails are mostly non-free and are
not taken over.
"""

from pathlib import Path

from recommenders.data.sources import _film_facts, _movielens_csv
from recommenders.data.tables import Dataset

RELATIVES = Path(__file__).with_name("film_relatives.csv")
LABEL = "MovieLens latest-small"
LICENCE = (
    "GroupLens Research, University of Minnesota: not for commercial use; redistribution under the same conditions; "
    "cite F. Maxwell Harper and Joseph A. Konstan, The MovieLens Datasets, ACM TiiS 5(4), 2015. "
    "Film texts: Wikipedia and DBpedia, CC BY-SA."
)
REQUIREMENT = ""
ARCHIVE = "https://files.grouplens.org/datasets/movielens/ml-latest-small.zip"
MD5 = ""  # "latest" changes now and then: members and sizes are checked
MEMBERS = {name: f"ml-latest-small/{name}" for name in ("movies.csv", "ratings.csv")}
LEAST = {"movies.csv": 400_000, "ratings.csv": 2_000_000}
SHA256: dict[str, str] = {}
REQUESTS = _film_facts.REQUESTS
HOW = "fetch it: chatrec data get ml-latest-small, or put GroupLens' folder into the one that CHATREC_DATASETS names"
COST = "1 MB to fetch"


def folder(cache_dir: Path, datasets_dir: Path) -> Path:
    own = datasets_dir / "ml-latest-small"
    return own if own.is_dir() else cache_dir / "ml-latest-small"


def files(folder: Path) -> tuple[Path, ...]:
    return (folder / "movies.csv", folder / "ratings.csv")


def also_read(folder: Path) -> tuple[Path, ...]:
    return (folder.parent / "film-texts" / "films.csv", _movielens_csv.FACTS, RELATIVES)


def read(folder: Path) -> Dataset:
    return _movielens_csv.read(folder, LABEL, LICENCE, also_read(folder)[0], RELATIVES)
