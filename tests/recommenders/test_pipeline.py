"""The pipeline: what it promises of every list, whatever is asked, and what leads when."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import RecommenderError, UnknownName
from recommenders.contract.base import Recommender, Role
from recommenders.contract.config import configured
from recommenders.contract.request import Request
from recommenders.data.tables import Catalogue, Dataset, UserState
from recommenders.evaluation.evaluate import evaluate
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from recommenders.pipeline.tune import K, tune, withhold_last
from recommenders.texts.text_index import TextEncoder, TextIndex
from tests.recommenders.conditions import ASKED, conditions, qualifies
from tests.recommenders.worlds import checkerboard, tiny_films, tiny_films_data

DATA = tiny_films_data()
FILMS = DATA.catalogue
NUMBER = {title: item for item, title in reversed(list(enumerate(FILMS.titles)))}
CASABLANCA, TWIN = 17, 18


class Liking(Recommender):
    """A ranker with fixed scores, so that the right blend can be worked out by hand."""

    roles: ClassVar[frozenset[Role]] = frozenset({"ranker"})

    @dataclass(frozen=True)
    class Config:
        pass

    def __init__(self, catalogue: Catalogue, scores: Mapping[int, float]) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._scores = np.array([scores.get(i, 0.0) for i in range(len(catalogue))], np.float32)

    def _fit(self, data: Dataset, **_: Any) -> None: ...

    def score(self, states: Sequence[UserState], candidates: np.ndarray | None = None) -> np.ndarray:
        every = np.broadcast_to(self._scores, (len(states), len(self._scores)))
        return every if candidates is None else np.take_along_axis(every, candidates, axis=1)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {}

    def _restore(self, arrays: dict[str, np.ndarray]) -> None: ...


class Liked(Liking):
    """The same as a generator."""

    roles: ClassVar[frozenset[Role]] = frozenset({"generator"})


def ease(data: Dataset) -> Recommender:
    return configured("ease", {"half_life": None}).fit(data)


GENERATOR = ease(DATA)
PLAIN = Pipeline(FILMS, GENERATOR)


@pytest.fixture(scope="module")
def with_texts(encoder: TextEncoder) -> Pipeline:
    return Pipeline(FILMS, GENERATOR, None, TextIndex.build(encoder, FILMS))


def items(pipeline: Pipeline, state: UserState, request: Request, **options: Any) -> list[int]:
    return [c.item for c in pipeline.recommend(state, request, **options).candidates]


def titles(pipeline: Pipeline, state: UserState, request: Request) -> list[str]:
    return [FILMS.titles[i] for i in items(pipeline, state, request)]


ITEMS = st.integers(0, len(FILMS) - 1)
STATES = st.builds(
    lambda met, disliked: UserState(items=tuple(met), disliked=tuple(disliked)),
    st.lists(ITEMS, max_size=8, unique=True),
    st.lists(ITEMS, max_size=3, unique=True),
)
REQUESTS = st.builds(
    Request,
    k=st.integers(0, 30),
    wish=st.sampled_from(["", "space horror", "a good film", "Al Pacino mafia", "zzz"]),
    like=st.lists(ITEMS, max_size=2, unique=True).map(tuple),
    said=st.sampled_from(["", "I loved a space horror film with Al Pacino", "hello there"]),
    liked=st.lists(ITEMS, max_size=2, unique=True).map(tuple),
    exclude=st.frozensets(ITEMS, max_size=4),
    include_seen=st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(
    state=STATES,
    request=REQUESTS,
    asked=st.one_of(st.just({}), ASKED),
    pool=st.none() | st.integers(0, 25),
    ranked=st.booleans(),
    diversity=st.sampled_from([0.0, 0.3]),
)
def test_what_every_list_keeps(
    state: UserState,
    request: Request,
    asked: dict[str, object],
    pool: int | None,
    ranked: bool,
    diversity: float,
) -> None:
    request = replace(request, conditions=conditions(**asked))
    ranker = Liking(FILMS, {i: (7 * i) % 5 for i in range(20)}) if ranked else None
    pipeline = Pipeline(FILMS, GENERATOR, ranker, config=PipelineConfig(diversity=diversity))
    answer = pipeline.recommend(state, request, pool=pool)
    found = [c.item for c in answer.candidates]
    out = {*request.exclude, *state.disliked, *request.like, *(() if request.include_seen else state.items)}
    ok = [qualifies(FILMS, i, asked) and i not in out for i in range(len(FILMS))]
    ok = [o and not (i in (CASABLANCA, TWIN) and {CASABLANCA, TWIN} & out) for i, o in enumerate(ok)]
    assert all(ok[i] for i in found)
    assert len({(FILMS.titles[i], FILMS.years[i]) for i in found}) == len(found)  # twins are shown once
    assert answer.qualified == sum(ok) - (ok[CASABLANCA] and ok[TWIN])
    assert len(found) == min(answer.qualified, max(request.k, pool or 0))
    assert [c.rank for c in answer.candidates] == list(range(1, len(found) + 1))
    assert bool(answer.note) or answer.qualified >= request.k
    sources = {"ease", *(["liking"] if ranked else [])}
    for c in answer.candidates:
        said = {p.source for p in c.provenance}
        assert said >= {"ease"}
        assert said <= sources | {"text", "similar", "said", pipeline.ranker.name if pipeline.ranker else ""}
        assert all(p.rank >= 1 and np.isfinite(p.score) for p in c.provenance)


def test_without_ranker_wish_or_condition_the_generator_decides() -> None:
    state = DATA.state(0)
    alone = [i for i, _ in GENERATOR.recommend(state, len(FILMS))]
    second = max((CASABLANCA, TWIN), key=alone.index)  # of the twins only the better placed is shown
    assert items(PLAIN, state, Request(k=8)) == [i for i in alone if i != second][:8]
    answer = PLAIN.recommend(state, Request(k=5))
    assert [c.provenance[0].rank for c in answer.candidates] == sorted(c.provenance[0].rank for c in answer.candidates)


def test_the_rankers_weight_moves_from_the_generators_order_to_its_own() -> None:
    loved = NUMBER["Das Boot"]
    ranker = Liking(FILMS, {loved: 5.0})
    state = UserState(items=(NUMBER["Toy Story"],))
    alone = Pipeline(FILMS, GENERATOR, ranker, config=PipelineConfig(ranker_weight=0))
    strong = Pipeline(FILMS, GENERATOR, ranker, config=PipelineConfig(ranker_weight=100))
    assert items(alone, state, Request(k=10)) == items(PLAIN, state, Request(k=10))
    best = strong.recommend(state, Request(k=3)).candidates[0]
    assert best.item == loved
    assert {p.source: p.rank for p in best.provenance}[ranker.name] == 1


def test_a_wish_leads_and_taste_only_orders_what_suits_it(with_texts: Pipeline) -> None:
    romantic = UserState(items=(NUMBER["Annie Hall"], NUMBER["When Harry Met Sally"], NUMBER["Amélie"]))
    answer = with_texts.recommend(romantic, Request(k=3, wish="slow-burning space horror"))
    assert {FILMS.titles[c.item] for c in answer.candidates} <= {"Alien", "Event Horizon", "Solaris", "Aliens"}
    top = answer.candidates[0]
    assert set(top.matched["words"]) == {"space", "horror"}
    assert {p.source for p in top.provenance} == {"ease", "text"}
    without = titles(Pipeline(FILMS, GENERATOR), romantic, Request(k=2, wish="slow-burning space horror"))
    assert set(without) <= {"Alien", "Event Horizon", "Solaris"}  # words alone find them too


def test_without_texts_any_word_of_a_wish_comes_before_taste() -> None:
    generator = Liked(FILMS, {NUMBER["Amélie"]: 100.0})
    found = titles(Pipeline(FILMS, generator), UserState(), Request(k=3, wish="submarine zebra orchestra violin"))
    assert found[:2] == ["Das Boot", "Amélie"]


def test_taste_decides_among_equally_suitable_items() -> None:
    """Alien and Event Horizon match "space horror" alike in words; the generator's favourite comes first."""
    for favourite in ("Alien", "Event Horizon"):
        generator = Liked(FILMS, {NUMBER[favourite]: 1.0})
        assert titles(Pipeline(FILMS, generator), UserState(), Request(k=2, wish="space horror"))[0] == favourite


def test_more_like_these(with_texts: Pipeline) -> None:
    indifferent = Pipeline(FILMS, Liked(FILMS, {}), None, with_texts.texts)  # so that the texts decide
    assert titles(indifferent, UserState(), Request(k=1, like=(NUMBER["Alien"],))) == ["Aliens"]
    answer = with_texts.recommend(UserState(), Request(k=3, like=(NUMBER["Alien"],)))
    assert NUMBER["Alien"] not in [c.item for c in answer.candidates]
    assert {p.source for p in answer.candidates[0].provenance} == {"ease", "similar"}


def test_what_resembles_the_disliked_sinks(with_texts: Pipeline) -> None:
    for pipeline in (PLAIN, with_texts):
        state = UserState(items=(NUMBER["Heat"],))
        before = items(pipeline, state, Request(k=15))
        horror = NUMBER["The Exorcist"]
        after = items(pipeline, replace(state, disliked=(NUMBER["The Shining"],)), Request(k=15))
        assert NUMBER["The Shining"] not in after
        place = [i for i in before if i != NUMBER["The Shining"]].index(horror)
        assert after.index(horror) >= place
    weighty = Pipeline(FILMS, GENERATOR, config=PipelineConfig(dislike_weight=50))
    assert items(weighty, replace(state, disliked=(NUMBER["The Shining"],)), Request(k=17))[-1] == horror


def test_diversity_makes_a_list_less_alike() -> None:
    state = UserState(items=(NUMBER["Heat"],))
    narrow = Pipeline(FILMS, GENERATOR, config=PipelineConfig(diversity=0.0))
    wide = Pipeline(FILMS, GENERATOR, config=PipelineConfig(diversity=0.9))

    def alike(pipeline: Pipeline) -> float:
        return float(pipeline.resemblance.between(np.array(items(pipeline, state, Request(k=6)))).mean())

    assert alike(wide) < alike(narrow)


def test_a_seen_twin_is_seen() -> None:
    state = UserState(items=(CASABLANCA,))
    assert TWIN not in items(PLAIN, state, Request(k=20))
    assert {CASABLANCA, TWIN} & set(items(PLAIN, state, Request(k=20, include_seen=True)))


# -- defined answers at the edges -----------------------------------------------------------------------------------


def test_nobody_yet() -> None:
    answer = PLAIN.recommend(UserState(), Request(k=5))
    assert len(answer.candidates) == 5
    assert "Nothing is known of your taste yet" in answer.note


def test_a_narrow_condition_is_filled_and_an_impossible_one_says_what_would_help() -> None:
    answer = PLAIN.recommend(UserState(), Request(k=2, conditions=conditions(language=["Japanese"])))
    assert [FILMS.languages[c.item] for c in answer.candidates] == ["Japanese", "Japanese"]
    none = PLAIN.recommend(UserState(), Request(k=5, conditions=conditions(genres=["Horror"], year_to=1950)))
    assert none.candidates == ()
    assert none.qualified == 0
    assert none.note == (
        "Nothing qualifies (genre: Horror and before 1951). Without 'genre: Horror' there would be 1. "
        "Without 'before 1951' there would be 4."
    )


def test_where_no_single_condition_helps_it_says_what_goes_together() -> None:
    impossible = conditions(genres=["Horror"], language=["Japanese"], people=["Al Pacino"], year_to=1960)
    assert PLAIN.recommend(UserState(), Request(k=5, conditions=impossible)).note == (
        "Nothing qualifies (genre: Horror and language: Japanese and with Al Pacino and before 1961). "
        "With 'language: Japanese and before 1961' alone there would be 1."
    )


def test_fewer_than_asked_for() -> None:
    answer = PLAIN.recommend(UserState(), Request(k=100))
    assert len(answer.candidates) == answer.qualified == 19
    assert answer.note.startswith("Only 19 items of 20 qualify that you do not know yet.")
    everything = PLAIN.recommend(UserState(items=tuple(range(20))), Request(k=5))
    assert everything.candidates == ()
    assert everything.note.startswith("Nothing qualifies that you do not know yet.")


def test_a_wish_that_nothing_speaks_of(with_texts: Pipeline) -> None:
    for pipeline in (PLAIN, with_texts):
        answer = pipeline.recommend(UserState(), Request(k=3, wish="qwrtz plmkn"))
        assert len(answer.candidates) == 3
        assert "Nothing in the catalogue speaks of 'qwrtz plmkn'" in answer.note


def test_a_wish_that_says_nothing_leaves_it_to_taste(with_texts: Pipeline) -> None:
    state = DATA.state(1)
    assert items(with_texts, state, Request(k=5, wish="something good to watch")) == items(
        with_texts, state, Request(k=5)
    )


def test_unknown_names_are_errors() -> None:
    with pytest.raises(UnknownName, match="did you mean 'Horror'"):
        PLAIN.recommend(UserState(), Request(conditions=conditions(genres=["Horrors"])))


def test_parts_that_do_not_fit() -> None:
    with pytest.raises(RecommenderError, match="cannot be a ranker"):
        Pipeline(FILMS, GENERATOR, Liked(FILMS, {}))
    with pytest.raises(RecommenderError, match="another catalogue"):
        Pipeline(checkerboard()[0].catalogue, GENERATOR)


# -- evidence -------------------------------------------------------------------------------------------------------


def test_matched_names_what_an_item_has_of_the_request() -> None:
    request = Request(
        k=3,
        wish="a detective in Los Angeles",
        conditions=conditions(people=["Al Pacino"], any_genres=["Crime", "Horror"]),
    )
    heat = next(c for c in PLAIN.recommend(UserState(), request).candidates if FILMS.titles[c.item] == "Heat")
    assert heat.matched == {"genres": ("Crime",), "people": ("Al Pacino",), "words": ("detective", "los", "angeles")}


def test_explanations_are_the_models_with_places_and_shared_attributes(with_texts: Pipeline) -> None:
    state = UserState(items=(NUMBER["The Godfather"], NUMBER["Annie Hall"]), values=(5.0, 2.0), timestamps=(1, 2))
    liking = Pipeline(FILMS, GENERATOR, None, with_texts.texts, PipelineConfig(liked_from=4.0))
    request = Request(k=5, wish="gangster")
    (told,) = liking.explain(state, [NUMBER["Heat"]], request)
    (bare,) = GENERATOR.explain(state, [NUMBER["Heat"]])
    assert (told.rank, told.score, told.influences, told.tried) == (bare.rank, bare.score, bare.influences, bare.tried)
    assert told.shared == {"genres": ("Crime",), "people": ("Al Pacino",)}  # Annie Hall was not liked
    candidates = liking.recommend(state, replace(request, k=17)).candidates
    assert told.provenance == next(c.provenance for c in candidates if c.item == NUMBER["Heat"])
    (goodfellas,) = liking.explain(state, [NUMBER["Goodfellas"]], request)
    assert goodfellas.matched == {"words": ("gangster",)}


def test_an_item_met_since_is_explained_as_if_it_were_not() -> None:
    state = UserState(items=(NUMBER["The Godfather"], NUMBER["Heat"]))
    heat, alien = PLAIN.explain(state, [NUMBER["Heat"], NUMBER["Alien"]])
    assert heat.item == NUMBER["Heat"]
    assert [x.item for x in heat.influences] == [NUMBER["The Godfather"]]
    assert {x.item for x in alien.influences} == {NUMBER["The Godfather"], NUMBER["Heat"]}


def test_explanations_of_an_empty_history() -> None:
    (told,) = PLAIN.explain(UserState(), [3])
    assert told.influences == ()
    assert told.shared == {}


# -- tuning ---------------------------------------------------------------------------------------------------------


def test_tuning_takes_a_ranker_that_helps_and_drops_one_that_harms() -> None:
    data, cases = checkerboard(users=40, items=30)
    generator = configured("popularity").fit(data)
    good = Liking(data.catalogue, dict.fromkeys(range(0, 30, 2), 1.0))
    even = [case for user, case in enumerate(cases) if user % 2 == 0]
    helped = tune(Pipeline(data.catalogue, generator, good), even)
    assert helped.config.ranker_weight > 0
    assert max(helped.by_weight.values()) == helped.by_weight[helped.config.ranker_weight] > helped.by_weight[0.0]
    bad = Liking(data.catalogue, dict.fromkeys(range(1, 30, 2), 1.0))
    assert tune(Pipeline(data.catalogue, generator, bad), even).config.ranker_weight == 0


def test_tuning_measures_what_the_pipeline_then_does() -> None:
    data, cases = checkerboard(users=60, items=60)
    ranker = Liking(data.catalogue, {i: (13 * i) % 7 for i in range(60)})
    pipeline = Pipeline(data.catalogue, configured("popularity").fit(data), ranker)
    tuned = tune(pipeline, cases)
    served = Pipeline(data.catalogue, pipeline.generator, ranker, config=tuned.config)
    assert evaluate(served, cases, k=K).measured["ndcg"].mean == pytest.approx(
        tuned.by_diversity[tuned.config.diversity], abs=1e-4
    )
    assert tuned.by_diversity[tuned.config.diversity] >= tuned.by_diversity[0.0]


def test_withhold_last() -> None:
    data, _ = checkerboard(users=6, items=10, hold_out=False)
    less, cases = withhold_last(data)
    assert len(less.interactions) == len(data.interactions) - 6
    for user, (state, item) in enumerate(cases):
        assert (*state.items, item) == data.state(user).items
        assert less.state(user).items == state.items


# -- cost -----------------------------------------------------------------------------------------------------------


def test_importing_the_pipeline_loads_nothing_heavy() -> None:
    heavy = "('torch', 'faiss', 'sentence_transformers')"
    code = f"import sys, recommenders.pipeline; print([m for m in {heavy} if m in sys.modules])"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True).strip() == "[]"


def test_a_catalogue_of_titles_alone_is_enough() -> None:
    n = 30
    bare = Catalogue.of(pd.DataFrame({"item_id": range(n), "title": [f"Thing {i}" for i in range(n)]}))
    data = replace(checkerboard(items=n)[0], catalogue=bare)
    pipeline = Pipeline(bare, ease(data), config=PipelineConfig(diversity=0.1))
    assert len(items(pipeline, data.state(0), Request(k=5))) == 5
    assert items(pipeline, UserState(disliked=(0,)), Request(k=3, wish="thing 7"))[0] == 7


def test_conditions_are_those_of_the_attributes() -> None:
    asked = conditions(genres=["Horror"])
    found = items(PLAIN, UserState(), Request(k=20, conditions=asked))
    assert sorted(found) == np.flatnonzero(tiny_films().attributes.mask(asked)).tolist()


def test_a_soft_condition_keeps_nothing_out() -> None:
    (horror,) = conditions(genres=["Horror"])
    soft = Request(k=20, conditions=(horror.model_copy(update={"hard": False}),))
    assert PLAIN.recommend(UserState(), soft).qualified == PLAIN.recommend(UserState(), Request(k=20)).qualified
