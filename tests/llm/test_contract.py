"""What the rest of the project may expect of a backend, on every kind that can run here.

The hosted kinds are here as a real OpenAI-compatible server on this machine, over HTTP.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from llm.backend_settings import LLMSettings
from llm.backends import available
from llm.backends.scripted import Reply, ScriptedChat
from llm.calls import structured
from llm.calls.streaming import stream

ASK = [SystemMessage("You are a film critic."), HumanMessage("Write one sentence about films in space.")]
SECONDS: dict[str, Any] = {"first_token_seconds": 30.0, "total_seconds": 60.0}
Script = tuple[Any, ...]


class Wish(BaseModel):
    kind: Literal["recommend", "explain"]
    genre: Literal["Horror", "Comedy"]


@tool
def recommend(genre: Literal["Horror", "Comedy"]) -> str:
    """Recommend films of a genre."""
    return genre


@tool
def explain(position: Literal[1, 2, 3]) -> str:
    """Explain why a film was recommended."""
    return str(position)


def call(name: str, **args: Any) -> AIMessage:
    return AIMessage(content="", tool_calls=[{"name": name, "args": args, "id": "1"}])


@pytest.fixture(params=["embedded", "huggingface", "compatible", "scripted"])
def backend(request: pytest.FixtureRequest) -> Callable[..., BaseChatModel]:
    """A function that gives the model; the script is what the scripted one says, the others speak for themselves."""

    def make(*script: Any) -> BaseChatModel:
        settings: LLMSettings = request.getfixturevalue("llm_settings")
        match request.param:
            case "scripted":
                return ScriptedChat(script=list(script))
            case "embedded":
                model: BaseChatModel = request.getfixturevalue("embedded")
                return model
            case "huggingface":
                folder = request.getfixturevalue("tiny_folder")
                return available.load(f"huggingface:{folder}", settings)
        return available.load("compatible:smollm2-135m", request.getfixturevalue("compatible_settings"))

    return make


def test_it_streams_text_and_says_what_it_cost(backend: Callable[..., BaseChatModel]) -> None:
    chunks = list(stream(backend("In space no one can hear you."), ASK, max_tokens=24, **SECONDS))
    whole = structured.collect(chunks)
    assert sum(bool(c.text) for c in chunks) > 2, "not in one piece"
    assert whole.text.strip()
    assert not whole.tool_calls
    usage = whole.usage_metadata
    assert usage is not None
    assert usage["input_tokens"] > 5 and 0 < usage["output_tokens"] <= 24
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_invoke_says_what_stream_says(backend: Callable[..., BaseChatModel]) -> None:
    model = backend("The same twice.", "The same twice.")
    streamed = structured.collect(stream(model, ASK, max_tokens=12, **SECONDS)).text
    assert model.invoke(ASK, max_tokens=12).text == streamed


def test_stop_words_end_the_answer(backend: Callable[..., BaseChatModel]) -> None:
    model = backend("one two three", Reply("one two three"))
    free = model.invoke(ASK, max_tokens=20).text
    word = next(c for c in free[4:] if c.isascii() and c.isprintable() and c not in free[:4])
    held = model.invoke(ASK, max_tokens=20, stop=[word]).text
    assert held == free[: free.index(word)]


def test_a_stop_request_ends_it_soon(backend: Callable[..., BaseChatModel]) -> None:
    model = backend(Reply("word " * 400, between=0.02))
    stop = threading.Event()
    heard = 0
    began = 0.0
    for chunk in stream(model, ASK, stop=stop, max_tokens=400, **SECONDS):
        heard += bool(chunk.text)
        if heard == 3 and not stop.is_set():
            stop.set()
            began = time.monotonic()
    assert heard <= 4
    assert time.monotonic() - began < 1.0
    began = time.monotonic()
    while any(t.name == "model call" for t in threading.enumerate()):
        assert time.monotonic() - began < 5, "the backend went on"
        time.sleep(0.01)


def test_it_answers_again_after_a_stop(backend: Callable[..., BaseChatModel]) -> None:
    model = backend(Reply("word " * 100, between=0.02), "again")
    pieces = stream(model, ASK, max_tokens=100, **SECONDS)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert structured.collect(stream(model, ASK, max_tokens=8, **SECONDS)).text


def test_structured_output(backend: Callable[..., BaseChatModel]) -> None:
    model = backend({"kind": "explain", "genre": "Comedy"})
    got = structured.generate(model, ASK, Wish, total_seconds=60, max_tokens=60)
    assert isinstance(got.value, Wish) and got.raw
    assert got.usage is not None and got.usage["output_tokens"] > 0


@pytest.mark.parametrize("choice", ["any", "explain"])
def test_a_demanded_tool_is_called(backend: Callable[..., BaseChatModel], choice: str) -> None:
    model = backend(call("explain", position=2))
    bound: Any = model.bind_tools([recommend, explain], tool_choice=choice)
    asked = [*ASK, HumanMessage("Why the second one?")]
    message = structured.collect(stream(bound, asked, max_tokens=60, **SECONDS))
    assert len(message.tool_calls) == 1 and not message.invalid_tool_calls
    made = message.tool_calls[0]
    assert made["id"]
    if choice == "explain":
        assert made["name"] == "explain"
    allowed = {"recommend": ("genre", ("Horror", "Comedy")), "explain": ("position", (1, 2, 3))}
    argument, values = allowed[made["name"]]
    assert made["args"][argument] in values
    assert message.usage_metadata is not None


def test_a_conversation_with_a_tool_call_is_understood(backend: Callable[..., BaseChatModel]) -> None:
    story = [
        SystemMessage("You are a film critic."),
        HumanMessage("A comedy, please."),
        AIMessage(content="", tool_calls=[{"name": "recommend", "args": {"genre": "Comedy"}, "id": "call_1"}]),
        ToolMessage("Airplane! (1980)", tool_call_id="call_1", name="recommend"),
    ]
    assert structured.collect(stream(backend("Airplane! it is."), story, max_tokens=16, **SECONDS)).text


def test_sessions_at_once_do_not_mix(backend: Callable[..., BaseChatModel]) -> None:
    model = backend("first", "first", "first")
    alone = model.invoke(ASK, max_tokens=12).text
    heard: list[str] = ["", ""]

    def ask(slot: int) -> None:
        heard[slot] = structured.collect(stream(model, ASK, max_tokens=12, **SECONDS)).text

    both = [threading.Thread(target=ask, args=(slot,)) for slot in (0, 1)]
    for t in both:
        t.start()
    for t in both:
        t.join()
    assert heard == [alone, alone]
