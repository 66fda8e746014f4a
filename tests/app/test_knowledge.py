"""chatrec knowledge: a language model fills attributes out of items' texts over real HTTP; inventions are refused.

The server of these tests answers as an OpenAI-compatible one does, with what a test lets it say of a text it was sent.
"""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from app.cli import app
from app.errors import AppError, DataError
from app.settings import Settings, settings
from recommenders.data import Dataset, sources
from recommenders.data.knowledge import FACTS, Knowledge
from recommenders.experiments.training import train
from tests.app.bench import environment_of, tiny_settings

GAMES, RATINGS = (
    Path(__file__).parents[1] / "inputs" / name for name in ("board_games.csv", "board_games_ratings.csv")
)
BACKEND = "compatible:reader"
DECLARED = """
[[attribute]]
kind = "set"
name = "moods"
label = "mood"
values = ["cosy", "spooky"]
question = "How does it feel?"

[[attribute]]
kind = "number"
name = "seasons"
unit = "seasons"
"""
COSY = {"bake": "cosy", "honey": "cosy", "moss": "cosy", "leaf": "cosy", "fire": "cosy", "cakes": "cosy", "tea": "cosy"}
MOODS = {**COSY, "haunting": "spooky", "fog": "spooky", "broken moon": "spooky", "saucer": "cosy", "gardeners": "cosy"}

Says = Callable[[str, int], str | int]
"""The text of an item and which call it is -> the answer, or a status of HTTP."""


def reads(text: str, call: int) -> str:
    """A good model: what the text says, in its own words."""
    moods = [{"words": word, "value": mood} for word, mood in MOODS.items() if re.search(rf"\b{word}\b", text.lower())]
    seasons = {"words": "Three seasons", "value": 3} if "Three seasons" in text else None
    return json.dumps({"moods": moods, "seasons": seasons})


class Reader:
    """A server on this machine. `says` decides what it answers; `asked` has the texts that it was sent."""

    def __init__(self) -> None:
        self.says: Says = reads
        self.asked: list[str] = []
        self.schemas: list[dict[str, Any]] = []
        self.wait = 0.0
        reader = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reader.schemas.append(body["response_format"]["json_schema"]["schema"])
                first = next(m["content"] for m in body["messages"] if m["role"] == "user")
                reader.asked.append(first)
                time.sleep(reader.wait)
                said = reader.says(first, len(reader.asked))
                if isinstance(said, int):
                    content, kind, status = b'{"error": {"message": "out of order"}}', "application/json", said
                else:
                    content, kind, status = _stream(said), "text/event-stream", 200
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


def _stream(said: str) -> bytes:
    head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "reader"}
    usage = {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}
    pieces = [
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": said}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    return b"".join(b"data: " + json.dumps(head | p).encode() + b"\n\n" for p in pieces) + b"data: [DONE]\n\n"


@pytest.fixture
def reader() -> Iterator[Reader]:
    started = Reader()
    yield started
    started.server.shutdown()
    started.server.server_close()


@pytest.fixture
def shop(tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """The board games imported, one of them without its weight; the server as the language model."""
    served = tiny_settings(tmp_path, dataset="games", backend=BACKEND)
    for name, value in environment_of(served).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CHATREC_COMPATIBLE_URL", reader.url)
    monkeypatch.setenv("CHATREC_COMPATIBLE_MODELS", '["reader"]')
    settings.cache_clear()
    (tmp_path / "new.toml").write_text(DECLARED)
    run("data", "import", "--name", "games", "--items", GAMES, "--interactions", RATINGS)
    yield served
    settings.cache_clear()


def run(*arguments: object, code: int = 0) -> str:
    result: Result = CliRunner().invoke(app, [str(a) for a in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def write(shop: Settings, *more: object, code: int = 0, names: tuple[str, ...] = ("moods", "seasons")) -> str:
    asked = [part for name in names for part in ("--attribute", name)]
    new = shop.cache_dir.parent / "new.toml"
    return run("knowledge", "write", *asked, "--declare", new, "--yes", *more, code=code)


def _objects(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("{")]


def loaded(shop: Settings) -> Dataset:
    return sources.load("games", shop.cache_dir, shop.datasets)


def cell(shop: Settings, title: str, name: str) -> Any:
    c = loaded(shop).catalogue
    return c.attributes.cells(name)[c.titles.index(title)]


# -- written ----------------------------------------------------------------------------------------------------------


def test_what_the_texts_say_becomes_attributes(shop: Settings, reader: Reader) -> None:
    said = write(shop)
    assert "60 items to ask compatible:reader" in said and "tokens of prompts" in said
    assert "seasons: 1 filled, 59 not in the text" in said
    assert cell(shop, "Vineyards of Oll", "seasons") == (3, 3)
    assert set(cell(shop, "Midnight Bakery", "moods")) == {"cosy"}
    assert cell(shop, "Salt Road Caravans", "moods") == ()
    shown = run("data", "attributes", "games")
    assert re.search(r"moods: set; called \"mood\".*written by compatible:reader, \d+ of 60", shown)
    shown = run("knowledge", "show", "games")
    assert "compatible:reader: 1 filled, 59 not in the text, 0 values refused" in shown
    assert "Vineyards of Oll: 3 (“Three seasons”)" in shown
    assert reader.schemas[0]["properties"]["moods"]["items"]["properties"]["value"]["enum"] == ["cosy", "spooky"]


def test_it_is_heard_in_a_message_and_answered(shop: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    write(shop)
    train("ease", loaded(shop), shop.runs_dir / "games" / "ease")
    monkeypatch.setenv("CHATREC_BACKEND", "embedded:smollm2-135m")  # not fetched here: the rules answer alone
    settings.cache_clear()
    said = run("ask", "--json", "something cosy")
    (turn,) = [line for line in map(json.loads, _objects(said)) if line["kind"] == "turn"]
    (condition,) = turn["understood"]["wants"]["conditions"]
    assert (condition["attribute"], condition["values"]) == ("moods", ["cosy"])
    assert turn["items"]
    for item in turn["items"]:
        assert "cosy" in cell(shop, item["title"], "moods"), item


def test_a_second_run_asks_nothing_and_a_changed_text_is_asked_again(shop: Settings, reader: Reader) -> None:
    write(shop, "--limit", 30)
    assert "30 answers" not in write(shop, "--limit", 60)
    assert len(reader.asked) == 60
    assert "Nothing is left to ask" in write(shop) and len(reader.asked) == 60
    changed = shop.cache_dir.parent / "changed.csv"
    changed.write_text(GAMES.read_text().replace("before the town wakes up hungry", "in the fog of a hungry town"))
    run("data", "import", "--name", "games", "--items", changed, "--interactions", RATINGS, "--replace")
    assert cell(shop, "Midnight Bakery", "moods") == ()  # said of another text
    write(shop)
    assert len(reader.asked) == 61 and reader.asked[-1].startswith("Midnight Bakery")
    assert set(cell(shop, "Midnight Bakery", "moods")) == {"cosy", "spooky"}


def test_owners_cells_stay(shop: Settings, reader: Reader) -> None:
    bare = shop.cache_dir.parent / "bare.csv"
    lines = GAMES.read_text().splitlines()
    bare.write_text("\n".join(line.replace(",light,", ",,") if n > 30 else line for n, line in enumerate(lines)))
    run("data", "import", "--name", "games", "--items", bare, "--interactions", RATINGS, "--replace")
    before = loaded(shop).catalogue.table["weight"].tolist()
    blank = [n for n, w in enumerate(before) if not w]
    assert blank
    reader.says = lambda text, call: json.dumps(
        {"weight": {"words": " ".join(text.split("\n")[1].split()[:3]), "value": "heavy"}}
    )
    write(shop, names=("weight",))
    after = loaded(shop).catalogue.table["weight"].tolist()
    assert len(reader.asked) == len(blank)
    assert [w for n, w in enumerate(after) if n not in blank] == [w for w in before if w]
    assert {after[n] for n in blank} == {"heavy"}
    assert f"written by {BACKEND}, {len(blank)} of 60" in run("data", "attributes", "games")


# -- misbehaviour -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moods", "why"),
    [
        ([{"words": "by the fireside", "value": "cosy"}], "the words are not in the text"),
        ([{"words": "", "value": "cosy"}], "no words of the text were given"),
        (["cosy"], "no words of the text were given"),
        ([{"words": "the", "value": "cosy"}], "the words are not in the text"),
        ([{"words": None, "value": "gloomy"}], "no words of the text were given"),
    ],
)
def test_what_is_not_shown_in_the_text_is_refused(shop: Settings, reader: Reader, moods: Any, why: str) -> None:
    reader.says = lambda text, call: json.dumps({"moods": moods, "seasons": {"words": "seasons", "value": 4}})
    said = write(shop, "--limit", 3)
    assert "moods: 0 filled" in said and f"3 refused: {why}" in said
    assert "moods" not in loaded(shop).catalogue.schema


def test_values_and_numbers_are_checked(shop: Settings, reader: Reader) -> None:
    def says(text: str, call: int) -> str:
        words = " ".join(text.split("\n")[1].split()[:4])
        return json.dumps(
            {"moods": [{"words": words, "value": "gloomy"}], "seasons": {"words": words.upper(), "value": 4}}
        )

    reader.says = says
    said = write(shop)
    assert "60 refused: it is none of the values" in said
    assert "59 refused: the number is not in the words quoted" in said


@pytest.mark.parametrize("answer", ['{"moods": [{"words": "bake", "val', "I would say cosy!", '{"picks": [1, 2]}', ""])
def test_a_broken_answer_skips_its_item_and_is_asked_again(shop: Settings, reader: Reader, answer: str) -> None:
    reader.says = lambda text, call: answer if "Bakery" in text else reads(text, call)
    said = write(shop)
    assert "1 items failed: its answer was not the JSON that was asked for" in said
    assert "seasons: 1 filled, 58 not in the text" in said
    reader.says = reads
    assert "1 items to ask" in write(shop)
    assert "cosy" in cell(shop, "Midnight Bakery", "moods")


def test_a_server_out_of_order_ends_it_with_a_word(shop: Settings, reader: Reader) -> None:
    reader.says = lambda text, call: reads(text, call) if call <= 10 else 500
    with pytest.raises(AppError, match=r"failed \d+ times in a row.*500.*What was written is kept"):
        write(shop, "--workers", 1)
    assert len(Knowledge.of(shop.cache_dir, "games").lines) == 20
    assert len(reader.asked) == 10 + 5 * 2  # the client tries each once more
    reader.says = reads
    assert "50 items to ask" in write(shop)


def test_a_server_that_fails_now_and_then_is_gone_on_with(shop: Settings, reader: Reader) -> None:
    reader.says = lambda text, call: "no JSON" if "Ferry" in text or "Crows" in text else reads(text, call)
    assert "2 items failed" in write(shop, "--workers", 8)


# -- ended ------------------------------------------------------------------------------------------------------------


def started(shop: Settings) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "app.cli", "knowledge", "write", "--attribute", "moods", "--declare"]
    return subprocess.Popen(
        [*command, str(shop.cache_dir.parent / "new.toml"), "--yes", "--workers", "2"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_what_was_written_survives_its_end(shop: Settings, reader: Reader, how: signal.Signals) -> None:
    reader.wait = 0.05
    process = started(shop)
    until(lambda: len(reader.asked) >= 12)
    process.send_signal(how)
    said, _ = process.communicate(timeout=30)
    if how == signal.SIGINT:
        assert process.returncode == 130 and "the same command goes on" in said
    kept = len(Knowledge.of(shop.cache_dir, "games").lines)
    asked = len(reader.asked)
    assert asked - 2 <= kept + 1 and kept <= asked
    reader.wait = 0.0
    write(shop, names=("moods",))
    assert len(reader.asked) - asked == 60 - kept


def test_a_line_that_was_cut_is_asked_again(shop: Settings, reader: Reader) -> None:
    write(shop, names=("moods",))
    path = shop.cache_dir / "knowledge" / "games" / FACTS
    path.write_bytes(path.read_bytes()[:-40])
    assert "1 items to ask" in write(shop, names=("moods",))
    assert "Nothing is left" in write(shop, names=("moods",))
    assert len(path.read_text().splitlines()) == 61


def test_one_writes_at_a_time(shop: Settings, reader: Reader) -> None:
    with (
        Knowledge.of(shop.cache_dir, "games").writing(),
        pytest.raises(DataError, match="another process is writing"),
    ):
        write(shop)
    assert not reader.asked


# -- asked before -----------------------------------------------------------------------------------------------------


def test_without_a_terminal_nothing_is_asked(shop: Settings, reader: Reader) -> None:
    with pytest.raises(AppError, match="say --yes to go on"):
        run("knowledge", "write", "--attribute", "moods", "--declare", shop.cache_dir.parent / "new.toml")
    assert not reader.asked


def test_at_a_terminal_the_cost_is_told_and_no_is_no(shop: Settings, reader: Reader) -> None:
    outer, inner = pty.openpty()
    new = str(shop.cache_dir.parent / "new.toml")
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "knowledge", "write", "--attribute", "moods", "--declare", new],
        stdin=inner,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.write(outer, b"\n")
    said, _ = process.communicate(timeout=60)
    os.close(inner)
    os.close(outer)
    assert process.returncode == 1 and "Go on? [y/N]" in said and "60 items to ask" in said
    assert not reader.asked


# -- forgotten, wrong -------------------------------------------------------------------------------------------------


def test_dropped_and_dropped_alone(shop: Settings) -> None:
    write(shop)
    with pytest.raises(AppError, match="say --yes"):
        run("knowledge", "drop", "games", "moods")
    run("knowledge", "drop", "games", "moods", "--yes")
    schema = loaded(shop).catalogue.schema
    assert "moods" not in schema and "seasons" in schema
    run("knowledge", "drop", "games", "--yes")
    assert "seasons" not in loaded(shop).catalogue.schema
    with pytest.raises(DataError, match="nothing was written for games"):
        run("knowledge", "drop", "games", "--yes")


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[[attribute]]\nkind = 'set'\nname = 'title'", "declare another name"),
        ("[[attribute]]\nkind = 'mood'\nname = 'moods'", "unknown kind of attribute 'mood'"),
        ("[[attribute]]\nkind = 'flag'\nname = 'moods'\nvalues = ['a']", "has no list of values"),
        ("[[attribute]]\nkind = 'levels'\nname = 'moods'", "levels"),
        ("attribute = 3", "declares nothing"),
        ("[[attribute", "cannot be read as TOML"),
        ("[[attribute]]\nkind = 'set'\nname = 'my moods'", "name"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(shop: Settings, toml: str, said: str) -> None:
    (shop.cache_dir.parent / "new.toml").write_text(toml)
    with pytest.raises(DataError, match=said):
        write(shop)


def test_what_cannot_be_written_says_why(shop: Settings) -> None:
    with pytest.raises(DataError, match="there is no attribute 'mods'"):
        write(shop, names=("mods",))
    assert "Nothing is left to ask" in write(shop, names=("mechanics",))
