"""DRN in whole conversations: lists interleaved, feedback credited, learning kept across processes and taken back."""

import copy
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from app.cli import app as cli
from app.errors import AppError
from app.events import Done, Interleaved, ItemShown, TurnEvent
from app.service.chat import Chat
from app.service.learning import Explorer, duel_of, judgements
from app.service.store.store import Message, Profile, Store
from app.service.workbench import Workbench
from app.settings import Settings
from recommenders.contract.request import Request
from recommenders.data.tables import UserState
from recommenders.experiments.training import train
from recommenders.models.drn import DRN
from tests.app.bench import make_tiny
from tests.recommenders.conditions import conditions
from tests.recommenders.worlds import tiny_films_data

QUICK = {"epochs": 3, "batch_size": 16, "negatives": 8, "explore": 0.5, "minor_rate": 0.5, "replay_steps": 20}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = make_tiny(tmp_path_factory.mktemp("online"))
    data = tiny_films_data()
    train("drn", data, settings.runs_dir / data.name / "drn", config=QUICK)
    return settings


@pytest.fixture
def settings(trained: Settings, tmp_path: Path) -> Settings:
    return trained.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}"})


@pytest.fixture
def chat(settings: Settings) -> Iterator[Chat]:
    chat = opened(settings)
    chat.online.reset("drn")
    yield chat
    chat.online.reset("drn")
    chat.store.close()


def opened(settings: Settings) -> Chat:
    return Chat(Workbench(settings), Store(settings.store_url), settings)


def ask(chat: Chat, conversation_id: str, text: str) -> list[TurnEvent]:
    return list(chat.send(conversation_id, text, threading.Event()))


def shown_list(chat: Chat, person: Profile, parts: tuple[str, str | None] = ("ease", "drn")) -> Message:
    """The stored answer to a first request."""
    c = chat.start(person, generator=parts[0], ranker=parts[1])
    ask(chat, c.id, "recommend me something")
    return chat.messages(c.id)[-1]


def of(message: Message, origin: str) -> list[str]:
    duel = duel_of(message)
    assert duel is not None
    return [i for i in message.item_ids if duel.origins[i] == origin]


def mixed_list(chat: Chat, person: Profile) -> Message:
    """An answer that shows items of both networks (the coin may give one of them none)."""
    for _ in range(20):
        message = shown_list(chat, person)
        if of(message, "current") and of(message, "explored"):
            return message
    raise AssertionError("twenty lists, and none shows items of both networks")


def served(chat: Chat) -> dict[str, np.ndarray]:
    model = chat.online.current(chat.workbench.model("drn"))
    assert isinstance(model, DRN)
    return model.weights()


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(a[name], b[name]) for name in a)


# -- what is shown ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("parts", [("ease", "drn"), ("drn", None), ("drn", "drn")])
def test_a_list_is_interleaved_and_the_trace_says_how(chat: Chat, parts: tuple[str, str | None]) -> None:
    message = shown_list(chat, chat.person(), parts)
    duel = duel_of(message)
    assert message.status == "done" and len(message.item_ids) == 5
    assert duel is not None and duel.model == "drn" and set(message.item_ids) <= set(duel.origins)
    assert set(duel.origins.values()) == {"current", "explored"}


def test_other_parts_show_one_list(chat: Chat) -> None:
    assert duel_of(shown_list(chat, chat.person(), ("ease", None))) is None


def test_constraints_hold_for_both_networks(chat: Chat) -> None:
    person = chat.person("u3")
    c = chat.start(person, generator="drn", ranker="drn")
    catalogue = chat.workbench.catalogue
    known = set(chat.state(person).items)
    for _ in range(5):
        events = ask(chat, c.id, "a drama before 1985")
        done = events[-1]
        assert isinstance(done, Done) and done.violations == 0 and done.item_ids
        for item_id in done.item_ids:
            item = catalogue.ids.number(item_id)
            assert "Drama" in catalogue.genres[item] and catalogue.years[item] < 1985 and item not in known


def test_rows_of_one_film_are_shown_once(chat: Chat) -> None:
    """The two networks may prefer different ones of two rows with equal title and year (a18 and a19)."""
    pipeline, model = chat.workbench.pipeline("drn", None), copy.copy(chat.workbench.model("drn"))
    model.config = replace(model.config, explore=3.0)  # strong enough to turn two neighbours round
    catalogue = chat.workbench.catalogue
    twins = {catalogue.ids.number("a18"), catalogue.ids.number("a19")}
    preferred = set()
    for seed in range(30):
        found = pipeline.recommend(UserState(), Request(k=19), pool=19)
        merged = Explorer(pipeline, model, "run", seed).interleaved(found, UserState(), Request(k=19), 19)
        assert len(twins & {c.item for c in merged.candidates}) == 1 and len(merged.candidates) == 19
        assert isinstance(model, DRN)
        other = pipeline.with_model(model.moved(model.disturbance(seed))).recommend(UserState(), Request(k=19))
        preferred |= twins & {c.item for c in other.candidates}
    assert preferred == twins  # the trap was there


def test_interleaving_ranks_what_both_lists_hold(chat: Chat) -> None:
    """The merged list has each qualifying item at most once, in ranks from 1, and repeats with its seed."""
    pipeline = chat.workbench.pipeline("ease", "drn")
    model, state = chat.workbench.model("drn"), chat.workbench.state("u1")
    request = Request(k=4, conditions=conditions(without_genres=["Horror"]))
    found = pipeline.recommend(state, request, pool=8)
    lists = [Explorer(pipeline, model, "run", 5).interleaved(found, state, request, 8) for _ in range(2)]
    assert lists[0].candidates == lists[1].candidates
    items = [c.item for c in lists[0].candidates]
    assert len(items) == len(set(items)) == len(found.candidates)
    assert [c.rank for c in lists[0].candidates] == list(range(1, len(items) + 1))
    assert all("Horror" not in chat.workbench.catalogue.genres[i] for i in items)
    nothing = Request(k=4, conditions=conditions(year_from=3000))
    empty = pipeline.recommend(state, nothing, pool=8)
    assert Explorer(pipeline, model, "run", 5).interleaved(empty, state, nothing, 8).candidates == ()


# -- what is learnt ---------------------------------------------------------------------------------------------------


def test_a_like_of_an_explored_item_moves_the_network_and_a_like_of_its_own_does_not(chat: Chat) -> None:
    person, before = chat.person(), served(chat)
    message = mixed_list(chat, person)
    chat.remember(person, of(message, "current")[0], "like")
    assert same(served(chat), before) and chat.online.status("drn").changes == ()
    chat.forget(person)
    chat.remember(person, of(message, "explored")[0], "like")
    model, duel = chat.workbench.model("drn"), duel_of(message)
    assert isinstance(model, DRN) and duel is not None
    step, now = model.minor_update(duel.seed), served(chat)
    for name, weight in before.items():
        np.testing.assert_array_equal(now[name], weight + step[name])
    (change,) = chat.online.status("drn").changes
    assert change.kind == "minor" and change.because == message.id


def test_a_dislike_of_the_networks_own_item_speaks_for_the_explored_one(chat: Chat) -> None:
    person = chat.person()
    message = mixed_list(chat, person)
    chat.remember(person, of(message, "explored")[0], "dislike")
    assert not chat.online.status("drn").changes
    chat.remember(person, of(message, "current")[0], "dislike")
    assert not chat.online.status("drn").changes  # a draw
    chat.remember(person, of(message, "explored")[0], "seen")
    assert len(chat.online.status("drn").changes) == 1


def test_taking_feedback_back_takes_back_what_was_learnt(chat: Chat) -> None:
    """Also when something else was learnt since, which stays."""
    people, before = (chat.person("u1"), chat.person("u5")), served(chat)
    messages = [mixed_list(chat, person) for person in people]
    for person, message in zip(people, messages, strict=True):
        chat.remember(person, of(message, "explored")[0], "like")
        chat.remember(person, of(message, "explored")[0], "like")  # said again: nothing new
    assert [c.because for c in chat.online.status("drn").changes] == [m.id for m in messages]
    chat.forget(people[0], of(messages[0], "explored")[0])
    assert [c.because for c in chat.online.status("drn").changes] == [messages[1].id]
    chat.forget(people[1])
    assert chat.online.status("drn").changes == () and same(served(chat), before)


def test_asking_for_more_like_an_item_is_a_like(chat: Chat) -> None:
    person = chat.person()
    message = mixed_list(chat, person)
    item = of(message, "explored")[0]
    place = message.item_ids.index(item) + 1
    ask(chat, message.conversation_id, f"more like number {place}")
    assert [c.because for c in chat.online.status("drn").changes] == [message.id]


def test_feedback_belongs_to_the_latest_list_that_showed_the_item(chat: Chat) -> None:
    person = chat.person()
    first = mixed_list(chat, person)
    second = shown_list(chat, person)
    item = next((i for i in second.item_ids if i in first.item_ids), None)
    assert item is not None  # the same person, the same wish
    chat.remember(person, item, "like")
    given = chat.feedback(person)
    answers = chat.store.answers(person.id)
    assert [a.id for a in answers] == [second.id, *(a.id for a in answers[1:])]
    assert judgements(answers, given) == {second.id: {item: 1.0}}
    early = [replace(f, at=first.created + 1e-4) for f in given]
    assert judgements(answers, early) == {first.id: {item: 1.0}}


def test_people_do_not_judge_each_others_lists(chat: Chat) -> None:
    one, other = chat.person(), chat.person()
    message = mixed_list(chat, one)
    chat.remember(other, of(message, "explored")[0], "like")
    assert chat.online.status("drn").changes == ()


def test_replay_learns_from_every_judged_list(chat: Chat) -> None:
    assert chat.online.replay("drn") is None
    person, before = chat.person("u2"), served(chat)
    messages = [mixed_list(chat, person) for _ in range(2)]
    chat.remember(person, of(messages[1], "current")[0], "like")
    status = chat.online.status("drn")
    assert (status.lists, status.fresh, status.changes) == (1, 1, ())
    change = chat.online.replay("drn")
    assert change is not None and change.kind == "major" and not same(served(chat), before)
    status = chat.online.status("drn")
    assert (status.lists, status.fresh) == (1, 0)
    ((_, impression),) = chat.online._judged_lists("drn")
    assert sorted(impression.rewards) == [0.0] * 4 + [1.0]
    liked = impression.items[impression.rewards.index(1.0)]
    assert liked in impression.after.items and liked not in impression.state.items
    assert chat.online.undo("drn") == change and same(served(chat), before)


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_another_process_goes_on_with_what_was_learnt(chat: Chat, settings: Settings) -> None:
    person = chat.person()
    message = mixed_list(chat, person)
    chat.remember(person, of(message, "explored")[0], "like")
    other = opened(settings)
    assert same(served(other), served(chat))
    other.online.undo("drn")
    assert same(served(chat), chat.workbench.model("drn").weights())  # type: ignore[attr-defined]
    other.store.close()


def test_a_turn_under_way_keeps_its_network(chat: Chat) -> None:
    person = chat.person()
    message = mixed_list(chat, person)
    c = chat.start(person, generator="drn", ranker=None)
    parts, _ = chat.parts(chat.conversation(c.id))
    state = chat.state(person)
    before = parts.pipeline.generator.score([state])
    chat.remember(person, of(message, "explored")[0], "like")
    np.testing.assert_array_equal(parts.pipeline.generator.score([state]), before)
    later, _ = chat.parts(chat.conversation(c.id))
    assert not np.array_equal(later.pipeline.generator.score([state]), before)


def test_many_sessions_at_once_lose_nothing(chat: Chat) -> None:
    """Threads that judge lists of their own while others are served: every verdict is there, once."""
    people = [chat.person(f"u{n}") for n in range(6)]
    messages = [mixed_list(chat, person) for person in people]
    faults: list[BaseException] = []

    def judge(person: Profile, message: Message) -> None:
        try:
            chat.remember(person, of(message, "explored")[0], "like")
            assert len(shown_list(chat, person).item_ids) == 5
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=judge, args=pair) for pair in zip(people, messages, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    changes = chat.online.status("drn").changes
    assert {c.because for c in changes} == {m.id for m in messages} and len(changes) == 6


def test_a_verdict_that_a_kill_cut_off_is_given_with_the_next_word(chat: Chat) -> None:
    """The feedback was stored, and then the process died: nothing is lost but the moment."""
    person = chat.person()
    message = mixed_list(chat, person)
    item = of(message, "explored")[0]
    chat.store.set_feedback(person.id, person.dataset, item, "like")
    assert chat.online.status("drn").changes == ()
    chat.remember(person, next(i for i in message.item_ids if i != item), "seen")
    assert [c.because for c in chat.online.status("drn").changes] == [message.id]


def test_training_anew_forgets_what_an_earlier_training_learnt(chat: Chat, settings: Settings, tmp_path: Path) -> None:
    own = settings.model_copy(update={"runs_dir": tmp_path / "runs"})
    data = tiny_films_data()
    for name in ("ease", "drn"):
        config = QUICK if name == "drn" else None
        train(name, data, own.runs_dir / data.name / name, config=config)
    chat = opened(own)
    person = chat.person()
    message = mixed_list(chat, person)
    chat.remember(person, of(message, "explored")[0], "like")
    assert len(chat.online.status("drn").changes) == 1
    train("drn", data, own.runs_dir / data.name / "drn", config={**QUICK, "seed": 5})
    chat.workbench.forget()
    assert chat.online.status("drn").changes == ()
    chat.remember(person, of(message, "explored")[0], "like")  # of a network that is gone
    assert chat.online.status("drn").changes == ()
    chat.store.close()


def test_it_can_be_switched_off(settings: Settings, chat: Chat) -> None:
    message = mixed_list(chat, chat.person("u4"))
    off = opened(settings.model_copy(update={"learn_online": False}))
    person = off.person("u4")
    assert duel_of(shown_list(off, person)) is None
    off.remember(person, of(message, "explored")[0], "like")
    assert off.online.status("drn").changes == ()
    off.store.close()


def test_damage_is_told_and_costs_no_feedback(chat: Chat) -> None:
    person = chat.person()
    message = mixed_list(chat, person)
    chat.remember(person, of(message, "explored")[0], "like")
    folder = chat.workbench.runs / "drn.online"
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-9])
    chat.workbench.forget()
    c = chat.start(person, generator="drn", ranker=None)
    done = ask(chat, c.id, "recommend me something")[-1]
    assert isinstance(done, Done) and done.status == "failed" and "chatrec online drn --reset" in done.reply
    chat.remember(person, of(message, "current")[0], "dislike")
    assert len(chat.feedback(person)) == 2
    assert chat.online.reset("drn") == 1
    assert len(shown_list(chat, person).item_ids) == 5


# -- by hand ----------------------------------------------------------------------------------------------------------


def test_only_learners_have_something_to_take_back(chat: Chat) -> None:
    with pytest.raises(AppError, match="ease does not learn online; these do: drn"):
        chat.online.undo("ease")


def test_the_command_shows_replays_and_takes_back(
    chat: Chat, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.commands.online.settings", lambda: settings)

    def run(*options: str) -> str:
        result = CliRunner().invoke(cli, ["online", "drn", *options])
        assert result.exit_code == 0, result.output
        return result.output

    assert "0 minor and 0 major changes" in run()
    assert "no list was judged yet" in run("--replay")
    assert "nothing to take back" in run("--undo")
    person = chat.person()
    message = mixed_list(chat, person)
    chat.remember(person, of(message, "explored")[0], "like")
    assert "1 minor and 0 major changes; 1 judged lists" in run("--status")
    assert "learnt: change 2, major" in run("--replay")
    assert "taken back: change 2, major" in run("--undo")
    assert "1 change taken back" in run("--reset")
    assert CliRunner().invoke(cli, ["online", "drn", "--undo", "--reset"]).exit_code == 2


def test_an_unknown_model_is_told_in_one_line() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "app.cli", "online", "drm"], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 2 and "unknown recommender 'drm'; did you mean 'drn'?" in result.stderr


def test_the_models_page_takes_back(chat: Chat, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.web.widgets.session.settings", lambda: settings)
    monkeypatch.setattr("app.web.widgets.session._warm", lambda chat: None)
    st.cache_resource.clear()
    person = chat.person()
    message = mixed_list(chat, person)
    chat.remember(person, of(message, "explored")[0], "like")
    at = AppTest.from_file(str(Path(__file__).resolve().parents[2] / "app" / "main.py"), default_timeout=30).run()
    at.switch_page("web/views/models.py").run()
    assert not at.exception
    assert any("1 minor and 0 major changes" in c.value for c in at.caption)
    at.button(key="online-replay-drn").click().run()
    assert any("1 minor and 1 major changes" in c.value for c in at.caption)
    at.button(key="online-undo-drn").click().run()
    assert any("1 minor and 0 major changes" in c.value for c in at.caption)
    at.button(key="online-reset-drn").click().run()
    assert not at.exception and any("0 minor and 0 major changes" in c.value for c in at.caption)
    assert at.button(key="online-undo-drn").disabled
    st.cache_resource.clear()


def test_the_trace_names_what_was_explored(chat: Chat) -> None:
    message = mixed_list(chat, chat.person())
    kinds = [e.kind for e in message.events]
    assert kinds.index("interleaved") == kinds.index("candidates") + 1
    assert any(isinstance(e, ItemShown) for e in message.events)
    event = next(e for e in message.events if isinstance(e, Interleaved))
    assert event.run == chat.online._journal("drn").run
