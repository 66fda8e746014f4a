"""The store: nothing is lost, nobody's messages mix, and a store that cannot be used says why."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ConversationBusy, NotFound, StoreTooNew, StoreUnavailable
from app.events import Decision, Done, ItemShown, Token, TurnEvent
from app.service.store import database, process
from app.service.store.layout import VERSION
from app.service.store.line import Line, StillWaiting
from app.service.store.store import TITLE_LENGTH, Conversation, Store, joined, shortened


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store' / 'chatrec.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    yield store
    store.close()


def conversation(store: Store, name: str = "new user") -> Conversation:
    profile = store.add_profile(name, "films")
    return store.add_conversation(profile.id, "films", "scripted:x", "ease", None)


def test_a_conversation_comes_back_as_it_was_written(store: Store, url: str) -> None:
    c = conversation(store)
    store.add_message(c.id, "something scary")
    answer = store.begin_answer(c.id)
    events: list[TurnEvent] = [
        Decision(action="recommend", by="rules", understood=["genre: Horror"]),
        ItemShown(item_id="a1", position=1, title="Alien", year=1979, genres=["Horror"]),
        Token(text="Here "),
        Token(text="is one."),
        Done(reply="Here is one.", item_ids=["a1"]),
    ]
    store.write_answer(answer.id, "Here is one.", ["a1"], events, "done")
    again = Store(url)
    asked, told = again.messages(c.id)
    again.close()
    assert (asked.role, asked.text, asked.status) == ("user", "something scary", "done")
    assert (told.role, told.text, told.status, told.item_ids) == ("assistant", "Here is one.", "done", ("a1",))
    assert told.events == (*events[:2], Token(text="Here is one."), events[4])
    assert store.conversation(c.id).title == "something scary"


def test_a_person_of_the_data_set_is_one_profile_and_new_people_are_many(store: Store) -> None:
    assert store.add_profile("user 7", "films", "7").id == store.add_profile("again", "films", "7").id
    assert store.add_profile("user 7", "music", "7").id != store.add_profile("user 7", "films", "7").id
    assert store.add_profile("new", "films").id != store.add_profile("new", "films").id


def test_the_latest_conversation_comes_first_and_deleting_takes_its_messages(store: Store, url: str) -> None:
    first, second = conversation(store), conversation(store)
    store.add_message(second.id, "b")
    store.add_message(first.id, "a")
    assert [c.id for c in store.conversations("films")] == [first.id, second.id]
    assert store.conversations("music") == []
    store.delete_conversation(first.id)
    assert [c.id for c in store.conversations()] == [second.id]
    with pytest.raises(NotFound, match=first.id):
        store.conversation(first.id)
    assert store.messages(first.id) == []


def test_parts_and_title_can_be_changed(store: Store) -> None:
    c = conversation(store)
    store.set_parts(c.id, backend="embedded:y", generator="sasrec", ranker="deepfm")
    store.rename(c.id, "  Halloween \n night ")
    store.add_message(c.id, "does not name it any more")
    changed = store.conversation(c.id)
    assert (changed.backend, changed.generator, changed.ranker) == ("embedded:y", "sasrec", "deepfm")
    assert changed.title == "Halloween night"


def test_what_is_replaced_stays_stored_but_leaves_the_dialogue(store: Store) -> None:
    c = conversation(store)
    store.add_message(c.id, "one")
    old = store.begin_answer(c.id)
    store.write_answer(old.id, "first answer", [], [], "done")
    store.replace_from(c.id, old.position)
    new = store.begin_answer(c.id)
    store.write_answer(new.id, "second answer", [], [], "done")
    assert [m.text for m in store.messages(c.id)] == ["one", "second answer"]
    everything = store.messages(c.id, replaced=True)
    assert [(m.text, m.current) for m in everything] == [
        ("one", True),
        ("first answer", False),
        ("second answer", True),
    ]


def test_one_answer_at_a_time(store: Store) -> None:
    c = conversation(store)
    store.add_message(c.id, "one")
    answer = store.begin_answer(c.id)
    for attempt in (
        lambda: store.begin_answer(c.id),
        lambda: store.add_message(c.id, "two"),
        lambda: store.replace_from(c.id, 0),
    ):
        with pytest.raises(ConversationBusy):
            attempt()
    store.write_answer(answer.id, "x", [], [], "stopped")
    store.add_message(c.id, "two")


def test_the_last_word_on_an_item_wins_and_can_be_taken_back(store: Store) -> None:
    me, other = (store.add_profile(n, "films") for n in ("me", "other"))
    store.set_feedback(me.id, "films", "a1", "like")
    store.set_feedback(me.id, "films", "a2", "seen")
    store.set_feedback(me.id, "films", "a1", "dislike")
    store.set_feedback(other.id, "films", "a1", "like")
    assert [(f.item_id, f.kind) for f in store.feedback(me.id, "films")] == [("a2", "seen"), ("a1", "dislike")]
    assert store.undo_feedback(me.id, "films", "a1") == 1
    assert [(f.item_id, f.kind) for f in store.feedback(me.id, "films")] == [("a2", "seen")]
    assert store.undo_feedback(me.id, "films") == 1
    assert store.feedback(me.id, "films") == []
    assert [f.kind for f in store.feedback(other.id, "films")] == ["like"]


def test_feedback_and_conversations_need_a_profile(store: Store) -> None:
    with pytest.raises(NotFound, match="profile"):
        store.set_feedback("nobody", "films", "a1", "like")
    with pytest.raises(NotFound, match="profile"):
        store.add_conversation("nobody", "films", "b", "g", None)
    with pytest.raises(NotFound, match="conversation"):
        store.add_message("nothing", "hello")


def test_many_threads_lose_and_mix_nothing(url: str) -> None:
    """Two stores, as two processes would have; threads that write to their own conversations and to a shared one."""
    stores = [Store(url), Store(url)]
    shared = conversation(stores[0])
    own = [conversation(stores[n % 2], f"person {n}") for n in range(6)]
    errors: list[BaseException] = []

    def talk(n: int) -> None:
        store = stores[n % 2]
        try:
            for turn in range(8):
                store.add_message(own[n].id, f"{n}:{turn}")
                answer = store.begin_answer(own[n].id)
                store.write_answer(answer.id, f"answer {n}:{turn}", [str(n)], [Token(text=str(n))], "done")
                store.add_message(shared.id, f"{n}:{turn}")
                store.set_feedback(own[n].profile_id, "films", str(turn), "like")
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for n, c in enumerate(own):
        texts = [m.text for m in stores[0].messages(c.id)]
        assert texts == [x for turn in range(8) for x in (f"{n}:{turn}", f"answer {n}:{turn}")]
        assert len(stores[1].feedback(c.profile_id, "films")) == 8
    together = stores[1].messages(shared.id)
    assert sorted(m.text for m in together) == sorted(f"{n}:{turn}" for n in range(6) for turn in range(8))
    assert [m.position for m in together] == list(range(48))
    for store in stores:
        store.close()


def test_a_kill_in_the_middle_of_an_answer_leaves_all_that_was_written(url: str) -> None:
    """The writer is killed while it streams, at an arbitrary moment of its writing."""
    program = textwrap.dedent(
        """
        import sys
        from app.events import Token
        from app.service.store.store import Store
        store = Store(sys.argv[1])
        c = store.add_conversation(store.add_profile("me", "films").id, "films", "b", "g", None)
        store.add_message(c.id, "what I typed")
        answer = store.begin_answer(c.id)
        text = ""
        while True:
            text += "word "
            store.write_answer(answer.id, text, ["a1"], [Token(text=text)], "streaming")
            print(len(text), c.id, flush=True)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    seen, name = 0, ""
    for line in child.stdout:
        length, name = line.split()
        seen = int(length)
        if seen >= 5 * 20:
            break
    busy = Store(url)  # the writer is alive: its answer is not taken from it
    assert busy.messages(name)[1].status == "streaming"
    busy.close()
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()

    store = Store(url)
    asked, told = store.messages(name)
    assert asked.text == "what I typed"
    assert told.status == "stopped"
    assert len(told.text) >= seen
    assert told.item_ids == ("a1",)
    assert told.events == (Token(text=told.text),)
    store.add_message(name, "and it goes on")
    store.close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


def test_a_store_of_a_newer_version_is_refused(store: Store, url: str) -> None:
    raw = sqlite3.connect(url.removeprefix("sqlite:///"))
    raw.execute("UPDATE store_version SET version = ?", (VERSION + 1,))
    raw.commit()
    raw.close()
    with pytest.raises(StoreTooNew, match=f"version {VERSION + 1}.*knows {VERSION}"):
        Store(url)


def test_a_locked_store_says_so(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.3)
    impatient = Store(url)
    raw = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    raw.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match=r"locked: another process.*Close it"):
        impatient.add_profile("me", "films")
    raw.execute("ROLLBACK")
    raw.close()
    impatient.add_profile("me", "films")
    impatient.close()


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Another program writes to the store and does not come to an end."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as raw:
        raw.execute("BEGIN IMMEDIATE")
        yield
        raw.execute("ROLLBACK")


def test_a_write_waits_for_another_process_and_reads_do_not(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    store = Store(url)
    c = conversation(store)
    threads = [threading.Thread(target=store.add_message, args=(c.id, str(n))) for n in range(5)]
    with locked(url):
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            began = time.monotonic()
            assert store.messages(c.id) == []
            assert time.monotonic() - began < 0.2
            time.sleep(0.05)
        assert all(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join()
    assert sorted(m.text for m in store.messages(c.id)) == list("01234")
    store.close()


def test_who_waits_is_told_for_whom(store: Store, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For other writes of this program, or for another process that keeps the first of them waiting."""
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.2)
    with database.writing(store._engine, 1.0), pytest.raises(StoreUnavailable, match="writes of this program wait"):
        store.add_profile("me", "films")
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 1.5)
    impatient, told = Store(url), []

    def write() -> None:
        with pytest.raises(StoreUnavailable) as error:
            impatient.add_profile("me", "films")
        told.append(str(error.value))

    threads = [threading.Thread(target=write) for _ in range(4)]
    with locked(url):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(told) == 4
    assert all("locked: another process" in words for words in told)
    impatient.close()


def test_a_line_serves_in_the_order_of_coming_and_lets_go_whom_it_tires() -> None:
    line, served, threads = Line(), [], []

    def stand(n: int, seconds: float) -> None:
        try:
            with line.turn(seconds):
                served.append(n)
        except StillWaiting:
            served.append(-n)

    with line.turn(1):
        for n in range(1, 10):
            threads.append(threading.Thread(target=stand, args=(n, 0.05 if n == 4 else 10)))
            threads[-1].start()
            while len(line) <= n:
                time.sleep(0.001)
        threads[3].join()
    for thread in threads:
        thread.join()
    assert served == [-4, 1, 2, 3, 5, 6, 7, 8, 9]
    assert len(line) == 0


def test_the_last_write_of_an_answer_outlasts_any_patience(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(database, "PATIENCE_SECONDS", 0.1)
    store = Store(url)
    c = conversation(store)
    answer = store.begin_answer(c.id)
    last = threading.Thread(target=store.write_answer, args=(answer.id, "all of it", ["a1"], [], "done"))
    with locked(url):
        last.start()
        time.sleep(1.0)  # ten times the patience
    last.join()
    (told,) = store.messages(c.id)
    assert (told.text, told.status, told.item_ids) == ("all of it", "done", ("a1",))
    store.close()


def test_what_a_full_disk_will_not_take_is_kept_told_and_stored_later(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.service.store.store.LAST_SECONDS", 0.2)
    store, pages = Store(url), [1]
    sqlalchemy.event.listen(
        store._engine, "begin", lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages[0]}")
    )
    c = conversation(store)
    answer = store.begin_answer(c.id)
    text = "word " * 40_000
    with pytest.raises(StoreUnavailable, match=r"could not be stored.*full.*from memory.*lost when this program ends"):
        store.write_answer(answer.id, text, ["a1"], [Done(reply=text, item_ids=["a1"])], "done")
    assert [(m.text, m.status, m.item_ids) for m in store.messages(c.id)] == [(text, "done", ("a1",))]
    other = Store(url)
    assert [(m.text, m.status) for m in other.messages(c.id)] == [("", "stopped")]  # as far as the disk knows
    pages[0] = 1_000_000
    assert [m.text for m in store.messages(c.id)] == [text]
    assert [(m.text, m.status, m.item_ids) for m in other.messages(c.id)] == [(text, "done", ("a1",))]
    assert store._unwritten == {}
    store.close()
    other.close()


def test_an_answer_that_this_process_let_go_is_closed_by_a_look_or_by_the_next_message(store: Store, url: str) -> None:
    looked_at, gone_on = conversation(store), conversation(store)
    for c in (looked_at, gone_on):
        answer = store.begin_answer(c.id)
        store.write_answer(answer.id, "half a sen", ["a1"], [Token(text="half a sen")], "streaming")
        assert [m.status for m in store.messages(c.id)] == ["streaming"]
        with pytest.raises(ConversationBusy):
            store.add_message(c.id, "hello?")
        store.let_go(answer.id)
    (told,) = store.messages(looked_at.id)
    assert (told.text, told.status, told.item_ids, told.events) == (
        "half a sen",
        "stopped",
        ("a1",),
        (Token(text="half a sen"),),
    )
    store.add_message(gone_on.id, "and it goes on")
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as raw:
        assert raw.execute("SELECT count(*) FROM messages WHERE status = 'streaming'").fetchone() == (0,)


def test_an_answer_left_behind_is_shown_as_stopped_where_the_store_cannot_be_written(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    store = Store(url)
    c = conversation(store)
    store.let_go(store.begin_answer(c.id).id)
    with locked(url):
        assert [m.status for m in store.messages(c.id)] == ["stopped"]
    store.close()


def test_a_process_is_told_by_number_and_start() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host, mine, started = process.this_process().split("|")
    born = psutil.Process(child.pid).create_time()
    assert not process.is_left("m", f"{host}|{child.pid}|{born:.2f}", 1e6)
    assert process.is_left("m", f"{host}|{child.pid}|{born - 60:.2f}", 0)  # an earlier one with the same number
    assert process.is_left("m", f"{host}|{child.pid}|", 0)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, but not buried yet
    assert process.is_left("m", f"{host}|{child.pid}|{born:.2f}", 0)
    child.wait()
    assert process.is_left("m", f"{host}|{child.pid}|{born:.2f}", 0)
    assert child.stdin is not None
    child.stdin.close()
    assert not process.is_left("m", f"elsewhere|{mine}|{started}", process.STALE_SECONDS - 1)
    assert process.is_left("m", f"elsewhere|{mine}|{started}", process.STALE_SECONDS + 1)
    process.take_up("m")
    assert not process.is_left("m", process.this_process(), 1e6)
    process.let_go("m")
    assert process.is_left("m", process.this_process(), 0)


def test_what_is_no_store_says_so(tmp_path: Path) -> None:
    (tmp_path / "letter.db").write_text("Dear reader, " * 200)
    with pytest.raises(StoreUnavailable, match="not a database"):
        Store(f"sqlite:///{tmp_path / 'letter.db'}")
    with pytest.raises(StoreUnavailable, match="expected for example"):
        Store("chatrec.db")
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be made"):
        Store(f"sqlite:///{tmp_path / 'file' / 'chatrec.db'}")


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "other.db")
    raw.execute("CREATE TABLE messages (id INTEGER)")
    raw.commit()
    raw.close()
    with pytest.raises(StoreUnavailable, match="another program"):
        Store(f"sqlite:///{tmp_path / 'other.db'}")


def test_write_ahead_log_full_durability_and_foreign_keys_are_on(store: Store) -> None:
    with store._engine.connect() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert settings == ["wal", 2, 1]


@given(st.text(max_size=300))
def test_a_title_is_one_short_line(text: str) -> None:
    title = shortened(text)
    assert len(title) <= TITLE_LENGTH
    assert "\n" not in title
    if len(" ".join(text.split())) <= TITLE_LENGTH:
        assert title == " ".join(text.split())


@given(st.lists(st.one_of(st.text(max_size=5).map(lambda t: Token(text=t)), st.just(Done()))))
def test_joining_tokens_keeps_every_character_in_place(events: list[TurnEvent]) -> None:
    def spoken(xs: list[TurnEvent]) -> str:
        return "".join(x.text if isinstance(x, Token) else "|" for x in xs)

    kept = joined(events)
    assert spoken(kept) == spoken(events)
    assert not any(isinstance(a, Token) and isinstance(b, Token) for a, b in pairwise(kept))


def test_saved_items_are_kept_once_in_their_order_and_are_no_feedback(store: Store, url: str) -> None:
    me, other = store.add_profile("me", "films"), store.add_profile("other", "films")
    for item in ("a2", "a1", "a2"):
        store.save(me.id, "films", item)
    store.save(other.id, "films", "a3")
    again = Store(url)
    assert [s.item_id for s in again.saved(me.id, "films")] == ["a2", "a1"]
    again.close()
    assert store.feedback(me.id, "films") == [] and store.saved(me.id, "books") == []
    store.unsave(me.id, "films", "a2")
    store.unsave(me.id, "films", "never saved")
    assert [s.item_id for s in store.saved(me.id, "films")] == ["a1"]
    assert [s.item_id for s in store.saved(other.id, "films")] == ["a3"]
    with pytest.raises(NotFound):
        store.save("nobody", "films", "a1")
