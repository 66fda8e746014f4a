"""Wishes such as "nothing violent": read from the message, kept by the conditions, checked again by the gate."""

import pandas as pd
import pytest

from app.turn.answers.gate import Gate
from app.turn.answers.item_facts import facts, ordered
from app.turn.answers.voice import Voice
from app.turn.answers.wording import opening
from app.understanding import About, Compare, Heard, Order, Table, read, shipped, understand
from app.understanding.names.linking import Linker
from recommenders.contract import Request
from recommenders.data import Catalogue, Condition, UserState
from tests.recommenders.conditions import conditions

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
    found = understand(message, Table(), Linker(FILMS))
    bounds = [c for c in found.wants.conditions if c.attribute in ("violence", "frightening")]
    assert {c.attribute for c in bounds} == set(notes)
    assert all((c.operator, c.values, c.refused) == ("at most", ("mild",), False) for c in bounds)
    assert ("nothing violent" in found.understood) == ("violence" in notes)


@pytest.mark.parametrize(
    ("message", "attribute", "rising"),
    [
        ("which of these is the least violent?", "violence", True),
        ("the goriest of these", "violence", False),
        ("the least scary of these", "frightening", True),
        ("which of these is the scariest?", "frightening", False),
    ],
)
def test_what_is_on_the_table_is_compared_by_them(message: str, attribute: str, rising: bool) -> None:
    table = Table(shown=(0, 1, 2), focus=(0, 1, 2), ever=(0, 1, 2), turns=2)
    for heard in (understand(message, table, Linker(FILMS)), read(message, table, Linker(FILMS), shipped())):
        assert heard.leading == Compare((0, 1, 2), Order(attribute=attribute, rising=rising))
        assert not heard.wants.conditions


def test_a_violent_film_is_still_found_when_it_is_wanted() -> None:
    assert "violent" in understand("something violent", Table(), Linker(FILMS)).wants.wish


def test_the_gate_holds_back_what_is_violent_or_not_known() -> None:
    gate = Gate(FILMS, UserState(), Request(conditions=conditions(violence_at_most="mild")))
    assert [bool(gate.objection(item)) for item in range(3)] == [False, True, True]
    assert gate.objection(2) == "its violence is not known"


@pytest.mark.parametrize(
    "message", ["is it scary?", "Is Fight violent?", "is that one ok for my kids?", "is it suitable for a 7 year old?"]
)
def test_what_an_item_shows_can_be_asked(message: str) -> None:
    asked = asks(message)
    assert asked is not None and asked.items == (1,)
    assert set(asked.attributes) & {"violence", "frightening"}


@pytest.mark.parametrize("message", ["something scary?", "scary", "more violence"])
def test_wanting_it_is_not_asking_about_it(message: str) -> None:
    assert asks(message) is None


def asks(message: str) -> About | None:
    """The question about an item that a message is, with Fight on the table."""
    found: Heard = understand(message, Table(shown=(1,), focus=(1,)), Linker(FILMS))
    return found.leading if isinstance(found.leading, About) else None


@pytest.mark.parametrize(
    ("message", "attributes"),
    [
        ("is it scary?", ("frightening",)),
        ("Is Fight violent?", ("violence",)),
        ("is it violent or scary?", ("violence", "frightening")),
        ("is that one ok for my kids?", ("violence", "frightening")),  # each note tells something of that
        ("when was it made and is it violent?", ("year", "violence")),
    ],
)
def test_each_attribute_that_is_asked_is_answered(message: str, attributes: tuple[str, ...]) -> None:
    asked = asks(message)
    assert asked is not None and asked.attributes == attributes


def test_the_notes_in_words() -> None:
    voice = Voice(FILMS, UserState(), 0.0, "popularity")
    both = ("violence", "frightening")
    asked = About((), both, question="how violent and frightening is it?")
    assert facts(voice, [1], asked) == "Fight has strong violence and strong frightening scenes."
    assert facts(voice, [0], asked) == "Calm has mild violence and no frightening scenes."
    assert facts(voice, [2], asked) == ("Unknown has no frightening scenes. I don't know how violent it is.")


@pytest.mark.parametrize(
    ("item", "question", "answer"),
    [
        (1, "is it violent?", "Yes, Fight has strong violence."),
        (0, "is it violent?", "A little: Calm has mild violence."),
        (2, "is it violent?", "I don't know how violent Unknown is."),
        (1, "how violent is it?", "Fight has strong violence."),
    ],
)
def test_yes_or_no_comes_first(item: int, question: str, answer: str) -> None:
    assert (
        facts(Voice(FILMS, UserState(), 0.0, "popularity"), [item], About((), ("violence",), question=question))
        == answer
    )


@pytest.mark.parametrize(
    ("message", "says"),
    [
        ("is it violent?", "how violent Calm is"),
        ("is it good for kids?", "how violent Calm is, how sexual it is or how frightening it is"),
        ("how long is it?", "how long Calm is"),
        ("where can I stream it?", "where Calm is streaming"),
        ("what's the soundtrack like?", "the music of Calm"),
        ("how much did it cost to make?", "the budget of Calm"),
    ],
)
def test_what_a_catalogue_does_not_hold_is_said(message: str, says: str) -> None:
    bare = Linker(Catalogue.of(pd.DataFrame({"item_id": ["1"], "title": ["Calm"]})))
    for heard in (understand(message, ON_TABLE, bare), read(message, ON_TABLE, bare, shipped())):
        assert isinstance(heard.leading, About) and heard.leading.items == (0,) and heard.leading.unanswered
        assert heard.unmatched == (f"I don't know {says}",)
    assert not understand("is it violent?", Table(shown=(1,), focus=(1,)), Linker(FILMS)).unmatched


ON_TABLE = Table(shown=(0,), focus=(0,))


def test_the_sentences_about_levels_are_sentences() -> None:
    voice = Voice(FILMS, UserState(), 4.0, "ease")
    calm = Request(conditions=(Condition(attribute="violence", operator="at most", values=("mild",)),))
    assert opening(voice, 2, calm) == "Two picks with nothing violent:"
    order = Order(attribute="frightening", rising=True)
    assert ordered(voice, (0, 1), order) == "The least frightening is Calm (none), then Fight (strong)."
    assert ordered(voice, (0, 2), order) == "They are alike: each of them has no frightening scenes."
