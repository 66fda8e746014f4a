"""Text to a pydantic object: constrained decoding where the backend can, one bounded repair where the text is bad."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from pydantic import BaseModel, ValidationError

from app.errors import BackendFailed, MalformedOutput, Stopped
from llm.calls import streaming

T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True)
class Structured(Generic[T]):
    """raw: the text that `value` was read from; messages: the prompt of the last call, whole."""

    value: T
    raw: str
    repaired: bool
    usage: UsageMetadata | None
    messages: tuple[BaseMessage, ...]


def generate(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    schema: type[T],
    *,
    stop: threading.Event | None = None,
    first_token_seconds: float | None = None,
    total_seconds: float | None = None,
    repairs: int = 1,
    max_tokens: int | None = None,
) -> Structured[T]:
    """Ask for an object of `schema`; `total_seconds` are for all calls together.

    A model with `constrains = True` is held to the schema while it decodes. Any other is told the schema in words,
    besides in its own protocol where that has a place for it, and its text is parsed. Text that does not fit is shown
    back to the model with the error, `repairs` times at most; then MalformedOutput. Stopped when `stop` was set
    meanwhile; timeouts and failures as llm.streaming.stream raises them.
    """
    prompt = list(messages)
    kwargs: dict[str, Any] = {} if max_tokens is None else {"max_tokens": max_tokens}
    if getattr(model, "constrains", False):
        kwargs["json_schema"] = schema.model_json_schema()
    else:
        prompt = [*_told(prompt, schema)]
        kwargs |= _native(model, schema)
    usage: UsageMetadata | None = None
    began = time.monotonic()
    for attempt in range(repairs + 1):
        left = None if total_seconds is None else total_seconds - (time.monotonic() - began)
        try:
            answer = _ask(model, prompt, stop, first_token_seconds, left, kwargs)
        except BackendFailed as error:
            if "extra_body" not in kwargs or getattr(error.__cause__, "status_code", None) != 400:
                raise
            kwargs.pop("extra_body")  # a server that has no such thing; the words must do
            answer = _ask(model, prompt, stop, first_token_seconds, left, kwargs)
        if stop is not None and stop.is_set():
            raise Stopped("stopped while the model was answering")
        usage = add_usage(usage, answer.usage_metadata)
        raw = answer.text
        try:
            return Structured(read(raw, schema), raw, attempt > 0, usage, tuple(prompt))
        except ValueError as error:
            said = _said(error)
            if attempt == repairs:
                raise MalformedOutput(raw, said) from error
            again = f"That answer does not fit: {said}\nAnswer again, with the corrected JSON object only."
            prompt = [*prompt, AIMessage(raw), HumanMessage(again)]
    raise AssertionError("unreachable")


def _ask(
    model: BaseChatModel,
    prompt: Sequence[BaseMessage],
    stop: threading.Event | None,
    first_token_seconds: float | None,
    total_seconds: float | None,
    kwargs: dict[str, Any],
) -> AIMessageChunk:
    return collect(
        streaming.stream(
            model, prompt, stop=stop, first_token_seconds=first_token_seconds, total_seconds=total_seconds, **kwargs
        )
    )


def _native(model: BaseChatModel, schema: type[BaseModel]) -> dict[str, Any]:
    """OpenAI's protocol can hold the answer to a schema. Not strictly: that would forbid defaults in the schema."""
    if model._llm_type != "openai-chat":
        return {}
    described = {"name": schema.__name__, "schema": schema.model_json_schema()}
    # in the body, past the client: it would raise for an answer that max_tokens ended, where we can show it back
    return {"extra_body": {"response_format": {"type": "json_schema", "json_schema": described}}}


def collect(chunks: Any) -> AIMessageChunk:
    """All chunks as one message; an empty one when none came."""
    whole: AIMessageChunk | None = None
    for chunk in chunks:
        whole = chunk if whole is None else whole + chunk
    return AIMessageChunk(content="") if whole is None else whole


def read(text: str, schema: type[T]) -> T:
    """The first object in `text` that fits, also in a code fence or between words. ValueError when none does."""
    why: ValueError | None = None
    start = text.find("{")
    while start >= 0:
        try:
            data, end = json.JSONDecoder().raw_decode(text, start)
            return schema.model_validate(data)
        except json.JSONDecodeError as error:
            end = max(error.pos, start + 1)  # not a brace inside of it: half an object must not pass for a whole one
            why = why or ValueError(f"not valid JSON: {error.msg} at character {error.pos}")
        except ValidationError as error:
            why = error
        start = text.find("{", end)
    raise why or ValueError("expected a JSON object, found none")


def _told(messages: list[BaseMessage], schema: type[BaseModel]) -> list[BaseMessage]:
    """The prompt with the schema in words, at the end of the system message."""
    told = "Answer with one JSON object that fits this JSON schema, and nothing else:\n" + json.dumps(
        schema.model_json_schema()
    )
    if messages and isinstance(messages[0], SystemMessage):
        return [SystemMessage(f"{messages[0].text}\n\n{told}"), *messages[1:]]
    return [SystemMessage(told), *messages]


def _said(error: ValueError) -> str:
    if isinstance(error, ValidationError):
        return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the object'}: {e['msg']}" for e in error.errors()[:5])
    return str(error)
