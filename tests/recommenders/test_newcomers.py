"""What a conversation tells of somebody of whom little else is known: words, likes, and what many people chose."""

import numpy as np
import pytest

from recommenders.contract.config import configured
from recommenders.contract.request import Request
from recommenders.data.tables import UserState
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from recommenders.texts.text import TextEncoder, TextIndex
from tests.recommenders.worlds import tiny_films_data

DATA = tiny_films_data()
FILMS = DATA.catalogue
NUMBER = {title: i for i, title in enumerate(FILMS.titles)}
NOBODY = np.zeros(len(FILMS))


@pytest.fixture(scope="module")
def texts(encoder: TextEncoder) -> TextIndex:
    return TextIndex.build(encoder, FILMS)


def pipeline(texts: TextIndex | None, chosen: np.ndarray | None = None, **config: float) -> Pipeline:
    generator = configured("ease", {"half_life": None}).fit(DATA)
    return Pipeline(FILMS, generator, None, texts, PipelineConfig(**config), chosen)  # type: ignore[arg-type]


def titles(pipe: Pipeline, state: UserState, request: Request) -> list[str]:
    return [FILMS.titles[c.item] for c in pipe.recommend(state, request).candidates]


@pytest.mark.parametrize("with_texts", [True, False])
def test_what_a_newcomer_said_leads_though_nothing_was_asked(texts: TextIndex, with_texts: bool) -> None:
    pipe = pipeline(texts if with_texts else None, NOBODY)
    assert set(titles(pipe, UserState(), Request(k=2, said="my kids and I watched a space horror film"))) <= {
        "Alien",
        "Event Horizon",
        "Solaris",
    }


def test_of_two_films_that_suit_alike_the_one_that_more_people_chose_stands_first() -> None:
    for favourite in ("Alien", "Event Horizon"):
        chosen = NOBODY.copy()
        chosen[NUMBER[favourite]] = 100
        found = pipeline(None, chosen).recommend(UserState(), Request(k=3, said="space horror"))
        assert FILMS.titles[found.candidates[0].item] == favourite
        places = {p.source: p.rank for p in found.candidates[0].provenance}
        assert places["crowd"] == places["said"] == 1


def test_without_words_the_crowd_has_no_say() -> None:
    chosen = NOBODY.copy()
    chosen[NUMBER["Das Boot"]] = 100
    state = UserState(items=(NUMBER["Alien"],))
    for said in ("", "something good please"):
        request = Request(k=10, said=said)
        assert titles(pipeline(None, chosen), state, request) == titles(pipeline(None), state, Request(k=10))


def test_the_better_a_wish_is_answered_the_less_the_crowd_has_a_say() -> None:
    chosen = NOBODY.copy()
    chosen[NUMBER["Amélie"]] = 100
    for wish, first in (("submarine", "Das Boot"), ("unheard of", "Amélie")):
        request = Request(k=18, wish=wish, said=wish)
        heavy = pipeline(None, chosen, crowd_weight=10.0)
        assert titles(heavy, UserState(), request)[0] == first
        sources = {p.source for p in heavy.recommend(UserState(), request).candidates[0].provenance}
        assert ("crowd" in sources) == (first == "Amélie")
    half = Request(k=18, wish="submarine unheard", said="submarine unheard")  # no item has both words
    [answer] = [c for c in pipeline(None, chosen).recommend(UserState(), half).candidates if c.item == NUMBER["Amélie"]]
    [alone] = [c for c in pipeline(None, NOBODY).recommend(UserState(), half).candidates if c.item == NUMBER["Amélie"]]
    assert 0 < answer.score - alone.score < 0.9 * PipelineConfig().crowd_weight


def test_what_was_liked_here_draws_its_neighbours_up(texts: TextIndex) -> None:
    pipe = pipeline(texts)
    for title, near in (("Alien", "Aliens"), ("The Godfather", "Goodfellas")):
        liked = (NUMBER[title],)
        state = UserState(items=(NUMBER["Amélie"], *liked))
        with_it = titles(pipe, state, Request(k=18, liked=liked))
        without = titles(pipe, state, Request(k=18))
        assert with_it.index(near) <= without.index(near)
        assert title not in with_it


def test_known_taste_needs_no_crutch(texts: TextIndex) -> None:
    """Words, likes and the crowd fade as the history grows."""
    chosen = np.arange(len(FILMS), dtype=float)
    state = UserState(items=(NUMBER["Heat"], NUMBER["The Godfather"]))
    request = Request(k=15, said="a romantic comedy for the family", liked=(NUMBER["Heat"],))
    plain = titles(pipeline(texts), state, Request(k=15))
    assert titles(pipeline(texts, chosen, newcomer=1e-9), state, request) == plain
    assert titles(pipeline(texts, chosen, newcomer=1e9), state, request)[0] != plain[0]


def test_a_wish_counts_more_than_what_was_said_before(texts: TextIndex) -> None:
    pipe = pipeline(texts, NOBODY)
    first = titles(
        pipe, UserState(), Request(k=1, wish="submarine crew", said="submarine crew. I love romantic comedy")
    )
    assert first == ["Das Boot"]


def test_why_tells_their_places(texts: TextIndex) -> None:
    pipe = pipeline(texts, NOBODY + 1)
    request = Request(k=5, said="space horror", liked=(NUMBER["Alien"],))
    state = UserState(items=(NUMBER["Alien"],))
    [told] = pipe.explain(state, [NUMBER["Event Horizon"]], request)
    assert {p.source for p in told.provenance} == {"ease", "said", "crowd", "similar"}
