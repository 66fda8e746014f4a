"""Text to objects: what is read, what is repaired, what is given up."""

import json
import threading
from typing import Literal

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, Field

from app.errors import BackendFailed, BackendTimeout, MalformedOutput, Stopped
from llm.backends.scripted import Reply, ScriptedChat
from llm.calls.structured import generate, read


class Wish(BaseModel):
    genre: Literal["Horror", "Comedy"]
    count: int = Field(5, ge=1, le=20)


GOOD = {"genre": "Horror", "count": 3}
ASK = [SystemMessage("You fill in wishes."), HumanMessage("three scary films")]


class Constrained(ScriptedChat):
    constrains = True


def test_a_good_answer_needs_no_repair() -> None:
    model = ScriptedChat(script=[GOOD])
    got = generate(model, ASK, Wish, total_seconds=5)
    assert got.value == Wish(genre="Horror", count=3)
    assert json.loads(got.raw) == GOOD and not got.repaired
    assert got.usage is not None and got.usage["output_tokens"] > 0
    # the schema is told in words, at the end of the system message; the prompt that was used is handed back
    told = model.asked[0].messages
    assert list(got.messages) == told
    assert told[0].text.startswith("You fill in wishes.") and '"Horror"' in told[0].text
    assert told[1:] == ASK[1:]


def test_without_a_system_message_the_schema_becomes_one() -> None:
    model = ScriptedChat(script=[GOOD])
    generate(model, ASK[1:], Wish, total_seconds=5)
    assert [m.type for m in model.asked[0].messages] == ["system", "human"]


def test_a_model_that_can_is_held_to_the_schema() -> None:
    model = Constrained(script=[GOOD])
    generate(model, ASK, Wish, total_seconds=5, max_tokens=60)
    assert model.asked[0].kwargs["json_schema"] == Wish.model_json_schema()
    assert model.asked[0].kwargs["max_tokens"] == 60
    assert model.asked[0].messages == ASK  # nothing to tell it


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        ("a scary film, gladly!", "expected a JSON object, found none"),
        ('{"genre": "Horror", "count": ', "not valid JSON"),
        ('{"genre": "Western"}', "genre: Input should be 'Horror' or 'Comedy'"),
        ('{"genre": "Horror", "count": 99}', "count: Input should be less than or equal to 20"),
        ("[1, 2]", "expected a JSON object, found none"),
        ("", "expected a JSON object, found none"),
    ],
)
def test_a_bad_answer_is_shown_back_once(bad: str, shown: str) -> None:
    model = ScriptedChat(script=[bad, GOOD])
    got = generate(model, ASK, Wish, total_seconds=5)
    assert got.repaired and got.value.genre == "Horror"
    again = model.asked[1].messages
    assert again[-2] == AIMessage(bad)
    assert shown in again[-1].text
    assert list(got.messages) == again


def test_the_repair_is_bounded() -> None:
    model = ScriptedChat(script=["no", "still no", GOOD])
    with pytest.raises(MalformedOutput, match="expected a JSON object") as caught:
        generate(model, ASK, Wish, total_seconds=5)
    assert caught.value.raw == "still no"
    assert len(model.asked) == 2


def test_no_repair_can_be_asked_for() -> None:
    model = ScriptedChat(script=["no", GOOD])
    with pytest.raises(MalformedOutput):
        generate(model, ASK, Wish, total_seconds=5, repairs=0)
    assert len(model.asked) == 1


def test_usage_is_of_all_calls() -> None:
    one = generate(ScriptedChat(script=[GOOD]), ASK, Wish, total_seconds=5).usage
    two = generate(ScriptedChat(script=["no such thing", GOOD]), ASK, Wish, total_seconds=5).usage
    assert one is not None and two is not None
    assert two["input_tokens"] > 2 * one["input_tokens"]


def test_stop_raises_stopped() -> None:
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Stopped):
        generate(ScriptedChat(script=[Reply(GOOD, before=20)]), ASK, Wish, stop=stop, total_seconds=5)


def test_failures_and_deadlines_come_through() -> None:
    with pytest.raises(BackendFailed, match="OSError: gone"):
        generate(ScriptedChat(script=[OSError("gone")]), ASK, Wish, total_seconds=5)
    with pytest.raises(BackendTimeout):
        generate(ScriptedChat(script=[Reply(GOOD, before=20)]), ASK, Wish, total_seconds=0.1)


def test_the_deadline_is_for_the_whole_not_for_each_call() -> None:
    slow = ScriptedChat(script=[Reply("no", before=0.4), Reply(GOOD, before=0.4)])
    with pytest.raises(BackendTimeout):
        generate(slow, ASK, Wish, total_seconds=0.6)


def test_half_an_object_does_not_pass_for_a_whole_one() -> None:
    with pytest.raises(ValueError, match="not valid JSON"):
        read('{"wishes": [{"genre": "Horror", "count": 3}, {"genre": "Com', Wish)


@pytest.mark.parametrize(
    "text",
    [
        '{"genre": "Horror", "count": 3}',
        '```json\n{"genre": "Horror", "count": 3}\n```',
        'Here it is: {"genre": "Horror", "count": 3} Enjoy {it}!',
        'The form is {genre, count}, so: {"genre": "Horror", "count": 3}',
        ' \n {"genre": "Horror", "count": 3, "unasked": true}',
        '<think>maybe {"genre": ...}</think>{"genre": "Horror", "count": 3}',
    ],
)
def test_an_object_is_found_between_words(text: str) -> None:
    assert read(text, Wish) == Wish(genre="Horror", count=3)
