"""Tool calls by constrained decoding: for models whose own chat format knows no tools.

The tools are told in the system message, decoding is held to the JSON schema "one of these calls (or a reply)", and
the text that comes out is read back as a LangChain tool call.
"""

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessageChunk
from langchain_core.messages.tool import tool_call_chunk
from outlines_core.json_schema import build_regex_from_schema

from app.errors import MalformedOutput

DIGITS = 11  # of a number beyond the first, where the schema sets no bound


def compact_pattern(schema: dict[str, Any]) -> str:
    """The regular expression of the JSON texts that fit the schema, without optional white space.

    Numbers get a bound: a small model that has lost its way would otherwise write digits until its tokens are spent.
    Strings lose theirs: each bound multiplies the states of the automaton (400 characters took the runtime over a
    minute to compile), and max_tokens ends a long one anyway.
    """
    pattern: str = build_regex_from_schema(json.dumps(schema), "")
    # The runtime's grammar compiler reads bytes: it warns, once an occurrence, of a negated class beyond 127.
    pattern = pattern.replace(r"\x7F-\x9F", r"\x7F")
    pattern = pattern.replace("[1-9][0-9]*", f"[1-9][0-9]{{0,{DIGITS}}}")
    return re.sub(r"(?<=bfnrt\]\))\{\d+,\d+\}", "*", pattern)


def call_schema(tools: Sequence[dict[str, Any]], tool_choice: str | None) -> dict[str, Any]:
    """{"name", "arguments"} of one of the tools, or {"reply"} where the model may also just answer."""
    functions = [t["function"] for t in tools]
    if tool_choice not in (None, "auto", "any", "required"):
        functions = [f for f in functions if f["name"] == tool_choice]
        if not functions:
            raise ValueError(
                f"tool_choice {tool_choice!r} is none of {', '.join(t['function']['name'] for t in tools)}"
            )
    options: list[dict[str, Any]] = []
    definitions: dict[str, Any] = {}
    for function in functions:
        parameters = function.get("parameters") or {"type": "object", "properties": {}}
        # two tools may mean different things by the same name
        own = json.dumps(parameters).replace('"#/$defs/', f'"#/$defs/{function["name"]}.')
        parameters = json.loads(own)
        definitions |= {f"{function['name']}.{name}": d for name, d in parameters.pop("$defs", {}).items()}
        options.append(
            {
                "type": "object",
                "properties": {"name": {"const": function["name"]}, "arguments": parameters},
                "required": ["name", "arguments"],
            }
        )
    if tool_choice in (None, "auto"):
        options.append({"type": "object", "properties": {"reply": {"type": "string"}}, "required": ["reply"]})
    return {"anyOf": options, "$defs": definitions} if definitions else {"anyOf": options}


def with_tools(messages: list[dict[str, str]], tools: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The prompt with the tools described at the end of the system message (stable, so the prefix cache holds)."""
    lines = ["You can call these tools:"]
    for tool in tools:
        function = tool["function"]
        described = json.dumps(function.get("parameters") or {}, separators=(",", ":"))
        lines.append(f"- {function['name']}: {function.get('description', '').strip()} Arguments: {described}")
    lines.append('To call one, answer {"name":...,"arguments":{...}}. To answer without a tool, {"reply":"..."}.')
    told = "\n".join(lines)
    if messages and messages[0]["role"] == "system":
        return [{"role": "system", "content": f"{messages[0]['content']}\n\n{told}"}, *messages[1:]]
    return [{"role": "system", "content": told}, *messages]


def called(text: str, truncated: bool) -> AIMessageChunk:
    """The decoded JSON as a message with a tool call, or as a plain reply."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        spent = " (max_tokens ended it)" if truncated else ""
        raise MalformedOutput(text, f"the tool call is not whole{spent}: {error.msg}") from error
    match data:
        case {"reply": str(reply)}:
            return AIMessageChunk(content=reply)
        case {"name": str(name), "arguments": dict(arguments)}:
            call = tool_call_chunk(name=name, args=json.dumps(arguments), id=f"call_{uuid.uuid4().hex[:12]}", index=0)
            return AIMessageChunk(content="", tool_call_chunks=[call])
    raise MalformedOutput(text, 'expected {"name", "arguments"} or {"reply"}')
