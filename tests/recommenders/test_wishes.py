"""Wishes on the real films, with the text index that the set-up made."""

import pytest

from app.errors import ArtefactError
from app.service.workbench import Workbench
from app.settings import Settings
from recommenders.contract.config import configured
from recommenders.contract.request import Request
from recommenders.data.tables import UserState
from recommenders.pipeline.pipeline import Pipeline
from recommenders.texts.text_index import TEXT_INDEX, TextIndex


@pytest.fixture(scope="module")
def served() -> tuple[Workbench, TextIndex]:
    bench = Workbench(Settings(dataset="ml-100k"))
    try:
        texts = bench.text_index()
    except ArtefactError as error:
        pytest.skip(str(error))
    if texts is None:
        pytest.skip(f"no text index in {bench.runs / TEXT_INDEX}; make it: chatrec setup")
    return bench, texts


@pytest.mark.slow  # loads the sentence encoder
@pytest.mark.parametrize(
    ("wish", "some_of", "at_least"),
    [
        ("slow-burning space horror", {"Alien", "Event Horizon", "2001: A Space Odyssey", "Aliens", "Alien 3"}, 2),
        ("submarine thriller", {"Das Boot", "The Hunt for Red October", "Crimson Tide"}, 2),
        ("dinosaurs on an island", {"Jurassic Park", "The Lost World: Jurassic Park"}, 2),
        ("mafia family saga", {"The Godfather", "The Godfather: Part II", "Donnie Brasco", "GoodFellas", "Casino"}, 2),
    ],
)
def test_a_wish_finds_what_it_means_whatever_the_taste(
    served: tuple[Workbench, TextIndex], wish: str, some_of: set[str], at_least: int
) -> None:
    bench, texts = served
    c = bench.catalogue
    popular = configured("popularity").fit(bench.dataset)
    pipeline = Pipeline(c, popular, None, texts, popularity=bench.dataset.popularity)
    for state, said in ((UserState(), ""), (UserState(), wish), (bench.state("1"), wish)):
        answer = pipeline.recommend(state, Request(k=5, wish=wish, said=said, include_seen=True))
        found = {c.titles[x.item] for x in answer.candidates}
        assert len(found & some_of) >= at_least, found
        assert answer.note.count("speaks of") == 0
        assert sum(bool(x.matched.get("words")) for x in answer.candidates) >= 3
