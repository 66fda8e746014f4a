"""What is in force of a conversation: told piece by piece, taken away one by one, answered anew, and kept so."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import NotFound
from app.events import Decision, Done, Started, TakenAway, TurnEvent
from app.service.chat import Chat
from app.service.store.store import Conversation, Store
from app.service.workbench import Workbench
from app.settings import Settings
from app.turn.context import Parts, Turn, TurnContext
from app.turn.controller import run_turn
from app.turn.desk import Desk, without
from app.wants import NOTHING, Order, Wants, pieces
from llm.backends.available import BackendInfo
from recommenders.data import Condition
from tests.app.bench import make_tiny
from tests.app.talking import Conversation as Talk
from tests.app.talking import pipeline
from tests.recommenders.worlds import tiny_films


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("in-force"))


@pytest.fixture
def chat(tiny: Settings, tmp_path: Path) -> Iterator[Chat]:
    settings = tiny.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}"})
    store = Store(settings.store_url)
    yield Chat(Workbench(settings), store, settings)
    store.close()


def say(chat: Chat, c: Conversation, text: str) -> list[TurnEvent]:
    return list(chat.send(c.id, text, threading.Event()))


def take_away(chat: Chat, c: Conversation, said: str) -> list[TurnEvent]:
    return list(chat.take_away(c.id, said, threading.Event()))


def in_force(chat: Chat, c: Conversation) -> list[str]:
    return [piece.said for piece in chat.in_force(chat.messages(c.id))]


def one(events: list[TurnEvent], kind: type[TurnEvent]) -> TurnEvent:  # type: ignore[valid-type]
    (found,) = [e for e in events if isinstance(e, kind)]
    return found


def parts(talk: Talk) -> Parts:
    info = BackendInfo("scripted:test", "scripted", "scripted", True, "", talk.steers, True)
    return Parts(info, talk.model, talk.pipeline, talk.pipeline.generator.name, None)


def test_each_piece_says_what_is_left_without_it() -> None:
    schema = tiny_films().schema
    wants = Wants(
        conditions=(
            Condition(attribute="genres", operator="has all", values=("Horror", "Comedy"), said="scary and funny"),
            Condition(attribute="year", operator="between", values=(1980, 1989), said="from the 1980s"),
        ),
        wish="haunted house",
        like=("1",),
        unlike=("2",),
        order=Order(attribute="year", rising=False),
    )
    found = pieces(wants, schema, lambda item_id: f"film {item_id}")
    assert [p.said for p in found] == [
        "horror", "comedy", "from the 1980s", "haunted house", "like film 1", "not like film 2", "newest first",
    ]  # fmt: skip
    for piece in found:
        assert piece.rest != wants
        assert piece.said not in [p.said for p in pieces(piece.rest, schema, lambda item_id: f"film {item_id}")]
    assert pieces(NOTHING, schema, str) == ()


def test_a_piece_is_taken_away_and_the_rest_answered_anew(chat: Chat) -> None:
    c = chat.start(chat.person())
    say(chat, c, "a comedy from the 90s")
    assert in_force(chat, c) == ["comedy", "from the 1990s"]
    events = take_away(chat, c, "comedy")
    decision = one(events, Decision)
    assert isinstance(decision, Decision) and decision.by == "person"
    assert [x.attribute for x in decision.wants.conditions] == ["year"]
    assert in_force(chat, c) == ["from the 1990s"]
    catalogue = chat.workbench.catalogue
    done = one(events, Done)
    assert isinstance(done, Done) and done.item_ids and not done.violations
    assert all(1990 <= catalogue.years[catalogue.ids.number(i)] <= 1999 for i in done.item_ids)


def test_it_is_stored_so_that_a_reload_and_a_new_answer_know_it(chat: Chat) -> None:
    c = chat.start(chat.person())
    say(chat, c, "a comedy from the 90s")
    take_away(chat, c, "from the 1990s")
    asked = chat.messages(c.id)[-2]
    assert asked.role == "user" and asked.text == "Never mind “from the 1990s”"
    (event,) = asked.events
    assert isinstance(event, TakenAway) and event.said == "from the 1990s"
    again = list(chat.regenerate(c.id, threading.Event()))
    decision = one(again, Decision)
    assert isinstance(decision, Decision) and decision.by == "person"
    assert in_force(chat, c) == ["comedy"]
    say(chat, c, "but older")
    assert in_force(chat, c)[0] == "comedy" and "from the 1990s" not in in_force(chat, c)


def test_what_is_not_in_force_cannot_be_taken_away_and_nothing_is_stored(chat: Chat) -> None:
    c = chat.start(chat.person())
    say(chat, c, "a comedy")
    with pytest.raises(NotFound, match="not in force"):
        take_away(chat, c, "horror")
    assert len(chat.messages(c.id)) == 2


def test_a_model_that_leads_is_not_asked_to_read_a_press() -> None:
    talk = Talk(pipeline(), script=[], steers=True)
    context = TurnContext((), talk.state, "new user", lambda item_id, kind: None)
    events = list(run_turn("", context, parts(talk), talk.settings, stop=threading.Event(), wants=Wants()))
    started = one(events, Started)
    assert isinstance(started, Started) and started.leads == "rules"
    assert events[-1].kind == "done" and events[-1].status == "done"


def test_what_was_taken_away_leads_the_recommender_no_more() -> None:
    talk = Talk(pipeline())
    pressed = TakenAway(said="horror", words="scary")
    dialogue = (
        Turn("user", "something scary with an old house"),
        Turn("assistant", "Here."),
        Turn("user", "Never mind “horror”", events=(pressed,)),
    )
    desk = Desk(parts(talk), TurnContext(dialogue, talk.state, "new user", lambda item_id, kind: None), 5, 20)
    assert "old house" in desk.said() and "scary" not in desk.said() and "horror" not in desk.said()
    assert without("Scary films, and a scarecrow", ["scary"]) == "films and a scarecrow"


def test_a_title_follows_the_first_message_until_somebody_names_it(chat: Chat) -> None:
    c = chat.start(chat.person())
    say(chat, c, "a comedy")
    list(chat.edit_last(c.id, "a drama", threading.Event()))
    assert chat.conversation(c.id).title == "a drama"
    say(chat, c, "others")
    list(chat.edit_last(c.id, "a thriller", threading.Event()))
    assert chat.conversation(c.id).title == "a drama", "a later message names nothing"
    named = chat.start(chat.person())
    say(chat, named, "a comedy")
    chat.rename(named.id, "Friday night")
    list(chat.edit_last(named.id, "a drama", threading.Event()))
    assert chat.conversation(named.id).title == "Friday night"


def test_conversations_are_found_by_words_of_their_title(chat: Chat) -> None:
    for text in ("a comedy", "100% horror", "a drama"):
        say(chat, chat.start(chat.person()), text)
    assert [c.title for c in chat.conversations("HORROR")] == ["100% horror"]
    assert [c.title for c in chat.conversations("%")] == ["100% horror"]
    assert len(chat.conversations(" ")) == 3
