"""Many sessions on one store, a second process beside them, a store that is blocked while a turn ends: nothing is lost,
nothing stays open, nobody sees an error."""

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.commands.chat import Terminal
from app.errors import ConversationBusy, MessageTooLong, StoreUnavailable
from app.events import Done, ItemShown, Token, TurnEvent
from app.service import LONGEST, Chat, Jobs, Store, Workbench
from app.service.store import database
from tests.app.bench import make_tiny

SESSIONS = 200
HELD_SECONDS = 6.0  # longer than the store waited for another process when this was found


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(make_tiny(tmp_path_factory.mktemp("bench")))


@pytest.fixture
def chat(workbench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Chat]:
    monkeypatch.setattr("app.service.chat.run_turn", quick)
    store = Store(f"sqlite:///{tmp_path / 'chatrec.db'}")
    yield Chat(workbench, store, workbench.settings)
    store.close()


def quick(message: str, *args: object, stop: threading.Event, **kwargs: object) -> Iterator[TurnEvent]:
    """A turn that takes no time, as far as the store sees it."""
    yield ItemShown(item_id="a1", position=1, title="Alien", year=1979, genres=["Horror"])
    for word in ("about ", message):
        yield Token(text=word)
        stop.wait(0.01)
    yield Done(reply=f"about {message}", item_ids=["a1"])


def session(chat: Chat, jobs: Jobs, name: str, messages: int = 2) -> str:
    """What a browser session does: it begins a conversation, sends messages and looks at it. Which conversation."""
    c = chat.start(chat.person(name=name))
    for n in range(messages):
        job = jobs.start(c.id, lambda stop, n=n: chat.send(c.id, f"{name}:{n}", stop))
        while not job.over.wait(0.5):
            chat.messages(c.id)
        assert not job.error, job.error
    return c.id


def many(chat: Chat, count: int) -> None:
    """`count` sessions at once; whatever is wrong with one of them fails the test."""
    jobs, gate = Jobs(), threading.Barrier(count)
    held: dict[str, str] = {}
    errors: list[BaseException] = []

    def run(name: str) -> None:
        try:
            gate.wait()
            held[name] = session(chat, jobs, name)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(f"person {n}",)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(held) == count
    for name, conversation_id in held.items():
        assert [(m.text, m.status) for m in chat.messages(conversation_id)] == [
            (f"{name}:0", "done"),
            (f"about {name}:0", "done"),
            (f"{name}:1", "done"),
            (f"about {name}:1", "done"),
        ]
        assert chat.profile_of(chat.conversation(conversation_id)).name == name


@pytest.mark.slow
def test_two_hundred_sessions_lose_nothing_and_leave_nothing_open(chat: Chat) -> None:
    many(chat, SESSIONS)
    assert len(chat.store.conversations(limit=10 * SESSIONS)) == SESSIONS


@pytest.mark.slow
def test_another_process_that_writes_at_the_same_time_takes_nothing_away(chat: Chat) -> None:
    """It writes as fast as it can, and every now and then it keeps the lock for a while."""
    program = textwrap.dedent(
        """
        import sqlite3, sys, time
        from app.service.store import Store
        store = Store(sys.argv[1])
        c = store.add_conversation(store.add_profile("beside", "beside").id, "beside", "b", "g", None)
        raw = sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"), isolation_level=None, timeout=60)
        print(c.id, flush=True)
        for n in range(10**6):
            time.sleep(0.01)  # a file has no line: who writes without a pause keeps all others out
            store.add_message(c.id, str(n))
            if n % 50 == 0:
                raw.execute("BEGIN IMMEDIATE")
                time.sleep(0.7)
                raw.execute("ROLLBACK")
            print(n, flush=True)
        """
    )
    url = chat.store._engine.url.render_as_string()
    beside = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
    assert beside.stdout is not None
    name = beside.stdout.readline().strip()
    written: list[str] = []
    reader = threading.Thread(target=lambda: written.extend(beside.stdout))  # type: ignore[arg-type]
    reader.start()
    try:
        many(chat, 15)
        assert beside.poll() is None, "the process beside gave up"
    finally:
        beside.terminate()
        beside.wait()
        reader.join()
        beside.stdout.close()
    texts = [m.text for m in chat.messages(name)]
    assert len(texts) >= len(written) > 0
    assert texts == [str(n) for n in range(len(texts))]


@pytest.mark.slow
def test_a_store_that_is_blocked_while_a_turn_ends_gets_the_answer_afterwards(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    """With the patience of the product: it was tried once, and the answer stayed open for ever."""
    jobs, c, ending = Jobs(), chat.start(chat.person()), threading.Event()

    def turn(message: str, *args: object, stop: threading.Event, **kwargs: object) -> Iterator[TurnEvent]:
        yield Token(text="half ")
        assert ending.wait(20)
        yield Done(reply="half and half", item_ids=[])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.service.chat.run_turn", turn)
        job = jobs.start(c.id, lambda stop: chat.send(c.id, "talk", stop))
        deadline = time.monotonic() + 10
        while [m.text for m in chat.messages(c.id)] != ["talk", "half "]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        file = chat.store._engine.url.database
        assert file is not None
        with closing(sqlite3.connect(file, isolation_level=None)) as raw:
            raw.execute("BEGIN IMMEDIATE")
            ending.set()
            began = time.monotonic()
            while time.monotonic() - began < HELD_SECONDS:
                assert [m.text for m in chat.messages(c.id)] == ["talk", "half "]  # reads go on
                with pytest.raises(ConversationBusy):  # and nobody has to wait to be told so
                    jobs.start(c.id, lambda stop: chat.send(c.id, "more", stop))
                time.sleep(0.2)
            assert not job.over.is_set()
            raw.execute("ROLLBACK")
        assert job.over.wait(10)
    assert job.error == ""
    assert [(m.text, m.status) for m in chat.messages(c.id)] == [("talk", "done"), ("half and half", "done")]
    assert "locked by another process" in caplog.text


def test_an_answer_that_the_store_never_took_is_shown_and_its_conversation_goes_on(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr("app.service.store.store.LAST_SECONDS", 0.3)
    impatient = Chat(chat.workbench, Store(chat.store._engine.url.render_as_string()), chat.settings)
    jobs, c = Jobs(), impatient.start(impatient.person())
    file = chat.store._engine.url.database
    assert file is not None
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as raw:

        def turn(message: str, *args: object, **kwargs: object) -> Iterator[TurnEvent]:
            yield Token(text="all of it")
            raw.execute("BEGIN IMMEDIATE")
            yield Done(reply="all of it", item_ids=["a1"])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("app.service.chat.run_turn", turn)
            job = jobs.start(c.id, lambda stop: impatient.send(c.id, "talk", stop))
            assert job.over.wait(20)
        assert "from memory" in job.error
        assert [(m.text, m.status) for m in impatient.messages(c.id)] == [("talk", "done"), ("all of it", "done")]
        with pytest.raises(StoreUnavailable, match="locked"):
            jobs.start(c.id, lambda stop: impatient.send(c.id, "more", stop))
        assert jobs.get(c.id) is job  # what went wrong before is still to be told
        raw.execute("ROLLBACK")
    again = jobs.start(c.id, lambda stop: impatient.send(c.id, "more", stop))
    assert again.over.wait(20)
    assert [m.text for m in chat.messages(c.id)] == ["talk", "all of it", "more", "about more"]
    impatient.store.close()


def test_a_turn_whose_thread_cannot_begin_leaves_nothing_open(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs, c = Jobs(), chat.start(chat.person())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.service.jobs.threading.Thread.start", no_more_threads)
        job = jobs.start(c.id, lambda stop: chat.send(c.id, "first", stop))
    assert job.over.is_set()
    assert "too much to do" in job.error
    events = chat.send(c.id, "second", threading.Event())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.service.recorder.threading.Thread.start", no_more_threads)
        with pytest.raises(RuntimeError):
            list(events)
    assert [(m.text, m.status) for m in chat.messages(c.id)] == [
        ("first", "done"),
        ("second", "done"),
        ("", "stopped"),
    ]


def no_more_threads(thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_message_that_is_too_long_is_told_and_neither_stored_nor_read(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    c, stop = chat.start(chat.person()), threading.Event()
    list(chat.send(c.id, "x" * LONGEST, stop))
    stored = chat.store.messages(c.id, replaced=True)
    monkeypatch.setattr("app.service.chat.run_turn", lambda *args, **kwargs: pytest.fail("it was read"))
    paste = "a long story " * 3709
    told = f"has {len(paste.strip()):,} characters; {LONGEST:,} are the most: shorten it"
    for way_in in (chat.send, chat.edit_last):
        with pytest.raises(MessageTooLong, match=told):
            list(way_in(c.id, paste, stop))
    assert chat.store.messages(c.id, replaced=True) == stored


def test_an_edit_that_cannot_be_stored_leaves_what_it_would_replace(
    chat: Chat, monkeypatch: pytest.MonkeyPatch
) -> None:
    c, stop = chat.start(chat.person()), threading.Event()
    list(chat.send(c.id, "first", stop))
    before = chat.messages(c.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.service.store.store._append", lambda *args: (_ for _ in ()).throw(StoreUnavailable("full")))
        with pytest.raises(StoreUnavailable):
            chat.edit_last(c.id, "second", stop)
    assert chat.messages(c.id) == before
    list(chat.edit_last(c.id, "second", stop))
    assert [m.text for m in chat.messages(c.id)] == ["second", "about second"]


def test_the_terminal_has_the_same_limit(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    person = chat.person()
    c = chat.start(person)
    lines = iter(["first", "x" * (LONGEST + 1), "/edit " + "y" * (LONGEST + 1), "/quit"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    Terminal(chat, person, c).run()
    assert capsys.readouterr().out.count("has 2,001 characters; 2,000 are the most: shorten it") == 2
    assert [m.text for m in chat.store.messages(c.id, replaced=True)] == ["first", "about first"]
