"""A chat model that says what a test tells it to, and remembers what it was asked.

Each reply of the script answers one call, in order: a text (streamed word by word), a dictionary (sent as JSON), an
AIMessage (with tool calls, say), an exception (raised), or a Reply, which adds delays.
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import Field, PrivateAttr

from llm.backends.stop_words import StopWords


@dataclass(frozen=True)
class Reply:
    """`content` as above, `before` seconds until the first piece, `between` seconds from piece to piece."""

    content: "str | dict[str, Any] | AIMessage | Exception"
    before: float = 0.0
    between: float = 0.0


@dataclass(frozen=True)
class Asked:
    """One call as the model received it."""

    messages: list[BaseMessage]
    kwargs: dict[str, Any]


class ScriptedChat(BaseChatModel):
    constrains: ClassVar[bool] = False
    stoppable: ClassVar[bool] = True

    script: list[Any] = Field(default_factory=list)
    model_name: str = "scripted"

    _asked: list[Asked] = PrivateAttr(default_factory=list)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @property
    def _llm_type(self) -> str:
        return "chatrec-scripted"

    @property
    def asked(self) -> list[Asked]:
        """Every call so far, oldest first."""
        return self._asked

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return generate_from_stream(self._stream(messages, stop, run_manager, **kwargs))

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        stop_event: threading.Event | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        with self._lock:
            number = len(self._asked)
            self._asked.append(Asked(list(messages), kwargs))
        if number >= len(self.script):
            raise IndexError(f"the script has {len(self.script)} replies, this is call {number + 1}")
        entry = self.script[number]
        reply = entry if isinstance(entry, Reply) else Reply(entry)
        cancel = threading.Event() if stop_event is None else stop_event
        if cancel.wait(reply.before):
            return
        if isinstance(reply.content, Exception):
            raise reply.content
        pieces = list(_pieces(reply.content))
        words = StopWords(stop or ())
        for piece in pieces:
            if cancel.is_set():
                return
            if piece.text:
                piece = piece.model_copy(update={"content": words.push(piece.text)})
            yield ChatGenerationChunk(message=piece)
            if words.met:
                break
            if reply.between:
                time.sleep(reply.between)
        if left := words.rest():
            yield ChatGenerationChunk(message=AIMessageChunk(content=left))
        read = sum(len(m.text) for m in messages) // 4
        usage = UsageMetadata(input_tokens=read, output_tokens=len(pieces), total_tokens=read + len(pieces))
        yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=usage, chunk_position="last"))

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        described = [convert_to_openai_tool(t) for t in tools]
        return self.bind(tools=described, tool_choice=tool_choice, **kwargs)


def _pieces(content: "str | dict[str, Any] | AIMessage") -> Iterator[AIMessageChunk]:
    if isinstance(content, dict):
        content = json.dumps(content)
    if isinstance(content, AIMessage):
        calls = [
            tool_call_chunk(name=c["name"], args=json.dumps(c["args"]), id=c["id"], index=n)
            for n, c in enumerate(content.tool_calls)
        ]
        yield AIMessageChunk(content=content.content, tool_call_chunks=calls)
        return
    for word in re.findall(r"\S+\s*|\s+", content):
        yield AIMessageChunk(content=word)
