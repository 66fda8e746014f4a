"""The dialogue so far -> what it put on the table."""

from app.events import Decision
from app.turn.context import Turn
from app.understanding import NOTHING, Table, Wants
from recommenders.data import Catalogue

_ASKED = ("recommend", "similar")  # decisions that a follow-up refines


def lay(dialogue: tuple[Turn, ...], catalogue: Catalogue) -> Table:
    """The table after a dialogue."""
    shown: tuple[int, ...] = ()
    focus: tuple[int, ...] = ()
    ever: dict[int, None] = {}
    wants = NOTHING
    asked: dict[int, Wants] = {}
    empty = False
    ids = catalogue.ids
    for turn in dialogue:
        if turn.role != "assistant":
            continue
        items = tuple(ids.number(i) for i in turn.item_ids if i in ids)
        if items:
            shown, focus = items, items
            ever.update(dict.fromkeys(items))
        for event in turn.events:
            if not isinstance(event, Decision):
                continue
            if event.action in _ASKED or event.along:
                wants, empty = event.wants, not items
                asked |= dict.fromkeys(items, wants)
            if not items and not event.along:
                about = tuple(ids.number(i) for i in (*event.items, *event.wants.like) if i in ids)
                focus = about or focus
    return Table(shown, focus or shown, tuple(ever), wants, len(dialogue), asked, empty)
