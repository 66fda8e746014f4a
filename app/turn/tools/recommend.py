"""Recommend items for the person."""

from app.turn.desk import Desk, Outcome
from app.understanding import Wants


def recommend(desk: Desk, *, wants: Wants) -> Outcome:
    """Recommend items that suit the person. Use it whenever they want something to watch, read or hear.

    wants: what it should be
    """
    request = desk.request(wants)
    found = desk.recommend(request, wants.order)
    items = tuple(c.item for c in found.candidates)
    if not request.alike:
        summary = f"{len(items)} candidates of {found.qualified} that qualify"
    else:
        likened = ", ".join((*map(desk.label, request.like), *wants.relatives))
        summary = f"{len(items)} candidates like {likened}, of {found.qualified}"
    return Outcome(summary, items, request, found, wants=wants)
