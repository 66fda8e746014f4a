"""Stretches in other languages become the English that the rules read, and English stays as it is."""

import pandas as pd
import pytest

from app.understanding.names import foreign
from recommenders.data.tables import Catalogue


@pytest.mark.parametrize(
    ("said", "genre"),
    [
        ("Horrorfilme", "horror"),
        ("Komödie", "comedy"),
        ("d'horreur", "horror"),
        ("comédies", "comedy"),
        ("ciencia ficción", "science fiction"),
        ("di guerra", "war"),
        ("fantascienza", "science fiction"),
        ("comedy", "comedy"),
        ("Horror", "Horror"),
    ],
)
def test_genres(said: str, genre: str) -> None:
    assert foreign.genre(said) == genre


@pytest.mark.parametrize(
    ("said", "years"),
    [
        ("vor 1990", "before 1990"),
        ("aus den 80ern", "the 80s"),
        ("des années 70", "the 70s"),
        ("antes de 1960", "before 1960"),
        ("dopo il 1985", "after 1985"),
        ("before 1990", "before 1990"),
        ("from the 80s", "from the 80s"),
    ],
)
def test_years(said: str, years: str) -> None:
    assert foreign.years(said) == years


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("den ersten", "the first one"),
        ("Nummer zwei", "number two"),
        ("le deuxième", "the second one"),
        ("la primera", "the first one"),
        ("il numero uno", "number one"),
        ("ce film", "that one"),
        ("the second one", "the second one"),
    ],
)
def test_places(said: str, place: str) -> None:
    assert foreign.place(said) == place


@pytest.mark.parametrize(
    ("said", "age"), [("älter", "older"), ("plus récent", "newer"), ("viejo", "old"), ("darker", "darker")]
)
def test_ages(said: str, age: str) -> None:
    assert foreign.age(said) == age


@pytest.mark.parametrize(
    ("said", "english"),
    [("the secnd one", "the second one"), ("gewalt", "violence"), ("sin violencia", "without violence")],
)
def test_slips_and_words(said: str, english: str) -> None:
    assert foreign.mended(said) == english


def test_a_wish_keeps_what_the_texts_say_and_mends_the_rest() -> None:
    texts = ["gladiators in ancient rome", "a barbarian queen and her horse", "le barbare"]
    catalogue = Catalogue.of(pd.DataFrame({"item_id": list("abc"), "title": list("abc"), "text": texts}))
    assert foreign.wish("gladitaors", catalogue) == "gladiators"
    assert foreign.wish("le barbare", catalogue) == "le barbare"  # words of some text stay
    assert foreign.wish("hrose riding", catalogue) == "horse riding"
    assert foreign.wish("xqzzt", catalogue) == "xqzzt"
