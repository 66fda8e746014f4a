"""Calling a model: streams with deadlines, structured answers, tool calls."""

from llm.calls import streaming, structured
from llm.calls.messages import to_chat
from llm.calls.tool_calls import call_schema, called, compact_pattern, with_tools

__all__ = [
    "call_schema",
    "called",
    "compact_pattern",
    "streaming",
    "structured",
    "to_chat",
    "with_tools",
]
