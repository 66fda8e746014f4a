"""What a language model may write of an item: shown in the item's own words, of the kind that the attribute is."""

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DataError
from recommenders.data import Catalogue, Schema, read_attribute, stands_in
from recommenders.data.knowledge import own_texts

TEXT = "Two keepers, one lamp — and a fog   with OPINIONS. Für Élise, 1h30, 12+; 霧の灯台守"


@pytest.mark.parametrize(
    "said",
    [
        "a fog with opinions",
        "One lamp and a fog",
        "two keepers … opinions",
        "two keepers ... [...] a fog with",
        "fur elise",
        "灯台",
        "12+",
        "“Two keepers, one lamp”",
    ],
)
def test_words_that_stand_there(said: str) -> None:
    assert stands_in(said, TEXT)


@pytest.mark.parametrize(
    "said", ["", "…", "and a", "three keepers", "keepers two", "keeper", "a fog … two keepers and", "灯台船", "13"]
)
def test_words_that_do_not(said: str) -> None:
    assert not stands_in(said, TEXT)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_what_stands_in_a_text_stands_in_a_longer_one(before: str, said: str, behind: str) -> None:
    if stands_in(said, said):
        assert stands_in(said, f"{before} {said} {behind}")


NUMBER = {"kind": "number", "name": "minutes", "unit": "minutes", "dimension": "duration"}
PLAYERS = {"kind": "number", "name": "players", "unit": "players", "dimension": "players", "span": "choice"}
AGE = {"kind": "number", "name": "age", "unit": "years", "dimension": "age", "whole": True}
PRICE = {"kind": "number", "name": "price", "unit": "€", "dimension": "price", "decimal": ","}
MOODS = {"kind": "set", "name": "moods"}
LEVELS = {"kind": "levels", "name": "violence", "levels": ("none", "mild", "strong")}


@pytest.mark.parametrize(
    ("row", "value", "said", "cell"),
    [
        (NUMBER, 45, "about 45 minutes", "45"),
        (NUMBER, "45", "takes 45 min", "45"),
        (NUMBER, 90, "an hour and a half", "90"),
        (NUMBER, 120, "two hours", "120"),
        (PLAYERS, "2-4", "for two to four players", "2-4"),
        (PLAYERS, 2, "2 players", "2"),
        (AGE, 8, "from 8 years", "8"),
        (PRICE, 29.9, "only 29.90 €", "29,9"),
        ({"kind": "number", "name": "chapters"}, 12, "12 chapters", "12"),
        ({"kind": "year", "name": "made"}, 1987, "first built in 1987", "1987"),
        (LEVELS, "Mild", "some mild peril", "mild"),
        ({"kind": "flag", "name": "cosy"}, True, "so cosy", "yes"),
        ({"kind": "flag", "name": "cosy"}, "no", "not cosy at all", "no"),
        (MOODS, "Fog", "a fog with opinions", "Fog"),
        ({"kind": "text", "name": "hook"}, "A lamp in fog", "one lamp and a fog with opinions", "A lamp in fog"),
    ],
)
def test_a_cell_as_it_is_written(row: dict[str, Any], value: Any, said: str, cell: str) -> None:
    attribute = read_attribute(row)
    assert attribute.cell_written(value, said, ()) == cell
    assert not attribute.unknown(attribute.parse(cell))


@pytest.mark.parametrize(
    ("row", "value", "said", "why"),
    [
        (NUMBER, 45, "about 54 minutes", "not in the words"),
        (NUMBER, 40, "costs 40 euros", "not in the words"),
        (NUMBER, "long", "long", "not a number"),
        (NUMBER, True, "1 minute", "not a number"),
        (NUMBER, [45], "45 minutes", "not a number"),
        (PLAYERS, "2-5", "for two to four players", "not in the words"),
        ({"kind": "year", "name": "made"}, 1987, "in the 19870s", "not in the words"),
        ({"kind": "year", "name": "made"}, "eighties", "the eighties", "not a year"),
        (LEVELS, "brutal", "brutal", "none of the levels"),
        ({"kind": "flag", "name": "cosy"}, "very", "very cosy", "not yes or no"),
        (MOODS, "tense", "a fog with opinions", "the name is not in"),
        (MOODS, "salt|sea", "salt, sea", "separates"),
        ({"kind": "text", "name": "hook"}, "A haunted lamp", "one lamp", "says more"),
        ({"kind": "text", "name": "hook"}, "", "one lamp", "not text"),
    ],
)
def test_a_value_that_is_none(row: dict[str, Any], value: Any, said: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read_attribute(row).cell_written(value, said, ())


def test_one_of_the_values_in_its_own_spelling() -> None:
    moods = read_attribute(MOODS)
    assert moods.cell_written("COSY", "warm", ("Cosy", "Tense")) == "Cosy"
    with pytest.raises(DataError, match="none of the values"):
        moods.cell_written("sad", "sad", ("Cosy", "Tense"))


def test_the_own_text_of_an_item_is_its_descriptions_each_once() -> None:
    plot = "A keeper and a fog."
    frame = pd.DataFrame(
        {
            "item_id": ["1", "2"],
            "title": ["Fog", "Lamp"],
            "year": [1980, None],
            "text": [f"{plot} Moody.", ""],
            "p": ["", ""],
        }
    )
    frame["plot"] = [plot, ""]
    declared = [read_attribute({"kind": "text", "name": "plot"})]
    c = Catalogue.of(frame, Schema(declared))
    assert own_texts(c)[0] == f"Fog (1980)\n{plot} Moody."
    assert own_texts(c)[1] == ""
