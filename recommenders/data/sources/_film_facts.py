"""What this project knows of films by heart (film_facts_2016.csv, keyed by MovieLens' movieId), joined to the films of
a data set as columns and the attributes that they are.

Judgements (levels, moods, ages) are told and filtered by like facts; what a word of every day could be taken for
("happy", "date", "slow") is never heard as a condition: a wish finds it by meaning (recommenders/texts).
"""

import tomllib
from pathlib import Path

import pandas as pd

from recommenders.data.attributes import Schema, read_attribute

_LEVELS = ("none", "mild", "moderate", "strong")
_HUMOUR = ("not funny", "a little funny", "funny", "very funny")
_OF = "based on"
_SOURCES = {
    "true story": f"{_OF} a true story", "book": f"{_OF} a book", "play": f"{_OF} a play", "comic": f"{_OF} a comic",
    "tv series": f"{_OF} a television series", "short story": f"{_OF} a short story", "musical": f"{_OF} a musical",
    "game": f"{_OF} a game", "fairy tale": f"{_OF} a fairy tale", "film": "a remake",
    "original": "an original story",
}  # fmt: skip
"""What a film was made of -> how it is said."""

REQUESTS = Path(__file__).with_name("film_requests.csv")
"""Requests in people's words that were written for these films: what they are searched by besides their texts."""
_ATTRIBUTES = Path(__file__).with_name("film_attributes.toml")
SCHEMA = Schema(read_attribute(row) for row in tomllib.loads(_ATTRIBUTES.read_text(encoding="utf-8"))["attribute"])
"""The attributes of the joined columns; violence, sex and frightening are the catalogue's own content notes."""

_COMPANY = {"date": "a date", "friends": "friends", "family": "the family", "alone": "one alone"}


def joined(items: pd.DataFrame, facts: Path) -> tuple[pd.DataFrame, Schema]:
    """items: item_id (movieId), title, year, genres. The same with the columns of the facts, "" where nothing is known,
    and their attributes; without the file as they came."""
    if not facts.is_file():
        return items, Schema()
    known = pd.read_csv(facts, dtype=str, keep_default_na=False).set_index("movie_id")
    f = known.reindex(items["item_id"], fill_value="").reset_index(drop=True)
    in_table = pd.Series([i in known.index for i in items["item_id"]])
    return items.assign(**_columns(f, in_table)), SCHEMA


def relatives(table: Path) -> pd.DataFrame:
    """The well-known films of film_relatives.csv (title, year, genres and the columns of the facts) with the columns
    that `joined` gives; no rows without the file."""
    if not table.is_file():
        return pd.DataFrame({"item_id": [], "title": [], "year": [], "genres": []})
    f = pd.read_csv(table, dtype=str, keep_default_na=False)
    plain = f[["title", "year", "genres"]].assign(item_id=[f"{t} ({y})" for t, y in zip(f.title, f.year, strict=True)])
    return plain.assign(**_columns(f, pd.Series(True, index=f.index)))


def _columns(f: pd.DataFrame, known: pd.Series) -> dict[str, object]:
    def level(column: str, names: tuple[str, ...] = _LEVELS) -> list[str]:
        return [names[int(v)] if v else "" for v in f[column]]

    part = pd.to_numeric(f["series_number"], errors="coerce")
    return {
        "plot": f["plot"],
        "director": f["director"],
        "actors": f["actors"],
        "people": [f"{d}|{a}".strip("|") for d, a in zip(f["director"], f["actors"], strict=True)],
        "language": f["language"].str.partition("|")[0],
        "country": f["country"],
        "text": [_text(*row) for row in zip(f["plot"], f["keywords"], f["moods"], strict=True)],
        "minutes": f["minutes"],
        "certificate": f["certificate"].replace("not rated", ""),
        "age": f["age"],
        "black_and_white": f["colour"].map({"black and white": "yes", "colour": "no"}).fillna(""),
        "moods": f["moods"],
        "keywords": f["keywords"],
        "pace": f["pace"],
        "humour": level("humour", _HUMOUR),
        **{column: level(column) for column in ("violence", "sex", "frightening", "strong_language", "drugs")},
        "based_on": ["|".join(_SOURCES[s] for s in cell.split("|") if s in _SOURCES) for cell in f["based_on"]],
        "series": f["series"],
        "series_number": f["series_number"],
        "sequel": [("yes" if n > 1 else "no") if there else "" for n, there in zip(part, known, strict=True)],
        "oscars": f["oscars_won"],
        "oscar_nominations": f["oscars_nominated"],
        "twist": f["twist"],
        "animal_dies": f["animal_dies"],
        "ending": [f"{cell} ending" if cell else "" for cell in f["ending"]],
        "company": ["|".join(_COMPANY[c] for c in cell.split("|") if c) for cell in f["company"]],
    }


def _text(plot: str, keywords: str, moods: str) -> str:
    """What is searched by meaning and by words: plot, themes and settings, moods."""
    tags = ", ".join(filter(None, (keywords.replace("|", ", "), moods.replace("|", ", "))))
    return " ".join(filter(None, (plot, f"{tags[0].upper()}{tags[1:]}." if tags else "")))
