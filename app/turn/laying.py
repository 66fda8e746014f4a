"""The dialogue so far -> what it put on the table."""

from collections.abc import Mapping

from app.events import Decision
from app.turn.context import Turn
from app.understanding import Table
from recommenders.data import Catalogue

_ASKED = ("recommend", "similar")  # decisions whose arguments a follow-up refines


def lay(dialogue: tuple[Turn, ...], catalogue: Catalogue) -> Table:
    """The table after a dialogue."""
    shown: tuple[int, ...] = ()
    focus: tuple[int, ...] = ()
    ever: dict[int, None] = {}
    arguments: Mapping[str, object] = {}
    asked: dict[int, Mapping[str, object]] = {}
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
            if isinstance(event, Decision):
                if event.action in _ASKED or event.along:
                    arguments, empty = event.arguments, not items
                    asked |= dict.fromkeys(items, arguments)
                talked = event.arguments.get("items")
                if not items and not event.along and isinstance(talked, list):
                    about = tuple(ids.number(i[5:]) for i in map(str, talked) if i.startswith("item:") and i[5:] in ids)
                    focus = about or focus
    return Table(shown, focus or shown, tuple(ever), arguments, len(dialogue), asked, empty)
