"""Evidence in words."""

import re

import pandas as pd
import pytest

from app.events import Place
from app.turn.answers import item_facts, reasons, wording
from app.turn.answers.grounding import Evidence, check
from app.turn.answers.voice import Voice
from app.understanding import About, Order
from recommenders.contract.request import Explanation, Influence, Provenance, Request
from recommenders.data.attributes import Condition, Schema, both, read_attribute
from recommenders.data.rated import RATING, WEIGHTED, rated
from recommenders.data.tables import Catalogue, UserState
from tests.recommenders.conditions import conditions
from tests.recommenders.worlds import tiny_films, tiny_films_data

FILMS = tiny_films()
KNOWS = Voice(FILMS, UserState(items=(0, 6), values=(5.0, 2.0)), 4.0, "ease")
STRANGER = Voice(FILMS, UserState(), 4.0, "ease")


def explanation(*influences: Influence, rank: int = 2, **more: object) -> Explanation:
    return Explanation(1, "ease", rank, 1.0, influences, len(influences), **more)  # type: ignore[arg-type]


def told(voice: Voice, e: Explanation, request: Request | None = None) -> list[str]:
    return [r.text for r in reasons.reasons(voice, e, request or Request())]


def test_a_reason_names_what_mattered_and_carries_it() -> None:
    first, *_ = reasons.reasons(KNOWS, explanation(Influence(0, 0.9, 41), Influence(6, -0.1, 1)), Request())
    assert first.text == "Because you liked Alien (1979): also with Sigourney Weaver, sci-fi"
    assert first.evidence["influences"] == [{"item_id": "a1", "change": 0.9, "rank_without": 41}]
    assert first.evidence["model"] == "ease" and first.evidence["rank"] == 2


def test_met_is_not_liked() -> None:
    assert told(KNOWS, explanation(Influence(6, 0.9, 41)))[0].startswith("Because you know Heat (1995)")


def test_an_influence_that_changes_no_rank_is_no_reason() -> None:
    e = explanation(Influence(0, 0.9, 2))
    assert told(KNOWS, e) == ["Action and sci-fi"]
    assert reasons.reasons(KNOWS, e, Request())[0].evidence["rank"] == 2


def test_reasons_of_a_request() -> None:
    e = explanation(matched={"genres": ("Sci-Fi",), "words": ("colony",)}, provenance=(Provenance("similar", 3, 0.5),))
    asked = Request(like=(0,), wish="colony", conditions=conditions(genres=("Sci-Fi",)))
    assert told(STRANGER, e, asked) == [
        "As you asked: Sci-Fi",
        "“colony” is in its description",
        "Like Alien (1979): also with Sigourney Weaver, sci-fi",
    ]


@pytest.mark.parametrize("voice", [KNOWS, STRANGER])
@pytest.mark.parametrize("influences", [(), (Influence(0, 0.9, 41), Influence(6, -0.2, 1))])
def test_figures_and_names_of_models_are_for_the_trace(voice: Voice, influences: tuple[Influence, ...]) -> None:
    places = (Provenance("similar", 3, 0.5), Provenance("said", 7, 0.5), Provenance("popularity", 3, 0.5))
    e = explanation(*influences, provenance=places, matched={"words": ("colony",)})
    for request in (Request(), Request(wish="colony"), Request(like=(0,)), Request(liked=(6,))):
        for text in (*told(voice, e, request), reasons.why(voice, e, request), reasons.why_not(voice, e, None, ())):
            assert not re.search(r"\d(?:st|nd|rd|th)\b|ease|score|rank|popularity", text), text


def test_a_bound_that_is_kept_is_told_as_one_would() -> None:
    games = Catalogue.of(
        pd.DataFrame({"item_id": ["1"], "title": ["Azul"], "price": ["18.50 €"], "minutes": ["30 min"]})
    )
    e = Explanation(0, "ease", 1, 1.0, matched={"minutes": ("30 minutes",), "price": ("18.50 €",)})
    short = Condition(attribute="minutes", operator="at most", values=(45,))
    cheap = Condition(attribute="price", operator="at most", values=(20,))
    voice = Voice(games, UserState(), 4.0, "ease")
    assert told(voice, e, Request(conditions=(short,)))[0] == "Short enough: 30 minutes"
    assert told(voice, e, Request(conditions=(short, cheap)))[0] == (
        "As you asked: cheap enough (18.50 €), short enough (30 minutes)"
    )


def test_what_everybody_thinks_recommends_where_nothing_else_does() -> None:
    data = rated(tiny_films_data())
    c = data.catalogue
    best = max(range(len(c)), key=lambda i: c.attributes.schema[WEIGHTED].key(c.attributes.cells(WEIGHTED)[i]) or 0)
    text = told(Voice(c, UserState(), 4.0, "ease"), Explanation(best, "ease", 9, 1.0))[0]
    assert text.startswith("One of the best rated here: ") and c.attributes.tell(RATING, best) in text


def test_a_stranger_hears_no_word_of_taste() -> None:
    assert not [text for text in told(STRANGER, explanation()) if "you" in text]
    assert "know nothing of your taste" in reasons.why(STRANGER, explanation(), None)


def test_why_tells_what_would_change() -> None:
    text = reasons.why(KNOWS, explanation(Influence(0, 0.9, 41), Influence(6, -0.2, 1)), None)
    assert text.startswith("Aliens (1986) – because you liked Alien (1979): ")
    assert "Without Alien (1979) it would not be among the first 20." in text
    assert "Heat (1995) in your history speaks against it." in text
    nearer = reasons.why(KNOWS, explanation(Influence(0, 0.9, 4)), None)
    assert "Without Alien (1979) it would stand further back." in nearer


def test_why_not() -> None:
    request = Request(conditions=conditions(genres=("Horror",), year_to=1980))
    text = reasons.why_not(STRANGER, explanation(), request, ())
    assert text == "Aliens (1986) does not fit what you asked: it is not Horror and it is from 1986, after 1980."
    assert (
        reasons.why_not(STRANGER, explanation(), None, (3, 1)) == "It is among them: Aliens (1986) is the second pick."
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


@pytest.mark.parametrize(
    ("order", "before", "text"),
    [
        (Order(attribute="year", rising=False), {}, "The newest first:"),
        (Order(attribute="year", rising=True), {"genres": ("Horror",)}, "Two horror picks, the oldest first:"),
    ],
)
def test_an_order_is_named(order: Order, before: dict, text: str) -> None:
    assert wording.opening(STRANGER, 2, Request(conditions=conditions(**before)), order=order) == text


def asked(*attributes: str, question: str = "") -> About:
    return About((), attributes, question=question)


def test_facts() -> None:
    assert (
        item_facts.facts(STRANGER, (7,), asked("year", question="when was it made?")) == "The Godfather is from 1972."
    )
    unknown = item_facts.facts(STRANGER, (19,), asked("year", question="when was it made?"))
    assert unknown == "I don't know from when Untitled Reel is."
    who = item_facts.facts(STRANGER, (6,), asked("people", question="who is in it?"))
    assert who == "Heat is with Al Pacino and Robert De Niro."
    assert "More I don't know" in item_facts.facts(STRANGER, (19,), asked())
    assert "A thief and a detective" in item_facts.facts(STRANGER, (6,), asked())


def test_a_secret_is_told_to_who_asks() -> None:
    films = Catalogue.of(
        pd.DataFrame({"item_id": ["1"], "title": ["Heat"], "text": ["A thief."], "twist": ["yes"]}),
        Schema(
            [read_attribute({"kind": "flag", "name": "twist", "spoiler": True, "sentence": "there is a twist in {it}"})]
        ),
    )
    voice = Voice(films, UserState(), 4.0, "ease")
    assert "twist" not in item_facts.facts(voice, (0,), asked())
    assert item_facts.facts(voice, (0,), asked("twist", question="what of a twist?")) == "There is a twist in Heat."
    assert "twist" not in [a.name for a in films.schema.told] and "twist" in [a.name for a in films.schema.asked]


def test_comparison_says_which_comes_first_and_why() -> None:
    first = Explanation(7, "ease", 3, 1.0, (Influence(0, 0.4, 9),), 2)
    second = Explanation(8, "ease", 11, 0.5, (), 2)
    assert "In common: Crime and Drama." in item_facts.beside(FILMS, (8, 7))
    assert reasons.first_of(KNOWS, (second, first)) == [
        "For you I would begin with The Godfather (1972), above all because of Alien (1979)."
    ]


def test_small_words() -> None:
    assert [both(x) for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_an_old_trace_says_popularity() -> None:
    """Traces of before call the source by another name."""
    old = {"source": "crowd", "rank": 3, "score": 0.5}
    assert Place.model_validate(old) == Place(source="popularity", rank=3, score=0.5)
