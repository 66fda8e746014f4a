"""Hosted models through LangChain: OpenAI, Anthropic, and any server that speaks OpenAI's protocol.

Thin factories: bounded time, bounded retries, usage in the stream. Keys go in as secrets and never into a message.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from llm.backend_settings import LLMSettings

if TYPE_CHECKING:  # LangChain takes half a second to import, which a list of names need not wait for
    from langchain_core.language_models import BaseChatModel

RETRIES = 1
MAX_TOKENS = 1024


def openai(model: str, settings: LLMSettings) -> "BaseChatModel":
    from langchain_openai import ChatOpenAI  # on demand: the client takes a second to import

    return ChatOpenAI(
        model=model,
        api_key=settings.openai_api_key,
        timeout=settings.timeout_seconds,
        max_retries=RETRIES,
        stream_usage=True,
        temperature=0 if model.startswith(("gpt-3", "gpt-4")) else None,  # reasoning models refuse it
    )


def anthropic(model: str, settings: LLMSettings) -> "BaseChatModel":
    from langchain_anthropic import ChatAnthropic  # on demand, likewise

    assert settings.anthropic_api_key is not None
    return ChatAnthropic(
        model=model,
        api_key=settings.anthropic_api_key,
        timeout=settings.timeout_seconds,
        max_retries=RETRIES,
        max_tokens=MAX_TOKENS,
    )


def compatible(model: str, settings: LLMSettings) -> "BaseChatModel":
    """vLLM, llama.cpp, Ollama and the like; a server without keys gets a placeholder, which the client insists on."""
    from llm.backends.compatible import CompatibleChat  # on demand, as its parent of langchain_openai

    return CompatibleChat(
        model=model,
        base_url=settings.compatible_url,
        api_key=settings.compatible_api_key or SecretStr("none"),
        timeout=settings.timeout_seconds,
        max_retries=RETRIES,
        stream_usage=True,
        temperature=0,
        use_responses_api=False,
    )


@dataclass(frozen=True)
class Service:
    """One that has a key: its settings are `<kind>_api_key` and `<kind>_models`."""

    label: str
    make: Callable[[str, LLMSettings], "BaseChatModel"]


SERVICES = {"openai": Service("OpenAI", openai), "anthropic": Service("Anthropic", anthropic)}
"""By kind, the first half of their models' names."""
