"""The tools of a turn: one file, one typed function of the file's name. A new file needs no edit here.

A tool's first parameter is the Desk; the others are its arguments: `Items` (rows), `Wants`, or plain values. The reader
calls the functions as they are. A model calls them by name with JSON, and here alone that becomes rows and wants: a
title, "#2" or "item:<id>" becomes a row; arguments named after the catalogue's attributes become conditions in its own
names. The docstring is the schema: the first paragraph says what the tool is for, each line "name: ..." describes an
argument.
"""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from app.turn.desk import Desk, Outcome, ToolError
from app.turn.tools.arguments import Items, properties, wants_of
from app.turn.tools.compare import compare
from app.turn.tools.explain import explain
from app.turn.tools.lookup import lookup
from app.turn.tools.recommend import recommend
from app.turn.tools.remember import remember
from app.turn.tools.search import search
from app.turn.tools.similar import similar
from app.understanding import Wants
from recommenders.data import Catalogue

__all__ = [
    "Items", "call", "compare", "explain", "get", "lookup", "names", "recommend", "remember", "schemas", "search",
    "similar",
]  # fmt: skip

_ARGUMENT = re.compile(r"^\s*(\w+):\s+(.*)$")
_SHELF_ONLY = {"arguments"}


@dataclass(frozen=True)
class Tool:
    """A function with what is read from its signature and docstring. plain: its arguments that are no wants."""

    name: str
    description: str
    function: Callable[..., Outcome]
    plain: type[BaseModel]
    items: tuple[str, ...]
    wants: str

    def schema(self, catalogue: Catalogue) -> dict[str, Any]:
        """As the chat models' tool format wants it; wants are arguments named after the catalogue's attributes."""
        parameters = self.plain.model_json_schema()
        parameters.pop("title", None)
        for field in parameters.get("properties", {}).values():
            field.pop("title", None)
        if self.wants:
            parameters["properties"] = {**parameters.get("properties", {}), **properties(catalogue)}
        return {
            "type": "function",
            "function": {"name": self.name, "description": self.description, "parameters": parameters},
        }


def names() -> list[str]:
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _SHELF_ONLY)


@lru_cache(maxsize=64)
def get(name: str) -> Tool:
    """The tool of that name. ToolError lists the known ones."""
    if name not in names():
        raise ToolError(f"unknown tool {name!r}; expected one of: {', '.join(names())}")
    function = getattr(importlib.import_module(f"{__name__}.{name}"), name)
    doc = inspect.cleandoc(function.__doc__ or "")
    told: dict[str, str] = {m[1]: m[2] for line in doc.splitlines() if (m := _ARGUMENT.match(line))}
    fields: dict[str, Any] = {}
    items: list[str] = []
    wants = ""
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        kind = parameter.annotation
        if kind is Wants:
            wants = parameter.name
            continue
        if kind is Items:
            kind = list[str]
            items.append(parameter.name)
        fields[parameter.name] = (kind, Field(default, description=told.get(parameter.name, "")))
    plain = create_model(f"{name.title()}Arguments", __config__=ConfigDict(extra="forbid"), **fields)
    return Tool(name, " ".join(doc.split("\n\n")[0].split()), function, plain, tuple(items), wants)


def schemas(catalogue: Catalogue) -> list[dict[str, Any]]:
    """All tools, in a fixed order: the same bytes every turn."""
    return [get(name).schema(catalogue) for name in names()]


def call(name: str, desk: Desk, arguments: Mapping[str, object]) -> Outcome:
    """Check what a model gave, and run the tool. ToolError says what was wrong, fit to be shown to a model."""
    tool = get(name)
    stated = {k: v for k, v in arguments.items() if not tool.wants or k in tool.plain.model_fields}
    try:
        checked = tool.plain.model_validate(stated)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'arguments'}: {e['msg']}" for e in error.errors()[:4])
        expected = ", ".join((*tool.plain.model_fields, *(properties(desk.catalogue) if tool.wants else ())))
        raise ToolError(f"bad arguments for {name}: {problems}; expected: {expected}") from error
    given: dict[str, Any] = {field: getattr(checked, field) for field in tool.plain.model_fields}
    for field in tool.items:
        given[field] = desk.items(given[field]) if given[field] or tool.plain.model_fields[field].is_required() else ()
    if not tool.wants:
        return tool.function(desk, **given)
    wants, unmatched = wants_of(name, {k: v for k, v in arguments.items() if k not in stated}, desk)
    outcome = tool.function(desk, **given, **{tool.wants: wants})
    return replace(outcome, unmatched=(*outcome.unmatched, *unmatched))
