"""Evidence in words."""

import pytest

from app.events import Place
from app.turn.answers import item_facts, reasons, wording
from app.turn.answers.grounding import Evidence, check
from app.turn.answers.voice import Voice
from recommenders.contract.request import Explanation, Influence, Provenance, Request
from recommenders.data.tables import UserState
from tests.recommenders.conditions import conditions
from tests.recommenders.worlds import tiny_films

FILMS = tiny_films()
KNOWS = Voice(FILMS, UserState(items=(0, 6), values=(5.0, 2.0)), 4.0, "ease")
STRANGER = Voice(FILMS, UserState(), 4.0, "ease")


def explanation(*influences: Influence, rank: int = 2, **more: object) -> Explanation:
    return Explanation(1, "ease", rank, 1.0, influences, len(influences), **more)  # type: ignore[arg-type]


def test_a_reason_names_what_mattered_and_carries_it() -> None:
    reasons = wording.reasons(KNOWS, explanation(Influence(0, 0.9, 41), Influence(6, -0.1, 1)), Request())
    assert reasons[0].text == "Mostly because you liked Alien (1979)"
    assert reasons[0].evidence["influences"] == [{"item_id": "a1", "change": 0.9, "rank_without": 41}]


def test_met_is_not_liked() -> None:
    reasons = wording.reasons(KNOWS, explanation(Influence(6, 0.9, 41)), Request())
    assert reasons[0].text == "Mostly because of Heat (1995) in your history"


def test_an_influence_that_changes_no_rank_is_no_reason() -> None:
    reasons = wording.reasons(KNOWS, explanation(Influence(0, 0.9, 2)), Request())
    assert reasons[0].text == "2nd for you by ease, of all that you have not met"


def test_reasons_of_a_request() -> None:
    e = explanation(matched={"genres": ("Sci-Fi",), "words": ("colony",)}, provenance=(Provenance("similar", 3, 0.5),))
    texts = [r.text for r in wording.reasons(STRANGER, e, Request(like=(0,)))]
    assert texts == ["As you asked: Sci-Fi", "Your words in its entry: “colony”", "3rd closest to Alien (1979)"]


def test_a_stranger_hears_no_word_of_taste() -> None:
    assert wording.reasons(STRANGER, explanation(), Request())[0].text == (
        "2nd by ease, which does not know your taste yet"
    )
    assert "know nothing of your taste" in wording.why(STRANGER, explanation(), None)


def test_why_tells_what_would_change() -> None:
    text = wording.why(KNOWS, explanation(Influence(0, 0.9, 41), Influence(6, -0.2, 1)), None)
    assert "you liked Alien (1979): without that, it would be 41st instead of 2nd" in text
    assert "Against it speaks Heat (1995): without that it would stand 1st." in text
    assert "each of 2 items" in text


def test_why_not() -> None:
    request = Request(conditions=conditions(genres=("Horror",), year_to=1980))
    text = wording.why_not(STRANGER, explanation(), request, ())
    assert text == "Aliens (1986) does not fit what you asked: it is not Horror and it is from 1986, after 1980."
    assert (
        wording.why_not(STRANGER, explanation(), None, (3, 1)) == "It is among them: Aliens (1986) is the second pick."
    )


@pytest.mark.parametrize(
    ("request_", "n", "text"),
    [
        (Request(), 5, "Five picks to start with:"),
        (Request(conditions=conditions(genres=("Horror",), year_from=1990, year_to=1999)), 5,
         "Five horror picks from the 1990s:"),
        (Request(conditions=conditions(any_genres=("Horror", "War"))), 1, "One horror or war pick:"),
        (Request(conditions=conditions(without_genres=("War",), people=("Al Pacino",))), 2,
         "Two picks with Al Pacino, without war:"),
        (Request(wish="haunted house"), 3, "Three picks for “haunted house”:"),
        (Request(like=(6,)), 5, "Five picks like Heat (1995):"),
        (Request(conditions=conditions(genres=("War",))), 0, "I found no war picks."),
    ],
)  # fmt: skip
def test_openings(request_: Request, n: int, text: str) -> None:
    assert wording.opening(STRANGER, n, request_) == text


def test_openings_pass_the_check_that_models_must_pass() -> None:
    request = Request(conditions=conditions(genres=("Horror",), year_from=1990, year_to=1999, without_genres=("War",)))
    text = wording.opening(STRANGER, 5, request).rstrip(":")
    evidence = Evidence(genres=("Horror",), without=("War",), phrases=("from the 1990s",), numbers=(5,))
    assert check(text, evidence).ok


def test_facts() -> None:
    assert wording.facts(STRANGER, (7,), ("year",)) == "The Godfather is from 1972."
    assert wording.facts(STRANGER, (19,), ("year",)) == "The catalogue does not say from when Untitled Reel is."
    assert wording.facts(STRANGER, (6,), ("people",)) == "Heat (1995): with Al Pacino and Robert De Niro."
    assert "no description" in wording.facts(STRANGER, (19,))
    assert "A thief and a detective" in wording.facts(STRANGER, (6,))


def test_comparison_says_which_comes_first_and_why() -> None:
    first = Explanation(7, "ease", 3, 1.0, (Influence(0, 0.4, 9),), 2)
    second = Explanation(8, "ease", 11, 0.5, (), 2)
    text = wording.comparison(KNOWS, (second, first))
    assert "In common: Crime and Drama." in text
    assert "puts The Godfather (1972) 3rd and Goodfellas (1990) 11th; so The Godfather (1972) first." in text
    assert "Alien (1979) in your history" in text


def test_small_words() -> None:
    assert [wording.listed(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_an_old_trace_says_popularity() -> None:
    """Traces of before call the source by another name."""
    old = {"source": "crowd", "rank": 3, "score": 0.5}
    assert Place.model_validate(old) == Place(source="popularity", rank=3, score=0.5)


def test_popularity_is_said_in_words() -> None:
    e = explanation(provenance=(Provenance("ease", 2, 1.0), Provenance("popularity", 3, 0.5)))
    assert "3rd by how many people chose it" in wording.why(KNOWS, e, None)
