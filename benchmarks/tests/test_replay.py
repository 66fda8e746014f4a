"""The replay of real dialogues: what counts as known, what as a target, and that nothing of later turns is seen."""

import pytest

from app.understanding import Wants
from benchmarks import replay
from benchmarks.replay import Matcher, Moment
from tests.app.wanted import wants
from tests.recommenders.worlds import tiny_films

ALIEN, SHINING, EXORCIST = "Alien (1979)", "The Shining  (1980)", "The Exorcist (1973)"
FORM = {
    "1": {"suggested": 0, "seen": 1, "liked": 1},
    "2": {"suggested": 1, "seen": 0, "liked": 1},
    "3": {"suggested": 1, "seen": 1, "liked": 0},
}


def dialogue(form: dict | None = None) -> dict:
    return {
        "movieMentions": {"1": ALIEN, "2": SHINING, "3": EXORCIST, "4": "No Such Film (1980)"},
        "initiatorQuestions": FORM if form is None else form,
        "respondentQuestions": FORM,
        "initiatorWorkerId": 7,
        "respondentWorkerId": 8,
        "messages": [
            {"senderWorkerId": 8, "text": "Hello!"},
            {"senderWorkerId": 7, "text": "Something scary."},
            {"senderWorkerId": 7, "text": "I loved @1"},
            {"senderWorkerId": 8, "text": "Try @3 or @4"},
            {"senderWorkerId": 7, "text": "@3 was not for me"},
            {"senderWorkerId": 8, "text": "Then @2, it is like @1"},
        ],
    }


def read(form: dict | None = None) -> list[Moment]:
    return replay.moments(replay.turns(dialogue(form), Matcher(tiny_films())))


def row(title: str) -> int:
    return tiny_films().titles.index(title)


def test_a_moment_is_a_turn_of_the_recommender_that_follows_the_seeker() -> None:
    found = read()
    assert len(found) == 2
    assert found[0].before[-1].text == "Something scary.\nI loved Alien (1979)"
    assert all(m.before[-1].who == "seeker" for m in found)


def test_targets_are_suggested_and_liked_and_not_mentioned_before() -> None:
    first, second = read()
    assert first.targets == second.targets == (row("The Shining"),)  # not The Exorcist: suggested, but not liked
    assert row("Alien") not in second.targets  # mentioned again, but known


def test_nothing_of_this_turn_or_later_ones_is_known() -> None:
    first, second = read()
    assert first.met == first.liked == (row("Alien"),) and first.disliked == ()
    assert second.met == (row("Alien"), row("The Exorcist")) and second.disliked == (row("The Exorcist"),)
    for moment in (first, second):
        words = " ".join(said.text for said in moment.before)
        assert "Shining" not in words and not set(moment.targets) & set(moment.met)
    assert "Exorcist" not in " ".join(said.text for said in first.before)


def test_the_other_form_is_read_where_the_seekers_is_empty() -> None:
    assert read({}) == read()


def test_films_are_matched_by_title_and_year() -> None:
    matcher = Matcher(tiny_films())
    assert matcher.row("The Shining (1981)") == row("The Shining")  # one year of tolerance
    assert matcher.row("The Shining (1997)") is None and matcher.row("The Shining") is None


@pytest.mark.parametrize(
    ("asked", "broken"),
    [
        (wants(genres=["Horror"], year_to=1985), ""),
        (wants(without_genres=["Horror"]), "genres"),
        (wants(year_from=1990), "year"),
        (wants(not_years=(1980, 1989)), "year"),
        (wants(not_years=(1970, 1979)), ""),
        (wants(people=["Nobody At All"]), "people"),
        (wants(language=["English"]), ""),
        (wants(without_language=["English"]), "language"),
    ],
)
def test_conditions_are_checked_apart_from_the_pipeline(asked: Wants, broken: str) -> None:
    assert replay.breaks(tiny_films(), row("The Shining"), asked) == broken
