"""Deadlines and Stop of one model call, on the scripted backend and on models that misbehave."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from pydantic import Field

from app.errors import BackendFailed, BackendTimeout, LLMError, MalformedOutput
from llm.backends.scripted import Reply, ScriptedChat
from llm.calls.streaming import stream

ASK = [HumanMessage("Say something")]
WORDS = "one two three four five six seven eight nine ten"


def texts(chunks: Iterator[AIMessageChunk]) -> str:
    return "".join(chunk.text for chunk in chunks)


def no_model_thread(seconds: float = 1.0) -> bool:
    """Whether the thread of the call is over within so many seconds."""
    deadline = time.monotonic() + seconds
    while any(t.name == "model call" for t in threading.enumerate()):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


class Stubborn(BaseChatModel):
    """A model that knows of no stop event; `said` counts the pieces that it was asked for."""

    seconds: float = 0.05
    said: list[int] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "stubborn"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        assert "stop_event" not in kwargs
        for number in range(100):
            time.sleep(self.seconds)
            self.said.append(number)
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{number} "))


def test_all_chunks_come_in_order_with_the_usage() -> None:
    chunks = list(stream(ScriptedChat(script=[WORDS]), ASK, first_token_seconds=5, total_seconds=5))
    assert texts(iter(chunks)) == WORDS
    usage = chunks[-1].usage_metadata
    assert usage is not None and usage["output_tokens"] == 10


def test_no_deadline_is_allowed() -> None:
    assert texts(stream(ScriptedChat(script=[WORDS]), ASK, first_token_seconds=None, total_seconds=None)) == WORDS


def test_a_model_that_says_nothing_is_given_up() -> None:
    began = time.monotonic()
    with pytest.raises(BackendTimeout, match=r"no first token within 0\.2 s"):
        list(stream(ScriptedChat(script=[Reply("x", before=30)]), ASK, first_token_seconds=0.2, total_seconds=5))
    assert time.monotonic() - began < 1
    assert no_model_thread()  # told, it ended


def test_a_model_that_talks_on_is_cut_off_and_its_words_are_not_lost() -> None:
    heard = []
    with pytest.raises(BackendTimeout, match=r"no complete answer within 0\.4 s"):
        for chunk in stream(
            ScriptedChat(script=[Reply(WORDS, between=0.1)]), ASK, first_token_seconds=1, total_seconds=0.4
        ):
            heard.append(chunk.text)
    assert 2 <= len(heard) <= 5
    assert no_model_thread()


def test_the_first_token_deadline_is_over_with_the_first_token() -> None:
    slow = ScriptedChat(script=[Reply("one two three", between=0.15)])
    assert texts(stream(slow, ASK, first_token_seconds=0.1, total_seconds=5)) == "one two three"


def test_stop_ends_quietly_and_at_once() -> None:
    stop = threading.Event()
    heard = []
    began = 0.0
    for chunk in stream(
        ScriptedChat(script=[Reply(WORDS, between=0.1)]), ASK, stop=stop, first_token_seconds=5, total_seconds=5
    ):
        heard.append(chunk.text)
        if len(heard) == 2:
            stop.set()
            began = time.monotonic()
    assert time.monotonic() - began < 0.1
    assert len(heard) == 2
    assert no_model_thread()


def test_stop_before_the_first_token() -> None:
    stop = threading.Event()
    stop.set()
    assert not list(stream(ScriptedChat(script=[Reply("x", before=30)]), ASK, stop=stop, first_token_seconds=5))
    assert no_model_thread()


def test_a_reader_that_goes_away_stops_the_model() -> None:
    pieces = stream(ScriptedChat(script=[Reply(WORDS, between=0.1)]), ASK, first_token_seconds=5)
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert no_model_thread()


def test_a_model_without_a_stop_event_ends_after_the_piece_it_is_at() -> None:
    model = Stubborn()
    stop = threading.Event()
    for chunk in stream(model, ASK, stop=stop, first_token_seconds=5):
        if chunk.text.startswith("2"):
            stop.set()
    assert no_model_thread()
    assert len(model.said) <= 5


def test_a_bound_model_is_told_to_stop_too() -> None:
    bound: Any = ScriptedChat(script=[Reply(WORDS, before=30)]).bind(stop=["\n"])
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    assert not list(stream(bound, ASK, stop=stop, first_token_seconds=5))
    assert no_model_thread()


def test_what_the_backend_raises_comes_wrapped_with_its_cause() -> None:
    broken = ConnectionResetError("the server went away")
    with pytest.raises(BackendFailed, match="ConnectionResetError: the server went away") as caught:
        list(stream(ScriptedChat(script=[broken]), ASK, first_token_seconds=5))
    assert caught.value.__cause__ is broken


def test_an_error_of_ours_is_not_wrapped() -> None:
    ours = MalformedOutput("{", "not whole")
    with pytest.raises(MalformedOutput) as caught:
        list(stream(ScriptedChat(script=[ours]), ASK, first_token_seconds=5))
    assert caught.value is ours


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdEFGH12345678.",
        "header Authorization='Bearer abcdEFGH12345678' was refused",
        "GET http://host/v1?api_key=abcdEFGH12345678&x=1 failed",
        "{'x-api-key': 'abcdEFGH12345678'} is not valid",
        "cannot reach http://me:abcdEFGH12345678@host/v1",
    ],
)
def test_no_secret_gets_into_the_message(text: str) -> None:
    with pytest.raises(BackendFailed) as caught:
        list(stream(ScriptedChat(script=[RuntimeError(text)]), ASK, first_token_seconds=5))
    assert "abcdEFGH12345678" not in str(caught.value)
    assert "***" in str(caught.value)


def test_an_answer_without_any_chunk_is_a_failure() -> None:
    with pytest.raises(LLMError):
        list(stream(ScriptedChat(script=[]), ASK, first_token_seconds=5))
