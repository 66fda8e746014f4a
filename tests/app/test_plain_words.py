"""Plain words of a large catalogue: which of them name a title, which are conditions, and which are a wish."""

from functools import cache

import pytest

from app.settings import settings
from app.understanding import Linker, Table, linker, read, shipped
from app.wants import Wants
from recommenders.data import sources


@cache
def names() -> Linker:
    s = settings()
    if not sources.is_here("movielens-2016", s.cache_dir, s.datasets):
        pytest.skip("movielens-2016 is not here; run: chatrec data get movielens-2016")
    return linker(sources.load("movielens-2016", s.cache_dir, s.datasets).catalogue)


def titles(message: str) -> set[str]:
    encoder = shipped()
    assert encoder is not None
    heard = read(message, Table(), names(), encoder)
    catalogue = names().catalogue
    like = (catalogue.ids.number(i) for i in heard.wants.like)
    return {catalogue.titles[i] for i in (*heard.items, *like)}


@pytest.mark.parametrize(
    "message",
    [
        "our tenth wedding anniversary tonight, something warm",  # A Wedding
        "what I liked was the plotting, not heists",  # Heist
        "films told out of order",  # The Order
        "does it jump around in time?",  # In Time
        "trains in it, not in black and white",  # Black and White
        "my brother's idea and it bored him",  # Brothers
        "con artists and swindlers, the cleverer the trick the better",  # Trick
    ],
)
def test_common_words_name_no_title_that_few_people_know(message: str) -> None:
    assert not titles(message)


@pytest.mark.parametrize(
    ("message", "meant"),
    [
        ("something like heat", {"Heat"}),
        ("loved alien and jaws", {"Alien", "Jaws"}),
        ("something like in time", {"In Time"}),
        ("something like Brothers", {"Brothers"}),
        ("what is Heist about?", {"Heist"}),
    ],
)
def test_well_known_titles_and_announced_ones_are_meant(message: str, meant: set[str]) -> None:
    assert titles(message) == meant


@pytest.mark.parametrize("message", ["under 2 hours", "not too long", "in colour", "with a twist", "for a 10 year old"])
def test_a_condition_alone_is_no_small_talk_behind_a_long_message(message: str) -> None:
    before, encoder = Wants(wish="a feel-good film for a rainy sunday with my mum"), shipped()
    assert encoder is not None
    shown = tuple(names().catalogue.ids.number(i) for i in ("899", "539", "3526"))
    heard = read(message, Table(shown=shown, ever=shown, wants=before), names(), encoder, previous=before.wish)
    assert heard.action == "recommend" and heard.wants.conditions


@pytest.mark.parametrize(
    "message", ["that last list was rubbish", "your last picks were awful", "the last ones were bad"]
)
def test_a_complaint_about_a_whole_list_judges_no_single_item(message: str) -> None:
    encoder, shown = shipped(), tuple(names().catalogue.ids.number(i) for i in ("899", "539", "3526"))
    assert encoder is not None
    assert not read(message, Table(shown=shown, ever=shown), names(), encoder).judged


def test_a_level_is_nobodys_surname() -> None:
    encoder = shipped()
    assert encoder is not None
    assert not read("a western with strong violence", Table(), names(), encoder).wants.of("people")
    assert read("something with Strong", Table(), names(), encoder).wants.of("people")
