"""What a model gives a tool, as rows and wants: the one place where names become what the house works with."""

from collections.abc import Mapping
from typing import Any

from pydantic import FiniteFloat, TypeAdapter, ValidationError

from app.errors import DataError, UnknownName
from app.turn.desk import Desk, ToolError
from app.understanding import Order, Wants
from recommenders.data import Catalogue

Items = tuple[int, ...]
"""Internal numbers; a model gives titles, "#2" (second of the latest answer) or "item:<id>"."""

_COMMON: dict[str, dict[str, Any]] = {
    "wish": {
        "type": "string", "default": "",
        "description": "what it should be like, in a few words, beyond what the other arguments can say",
    },
    "count": {"type": ["integer", "null"], "default": None, "description": "how many items, when the person says so"},
    "more": {
        "type": "boolean", "default": False,
        "description": "true when they want other items than those shown so far",
    },
    "include_seen": {
        "type": "boolean", "default": False,
        "description": "true when they ask for items that they know already",
    },
}  # fmt: skip


def properties(catalogue: Catalogue) -> dict[str, dict[str, Any]]:
    """The arguments that say what is wanted: those of every attribute that the catalogue shows, and a few of any."""
    bound = catalogue.attributes
    of_attributes: dict[str, dict[str, Any]] = {}
    for a in bound.schema.shown:
        of_attributes |= a.properties(bound.values.get(a.name, ()))
    ordered = [a.name for a in bound.schema.shown if a.kind in ("number", "year", "levels")]
    order: dict[str, dict[str, Any]] = {}
    if ordered:
        names = [f"{name} {way}" for name in ordered for way in ("rising", "falling")]
        about = "an order that they ask for: the cheapest, the newest"
        order["order"] = {"type": ["string", "null"], "enum": [*names, None], "default": None, "description": about}
    return {"wish": _COMMON["wish"], **of_attributes, **order, **{k: v for k, v in _COMMON.items() if k != "wish"}}


def wants_of(tool: str, arguments: Mapping[str, object], desk: Desk) -> tuple[Wants, tuple[str, ...]]:
    """Wants in the catalogue's own names, and what it does not know, in words. ToolError names each argument that there
    is none of or that has a wrong form, so that a model can correct it. tool: for that word"""
    known = properties(desk.catalogue)
    given, problems = _checked({k: v for k, v in arguments.items() if v is not None}, known)
    if problems:
        raise ToolError(f"bad arguments for {tool}: {'; '.join(problems)}; expected: {', '.join(known)}")
    stated = [c for a in desk.catalogue.schema.shown for c in a.read(given)]
    conditions, unmatched = desk.conditions(stated)
    attribute, _, way = str(given.get("order", "")).rpartition(" ")
    wants = Wants(
        conditions=conditions,
        wish=str(given.get("wish", "")).strip(),
        count=given.get("count"),
        others=given.get("more", False),
        again=given.get("include_seen", False),
        order=Order(attribute=attribute, rising=way == "rising") if attribute else None,
    )
    try:
        desk.catalogue.attributes.mask(conditions)
    except (UnknownName, DataError) as error:
        raise ToolError(f"bad arguments for {tool}: {error}") from error
    return wants, unmatched


_FORMS: dict[str, TypeAdapter[Any]] = {
    "integer": TypeAdapter(int),
    "number": TypeAdapter(int | FiniteFloat),
    "boolean": TypeAdapter(bool),
    "string": TypeAdapter(str),
    "array": TypeAdapter(tuple[str, ...]),
}


def _checked(
    arguments: Mapping[str, object], known: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Any], list[str]]:
    """The arguments in the forms that their schemas state, and what is wrong with the others. As lax as models need:
    "1990" is a number, and a name alone a list of one."""
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in arguments.items():
        if name not in known:
            problems.append(f"{name}: there is no such argument")
            continue
        kinds = known[name]["type"]
        form = kinds if isinstance(kinds, str) else next(k for k in kinds if k != "null")
        try:
            found[name] = _FORMS[form].validate_python(
                (value,) if form == "array" and isinstance(value, str) else value
            )
        except ValidationError as error:
            problems.append(f"{name}: {error.errors()[0]['msg']}")
            continue
        choices = [c for c in known[name].get("enum", ()) if c is not None]
        if choices and found[name] not in choices:
            problems.append(f"{name}: {found[name]!r} is none of {', '.join(map(str, choices))}")
    return found, problems
