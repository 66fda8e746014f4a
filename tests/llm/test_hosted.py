"""Hosted models over real HTTP: llama.cpp's server with the embedded model, and servers that are wrong, dead or slow.

What every backend must do is in test_contract.py; this is what can go wrong on the way to a server.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, SecretStr

from app.errors import BackendFailed, BackendTimeout, MalformedOutput
from llm.backend_settings import LLMSettings
from llm.backends import available
from llm.calls import structured
from llm.calls.streaming import stream

ASK = [HumanMessage("Write one sentence about films in space.")]
NAME = "compatible:smollm2-135m"
KEY = "sk-wrong-0123456789abcdef"


class Wish(BaseModel):
    kind: Literal["recommend", "explain"]


def ask(settings: LLMSettings, name: str = NAME, **changes: Any) -> str:
    model = available.load(name, settings.model_copy(update=changes))
    return structured.collect(stream(model, ASK, first_token_seconds=3, total_seconds=5, max_tokens=8)).text


class Answering:
    """A server on this machine that answers every POST with what `answer` says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.url = ""


def completion(text: str, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text} | more
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}


@contextmanager
def answering() -> Iterator[Answering]:
    state = Answering()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(body)
            state.headers.append({k.lower(): v for k, v in self.headers.items()})
            state.paths.append(self.path)
            status, answer = state.answers.pop(0)
            if body.get("stream") and status == 200:
                content = _as_stream(answer)
                kind = "text/event-stream"
            else:
                content, kind = json.dumps(answer).encode(), "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _as_stream(answer: dict[str, Any]) -> bytes:
    message = answer["choices"][0]["message"]
    calls = [c | {"index": n} for n, c in enumerate(message.get("tool_calls", []))]
    delta = {"role": "assistant", "content": message["content"]} | ({"tool_calls": calls} if calls else {})
    head = {k: answer[k] for k in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    pieces = [
        head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        head | {"choices": [], "usage": answer["usage"]},
    ]
    return b"".join(b"data: " + json.dumps(p).encode() + b"\n\n" for p in pieces) + b"data: [DONE]\n\n"


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as state:
        yield state


def local(settings: LLMSettings, url: str) -> dict[str, Any]:
    return {"compatible_url": url, "compatible_api_key": SecretStr(KEY), "compatible_models": ("smollm2-135m",)}


# -- the real server --------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_refused_and_not_repeated(compatible_settings: LLMSettings) -> None:
    with pytest.raises(BackendFailed, match="401") as caught:
        ask(compatible_settings, compatible_api_key=SecretStr(KEY))
    assert KEY not in str(caught.value)


def test_a_wrong_address_says_not_found(compatible_settings: LLMSettings) -> None:
    with pytest.raises(BackendFailed, match="404"):
        ask(compatible_settings, compatible_url=compatible_settings.compatible_url + "/nowhere")


def test_more_than_the_context_holds_is_said(compatible_settings: LLMSettings) -> None:
    model = available.load(NAME, compatible_settings)
    with pytest.raises(BackendFailed, match="context"):
        list(stream(model, [HumanMessage("film " * 6000)], first_token_seconds=20, total_seconds=30))


# -- servers that are not well ----------------------------------------------------------------------------------------


def test_a_dead_server_fails_fast(llm_settings: LLMSettings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    with pytest.raises(BackendFailed, match=r"[Cc]onnection"):
        ask(llm_settings, **local(llm_settings, f"http://127.0.0.1:{port}/v1"))
    assert time.monotonic() - began < 3


def test_a_server_that_never_answers_meets_the_first_deadline(llm_settings: LLMSettings) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        model = available.load(NAME, llm_settings.model_copy(update=local(llm_settings, url)))
        began = time.monotonic()
        with pytest.raises(BackendTimeout, match="first token"):
            list(stream(model, ASK, first_token_seconds=0.5, total_seconds=5))
        assert time.monotonic() - began < 1.5


def test_the_http_client_gives_up_by_itself(llm_settings: LLMSettings) -> None:
    """The thread of a call that nobody waits for any more must not live for ever."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        settings = llm_settings.model_copy(update=local(llm_settings, url) | {"timeout_seconds": 0.3})
        with pytest.raises(BackendFailed, match=r"[Tt]ime"):
            list(stream(available.load(NAME, settings), ASK, first_token_seconds=10, total_seconds=10))


def test_an_error_of_the_server_is_tried_once_more(llm_settings: LLMSettings, server: Answering) -> None:
    server.answers = [(500, {"error": {"message": "out of memory"}}), (200, completion("A film."))]
    assert ask(llm_settings, **local(llm_settings, server.url)) == "A film."
    server.answers = [(500, {"error": {"message": "out of memory"}})] * 2
    with pytest.raises(BackendFailed, match="500"):
        ask(llm_settings, **local(llm_settings, server.url))
    assert len(server.asked) == 4


# -- what goes over the wire ------------------------------------------------------------------------------------------


def test_what_is_sent(llm_settings: LLMSettings, server: Answering) -> None:
    server.answers = [(200, completion("A film."))]
    assert ask(llm_settings, **local(llm_settings, server.url)) == "A film."
    (sent,) = server.asked
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert sent["stream"] is True and sent["stream_options"] == {"include_usage": True}
    assert sent["temperature"] == 0


def test_a_schema_is_sent_and_left_out_where_the_server_has_no_such_thing(
    llm_settings: LLMSettings, server: Answering
) -> None:
    model = available.load(NAME, llm_settings.model_copy(update=local(llm_settings, server.url)))
    refused = {"error": {"message": "unknown field response_format"}}
    server.answers = [(400, refused), (200, completion('```json\n{"kind": "explain"}\n```'))]
    assert structured.generate(model, ASK, Wish, total_seconds=5).value.kind == "explain"
    first, second = server.asked
    assert first["response_format"]["json_schema"]["schema"] == Wish.model_json_schema()
    assert "response_format" not in second
    assert "recommend" in second["messages"][0]["content"]  # the words are still there


def recommend(genre: Literal["Horror", "Comedy"]) -> str:
    """Recommend films."""
    return genre


def test_a_server_that_calls_tools_is_asked_once(llm_settings: LLMSettings, server: Answering) -> None:
    made = {"id": "c1", "type": "function", "function": {"name": "recommend", "arguments": '{"genre": "Comedy"}'}}
    model: Any = available.load(NAME, llm_settings.model_copy(update=local(llm_settings, server.url)))
    bound = model.bind_tools([recommend], tool_choice="any")
    for message in (
        lambda: bound.invoke(ASK),
        lambda: structured.collect(stream(bound, ASK, first_token_seconds=3, total_seconds=5)),
    ):
        server.answers = [(200, completion("", tool_calls=[made]))]
        calls = message().tool_calls
        assert [(c["name"], c["args"]) for c in calls] == [("recommend", {"genre": "Comedy"})]
    assert [s["tool_choice"] for s in server.asked] == ["required", "required"]


def test_a_server_that_ignores_tools_is_held_to_a_schema(llm_settings: LLMSettings, server: Answering) -> None:
    model: Any = available.load(NAME, llm_settings.model_copy(update=local(llm_settings, server.url)))
    bound = model.bind_tools([recommend], tool_choice="any")
    held = completion('{"name": "recommend", "arguments": {"genre": "Horror"}}')
    server.answers = [(200, completion("Gladly!")), (200, held)]
    message = bound.invoke(ASK)
    assert message.tool_calls[0]["args"] == {"genre": "Horror"} and message.text == ""
    assert message.usage_metadata["output_tokens"] == 6  # both tries
    assert "tools" not in server.asked[1] and "response_format" in server.asked[1]
    server.answers = [(200, completion("Gladly!")), (200, completion("Very gladly!"))]
    with pytest.raises(MalformedOutput, match="not whole"):
        list(stream(bound, ASK, first_token_seconds=3, total_seconds=5))


@pytest.mark.parametrize(("model", "temperature"), [("gpt-4o-mini", 0), ("gpt-5.4-mini", None)])
def test_openai_speaks_the_same_protocol(
    llm_settings: LLMSettings,
    server: Answering,
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    temperature: float | None,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    server.answers = [(200, completion("A film."))]
    assert ask(llm_settings, f"openai:{model}", openai_api_key=SecretStr(KEY)) == "A film."
    assert server.asked[0]["model"] == model
    assert server.asked[0].get("temperature") == temperature


def test_anthropic_speaks_its_own(
    llm_settings: LLMSettings, server: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as can be seen without a key: what is sent, and what a refusal becomes."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url.removesuffix("/v1"))
    monkeypatch.setenv("ANTHROPIC_API_URL", server.url.removesuffix("/v1"))
    server.answers = [
        (401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}})
    ]
    with pytest.raises(BackendFailed, match="401") as caught:
        ask(llm_settings, "anthropic:claude-sonnet-5", anthropic_api_key=SecretStr(KEY))
    assert KEY not in str(caught.value)
    (sent,) = server.asked
    assert server.paths[0].startswith("/v1/messages")
    assert any(KEY in value for value in server.headers[0].values())
    assert sent["stream"] is True and sent["max_tokens"] == 8
