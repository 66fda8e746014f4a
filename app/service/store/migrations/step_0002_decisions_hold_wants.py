"""Decisions hold what was wanted; they held a tool's arguments by name, with items as "item:<id>"."""

from typing import Any

from alembic import op

from app.service.store.migrations import Event, rewrite_events

revision, down_revision = "0002", "0001"
NAMES = (
    ("genres", "genres", "has all"),
    ("any_genres", "genres", "has any"),
    ("without_genres", "genres", "has none"),
    ("people", "people", "has any"),
    ("without_people", "people", "has none"),
    ("languages", "language", "one of"),
)
"""Argument, attribute, operator."""


def upgrade() -> None:
    rewrite_events(op.get_bind(), with_wants)


def with_wants(events: list[Event]) -> list[Event]:
    return [_decision(e) if e.get("kind") == "decision" and "arguments" in e else e for e in events]


def _decision(event: Event) -> Event:
    arguments = event.pop("arguments") or {}
    items = [i.removeprefix("item:") for i in _names(arguments, "items")]
    if event.get("action") in ("recommend", "similar") or event.get("along"):
        return event | {"wants": _wants(arguments, items), "items": []}
    return event | {"items": items}


def _wants(arguments: dict[str, Any], items: list[str]) -> dict[str, Any]:
    found = [_condition(a, operator, _names(arguments, key)) for key, a, operator in NAMES if _names(arguments, key)]
    found += [_condition(note, "at most", ["mild"]) for note in _names(arguments, "without_content")]
    low, high, count = (
        n if isinstance(n, int) else None for n in map(arguments.get, ("year_from", "year_to", "count"))
    )
    if low is not None and high is not None:
        found.append(_condition("year", "between", [low, high]))
    elif low is not None:
        found.append(_condition("year", "at least", [low]))
    elif high is not None:
        found.append(_condition("year", "at most", [high]))
    return {
        "conditions": found,
        "wish": str(arguments.get("wish") or ""),
        "like": items,
        "count": count,
        "others": bool(arguments.get("more")),
        "again": bool(arguments.get("include_seen")),
    }


def _condition(attribute: str, operator: str, values: list[Any]) -> dict[str, Any]:
    return {"attribute": attribute, "operator": operator, "values": values}


def _names(arguments: dict[str, Any], key: str) -> list[str]:
    value = arguments.get(key)
    return [str(v) for v in value] if isinstance(value, list) else []
