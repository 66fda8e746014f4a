"""The store: nothing is lost, nobody's messages mix, and a store that cannot be used says why."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ConversationBusy, NotFound, StoreTooNew, StoreUnavailable
from app.events import Decision, Done, ItemShown, Token, TurnEvent
from app.service.store.schema import VERSION
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
    monkeypatch.setattr("app.service.store.database.BUSY_SECONDS", 0.1)
    impatient = Store(url)
    raw = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    raw.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable, match=r"locked.*Close it"):
        impatient.add_profile("me", "films")
    raw.execute("ROLLBACK")
    raw.close()
    impatient.add_profile("me", "films")
    impatient.close()


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
