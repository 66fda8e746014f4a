"""Rules and the small encoder together: who decides, and what each mends in the other."""

import pytest

from app.understanding.joint import read
from app.understanding.names.linking import Linker
from app.understanding.reader.encoder import shipped
from app.understanding.rules import understand
from app.understanding.table import Table
from recommenders.data.tables import Catalogue
from tests.recommenders.worlds import tiny_films


@pytest.fixture(scope="module")
def names() -> Linker:
    catalogue: Catalogue = tiny_films()
    return Linker(catalogue)


NARROW = Table((0, 3, 4), (0, 3, 4), (0, 3, 4), {"genres": ["Horror"], "year_from": 1990, "year_to": 1999}, 2)


def test_a_new_request_leaves_the_old_years_behind(names: Linker) -> None:
    found = read("a comedy", NARROW, names, shipped(), previous="scary movies from the 90s")
    assert found.arguments.get("genres") == ["Comedy"] and "year_from" not in found.arguments


def test_a_refinement_keeps_them(names: Linker) -> None:
    found = read("but not too scary", NARROW, names, shipped(), previous="movies from the 90s")
    assert found.arguments.get("year_from") == 1990


def test_another_domain_gets_no_picks(names: Linker) -> None:
    found = read("what's the weather tomorrow?", NARROW, names, shipped(), previous="scary movies")
    assert (found.action, found.topic) == ("chat", "elsewhere")


def test_where_both_agree_the_rules_reading_stands(names: Linker) -> None:
    text = "something like Heat"
    found = read(text, Table(), names, shipped())
    assert found.by == "rules" and found.calls == understand(text, Table(), names).calls
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
    assert understand(message, Table(), names).arguments["wish"] == wish


def test_the_older_one_is_found_by_its_year(names: Linker) -> None:
    years = names.catalogue.years
    shown = tuple(sorted((0, 3, 4), key=lambda i: -int(years[i])))
    table = Table(shown, shown, shown, {"genres": ["Horror"]}, 2)
    found = read("tell me more about the oldest one", table, names, shipped(), previous="scary movies")
    assert (found.action, found.items) == ("ask_item", (shown[-1],))


def test_a_title_in_the_place_of_praise_is_liked_where_no_rule_knows_the_words(names: Linker) -> None:
    text = "j'ai adoré Heat"
    assert understand(text, Table(), names).action != "feedback"
    found = read(text, Table(), names, shipped())
    assert (found.action, [c.arguments["kind"] for c in found.calls]) == ("feedback", ["like"])


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
    assert {name: found.arguments.get(name) for name in arguments} == arguments


def test_a_bare_noun_is_a_wish_where_the_items_speak_of_it(names: Linker) -> None:
    assert read("dream thieves", Table(), names, shipped()).arguments.get("wish") == "dream thieves"


def test_a_title_and_a_place_are_compared(names: Linker) -> None:
    table = Table((0, 3, 4), (0, 3, 4), (0, 3, 4), {"genres": ["Horror"]}, 2)
    found = read("is the second one scarier than Heat?", table, names, shipped(), previous="scary movies")
    assert found.action == "compare" and set(found.items) == {3, names.items("Heat")[0]}


def test_why_the_older_one_is_about_the_older_one(names: Linker) -> None:
    years = names.catalogue.years
    newer, older = sorted((0, 3), key=lambda i: -int(years[i]))
    table = Table((newer, older), (newer, older), (newer, older), {"genres": ["Horror"]}, 2)
    found = read("why the older one?", table, names, shipped(), previous="scary movies")
    assert (found.action, found.items) == ("explain", (older,))


def test_a_refinement_brings_its_own_wish(names: Linker) -> None:
    asked = Table((0, 3, 4), (0, 3, 4), (0, 3, 4), {"genres": ["Horror"], "wish": "hotels"}, 2)
    found = read("but about space travel", asked, names, shipped(), previous="scary movies about hotels")
    assert found.arguments.get("wish") == "space travel" and found.arguments.get("genres") == ["Horror"]
