"""Many texts by a model: kept, gone on with, told apart by everything that they follow from."""

from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage, SystemMessage

from app.errors import BackendFailed, PromptTooLong
from llm.backends.embedded import EmbeddedChat
from llm.backends.scripted import ScriptedChat
from llm.writing.writing import Shelf, Task, Written, key, write


def task(n: int, said: str = "write") -> Task:
    return Task((str(n),), (SystemMessage("You write."), HumanMessage(f"{said} {n}")))


def texts(rows: list[Written | None]) -> list[str | None]:
    return [None if row is None else row.text for row in rows]


def test_what_lies_on_the_shelf_is_not_written_again(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "deep" / "shelf.jsonl")
    model = ScriptedChat(script=["one", "two", "three"])
    assert texts(write(model, "b", "v", [task(1), task(2)], shelf, max_tokens=9)) == ["one", "two"]
    again = Shelf(shelf.path)
    assert len(again) == 2
    assert texts(write(model, "b", "v", [task(2), task(3), task(1)], again, max_tokens=9)) == ["two", "three", "one"]
    assert len(model.asked) == 3 and model.asked[2].messages[-1].text == "write 3"


def test_a_kill_in_the_middle_of_a_line_costs_that_line_alone(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.jsonl")
    write(ScriptedChat(script=["one", "two"]), "b", "v", [task(1), task(2)], shelf, max_tokens=9)
    shelf.path.write_bytes(shelf.path.read_bytes()[:-20])
    left = Shelf(shelf.path)
    assert len(left) == 1
    assert texts(write(ScriptedChat(script=["zwei"]), "b", "v", [task(1), task(2)], left, max_tokens=9)) == [
        "one",
        "zwei",
    ]
    assert len(Shelf(shelf.path)) == 2


def test_work_done_before_a_failure_is_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf.jsonl")
    model = ScriptedChat(script=["one", "two", ConnectionError("gone"), ConnectionError("gone")])
    tasks = [task(n) for n in range(4)]
    with pytest.raises(BackendFailed, match="gone"):
        write(model, "b", "v", tasks, shelf, max_tokens=9, at_once=2)
    assert len(Shelf(shelf.path)) == 2


def test_one_refused_prompt_is_left_out(tmp_path: Path) -> None:
    model = ScriptedChat(script=["one", PromptTooLong("too long"), "three"])
    rows = write(model, "b", "v", [task(n) for n in range(3)], Shelf(tmp_path / "s"), max_tokens=9)
    assert texts(rows) == ["one", None, "three"]


def test_the_key_follows_prompt_version_backend_items_and_length() -> None:
    keys = {
        key(task(1), "v", "b", 9),
        key(task(1), "w", "b", 9),
        key(task(1), "v", "c", 9),
        key(task(1), "v", "b", 8),
        key(task(2), "v", "b", 9),
        key(task(1, "describe"), "v", "b", 9),
        key(Task(("2",), task(1).messages), "v", "b", 9),
    }
    assert len(keys) == 7


def test_side_by_side_the_embedded_model_says_what_it_says_alone(embedded: EmbeddedChat, tmp_path: Path) -> None:
    prompts = [[HumanMessage(f"Name a colour of {thing}.")] for thing in ("snow", "grass", "the sky at night")]
    together = embedded.answers(prompts, max_tokens=6)
    assert together == [embedded.invoke(p, max_tokens=6).text for p in prompts]
    assert embedded.answers([], max_tokens=6) == []
    with pytest.raises(PromptTooLong):
        embedded.answers([[HumanMessage("film " * 9000)]], max_tokens=6)
    tasks = [Task((str(n),), tuple(p)) for n, p in enumerate(prompts)]
    rows = write(embedded, "embedded:smollm2-135m", "v", tasks, Shelf(tmp_path / "s"), max_tokens=6, at_once=2)
    assert texts(rows) == together
