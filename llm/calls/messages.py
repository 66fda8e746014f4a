"""A prompt's messages as LangChain's: what every backend takes."""

from collections.abc import Sequence
from typing import Protocol

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

_KINDS: dict[str, type[BaseMessage]] = {"system": SystemMessage, "user": HumanMessage, "assistant": AIMessage}


class Said(Protocol):
    """One message of a prompt: who says it, "system", "user" or "assistant", and what."""

    @property
    def role(self) -> str: ...

    @property
    def content(self) -> str: ...


def to_chat(messages: Sequence[Said]) -> list[BaseMessage]:
    return [_KINDS[m.role](content=m.content) for m in messages]
