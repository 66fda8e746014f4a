"""What a conversation tells of somebody of whom little else is known: words, likes, and what many people chose."""

import numpy as np
import pytest

from recommenders.contract.config import configured
from recommenders.contract.request import Request
from recommenders.data.tables import UserState
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from recommenders.texts.text_index import TextEncoder, TextIndex
from tests.recommenders.worlds import tiny_films_data

DATA = tiny_films_data()
FILMS = DATA.catalogue
NUMBER = {title: i for i, title in enumerate(FILMS.titles)}
NOBODY = np.zeros(len(FILMS))


@pytest.fixture(scope="module")
def texts(encoder: TextEncoder) -> TextIndex:
    return TextIndex.build(encoder, FILMS)


def pipeline(texts: TextIndex | None, popularity: np.ndarray | None = None, **config: float) -> Pipeline:
    generator = configured("ease", {"half_life": None}).fit(DATA)
    return Pipeline(FILMS, generator, None, texts, PipelineConfig(**config), popularity)  # type: ignore[arg-type]


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
        popularity = NOBODY.copy()
        popularity[NUMBER[favourite]] = 100
        found = pipeline(None, popularity).recommend(UserState(), Request(k=3, said="space horror"))
        assert FILMS.titles[found.candidates[0].item] == favourite
        places = {p.source: p.rank for p in found.candidates[0].provenance}
        assert places["popularity"] == places["said"] == 1


def test_a_generator_of_that_name_says_it_once() -> None:
    """Its place is of the whole catalogue, that of the pipeline's source of the items considered alone."""
    generator = configured("popularity").fit(DATA)
    pipe = Pipeline(FILMS, generator, None, None, PipelineConfig(), DATA.popularity)
    [first] = pipe.recommend(UserState(), Request(k=1, said="space horror")).candidates
    places = {p.source: p.rank for p in first.provenance}
    assert places.keys() == {"popularity", "said"}
    scores = generator.score([UserState()])[0]
    assert places["popularity"] == 1 + (scores > scores[first.item]).sum()


def test_without_words_popularity_has_no_say() -> None:
    popularity = NOBODY.copy()
    popularity[NUMBER["Das Boot"]] = 100
    state = UserState(items=(NUMBER["Alien"],))
    for said in ("", "something good please"):
        request = Request(k=10, said=said)
        assert titles(pipeline(None, popularity), state, request) == titles(pipeline(None), state, Request(k=10))


def test_the_better_a_wish_is_answered_the_less_popularity_has_a_say() -> None:
    popularity = NOBODY.copy()
    popularity[NUMBER["Amélie"]] = 100
    for wish, first in (("submarine", "Das Boot"), ("unheard of", "Amélie")):
        request = Request(k=18, wish=wish, said=wish)
        heavy = pipeline(None, popularity, popularity_weight=10.0)
        assert titles(heavy, UserState(), request)[0] == first
        sources = {p.source for p in heavy.recommend(UserState(), request).candidates[0].provenance}
        assert ("popularity" in sources) == (first == "Amélie")
    half = Request(k=18, wish="submarine unheard", said="submarine unheard")  # no item has both words
    score, alone = (
        next(c.score for c in pipe.recommend(UserState(), half).candidates if c.item == NUMBER["Amélie"])
        for pipe in (pipeline(None, popularity), pipeline(None, NOBODY))
    )
    assert 0 < score - alone < 0.9 * PipelineConfig().popularity_weight


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
    """Words, likes and popularity fade as the history grows."""
    popularity = np.arange(len(FILMS), dtype=float)
    state = UserState(items=(NUMBER["Heat"], NUMBER["The Godfather"]))
    request = Request(k=15, said="a romantic comedy for the family", liked=(NUMBER["Heat"],))
    plain = titles(pipeline(texts), state, Request(k=15))
    assert titles(pipeline(texts, popularity, newcomer=1e-9), state, request) == plain
    assert titles(pipeline(texts, popularity, newcomer=1e9), state, request)[0] != plain[0]


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
    assert {p.source for p in told.provenance} == {"ease", "said", "popularity", "similar"}
