"""What every model that runs in this process has in common as a LangChain chat model.

A subclass says how to produce pieces of text for a prompt (`_pieces`), under a regular expression if one is given;
tools, structured output, usage and the shape of the stream are here. A JSON schema becomes a regular expression
without optional white space (outlines-core), because small models otherwise wander in it until their tokens are spent.
"""

import json
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, ClassVar

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, SystemMessage, ToolMessage
from langchain_core.messages.ai import InputTokenDetails, UsageMetadata
from langchain_core.output_parsers import JsonOutputParser, PydanticOutputParser
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap, RunnablePassthrough
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_json_schema, convert_to_openai_tool
from langchain_core.utils.pydantic import is_basemodel_subclass
from pydantic import BaseModel

from llm.calls import call_schema, called, compact_pattern, with_tools


@dataclass(frozen=True)
class Sampling:
    """How to decode. temperature 0 is greedy; `pattern` is a regular expression that the whole answer must match."""

    max_tokens: int
    temperature: float
    seed: int
    stop: tuple[str, ...]
    pattern: str | None


@dataclass(frozen=True)
class Counts:
    """Tokens of one call. `cached` prompt tokens came from the prefix cache; `truncated`: max_tokens ended it."""

    prompt: int
    answer: int
    cached: int
    truncated: bool


class LocalChat(BaseChatModel):
    """Fields are the decoding defaults; each can be given at a call too."""

    constrains: ClassVar[bool] = True  # honours json_schema= and regex=
    stoppable: ClassVar[bool] = True  # honours stop_event=

    model_name: str
    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 2026

    @abstractmethod
    def _pieces(
        self, messages: list[dict[str, str]], sampling: Sampling, cancel: threading.Event
    ) -> Iterator[str | Counts]:
        """Text as it is decoded, and the Counts as the last item. Returns within one token after `cancel` is set."""

    # -- LangChain ----------------------------------------------------------------------------------------------------

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model_name": self.model_name, "max_tokens": self.max_tokens, "temperature": self.temperature}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> Any:
        params = super()._get_ls_params(stop=stop, **kwargs)
        params["ls_model_name"] = kwargs.get("model", self.model_name)
        params["ls_temperature"] = kwargs.get("temperature", self.temperature)
        params["ls_max_tokens"] = kwargs.get("max_tokens", self.max_tokens)
        return params

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
        *,
        tools: Sequence[dict[str, Any]] = (),
        tool_choice: str | None = None,
        json_schema: dict[str, Any] | None = None,
        regex: str | None = None,
        stop_event: threading.Event | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        seed: int | None = None,
        **_: Any,
    ) -> Iterator[ChatGenerationChunk]:
        prompt = plain_messages(messages)
        if tools and tool_choice != "none":
            prompt = with_tools(prompt, tools)
            pattern: str | None = compact_pattern(call_schema(tools, tool_choice))
        elif json_schema is not None:
            pattern = compact_pattern(json_schema)
        else:
            pattern = regex
        sampling = Sampling(
            max_tokens=self.max_tokens if max_tokens is None else max_tokens,
            temperature=self.temperature if temperature is None else temperature,
            seed=self.seed if seed is None else seed,
            stop=tuple(stop or ()),
            pattern=pattern,
        )
        cancel = threading.Event() if stop_event is None else stop_event
        said: list[str] = []
        counts: Counts | None = None
        pieces = self._pieces(prompt, sampling, cancel)
        try:
            for piece in pieces:
                if isinstance(piece, Counts):
                    counts = piece
                    continue
                said.append(piece)
                if tools and tool_choice != "none":
                    continue  # a call is whole or nothing
                chunk = ChatGenerationChunk(message=AIMessageChunk(content=piece))
                if run_manager:
                    run_manager.on_llm_new_token(piece, chunk=chunk)
                yield chunk
        finally:
            pieces.close()  # type: ignore[attr-defined]
        if tools and tool_choice != "none" and not cancel.is_set():
            chunk = ChatGenerationChunk(message=called("".join(said), counts is not None and counts.truncated))
            if run_manager:
                run_manager.on_llm_new_token(chunk.message.text, chunk=chunk)
            yield chunk
        end = AIMessageChunk(
            content="",
            usage_metadata=None if counts is None else _usage(counts),
            response_metadata={
                "model_name": self.model_name,
                "finish_reason": "length" if counts is not None and counts.truncated else "stop",
            },
            chunk_position="last",
        )
        yield ChatGenerationChunk(message=end)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """tool_choice: "auto" (or None), "any" / "required" (some tool), "none", or the name of one tool."""
        described = [convert_to_openai_tool(t) for t in tools]
        if tool_choice is True:  # LangChain's old spelling of "any"
            tool_choice = "any"
        return self.bind(tools=described, tool_choice=tool_choice, **kwargs)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, dict[str, Any] | BaseModel]:
        """Decoding is held to the schema, so the answer always parses unless max_tokens ends it early."""
        parser: Any = JsonOutputParser()
        if isinstance(schema, type) and is_basemodel_subclass(schema):
            parser = PydanticOutputParser(pydantic_object=schema)
        described = convert_to_json_schema(schema)
        bound: Any = self.bind(json_schema=described, ls_structured_output_format={"kwargs": {}, "schema": described})
        if not include_raw:
            return bound | parser
        parsed = RunnablePassthrough.assign(
            parsed=itemgetter("raw") | parser, parsing_error=RunnableLambda(lambda _: None)
        )
        failed = RunnablePassthrough.assign(parsed=RunnableLambda(lambda _: None))
        return RunnableMap(raw=bound) | parsed.with_fallbacks([failed], exception_key="parsing_error")


def _usage(counts: Counts) -> UsageMetadata:
    return UsageMetadata(
        input_tokens=counts.prompt,
        output_tokens=counts.answer,
        total_tokens=counts.prompt + counts.answer,
        input_token_details=InputTokenDetails(cache_read=counts.cached),
    )


# -- messages ---------------------------------------------------------------------------------------------------------


def plain_messages(messages: Sequence[BaseMessage]) -> list[dict[str, str]]:
    """Messages as chat templates of small models know them: system, user and assistant, text only.

    A tool call becomes the text that the model wrote for it, a tool's answer a user message that names the tool.
    """
    plain = []
    for message in messages:
        text = str(message.text)
        if isinstance(message, SystemMessage):
            role = "system"
        elif isinstance(message, AIMessage):
            role = "assistant"
            calls = [{"name": c["name"], "arguments": c["args"]} for c in message.tool_calls]
            text = "\n".join([text, *(json.dumps(c, separators=(",", ":")) for c in calls)]).strip()
        else:
            role = "user"
            if isinstance(message, ToolMessage):
                text = f"Result of {message.name or 'the tool'}: {text}"
        plain.append({"role": role, "content": text})
    return plain
