"""chatrec ask: messages from the command line or standard input, answers to read or as JSON, exit codes."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.errors import AppError
from app.events import TRACE, Token, TurnEvent
from app.service import Chat, Store, Workbench
from app.settings import Settings, settings
from app.wants import Wants
from recommenders.data import Condition
from tests.app.bench import environment_of, make_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_tiny(tmp_path_factory.mktemp("ask"))


@pytest.fixture(autouse=True)
def served(tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    served = tiny.model_copy(update={"database_url": f"sqlite:///{tmp_path / 'chatrec.db'}"})
    for name, value in environment_of(served).items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield served
    settings.cache_clear()


def ask(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(app, ["ask", *arguments], input=typed)


def turns(result: Result) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, result.stdout.splitlines()) if line["kind"] == "turn"]


def stored(served: Settings) -> Chat:
    return Chat(Workbench(served), Store(served.store_url), served)


def test_answers_to_read(served: Settings) -> None:
    done = ask("a comedy", "I love Heat")
    assert done.exit_code == 0, done.output
    assert "> a comedy" in done.output
    assert "1. " in done.output and "As you asked: Comedy" in done.output
    assert "with Tom Hanks, Tim Allen · 3.5 (8 ratings)" in done.output  # what a card says
    assert "kept: likes Heat" in done.output
    chat = stored(served)
    (c,) = chat.conversations()
    assert [m.text for m in chat.messages(c.id) if m.role == "user"] == ["a comedy", "I love Heat"]
    chat.store.close()


def test_json_has_every_event_and_a_summary_of_each_turn(served: Settings) -> None:
    done = ask("--json", "a comedy", "I love Heat")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    events = [line for line in lines if line["kind"] != "turn"]
    assert len(TRACE.validate_python(events)) == len(events)
    assert [e["kind"] for e in events].count("done") == 2
    first, second = turns(done)
    assert first["message"] == "a comedy" and first["status"] == "done" and first["error"] == ""
    asked = Wants(conditions=(Condition(attribute="genres", operator="has all", values=("Comedy",), said="comedy"),))
    assert first["understood"]["action"] == "recommend" and Wants.model_validate(first["understood"]["wants"]) == asked
    item = first["items"][0]
    assert item["position"] == 1 and "Comedy" in item["facts"]["genres"] and item["facts"]["year"] == str(item["year"])
    assert item["reasons"][0]["text"] == "As you asked: Comedy" and item["reasons"][0]["evidence"]
    assert "title" not in item["facts"] and all(item["facts"].values())
    assert first["reply"] and first["stored"] == []
    assert 0 < first["seconds"]["first_visible"] <= first["seconds"]["whole"]
    assert [(s["title"], s["kind"]) for s in second["stored"]] == [("Heat", "like")]
    chat = stored(served)
    answers = [m for m in chat.messages(first["conversation_id"]) if m.role == "assistant"]
    assert [first["message_id"], second["message_id"]] == [m.id for m in answers]
    chat.store.close()


def test_lines_of_standard_input_are_sent_as_typed() -> None:
    done = ask("--json", typed="a comedy\n\n   \n# but older\n")
    assert [t["message"] for t in turns(done)] == ["a comedy", "# but older"]


def test_bytes_that_are_no_text_do_not_end_it(served: Settings) -> None:
    command = [sys.executable, "-m", "app.cli", "ask", "--json"]
    done = subprocess.run(command, input=b"a com\xffedy\na comedy\n", capture_output=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["message"] for line in lines if line["kind"] == "turn"][1] == "a comedy", done.stderr


def test_nothing_typed_leaves_nothing_behind(served: Settings) -> None:
    assert ask(typed="").exit_code == 0
    chat = stored(served)
    assert chat.conversations() == []
    chat.store.close()


def test_a_person_is_remembered_by_name(served: Settings) -> None:
    assert turns(ask("--json", "--person", "Anna", "I love Heat"))[0]["stored"]
    again = turns(ask("--json", "--person", "Anna", "I love Heat"))[0]
    assert again["stored"] == []  # known already
    assert turns(ask("--json", "--person", "Ben", "I love Heat"))[0]["stored"]
    chat = stored(served)
    assert sorted(p.name for p in chat.store.profiles(served.dataset)) == ["Anna", "Ben"]
    chat.store.close()


def test_a_user_of_the_data_set_and_a_conversation_that_goes_on(served: Settings) -> None:
    first = turns(ask("--json", "--user", "u3", "a comedy"))[0]
    second = turns(ask("--json", "--resume", "last", "something else"))[0]
    third = turns(ask("--json", "--resume", first["conversation_id"], "something else"))[0]
    assert first["conversation_id"] == second["conversation_id"] == third["conversation_id"]
    assert not {i["item_id"] for i in first["items"]} & {i["item_id"] for i in second["items"]}


def test_parts_are_chosen(served: Settings) -> None:
    def parts(*arguments: str) -> tuple[str, str | None]:
        lines = [json.loads(line) for line in ask("--json", *arguments).stdout.splitlines()]
        (started,) = [line for line in lines if line["kind"] == "started"]
        return started["generator"], started["ranker"]

    assert parts("--generator", "popularity", "--ranker", "ease", "a comedy") == ("popularity", "ease")
    assert parts("--resume", "last", "more") == ("popularity", "ease")
    assert parts("--resume", "last", "--ranker", "none", "more") == ("popularity", None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--generator", "sasrek", "a comedy"], "'sasrek' is not trained"),
        (["--llm", "openai:gpt-4o-mini", "a comedy"], "needs OPENAI_API_KEY"),
        (["--data", "nothing", "a comedy"], "unknown data set 'nothing'"),
        (["--user", "nobody", "a comedy"], "unknown id 'nobody'"),
        (["--resume", "last", "a comedy"], "no conversation to go on with"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_stored(served: Settings, arguments: list[str], words: str) -> None:
    done = ask(*arguments)
    assert done.exit_code != 0 and words in str(done.exception)
    chat = stored(served)
    assert chat.conversations() == [] and chat.store.profiles(served.dataset) == []
    chat.store.close()


def test_one_says_who_asks_once() -> None:
    assert ask("--user", "u3", "--person", "Anna", "a comedy").exit_code == 2


def test_a_message_that_is_not_taken_is_told_and_the_next_one_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    send = Chat.send

    def limited(chat: Chat, conversation_id: str, text: str, stop: threading.Event) -> Iterator[TurnEvent]:
        if len(text) > 100:
            raise AppError("the message is too long")
        return send(chat, conversation_id, text, stop)

    monkeypatch.setattr(Chat, "send", limited)
    done = ask("--json", "", "x" * 200, "a comedy")
    assert done.exit_code == 1
    empty, long, last = turns(done)
    assert (empty["status"], long["status"], last["status"]) == ("refused", "refused", "done")
    assert "empty" in empty["error"] and "too long" in long["error"]
    assert empty["message_id"] is None and last["message_id"]
    assert "the message is empty" in ask("", "a comedy").output


def test_a_turn_that_fails_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> Iterator[TurnEvent]:
        yield Token(text="Hm")
        raise RuntimeError("a fault")

    monkeypatch.setattr("app.service.chat.run_turn", broken)
    done = ask("--json", "a comedy")
    assert done.exit_code == 1
    (turn,) = turns(done)
    assert turn["status"] == "failed" and "RuntimeError: a fault" in turn["reply"]


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, *command], text=True, **pipes) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def test_a_pipe_that_closes_ends_it_quietly_and_keeps_what_there_was(served: Settings) -> None:
    with running("-m", "app.cli", "ask", "--json", "a comedy", "something else") as process:
        assert json.loads(process.stdout.readline())["kind"] == "fallback"
        process.stdout.close()
        assert process.wait(60) == 1
        assert process.stderr.read() == ""
    chat = stored(served)
    (c,) = chat.conversations()
    answer = chat.messages(c.id)[1]
    assert answer.status in ("stopped", "done")  # as far as it had come when the pipe was full
    chat.store.close()


SLOW = """
import sys, threading, time
from app import cli
from app.events import Done, Token
from app.service import chat

def slow(message, context, parts, settings, *, stop, wants=None):
    yield Token(text="Hm")
    for _ in range(600):
        if stop.wait(0.1):
            yield Done(status="stopped", reply="Hm")
            return
    yield Done(reply="Hm")

chat.run_turn = slow
cli.main(["ask", "--json", "a comedy", "something else"])
"""


def test_ctrl_c_stops_the_turn_which_is_stored_as_stopped(served: Settings) -> None:
    with running("-c", SLOW) as process:
        assert [json.loads(process.stdout.readline())["kind"] for _ in range(2)] == ["fallback", "token"]
        process.send_signal(signal.SIGINT)
        rest = [json.loads(line) for line in process.stdout]
        assert process.wait(60) == 130
    assert [line["status"] for line in rest if line["kind"] == "turn"] == ["stopped"], rest
    chat = stored(served)
    (c,) = chat.conversations()
    assert [(m.role, m.text, m.status) for m in chat.messages(c.id)] == [
        ("user", "a comedy", "done"),
        ("assistant", "Hm", "stopped"),
    ]
    chat.store.close()
