"""Constraints hold exactly: the mask against the row-by-row formula, for any filters."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import UnknownName
from recommenders.contract.request import Filters
from recommenders.data.tables import Catalogue
from recommenders.pipeline.pipeline import filters
from tests.recommenders.worlds import tiny_films

FILMS = tiny_films()


def some(names: tuple[str, ...], most: int = 3) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(names), max_size=most).map(tuple)


FILTERS = st.builds(
    Filters,
    genres=some(FILMS.genre_names, 2),
    any_genres=some(FILMS.genre_names),
    without_genres=some(FILMS.genre_names),
    people=some(FILMS.people_names),
    without_people=some(FILMS.people_names),
    languages=some(FILMS.language_names),
    year_from=st.none() | st.integers(1930, 2010),
    year_to=st.none() | st.integers(1930, 2010),
)


def qualifies(c: Catalogue, item: int, f: Filters) -> bool:
    """The definition in words, one item at a time."""
    genres, people, year = c.genres[item], c.people[item], int(c.years[item])
    return (
        all(g in genres for g in f.genres)
        and (not f.any_genres or any(g in genres for g in f.any_genres))
        and not any(g in genres for g in f.without_genres)
        and (not f.people or any(p in people for p in f.people))
        and not any(p in people for p in f.without_people)
        and (not f.languages or c.languages[item] in f.languages)
        and (f.year_from is None or (year > 0 and year >= f.year_from))
        and (f.year_to is None or (year > 0 and year <= f.year_to))
    )


@given(FILTERS)
def test_the_mask_is_the_definition(f: Filters) -> None:
    expected = [qualifies(FILMS, item, f) for item in range(len(FILMS))]
    assert filters.mask(FILMS, f).tolist() == expected


@given(FILTERS)
def test_dropping_a_constraint_never_loses_an_item(f: Filters) -> None:
    own = filters.mask(FILMS, f)
    for words, others in filters.parts(f):
        assert words
        assert (filters.mask(FILMS, others) >= own).all()
    assert len(filters.parts(f)) == len(filters.in_words(f))


def test_dropping_every_constraint_in_turn_leaves_none() -> None:
    f = Filters(genres=("Horror", "Sci-Fi"), without_people=("Sam Neill",), languages=("English",), year_from=1970)
    while not f.is_empty():
        ((_, f), *_) = filters.parts(f)
    assert filters.mask(FILMS, f).all()


def test_no_filters_allow_all_and_masks_cannot_be_written() -> None:
    mask = filters.mask(FILMS, Filters())
    assert mask.all()
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = False


def test_many_different_filters_do_not_pile_up() -> None:
    index = filters.FilterIndex(FILMS)
    for year in range(1000, 2000):
        index.mask(Filters(year_from=year))
    assert len(index._masks) <= 256
    assert index.mask(Filters(year_from=1000)).sum() == 19  # one film has no year


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (Filters(genres=("Horor",)), "unknown genre 'Horor'.*did you mean 'Horror'"),
        (Filters(people=("Al Pachino",)), "unknown person.*did you mean 'Al Pacino'"),
        (Filters(without_people=("Nobody",)), "unknown person 'Nobody'"),
        (Filters(languages=("Klingon",)), "unknown language 'Klingon'"),
        (Filters(without_content=("violence",)), "unknown content note 'violence'"),
    ],
)
def test_unknown_names(f: Filters, says: str) -> None:
    with pytest.raises(UnknownName, match=says):
        filters.mask(FILMS, f)


def test_a_catalogue_without_people_says_so() -> None:
    plain = Catalogue.of(FILMS.table[["item_id", "title"]])
    with pytest.raises(UnknownName, match="this catalogue names no people"):
        filters.mask(plain, Filters(people=("Al Pacino",)))


def test_content_notes_must_be_known_to_be_harmless() -> None:
    table = FILMS.table.copy()
    table["violence"] = (["none", "mild", "moderate", "strong", ""] * 4)[: len(table)]
    noted = Catalogue.of(table)
    found = filters.mask(noted, Filters(without_content=("violence",)))
    assert np.flatnonzero(found).tolist() == [n for n in range(len(table)) if n % 5 in (0, 1)]
