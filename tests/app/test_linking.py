"""Titles, people and genres of a message."""

import time

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.understanding.names.linking import Linker
from app.words import folded
from recommenders.data import Catalogue
from tests.recommenders.worlds import tiny_films

FILMS = tiny_films()
NAMES = Linker(FILMS)


def titles(text: str, expected: tuple[int, ...] = ()) -> list[str]:
    return [FILMS.titles[m.items[0]] for m in NAMES.mentions(text, expected) if m.kind == "title"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I loved Heat", ["Heat"]),
        ("something like heat", ["Heat"]),
        ("the heat is on tonight", []),
        ("I like the heat of summer", []),
        ("alien and the shining were great", ["Alien", "The Shining"]),
        ("The Godfather (1972)", ["The Godfather"]),
        ("have you seen 'Das Boot'?", ["Das Boot"]),
        ("I liked amelie", ["Amélie"]),
        ("I loved Goodfelas", ["Goodfellas"]),
        ("spirited away", ["Spirited Away"]),
        ("WHEN HARRY MET SALLY", ["When Harry Met Sally"]),
        ("a toy story for my son", ["Toy Story"]),
        ("I want something scary", []),
        ("Alien: Resurrection", ["Alien"]),
    ],
)
def test_titles(text: str, found: list[str]) -> None:
    assert titles(text) == found


def test_titles_on_the_table_count_in_any_case() -> None:
    assert titles("why heat and exorcist", (6, 5)) == ["Heat", "The Exorcist"]


def test_people_by_full_name_surname_and_misspelt() -> None:
    def people(text: str) -> list[tuple[str, ...]]:
        return [m.names for m in NAMES.mentions(text) if m.attribute == "people"]

    assert people("with Al Pacino") == [("Al Pacino",)]
    assert people("starring pacino") == [("Al Pacino",)]
    assert people("films with Sigourny Weaver") == [("Sigourney Weaver",)]
    assert [m.surface for m in NAMES.mentions("starring Zork Blarg") if m.kind == "unknown_person"] == ["Zork Blarg"]


def test_single_names() -> None:
    assert NAMES.items("godfather")[0] == 7 and NAMES.items("Casablanca (1942)")[0] == 17
    assert NAMES.items("no such film at all") == ()
    assert NAMES.value("genres", "sci fi") == ("Sci-Fi",) and NAMES.value("genres", "Comedies") == ("Comedy",)
    assert NAMES.value("genres", "scary") == ("Horror",) and NAMES.value("genres", "romcom") == ("Romance", "Comedy")
    assert NAMES.value("genres", "quantum") == () and NAMES.value("people", "Nobody Here") == ()
    assert NAMES.value("language", "french") == ("French",)
    assert NAMES.value("language", "horror") == () and NAMES.value("people", "french") == ()  # of another attribute


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_any_text_gives_spans_inside_it_without_overlap(text: str) -> None:
    at = 0
    for mention in NAMES.mentions(text):
        assert at <= mention.start < mention.end <= len(text)
        at = mention.end


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(range(len(FILMS))), st.sampled_from(["I loved {}", "something like {}", "{}", "why {}?"]))
def test_every_title_is_found_behind_a_cue(row: int, frame: str) -> None:
    found = titles(frame.format(FILMS.titles[row]))
    assert found and folded(found[0]) == folded(FILMS.titles[row])


def test_the_work_grows_no_faster_than_the_message() -> None:
    def seconds(times: int) -> float:
        began = time.process_time()
        NAMES.mentions("I like films with a very long story about Xyz Abc and " * times)
        return time.process_time() - began

    short = seconds(20)
    assert seconds(200) < 40 * short  # ten times the words; backtracking would cost a hundred times as much


def test_a_day_is_no_title_unless_it_is_spoken_of_as_one() -> None:
    films = pd.DataFrame({"item_id": ["a", "b"], "title": ["Friday", "Heat"], "year": [1995, 1995]})
    names = Linker(Catalogue.of(films))

    def titles(text: str) -> list[str]:
        return [m.surface for m in names.mentions(text) if m.kind == "title"]

    assert titles("she comes over on Friday and hates sappy things") == []
    assert titles("I loved Friday") == titles("more like Friday") == ["Friday"]
