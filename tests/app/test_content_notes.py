"""Wishes such as "nothing violent": read from the message, kept by the filters, checked again by the gate."""

import pandas as pd
import pytest

from app.turn.answers.gate import broken
from app.turn.answers.wording import Voice, facts
from app.understanding.names.linking import Linker
from app.understanding.rules import understand
from app.understanding.slots import describe, read
from app.understanding.table import Table
from recommenders.contract.request import Filters
from recommenders.data.tables import Catalogue, UserState

FILMS = Catalogue.of(
    pd.DataFrame(
        {
            "item_id": ["1", "2", "3"],
            "title": ["Calm", "Fight", "Unknown"],
            "genres": ["Romance", "Romance|Horror", "Romance"],
            "violence": ["mild", "strong", ""],
            "frightening": ["none", "strong", "none"],
        }
    )
)


@pytest.mark.parametrize(
    ("message", "notes"),
    [
        ("something romantic, nothing violent", ("violence",)),
        ("nothing too scary or violent", ("frightening", "violence")),
        ("romance without gore", ("violence",)),
        ("something violent", ()),
        ("something scary", ()),
    ],
)
def test_what_is_not_wanted_becomes_a_constraint(message: str, notes: tuple[str, ...]) -> None:
    filters = read(message, Linker(FILMS), Table(), k=5).filters
    assert filters.without_content == notes
    assert ("nothing violent" in describe(filters)) == ("violence" in notes)


def test_a_violent_film_is_still_found_when_it_is_wanted() -> None:
    assert "violent" in read("something violent", Linker(FILMS), Table(), k=5).wish


def test_the_gate_holds_back_what_is_violent_or_not_known() -> None:
    filters = Filters(without_content=("violence",))
    assert [bool(broken(FILMS, item, filters)) for item in range(3)] == [False, True, True]
    assert broken(FILMS, 2, filters) == ("its violence is not known",)


@pytest.mark.parametrize(
    "message", ["is it scary?", "Is Fight violent?", "is that one ok for my kids?", "is it suitable for a 7 year old?"]
)
def test_what_an_item_shows_can_be_asked(message: str) -> None:
    found = understand(message, Table(shown=(1,), focus=(1,)), Linker(FILMS))
    assert (found.action, found.fact, found.items) == ("ask_item", "content", (1,))


@pytest.mark.parametrize("message", ["something scary?", "scary", "more violence"])
def test_wanting_it_is_not_asking_about_it(message: str) -> None:
    assert understand(message, Table(shown=(1,), focus=(1,)), Linker(FILMS)).fact != "content"


def test_the_notes_in_words() -> None:
    voice = Voice(FILMS, UserState(), 0.0, "popularity")
    assert facts(voice, [1], "content") == (
        "By the catalogue's notes, Fight has strong violence and strong frightening scenes."
    )
    assert facts(voice, [0], "content") == "By the catalogue's notes, Calm has mild violence and no frightening scenes."
    assert facts(voice, [2], "content") == "By the catalogue's notes, Unknown has no frightening scenes."
    bare = Catalogue.of(pd.DataFrame({"item_id": ["1"], "title": ["Calm"]}))
    assert "no content notes" in facts(Voice(bare, UserState(), 0.0, "popularity"), [0], "content")
