"""Whole conversations over a real pipeline and store: nothing typed is lost, parts are swapped, people do not mix."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel

from app.errors import AppError, ConversationBusy, NothingToRepeat, UnknownItem
from app.events import Done, Fallback, ItemShown, Token, TurnEvent
from app.service.chat import Chat
from app.service.jobs import Jobs
from app.service.store.store import Message, Store
from app.service.workbench import Workbench
from llm.backends import available
from llm.backends.available import BackendInfo
from llm.backends.scripted import Reply, ScriptedChat
from tests.app.bench import make_tiny


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench(make_tiny(tmp_path_factory.mktemp("bench")))


@pytest.fixture
def chat(workbench: Workbench, tmp_path: Path) -> Iterator[Chat]:
    store = Store(f"sqlite:///{tmp_path / 'chatrec.db'}")
    yield Chat(workbench, store, workbench.settings)
    store.close()


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What the language model answers; the rules lead, as with the small embedded one."""
    replies: list[object] = []

    def describe(name: str, settings: object) -> BackendInfo:
        return BackendInfo(name, "scripted", name, True, "", False, False)

    def load(name: str, settings: object) -> BaseChatModel:
        return ScriptedChat(script=replies)

    monkeypatch.setattr(available, "describe", describe)
    monkeypatch.setattr(available, "load", load)
    return replies


def ask(chat: Chat, conversation_id: str, text: str) -> list[TurnEvent]:
    return list(chat.send(conversation_id, text, threading.Event()))


def items(events: list[TurnEvent]) -> list[str]:
    return [e.item_id for e in events if isinstance(e, ItemShown)]


def last(chat: Chat, conversation_id: str) -> Message:
    return chat.messages(conversation_id)[-1]


def test_what_is_typed_is_stored_before_anything_answers(chat: Chat) -> None:
    c = chat.start(chat.person())
    events = chat.send(c.id, "  something scary ", threading.Event())
    assert [(m.role, m.text) for m in chat.messages(c.id)] == [("user", "something scary")]
    next(events)
    _, answer = chat.messages(c.id)
    assert answer.status == "streaming"
    list(events)
    assert last(chat, c.id).status == "done"


def test_a_turn_is_kept_as_it_was_shown(chat: Chat) -> None:
    c = chat.start(chat.person("u1"))
    events = ask(chat, c.id, "recommend me three films")
    told = last(chat, c.id)
    done = events[-1]
    assert isinstance(done, Done)
    assert len(told.item_ids) == 3
    assert list(told.item_ids) == items(events) == done.item_ids
    assert told.text == done.reply
    assert told.text
    assert [e.kind for e in told.events if e.kind != "token"] == [e.kind for e in events if e.kind != "token"]
    assert chat.conversation(c.id).title == "recommend me three films"


def test_a_turn_that_is_abandoned_or_stopped_keeps_what_it_said(chat: Chat, script: list[object]) -> None:
    c = chat.start(chat.person())
    events = chat.send(c.id, "something funny", threading.Event())
    shown = next(e for e in events if isinstance(e, ItemShown))
    events.close()  # type: ignore[attr-defined]
    answer = last(chat, c.id)
    assert (answer.status, answer.item_ids) == ("stopped", (shown.item_id,))

    stop = threading.Event()
    events = chat.send(c.id, "something else", stop)
    shown = next(e for e in events if isinstance(e, ItemShown))
    stop.set()
    rest = list(events)
    assert isinstance(rest[-1], Done)
    assert rest[-1].status == "stopped"
    answer = last(chat, c.id)
    assert answer.status == "stopped"
    assert shown.item_id in answer.item_ids


def test_likes_and_dislikes_change_the_next_turn(chat: Chat) -> None:
    person = chat.person()
    c = chat.start(person)
    first = items(ask(chat, c.id, "recommend me something"))
    chat.remember(person, first[0], "dislike")
    chat.remember(person, first[1], "like")
    state = chat.state(person)
    ids = chat.workbench.catalogue.ids
    assert state.disliked == (ids.number(first[0]),)
    assert state.items == (ids.number(first[1]),)
    again = items(list(chat.regenerate(c.id, threading.Event())))
    assert not {first[0], first[1]} & set(again)
    assert chat.forget(person, first[0]) == 1
    assert chat.state(person).disliked == ()
    with pytest.raises(UnknownItem):
        chat.remember(person, "no such film", "like")


def test_regenerate_answers_the_same_message_and_keeps_the_old_answer(chat: Chat) -> None:
    c = chat.start(chat.person())
    ask(chat, c.id, "a comedy, please")
    chat.use(c.id, backend=c.backend, generator="popularity", ranker=None)
    events = list(chat.regenerate(c.id, threading.Event()))
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a comedy, please"]
    assert [m.role for m in chat.messages(c.id)] == ["user", "assistant"]
    started = next(e for e in events if e.kind == "started")
    assert started.generator == "popularity"
    assert [m.current for m in chat.store.messages(c.id, replaced=True)] == [True, False, True]


def test_editing_replaces_the_last_message_and_what_followed(chat: Chat) -> None:
    c = chat.start(chat.person())
    ask(chat, c.id, "a comedy")
    ask(chat, c.id, "a war film")
    list(chat.edit_last(c.id, "a horror film", threading.Event()))
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a comedy", "a horror film"]
    horror = chat.workbench.catalogue
    for item_id in last(chat, c.id).item_ids:
        assert "Horror" in horror.genres[horror.ids.number(item_id)]
    assert any(m.text == "a war film" and not m.current for m in chat.store.messages(c.id, replaced=True))


def test_nothing_to_repeat_and_empty_messages_say_so(chat: Chat) -> None:
    c = chat.start(chat.person())
    with pytest.raises(NothingToRepeat, match="no message"):
        chat.regenerate(c.id, threading.Event())
    with pytest.raises(NothingToRepeat, match="empty"):
        chat.send(c.id, "  ", threading.Event())
    assert chat.messages(c.id) == []


def test_parts_are_swapped_in_the_middle_and_unknown_ones_refused(chat: Chat) -> None:
    c = chat.start(chat.person("u2"))
    ask(chat, c.id, "recommend me something")
    chat.use(c.id, backend=c.backend, generator="item_knn", ranker=None)
    events = ask(chat, c.id, "something else")
    started = next(e for e in events if e.kind == "started")
    assert started.generator == "item_knn"
    assert len(chat.messages(c.id)) == 4
    with pytest.raises(AppError, match="not trained"):
        chat.use(c.id, backend=c.backend, generator="sasrec", ranker=None)


def test_a_backend_that_is_gone_still_gets_an_answer_that_says_so(chat: Chat) -> None:
    c = chat.start(chat.person(), backend="openai:gpt-4o-mini")
    events = ask(chat, c.id, "something with a spaceship")
    fallback = next(e for e in events if isinstance(e, Fallback))
    assert "OPENAI_API_KEY" in fallback.why
    assert items(events)
    assert last(chat, c.id).status == "done"


def test_for_a_generator_that_is_not_trained_another_one_finds_the_titles(chat: Chat) -> None:
    c = chat.start(chat.person(), generator="sasrec")
    events = ask(chat, c.id, "a comedy")
    assert isinstance(events[-1], Done)
    assert events[-1].status == "done"
    assert last(chat, c.id).item_ids


def test_a_fault_of_the_program_ends_as_a_failed_answer(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> Iterator[TurnEvent]:
        yield Token(text="Here is")
        raise RuntimeError("a bug")

    monkeypatch.setattr("app.service.chat.run_turn", broken)
    c = chat.start(chat.person())
    events = ask(chat, c.id, "hello")
    assert isinstance(events[-1], Done)
    assert events[-1].status == "failed"
    assert "a bug" in last(chat, c.id).text
    assert chat.messages(c.id)[0].text == "hello"


def test_two_sessions_at_once_do_not_mix(chat: Chat) -> None:
    wishes = ["a comedy", "a horror film", "a war film", "an animated film"]
    genres = ["Comedy", "Horror", "War", "Animation"]
    talks = [chat.start(chat.person(name=f"person {n}")) for n in range(4)]
    gate = threading.Barrier(4)

    def talk(n: int) -> None:
        gate.wait()
        for _ in range(3):
            ask(chat, talks[n].id, wishes[n])

    threads = [threading.Thread(target=talk, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    catalogue = chat.workbench.catalogue
    for n, c in enumerate(talks):
        messages = chat.messages(c.id)
        assert [m.text for m in messages if m.role == "user"] == [wishes[n]] * 3
        for m in messages:
            for item_id in m.item_ids:
                assert genres[n] in catalogue.genres[catalogue.ids.number(item_id)]
        assert messages[1].item_ids


def test_the_exports_hold_the_conversation(chat: Chat) -> None:
    c = chat.start(chat.person("u3"))
    shown = [e for e in ask(chat, c.id, "recommend me something") if isinstance(e, ItemShown)]
    text = chat.export_markdown(c.id)
    assert text.startswith("# recommend me something\n")
    assert "user u3" in text
    for item in shown:
        assert item.title in text
        assert all(reason.text in text for reason in item.reasons)
    document = json.loads(chat.export_json(c.id))
    assert [m["role"] for m in document["messages"]] == ["user", "assistant"]
    assert document["messages"][1]["item_ids"] == [e.item_id for e in shown]
    assert any(e["kind"] == "decision" for e in document["messages"][1]["events"])


def test_a_job_runs_in_the_background_and_can_be_stopped(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*args: object, stop: threading.Event, **kwargs: object) -> Iterator[TurnEvent]:
        for n in range(1000):
            if stop.is_set():
                yield Done(status="stopped", reply=f"{n} words")
                return
            yield Token(text="word ")
            time.sleep(0.005)

    monkeypatch.setattr("app.service.chat.run_turn", slow)
    jobs, c = Jobs(), chat.start(chat.person())
    job = jobs.start(c.id, lambda stop: chat.send(c.id, "talk", stop))
    assert chat.messages(c.id)[0].text == "talk"
    job.wait_visible(5)
    assert "word" in job.view().text
    assert jobs.get(c.id) is job
    with pytest.raises(ConversationBusy):
        jobs.start(c.id, lambda stop: chat.send(c.id, "more", stop))
    job.stop.set()
    assert job.over.wait(5)
    deadline = time.monotonic() + 5
    while jobs.get(c.id) is not None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert jobs.get(c.id) is None
    assert last(chat, c.id).status == "stopped"


def test_what_a_job_says_is_in_the_store_while_it_runs(chat: Chat, script: list[object]) -> None:
    def slow(*args: object, stop: threading.Event, **kwargs: object) -> Iterator[TurnEvent]:
        yield Token(text="first words ")
        stop.wait(20)
        yield Done(status="stopped", reply="first words")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.service.chat.run_turn", slow)
        jobs, c = Jobs(), chat.start(chat.person())
        job = jobs.start(c.id, lambda stop: chat.send(c.id, "talk", stop))
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline and (len(m := chat.messages(c.id)) < 2 or not m[1].text):
            time.sleep(0.01)
        _, told = chat.messages(c.id)
        assert (told.status, told.text) == ("streaming", "first words ")
        job.stop.set()
        assert job.over.wait(5)


def test_a_model_that_hangs_or_raises_does_not_end_the_turn(chat: Chat, script: list[object]) -> None:
    script += [Reply(RuntimeError("out of memory")), Reply("never", before=0.01)]
    c = chat.start(chat.person())
    for text in ("hello there", "something scary"):
        events = ask(chat, c.id, text)
        assert isinstance(events[-1], Done)
        assert events[-1].status == "done"
        assert events[-1].reply


def test_what_was_liked_since_the_conversation_began_counts_in_it(chat: Chat, script: list[object]) -> None:
    """By word or by button; what was liked before is history like any other."""
    person = chat.person(name="Somebody")
    chat.remember(person, "a1", "like")
    time.sleep(0.01)
    conversation = chat.start(person)
    chat.remember(person, "a7", "like")
    reasons = [r for e in ask(chat, conversation.id, "a drama") if isinstance(e, ItemShown) for r in e.reasons]
    near = [r for r in reasons if r.evidence.get("source") == "similar"]
    assert near and all(r.evidence["like"] == ["a7"] and "Heat (1995)" in r.text for r in near)


def test_what_is_saved_is_no_opinion_and_is_exported(chat: Chat) -> None:
    me = chat.person()
    c = chat.start(me)
    shown = items(ask(chat, c.id, "a drama"))
    before = chat.state(me)
    chat.save(me, shown[0])
    assert chat.state(me) == before and chat.feedback(me) == []
    assert shown[0] in items(ask(chat, chat.start(me).id, "a drama")), "it is recommended as before"
    title = chat.workbench.catalogue.label(chat.workbench.catalogue.ids.number(shown[0]))
    assert json.loads(chat.export_json(c.id))["profile"] == {"name": me.name, "user_id": None}
    assert json.loads(chat.export_json(c.id))["saved"] == [{"item_id": shown[0], "title": title}]
    assert f"**Saved for later**\n\n- {title}" in chat.export_markdown(c.id)
    with pytest.raises(UnknownItem):
        chat.save(me, "no such item")
    chat.unsave(me, shown[0])
    assert chat.saved(me) == []


def test_what_sets_a_pick_apart_is_in_its_event_with_its_evidence(chat: Chat) -> None:
    events = ask(chat, chat.start(chat.person()).id, "recommend me something")
    apart = [e.standing_out for e in events if isinstance(e, ItemShown) and e.standing_out]
    assert apart and all(reason.text and reason.evidence["values"] for reason in apart)
