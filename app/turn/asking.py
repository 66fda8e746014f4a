"""One call of the language model as events: the prompt whole, the answer with its tokens and duration.

Failures come out as llm.errors.LLMError, whatever the backend raised; who asks turns them into a Fallback.
"""

import threading
import time
from collections.abc import Generator, Sequence
from typing import Any, cast

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.runnables import Runnable

from app.errors import BackendTimeout, LLMError, MalformedOutput, Stopped
from app.events import Fallback, ModelAnswered, PromptBuilt, Purpose, TurnEvent
from app.settings import Settings
from llm.calls import streaming
from prompts import Prompt


def built(prompt: Prompt, purpose: Purpose, seconds: float = 0.0) -> PromptBuilt:
    return PromptBuilt(
        purpose=purpose,
        messages=[{"role": m.role, "content": m.content} for m in prompt.messages],
        estimated_tokens=prompt.estimated_tokens,
        shortened=list(prompt.shortened),
        seconds=seconds,
    )


def repaired(messages: Sequence[BaseMessage]) -> PromptBuilt:
    """The prompt that a malformed answer was shown back in."""
    roles = {"human": "user", "ai": "assistant"}
    return PromptBuilt(
        purpose="repair", messages=[{"role": roles.get(m.type, m.type), "content": m.text} for m in messages]
    )


def answered(
    purpose: Purpose, text: str, usage: UsageMetadata | None, seconds: float, first: float | None
) -> ModelAnswered:
    details = (usage.get("input_token_details") if usage else None) or {}
    return ModelAnswered(
        purpose=purpose,
        text=text,
        input_tokens=usage["input_tokens"] if usage else 0,
        output_tokens=usage["output_tokens"] if usage else 0,
        cached_tokens=details.get("cache_read", 0) or 0,
        first_token_seconds=first,
        seconds=seconds,
    )


def ask(
    model: Runnable[LanguageModelInput, AIMessage],
    messages: Sequence[BaseMessage],
    purpose: Purpose,
    settings: Settings,
    stop: threading.Event,
    **kwargs: Any,
) -> Generator[TurnEvent, None, AIMessageChunk]:
    """Let the model answer; returns the whole message. LLMError when it fails, Stopped when `stop` was set."""
    began = time.perf_counter()
    first: float | None = None
    whole: AIMessageChunk | None = None
    for chunk in streaming.stream(
        cast(BaseChatModel, model),  # or one bound to tools or stop words, which streams alike
        messages,
        stop=stop,
        first_token_seconds=settings.first_token_seconds,
        total_seconds=settings.total_seconds,
        **kwargs,
    ):
        if first is None and (chunk.text or chunk.tool_call_chunks):
            first = time.perf_counter() - began
        whole = chunk if whole is None else whole + chunk
    if stop.is_set():
        raise Stopped("stopped while the model was answering")
    whole = whole if whole is not None else AIMessageChunk(content="")
    yield answered(purpose, said(whole), whole.usage_metadata, time.perf_counter() - began, first)
    return whole


def said(message: AIMessage) -> str:
    """What a message says, its tool calls included, for the trace."""
    calls = [f"{c['name']}({', '.join(f'{k}={v!r}' for k, v in c['args'].items())})" for c in message.tool_calls]
    calls += [f"malformed call: {c['name']}({c['args']})" for c in message.invalid_tool_calls]
    return "\n".join(filter(None, [message.text, *calls]))


def fallback(step: str, error: LLMError, seconds: float = 0.0) -> Fallback:
    """A failure of the model, for people in one clause and for the trace in full."""
    if isinstance(error, BackendTimeout):
        why = "it took too long"
    elif isinstance(error, MalformedOutput):
        why = "its answer was not usable"
    else:
        why = "it failed"
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, MalformedOutput):
        detail += f"\nlast answer: {error.raw[:500]}"
    return Fallback(step=step, why=why, detail=detail, seconds=seconds)
