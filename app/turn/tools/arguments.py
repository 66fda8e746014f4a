"""What a model gives a tool, as rows and wants: the one place where names become what the house works with."""

from collections.abc import Mapping
from typing import Any

from app.errors import DataError, UnknownName
from app.turn.desk import Desk, ToolError
from app.understanding import Order, Wants
from recommenders.data import Attribute, Catalogue, Condition

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


def wants_of(arguments: Mapping[str, object], desk: Desk) -> tuple[Wants, tuple[str, ...]]:
    """Wants in the catalogue's own names, and what it does not know, in words. ToolError for an argument that there is
    none of, or of a wrong form."""
    known = properties(desk.catalogue)
    unknown = [name for name in arguments if name not in known]
    if unknown:
        raise ToolError(f"unknown arguments: {', '.join(unknown)}; expected: {', '.join(known)}")
    stated = [c for a in desk.catalogue.schema.shown for c in _read(a, arguments)]
    conditions, unmatched = desk.conditions(stated)
    way = str(arguments.get("order") or "").rpartition(" ")
    try:
        wants = Wants(
            conditions=conditions,
            wish=str(arguments.get("wish") or "").strip(),
            count=_whole(arguments.get("count")),
            others=bool(arguments.get("more")),
            again=bool(arguments.get("include_seen")),
            order=Order(attribute=way[0], rising=way[2] == "rising") if way[0] in desk.catalogue.schema else None,
        )
        desk.catalogue.attributes.mask(conditions)
    except (UnknownName, DataError, ValueError, TypeError) as error:
        raise ToolError(f"bad arguments: {error}") from error
    return wants, unmatched


def _read(attribute: Attribute, arguments: Mapping[str, object]) -> tuple[Condition, ...]:
    try:
        return attribute.read(arguments)
    except (ValueError, TypeError) as error:
        raise ToolError(f"bad arguments for {attribute.said}: {error}") from error


def _whole(value: object) -> int | None:
    if value is None or isinstance(value, int):
        return value
    raise ValueError(f"count is a whole number, got {value!r}")
