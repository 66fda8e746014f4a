"""The tools of a turn: one file, one typed function of the file's name. A new file needs no edit here.

A tool's first parameter is the Desk; the others are its arguments. Its docstring is its schema: the first paragraph
says what it is for, and each line "name: ..." below describes an argument. The same functions serve rules and model.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from app.turn.desk import Desk, Outcome, ToolError

_ARGUMENT = re.compile(r"^\s*(\w+):\s+(.*)$")


@dataclass(frozen=True)
class Tool:
    """A function with what is read from its signature and docstring."""

    name: str
    description: str
    function: Callable[..., Outcome]
    arguments: type[BaseModel]

    def schema(self) -> dict[str, Any]:
        """As the chat models' tool format wants it."""
        parameters = self.arguments.model_json_schema()
        parameters.pop("title", None)
        for field in parameters.get("properties", {}).values():
            field.pop("title", None)
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": parameters},
        }


def names() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


@lru_cache(maxsize=64)
def get(name: str) -> Tool:
    """The tool of that name. ToolError lists the known ones."""
    if name not in names():
        raise ToolError(f"unknown tool {name!r}; expected one of: {', '.join(names())}")
    function = getattr(importlib.import_module(f"app.turn.tools.{name}"), name)
    doc = inspect.cleandoc(function.__doc__ or "")
    told: dict[str, str] = {m[1]: m[2] for line in doc.splitlines() if (m := _ARGUMENT.match(line))}
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (parameter.annotation, Field(default, description=told.get(parameter.name, "")))
    arguments = create_model(f"{name.title()}Arguments", __config__=ConfigDict(extra="forbid"), **fields)
    return Tool(name, " ".join(doc.split("\n\n")[0].split()), function, arguments)


def schemas() -> list[dict[str, Any]]:
    """All tools, in a fixed order: the same bytes every turn."""
    return [get(name).schema() for name in names()]


def call(name: str, desk: Desk, arguments: Mapping[str, object]) -> Outcome:
    """Check the arguments and run the tool. ToolError says what was wrong, fit to be shown to a model."""
    tool = get(name)
    try:
        checked = tool.arguments.model_validate(dict(arguments))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()[:4])
        expected = ", ".join(tool.arguments.model_fields)
        raise ToolError(f"bad arguments for {name}: {problems}; expected: {expected}") from error
    return tool.function(desk, **{field: getattr(checked, field) for field in type(checked).model_fields})
