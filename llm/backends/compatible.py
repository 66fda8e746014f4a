"""Any server that speaks OpenAI's protocol: vLLM, llama.cpp, Ollama and the like.

Tools go through the protocol first. Whether anything comes of them depends on the chat template of the model that the
server happens to run: llama.cpp with a template that knows no tools ignores even `tool_choice: required` and lets the
model talk. So where a call was demanded and none came, the model is asked once more, under a JSON schema that only a
call fits.
"""

from collections.abc import Iterator
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata, add_usage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI

from llm.backends.local import plain_messages
from llm.calls import call_schema, called, with_tools

_ROLES: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


class CompatibleChat(ChatOpenAI):
    """ChatOpenAI, and a demanded tool call that is certain to come. Its asynchronous methods are ChatOpenAI's own."""

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        result = super()._generate(messages, stop, run_manager, **kwargs)
        message = result.generations[0].message
        if not _demanded(kwargs) or not isinstance(message, AIMessage) or message.tool_calls:
            return result
        call = self._held(messages, message.usage_metadata, kwargs)
        whole = AIMessage(content="", tool_calls=call.tool_calls, usage_metadata=call.usage_metadata)
        return ChatResult(generations=[ChatGeneration(message=whole)], llm_output=result.llm_output)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if not _demanded(kwargs):
            yield from super()._stream(messages, stop, run_manager, **kwargs)
            return
        whole: ChatGenerationChunk | None = None
        for chunk in super()._stream(messages, stop, None, **kwargs):
            whole = chunk if whole is None else whole + chunk
            yield ChatGenerationChunk(message=AIMessageChunk(content=""))  # a sign of life, and where Stop takes hold
        if whole is None or not isinstance(whole.message, AIMessageChunk):
            return
        if not whole.message.tool_call_chunks:
            whole = ChatGenerationChunk(message=self._held(messages, whole.message.usage_metadata, kwargs))
        if run_manager:
            run_manager.on_llm_new_token("", chunk=whole)
        yield whole

    def _held(self, messages: list[BaseMessage], spent: UsageMetadata | None, kwargs: dict[str, Any]) -> AIMessageChunk:
        """The call, decoded under a schema; its usage includes what the first try spent."""
        tools, choice = kwargs["tools"], kwargs["tool_choice"]
        name = choice["function"]["name"] if isinstance(choice, dict) else choice
        prompt = [_ROLES[m["role"]](content=m["content"]) for m in with_tools(plain_messages(messages), tools)]
        schema = {"name": "call", "schema": call_schema(tools, name)}
        kept = {k: v for k, v in kwargs.items() if k not in ("tools", "tool_choice", "parallel_tool_calls")}
        # in the body, past the client: it would raise for an answer that max_tokens ended, where we can say more
        kept["extra_body"] = {"response_format": {"type": "json_schema", "json_schema": schema}}
        message = super()._generate(prompt, None, None, **kept).generations[0].message
        assert isinstance(message, AIMessage)
        call = called(message.text, message.response_metadata.get("finish_reason") == "length")
        call.usage_metadata = add_usage(spent, message.usage_metadata)
        return call


def _demanded(kwargs: dict[str, Any]) -> bool:
    choice = kwargs.get("tool_choice")
    return bool(kwargs.get("tools")) and (choice == "required" or isinstance(choice, dict))
