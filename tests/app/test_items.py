"""What people are told of an item: by roles that the schema alone tells, for films and for a shop of games."""

import numpy as np
import pandas as pd
import pytest

from app.service import items
from recommenders.data import Catalogue, Dataset, Schema, imported, read_attribute, sources
from recommenders.data.tables import Interactions
from tests.app.test_board_games import GAMES, RATINGS
from tests.recommenders.worlds import tiny_films_data


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    cache = tmp_path_factory.mktemp("cache")
    imported.run(imported.planned({"name": "games", "items": GAMES, "interactions": RATINGS}), cache)
    return sources.load("games", cache, cache)


FILM = Schema(
    read_attribute(row)
    for row in (
        {"kind": "text", "name": "plot"},
        {"kind": "set", "name": "director", "proper": True, "prefix": "by"},
        {"kind": "set", "name": "actors", "label": "actor", "proper": True, "prefix": "with"},
        {"kind": "number", "name": "minutes", "label": "running time", "unit": "minutes", "dimension": "duration"},
        {"kind": "levels", "name": "certificate", "levels": ["g", "pg", "r"], "capitals": True},
        {"kind": "number", "name": "age", "unit": "years", "dimension": "age"},
        {"kind": "flag", "name": "twist", "label": "with a twist"},
        {"kind": "text", "name": "poster", "hidden": True},
    )
)


@pytest.fixture
def films() -> Dataset:
    rows = {
        "item_id": ["1", "2"],
        "title": ["Heat", "Casino (a.k.a. <Tables>)"],
        "year": [1995, 1995],
        "genres": ["Crime|Thriller", "Western|Crime"],
        "text": ["A thief and a detective see themselves in each other. Heist, shootout.", ""],
        "plot": ["A thief and a detective see themselves in each other.", ""],
        "director": ["Michael Mann", "Martin Scorsese"],
        "actors": ["Al Pacino|Robert De Niro|Val Kilmer|Jon Voight", ""],
        "minutes": [170, 178],
        "certificate": ["r", ""],
        "age": [16, 18],
        "twist": ["no", "no"],
        "poster": ["https://pictures.example/heat.jpg", "javascript:alert(1)"],
    }
    ratings = np.array([3, 4, 5, 4], np.float32)
    x = Interactions.of(np.arange(4), np.array([0, 0, 0, 1]), ratings)
    return Dataset("films", Catalogue.of(pd.DataFrame(rows), FILM), x, pd.DataFrame({"user_id": list("abcd")}))


def test_a_film_in_a_few_lines(films: Dataset) -> None:
    told = items.portrait(films, 0)
    assert told.about == "A thief and a detective see themselves in each other."
    assert (told.makers, told.cast) == (("Michael Mann",), ("Al Pacino", "Robert De Niro", "Val Kilmer"))
    assert told.measures == ("2 h 50 min", "R"), "the certificate takes the place of the age"
    assert told.rating == 4.0 and told.raters == 3
    other = items.portrait(films, 1)
    assert other.measures == ("2 h 58 min", "age 18+") and not other.about and not other.cast


def test_a_game_in_a_few_lines(games: Dataset) -> None:
    told = items.portrait(games, games.catalogue.ids.number("g02"))
    assert told.about.startswith("Forest spirits gather")
    assert told.makers == ("Fennel House",) and not told.cast
    assert told.measures == ("price 24.50", "1 to 4 players", "30 to 45 min", "age 8+")
    assert told.sorts == ("Drafting", "Set Collection")
    assert told.rating is not None and told.raters > 0


def test_where_the_parts_cannot_be_told_the_first_told_attributes_stand_in() -> None:
    table = pd.DataFrame(
        {
            "item_id": list("abcd"),
            "title": ["One", "Two", "Three", "Four"],
            "shade": ["red", "red", "blue", "blue"],
            "finish": ["matt", "gloss", "matt", "gloss"],
            "grip": ["low", "high", "low", "high"],
        }
    )
    nobody = Interactions.of(np.array([0]), np.array([0]))
    data = Dataset("paints", Catalogue.of(table), nobody, pd.DataFrame({"user_id": ["u"]}), explicit=False)
    told = items.portrait(data, 1)
    assert told.others and "finish: gloss" in told.others and told.rating is None


def test_every_told_fact_stands_once_in_its_group(films: Dataset) -> None:
    groups = dict(items.sheet(films.catalogue, 0))
    assert list(groups) == ["Credits", "Kind", "Figures", "Good to know"]
    labels = [line.label for lines in groups.values() for line in lines]
    assert labels[:3] == ["Director", "Actors", "Genres"] and len(set(labels)) == len(labels)
    assert not {"Plot", "Description", "Poster"} & set(labels), "what it is about stands apart"
    assert groups["Good to know"][-1] == items.Line("With a twist", ("no",))


def test_differences_come_first(films: Dataset) -> None:
    different, same = items.compared(films.catalogue, [0, 1])
    assert [line.label for line in same] == ["Year", "With a twist"]
    assert items.Line("Director", ("Michael Mann", "Martin Scorsese")) in different


def test_ratings_are_counted_by_value(films: Dataset) -> None:
    assert items.ratings(films, 0) == [(3.0, 1), (4.0, 1), (5.0, 1)]
    assert items.ratings(films, 1) == [(3.0, 0), (4.0, 1), (5.0, 0)]
    implicit = Dataset(films.name, films.catalogue, films.interactions, films.users, explicit=False)
    assert items.ratings(implicit, 0) == []


def test_links_are_searches_for_its_title(films: Dataset, games: Dataset) -> None:
    addresses = dict(items.links(films.catalogue, 1))
    assert list(addresses) == ["IMDb", "Wikipedia", "Where to watch"]
    assert all("Casino" in a and "<" not in a and a.startswith("https://") for a in addresses.values())
    assert list(dict(items.links(games.catalogue, 0))) == ["Search the web"]


def test_only_an_address_of_the_web_is_a_picture(films: Dataset, games: Dataset) -> None:
    assert items.picture(films.catalogue, 0) == "https://pictures.example/heat.jpg"
    assert items.picture(films.catalogue, 1) == ""
    assert items.picture(games.catalogue, 0) == ""


def test_the_mean_rating_of_an_item_nobody_rated_is_not_known() -> None:
    data = tiny_films_data(users=1)
    means = data.mean_ratings
    assert np.isnan(means[data.popularity == 0]).all() and not np.isnan(means[data.popularity > 0]).any()
