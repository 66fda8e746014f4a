"""Wishes read by meaning: the index against plain loops, lessons and their answers, what is kept; and the reader as it
ships, on the films that it was taught on."""

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from app.errors import ArtefactError
from app.settings import settings
from recommenders.contract import Request
from recommenders.contract.config import configured
from recommenders.data import Catalogue, Dataset, UserState, sources
from recommenders.data.attributes import Schema, read_attribute
from recommenders.pipeline import Pipeline
from recommenders.wishes import WishIndex, WishReader, multilingual
from recommenders.wishes.columns import KNOWN, POPULAR, columns, matrix
from recommenders.wishes.wish_index import Vectors
from recommenders.wishes.wish_reader import Wish
from recommenders.wishes.wish_teaching import Fit, Items, Lesson, Pupil, Task, lessons, loss, told_apart

D = 8
SCHEMA = Schema(
    read_attribute(row)
    for row in (
        {"kind": "set", "name": "moods", "heard": False},
        {"kind": "levels", "name": "violence", "levels": ("none", "mild", "moderate", "strong")},
        {"kind": "flag", "name": "twist"},
        {"kind": "number", "name": "age", "dimension": "age", "unit": "years"},
        {"kind": "set", "name": "actors", "proper": True, "prefix": "with"},
    )
)  # fmt: skip


def films() -> Catalogue:
    table = pd.DataFrame(
        {
            "item_id": ["a", "b", "c", "d"],
            "title": ["A Warm One", "A Cruel One", "A Cold One", "Nothing Known"],
            "year": [1994, 1999, 2003, None],
            "genres": ["Comedy", "Crime|Drama", "Drama", ""],
            "text": ["Somebody is kind to somebody.", "Somebody is shot.", "It snows for years.", ""],
            "moods": ["cosy|funny", "dark", "bleak|cosy", ""],
            "violence": ["none", "strong", "mild", ""],
            "twist": ["no", "yes", "no", ""],
            "age": ["6", "18", "12", ""],
            "actors": ["Ann Able", "Bob Best", "", ""],
        }
    )
    return Catalogue.of(table, SCHEMA)


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def index_of(rng: np.random.Generator, *, unread: int | None = None) -> tuple[WishIndex, Wish, np.ndarray, np.ndarray]:
    """An index of drawn vectors whose reader gives one drawn wish."""
    catalogue = films()
    known = tuple(columns(catalogue))
    texts, voices = unit(rng.normal(size=(4, D))), unit(rng.normal(size=(5, D)))
    if unread is not None:
        texts[unread] = 0
    wish = Wish(unit(rng.normal(size=(1, D)))[0], rng.normal(size=len(known)).astype(np.float32), 0.9)
    reader = SimpleNamespace(columns=known, scale=7.0, mean_share=0.3, read=lambda text: wish)
    owners = np.array([2, 0, 0, 2, 1])
    return WishIndex(reader, catalogue, texts, voices, owners), wish, texts, voices  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_scores_are_those_of_the_formula(seed: int) -> None:
    index, wish, texts, voices = index_of(np.random.default_rng(seed))
    owners, has = [2, 0, 0, 2, 1], matrix(films(), index.reader.columns)
    for item, score in enumerate(index.scores("whatever")):
        own = [texts[item], *(v for v, o in zip(voices, owners, strict=True) if o == item)]
        middle = sum(own) / np.linalg.norm(sum(own))
        near = max(float(v @ wish.vector) for v in own)
        expected = 7.0 * (0.3 * float(middle @ wish.vector) + 0.7 * near) + float(has[item] @ wish.call)
        assert score == pytest.approx(expected, abs=1e-5)


def test_an_item_of_which_nothing_was_read_stands_behind_all_others() -> None:
    index, *_ = index_of(np.random.default_rng(3), unread=3)
    assert index.scores("whatever").argmin() == 3
    assert index.read_share == 0.75


def test_columns_are_sorts_levels_flags_and_decades_but_no_people() -> None:
    found = columns(films())
    assert {("moods", "cosy"), ("violence", "strong"), ("twist", "yes"), ("year", "1990s"), ("genres", "Drama")} <= {
        *found
    }
    assert not any(attribute in ("actors", "people", "age") for attribute, _ in found)
    has = matrix(films(), [("moods", "cosy"), ("violence", "strong"), ("year", "1990s"), KNOWN, ("moods", "no such")])
    assert has.tolist() == [[1, 0, 1, 1, 0], [0, 1, 1, 1, 0], [1, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert not matrix(films(), [POPULAR]).any(), "nobody counted"


def test_what_a_wish_called_for_is_what_the_item_has() -> None:
    index, wish, *_ = index_of(np.random.default_rng(1))
    place = {column: k for k, column in enumerate(index.reader.columns)}
    wish.call[:] = 0
    wish.call[place["moods", "cosy"]], wish.call[place["violence", "strong"]] = 3.0, 9.0
    wish.call[place["moods", "funny"]] = 5.0
    assert index.called("whatever", [0, 1, 2, 3]) == [("funny", "cosy"), (), ("cosy",), ()]


# -- lessons ----------------------------------------------------------------------------------------------------------


def test_what_fits_a_lesson_has_what_it_wants_and_not_what_it_avoids() -> None:
    fit = Fit(films())
    warm = fit.of(Lesson({"en": "warm"}, {"moods": ["cosy"], "violence": ["none"]}, {"moods": ["bleak"]}))
    assert warm is not None
    assert warm.argsort()[::-1][:2].tolist() == [0, 2] and warm[0] == 1
    calm = fit.of(Lesson({}, {"genres": ["Drama"]}, {"violence": ["moderate"]}))
    assert calm is not None and calm[1] < calm[2], "more than is to be avoided is as bad"
    young = fit.of(Lesson({}, {"age": [8]}))
    assert young is not None and young.tolist() == [1, 0, 0, 0]
    dated = fit.of(Lesson({}, {"year": [1990]}))
    assert dated is not None and dated.tolist() == [1, 1, 0.5, 0]
    assert fit.of(Lesson({}, {"price": [3]})) is None


def test_the_lessons_are_of_the_films_they_are_for() -> None:
    known = {"moods", "genres", "keywords", "company", "pace", "ending", "humour", "violence", "sex", "frightening",
             "strong_language", "drugs", "age", "twist", "black_and_white", "year"}  # fmt: skip
    all_of_them = lessons()
    assert len(all_of_them) > 900
    for lesson in all_of_them:
        assert {*lesson.want} | {*lesson.avoid} <= known
        assert {*lesson.said} == {"en", "de", "fr", "es", "it", "pt"}


def pupil(rng: np.random.Generator, has: np.ndarray) -> Pupil:
    torch.manual_seed(0)
    layer = torch.nn.ModuleList([Affine()])
    return Pupil(layer, has.shape[1], np.zeros(384, np.float32), 0.0)


class Affine(torch.nn.Module):
    """A layer that has weights to learn and ignores what is barred."""

    def __init__(self) -> None:
        super().__init__()
        self.map = torch.nn.Linear(384, 384)

    def forward(self, states: torch.Tensor, barred: torch.Tensor) -> torch.Tensor:
        return states + 0.1 * self.map(states)


def test_learning_raises_the_answers_and_never_uses_a_requests_own_text() -> None:
    rng = np.random.default_rng(0)
    has = rng.integers(0, 2, (6, 3)).astype(np.float32)
    texts, voices = unit(rng.normal(size=(6, 384))), unit(rng.normal(size=(4, 384)))
    items = Items(texts, voices, np.array([0, 1, 1, 2]), has)
    learner = pupil(rng, has)
    states = [rng.normal(size=(3, 384)).astype(np.float16) for _ in range(4)]
    tasks = [Task(n, np.array([o]), np.ones(1, np.float32), n) for n, o in enumerate([0, 1, 1, 2])]
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.01)
    values = []
    for _ in range(12):
        value = loss(items.scores(learner, learner(states), [0, 1, 2, 3]), tasks)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert values[-1] < 0.7 * values[0]
    own = torch.from_numpy(voices[:1])  # the query is the item's own voice
    with torch.no_grad():
        with_it, without = (items.scores(learner.eval(), own, [o])[0] for o in (-1, 0))
    assert with_it[0] > without[0] and torch.allclose(with_it[1:], without[1:])


def test_wishes_and_talk_are_told_apart_by_a_line() -> None:
    rng = np.random.default_rng(2)
    wishes, talk = rng.normal(size=(300, D)) + 1, rng.normal(size=(60, D)) - 1
    weight, bias = told_apart(wishes.astype(np.float32), talk.astype(np.float32))
    assert ((wishes @ weight + bias) > 0).mean() > 0.97 and ((talk @ weight + bias) < 0).mean() > 0.97


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_vectors_are_kept_and_joined(tmp_path: Path) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(3, 384)))
    kept = Vectors.of(["one", "two"], rows[:2])
    (kept | Vectors.of(["two", "three"], rows[1:])).write(tmp_path / "index")
    again = Vectors.kept(tmp_path / "index").rows(["three", "nobody", "one"])
    assert (again[0] @ rows[2] > 0.9999) and (again[2] @ rows[0] > 0.9999) and not again[1].any()
    next((tmp_path / "index").glob("*.safetensors")).write_bytes(b"torn")
    assert not Vectors.kept(tmp_path / "index").place, "made anew"


def test_a_damaged_reader_or_encoder_says_so(tmp_path: Path) -> None:
    (tmp_path / "e5.bin").write_bytes(b"E5S1 and then nothing")
    with pytest.raises(ArtefactError, match="damaged"):
        multilingual.Packed(tmp_path / "e5.bin")
    with pytest.raises(ArtefactError, match="missing"):
        multilingual.Encoder(tmp_path / "none.bin")
    (tmp_path / "e5.bin").write_bytes(b"")
    with pytest.raises(ArtefactError, match="reader of wishes"):
        WishReader(multilingual.Encoder(tmp_path / "e5.bin"), tmp_path)


# -- as it ships ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> tuple[WishIndex, Dataset]:
    s = settings()
    encoder = s.cache_dir / "encoder" / multilingual.FILE
    if not encoder.is_file():
        pytest.skip(f"no {encoder}; run chatrec setup")
    if not sources.is_here("movielens-2016", s.cache_dir, s.datasets):
        pytest.skip("movielens-2016 is not here; run: chatrec data get movielens-2016")
    data = sources.load("movielens-2016", s.cache_dir, s.datasets)
    reader = WishReader(multilingual.Encoder(encoder))
    return WishIndex.build(reader, data.catalogue, sources.requests("movielens-2016"), encode=False), data


def first(shipped: tuple[WishIndex, Dataset], wish: str, k: int = 10) -> list[str]:
    index, data = shipped
    return [data.catalogue.titles[i] for i in np.argsort(-index.scores(wish))[:k]]


def test_every_described_film_comes_with_its_vectors(shipped: tuple[WishIndex, Dataset]) -> None:
    index, data = shipped
    described = sum(bool(plot) for plot in data.catalogue.table["plot"])
    assert index.read_share == pytest.approx(described / len(data.catalogue), abs=1e-6)


@pytest.mark.parametrize(
    "wish",
    [
        "that one where the weatherman keeps living the same day over and over",
        "der wo der wettermann immer wieder denselben tag erlebt",
        "le film où le monsieur météo revit toujours la même journée",
        "esa del hombre del tiempo que vive el mismo día una y otra vez",
        "quello del meteorologo che rivive sempre la stessa giornata",
        "aquele do homem da previsão do tempo que vive o mesmo dia várias vezes",
    ],
)
def test_a_film_that_is_described_is_found_in_six_languages(shipped: tuple[WishIndex, Dataset], wish: str) -> None:
    assert "Groundhog Day" in first(shipped, wish, 3)


@pytest.mark.parametrize(
    "wish", ["cheer me up", "something slow and beautiful", "a feel-good film for a rainy Sunday with my mum"]
)
def test_moods_do_not_match_bare_words_of_titles(shipped: tuple[WishIndex, Dataset], wish: str) -> None:
    assert not {"Seven (a.k.a. Se7en)", "Speed", "Twister", "Paris Is Burning", "Slow Burn"} & {*first(shipped, wish)}


def test_what_is_asked_of_the_reader_was_not_taught_to_it() -> None:
    asked = Path(__file__).parents[2] / "benchmarks" / "wishes.csv"
    with asked.open(encoding="utf-8", newline="") as f:
        wishes = {
            row[language].casefold() for row in csv.DictReader(f) for language in ("en", "de", "fr", "es", "it", "pt")
        }
    taught = {text.casefold() for lesson in lessons() for text in lesson.said.values()}
    taught |= {text.casefold() for _, text in sources.requests("movielens-2016")}
    assert len(wishes) > 900 and not wishes & taught


@pytest.mark.parametrize("text", ["thanks a lot", "what is it about?", "hello there", "which one is shorter?"])
def test_talk_and_questions_ask_for_no_items(shipped: tuple[WishIndex, Dataset], text: str) -> None:
    assert not shipped[0].speaks_of_items(text)


@pytest.mark.parametrize(
    "text",
    ["corsets, carriages, longing looks across the drawing room", "ich will sonne, meer und sommer auf dem bildschirm"],
)
def test_a_wish_without_a_word_of_asking_is_one(shipped: tuple[WishIndex, Dataset], text: str) -> None:
    assert shipped[0].speaks_of_items(text)


def test_words_that_mean_nothing_are_said_to(shipped: tuple[WishIndex, Dataset]) -> None:
    index, data = shipped
    pipeline = Pipeline(data.catalogue, configured("popularity").fit(data), wishes=index)
    note = pipeline.recommend(UserState(), Request(wish="qwrtz plumbus fnord")).note
    assert "Nothing in the catalogue speaks of 'qwrtz plumbus fnord'" in note
    assert "speaks of" not in pipeline.recommend(UserState(), Request(wish="was zum lachen mit freunden")).note
