"""What was typed and could not be sent comes back to the page, with the reason in words; an answer that was left behind
does not keep a conversation shut."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.errors import ConversationBusy
from app.events import Done, Token, TurnEvent
from app.service import LONGEST, Chat
from app.service.store import database
from app.settings import Settings
from tests.app.bench import make_tiny
from tests.app.test_pages import _serving, keys, opened, say, settled, words
from tests.app.test_pages import chat as chat  # the same fixture: it looks at the store that is served

PASTE = "one line of a long story\n" * 1928
TOLD = f"The message has {len(PASTE.strip()):,} characters; 2,000 are the most: shorten it."


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("pages"))


@pytest.fixture
def served(tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    settings = tiny.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}"})
    yield from _serving(settings, monkeypatch)


def in_the_input(at: AppTest) -> str:
    """What the page puts into the message input."""
    proto = at.chat_input[0].proto
    return proto.value if proto.set_value else ""


def plain_words(at: AppTest) -> str:
    return words(at).replace("\\", "")


def typed(at: AppTest, text: str) -> AppTest:
    at.chat_input[0].set_value(text).run()
    assert not at.exception
    return at


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    with closing(sqlite3.connect(settings.store_url.removeprefix("sqlite:///"), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield
        raw.execute("ROLLBACK")


def test_a_text_that_is_too_long_comes_back_and_nothing_is_begun_for_it(served: Settings, chat: Chat) -> None:
    at = typed(opened(), PASTE)
    assert TOLD in plain_words(at)
    assert in_the_input(at) == PASTE
    assert chat.conversations() == [] and chat.store.profiles(served.dataset) == []
    at.run()  # drawn again, it does not overwrite what is being typed
    assert in_the_input(at) == ""
    assert TOLD not in plain_words(at)
    say(at, "a comedy")
    (c,) = chat.conversations()
    typed(at, PASTE)
    assert in_the_input(at) == PASTE
    assert len(chat.messages(c.id)) == 2


def test_the_limit_is_the_same_for_every_length(served: Settings, chat: Chat) -> None:
    at = say(opened(), "x" * LONGEST)
    (c,) = chat.conversations()
    assert chat.messages(c.id)[0].text == "x" * LONGEST  # and nothing was cut on the way
    typed(at, "y" * (LONGEST + 1))
    assert in_the_input(at) == "y" * (LONGEST + 1)


def test_an_edit_that_is_too_long_stays_in_its_form(served: Settings, chat: Chat) -> None:
    at = say(opened(), "a comedy")
    (c,) = chat.conversations()
    at.button(key=keys(at, "edit-button-")[0]).click().run()
    at.text_area[0].set_value(PASTE)
    next(b for b in at.button if b.label == "Send again").click().run()
    assert TOLD in plain_words(at)
    assert at.text_area[0].value == PASTE
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a comedy"]
    at.text_area[0].set_value("a horror film")
    settled(next(b for b in at.button if b.label == "Send again").click().run())
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a horror film"]
    assert not at.text_area


def test_what_a_locked_store_will_not_take_comes_back(
    served: Settings, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.1)
    at = say(opened(), "a comedy")
    with locked(served):
        typed(at, "a horror film")
        assert "is locked: another process" in plain_words(at)
        assert in_the_input(at) == "a horror film"
        fresh = typed(opened(), "a war film")  # the first message of all
        assert in_the_input(fresh) == "a war film"
    say(at, "a horror film")
    say(fresh, "a war film")
    asked = [[m.text for m in chat.messages(c.id) if m.role == "user"] for c in chat.conversations()]
    assert asked == [["a war film"], ["a comedy", "a horror film"]]


def test_a_press_that_a_locked_store_will_not_take_is_told(
    served: Settings, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.1)
    at = say(opened(), "a comedy")
    (c,) = chat.conversations()
    with locked(served):
        next(p for p in at.button_group if p.key.startswith("feedback-")).set_value(["like"]).run()
        assert not at.exception
        assert "is locked: another process" in plain_words(at)
        assert chat.feedback(chat.profile_of(c)) == []


def test_what_was_typed_meets_an_answer_of_another_process_and_comes_back(
    served: Settings, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = say(opened(), "a comedy")
    with pytest.MonkeyPatch.context() as patch:

        def busy(*args: object) -> None:
            raise ConversationBusy("the last answer is still being written; wait for it or stop it first")

        patch.setattr("app.service.store.store.Store._check_idle", busy)
        typed(at, "a horror film")
    assert "still being written" in plain_words(at)
    assert in_the_input(at) == "a horror film"


def test_all_that_is_typed_while_an_answer_comes_is_sent_after_it(
    served: Settings, chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = threading.Event()

    def slow(message: str, *args: object, **kwargs: object) -> Iterator[TurnEvent]:
        yield Token(text=f"about {message}")
        waiting.wait(20)
        yield Done(reply=f"about {message}")

    monkeypatch.setattr("app.service.chat.run_turn", slow)
    at = opened()
    for text in ("first", "second", "third"):
        typed(at, text)
    assert "second" in plain_words(at) and "third" in plain_words(at)
    waiting.set()
    for _ in range(8):
        settled(at.run())
    (c,) = chat.conversations()
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["first", "second", "third"]


def test_a_conversation_with_an_answer_left_behind_goes_on(served: Settings, chat: Chat) -> None:
    """As it was found: an answer of this process that nobody writes any more; no Stop, no way to go on."""
    at = say(opened(), "a comedy")
    (c,) = chat.conversations()
    chat.store.add_message(c.id, "a war film")
    answer = chat.store.begin_answer(c.id)
    chat.store.write_answer(answer.id, "half a sen", [], [Token(text="half a sen")], "streaming")
    chat.store.let_go(answer.id)
    at.run()
    assert "half a sen" in plain_words(at) and "Stopped" in plain_words(at)
    assert "another window" not in plain_words(at)
    say(at, "a horror film")
    assert [m.status for m in chat.messages(c.id)] == ["done", "done", "done", "stopped", "done", "done"]
