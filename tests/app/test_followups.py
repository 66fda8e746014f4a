"""What is offered to be said: made from what is there, and understood when it is pressed."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.events import Decision, Done
from app.service.chat import Chat
from app.service.followups import follow_ups
from app.service.starters import holding, starters
from app.service.store.store import Store
from app.service.workbench import Workbench
from app.settings import Settings
from app.wants import NOTHING, Wants
from recommenders.data import Condition, Dataset, sources
from recommenders.data.sources import imported
from tests.app.bench import make_tiny
from tests.recommenders.worlds import tiny_films_data

INPUTS = Path(__file__).resolve().parents[1] / "inputs"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("followups"))


@pytest.fixture
def chat(tiny: Settings, tmp_path: Path) -> Iterator[Chat]:
    settings = tiny.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}"})
    store = Store(settings.store_url)
    yield Chat(Workbench(settings), store, settings)
    store.close()


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    cache = tmp_path_factory.mktemp("games")
    plan = imported.planned(
        {
            "name": "games",
            "items": INPUTS / "board_games.csv",
            "interactions": INPUTS / "board_games_ratings.csv",
        }
    )
    imported.run(plan, cache, replace=True)
    return sources.load("games", cache, cache)


def test_every_starter_is_answered(chat: Chat) -> None:
    offers = starters(chat.workbench.dataset)
    assert 2 <= len(offers) <= 4 and len(set(offers)) == len(offers)
    for text in offers:
        c = chat.start(chat.person())
        events = list(chat.send(c.id, text, threading.Event()))
        (decision,) = [e for e in events if isinstance(e, Decision)]
        assert decision.action in ("recommend", "similar") and not decision.unmatched, text
        assert isinstance(events[-1], Done) and events[-1].item_ids, text


def test_starters_and_holding_of_things_that_are_no_films(games: Dataset) -> None:
    offers = starters(games)
    assert offers and not any("film" in text for text in offers)
    assert "titles" in holding(games)


def test_the_first_page_says_where_the_catalogue_ends() -> None:
    data = tiny_films_data()
    years = data.catalogue.years[data.catalogue.years > 0]
    assert holding(data) == f"20 films from {years.min()} to {years.max()}; nothing newer"


def test_every_follow_up_is_understood_and_answered(chat: Chat) -> None:
    for first in ("a comedy", "surprise me with something", "a film from the 90s"):
        c = chat.start(chat.person())
        list(chat.send(c.id, first, threading.Event()))
        offers = chat.follow_ups(chat.messages(c.id))
        assert chat.messages(c.id)[-1].item_ids, first
        assert {"More like the first one", "Why the first one?"} <= set(offers) and len(offers) <= 4
        shown = chat.messages(c.id)[-1].item_ids
        for text in offers:
            other = chat.start(chat.person())
            list(chat.send(other.id, first, threading.Event()))
            assert chat.messages(other.id)[-1].item_ids == shown
            events = list(chat.send(other.id, text, threading.Event()))
            (decision,) = [e for e in events if isinstance(e, Decision)]
            expected = {"More like the first one": "similar", "Why the first one?": "explain"}.get(text, "recommend")
            assert decision.action == expected, text
            if text.startswith("Something "):
                before = [e for e in chat.messages(c.id)[-1].events if isinstance(e, Decision)][-1].wants
                assert {x.attribute for x in decision.wants.conditions} - {x.attribute for x in before.conditions}


def test_what_is_offered_goes_along_attributes_that_are_not_asked_for_yet(games: Dataset) -> None:
    catalogue = games.catalogue
    (price,) = [a.name for a in catalogue.schema if getattr(a, "dimension", "") == "price"]
    cells = catalogue.attributes.cells(price)
    dear = sorted((n for n, cell in enumerate(cells) if cell), key=lambda n: -cells[n][0])[:5]
    ids = [catalogue.ids.ids[n] for n in dear]
    assert "Something cheaper" in follow_ups(catalogue, ids, NOTHING)
    bound = Condition(attribute=price, operator="at most", values=(1000,))
    assert "Something cheaper" not in follow_ups(catalogue, ids, Wants(conditions=(bound,)))


def test_nothing_is_offered_where_nothing_was_shown(games: Dataset) -> None:
    assert follow_ups(games.catalogue, (), NOTHING) == []
    assert follow_ups(games.catalogue, ("no such item",), NOTHING) == []
    one = games.catalogue.ids.ids[int(np.argmax(games.popularity))]
    assert "Others" in follow_ups(games.catalogue, (one,), NOTHING)
