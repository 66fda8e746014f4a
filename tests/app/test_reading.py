"""Rules and the small encoder together: who decides, and what each mends in the other."""

import pytest

from app.understanding import Judge, Table, Wants, read, shipped, understand
from app.understanding.names.linking import Linker
from recommenders.data import Catalogue
from tests.app.wanted import plain, wants
from tests.recommenders.worlds import tiny_films


@pytest.fixture(scope="module")
def names() -> Linker:
    catalogue: Catalogue = tiny_films()
    return Linker(catalogue)


def shown(wanted: Wants, *items: int) -> Table:
    """A table after a request that brought these items."""
    return Table(items, items, items, wanted, turns=2)


NARROW = shown(wants(genres=["Horror"], year_from=1990, year_to=1999), 0, 3, 4)


def test_a_new_request_leaves_the_old_years_behind(names: Linker) -> None:
    found = read("a comedy", NARROW, names, shipped(), previous="scary movies from the 90s")
    assert plain(found.wants) == {"genres": ["Comedy"]}


def test_a_refinement_keeps_them(names: Linker) -> None:
    found = read("but not too scary", NARROW, names, shipped(), previous="movies from the 90s")
    assert plain(found.wants)["year_from"] == 1990


def test_another_domain_gets_no_picks(names: Linker) -> None:
    found = read("what's the weather tomorrow?", NARROW, names, shipped(), previous="scary movies")
    assert (found.action, found.topic) == ("chat", "elsewhere")


def test_where_both_agree_the_rules_reading_stands(names: Linker) -> None:
    text = "something like Heat"
    found = read(text, Table(), names, shipped())
    assert found.by == "rules" and found.acts == understand(text, Table(), names).acts
    assert "read the same" in found.second


def test_every_message_is_answered(names: Linker) -> None:
    for text in ("", "?", "why", "the ninth one", "😀", "x" * 3000):
        assert read(text, NARROW, names, shipped()).action


@pytest.mark.parametrize(
    ("message", "wish"),
    [
        ("slow-burning space horror", "slow-burning space horror"),
        ("a movie about music", "music"),
        ("a heist that goes wrong", "heist goes wrong"),
    ],
)
def test_wishes_keep_their_words(message: str, wish: str, names: Linker) -> None:
    assert understand(message, Table(), names).wants.wish == wish


def test_the_older_one_is_found_by_its_year(names: Linker) -> None:
    years = names.catalogue.years
    newest_first = sorted((0, 3, 4), key=lambda i: -int(years[i]))
    table = shown(wants(genres=["Horror"]), *newest_first)
    found = read("tell me more about the oldest one", table, names, shipped(), previous="scary movies")
    assert (found.action, found.items) == ("ask_item", (newest_first[-1],))


def test_a_title_in_the_place_of_praise_is_liked_where_no_rule_knows_the_words(names: Linker) -> None:
    text = "j'ai adoré Heat"
    assert understand(text, Table(), names).action != "feedback"
    found = read(text, Table(), names, shipped())
    assert found.acts == (Judge((6,), "like"),)


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("a scary movie where the killer wins", {"genres": ["Horror"], "wish": "the killer wins"}),
        ("ein Horrorfilm vor 1985 bitte", {"genres": ["Horror"], "year_to": 1984}),
        ("mais pas de comédies", {"without_genres": ["Comedy"]}),
    ],
)
def test_the_encoder_finds_slots_that_rules_do_not(message: str, arguments: dict, names: Linker) -> None:
    found = read(message, Table(), names, shipped())
    assert {name: plain(found.wants).get(name) for name in arguments} == arguments


def test_a_bare_noun_is_a_wish_where_the_items_speak_of_it(names: Linker) -> None:
    assert read("dream thieves", Table(), names, shipped()).wants.wish == "dream thieves"


def test_a_title_and_a_place_are_compared(names: Linker) -> None:
    table = shown(wants(genres=["Horror"]), 0, 3, 4)
    found = read("is the second one scarier than Heat?", table, names, shipped(), previous="scary movies")
    assert found.action == "compare" and set(found.items) == {3, names.items("Heat")[0]}


def test_why_the_older_one_is_about_the_older_one(names: Linker) -> None:
    years = names.catalogue.years
    newer, older = sorted((0, 3), key=lambda i: -int(years[i]))
    table = shown(wants(genres=["Horror"]), newer, older)
    found = read("why the older one?", table, names, shipped(), previous="scary movies")
    assert (found.action, found.items) == ("explain", (older,))


def test_a_refinement_brings_its_own_wish(names: Linker) -> None:
    asked = shown(wants(genres=["Horror"], wish="hotels"), 0, 3, 4)
    found = read("but about space travel", asked, names, shipped(), previous="scary movies about hotels")
    assert plain(found.wants) == {"genres": ["Horror"], "wish": "space travel"}
