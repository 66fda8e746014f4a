"""What is on the table: the items, constraints and places that the conversation so far has put there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.context import Turn
from app.events import Decision, ItemShown, Place
from recommenders.tables import Catalogue

_ASKED = ("recommend", "similar")  # decisions whose arguments a follow-up refines


@dataclass(frozen=True)
class Table:
    """Internal item numbers throughout; items that the catalogue no longer has are left out.

    shown      items of the latest answer that showed any, in order: "the second one"
    focus      items that the latest exchange was about: "that one"
    ever       all items shown in this conversation, oldest first
    arguments  of the latest decision to recommend: what "but older" refines; {} none
    places     item -> where the stages put it when it was shown
    asked      item -> the arguments of the decision that showed it last
    empty      the latest request found nothing
    turns      messages before this one
    """

    shown: tuple[int, ...] = ()
    focus: tuple[int, ...] = ()
    ever: tuple[int, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)
    places: Mapping[int, tuple[Place, ...]] = field(default_factory=dict)
    turns: int = 0
    asked: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    empty: bool = False


def lay(dialogue: tuple[Turn, ...], catalogue: Catalogue) -> Table:
    """The table after a dialogue."""
    shown: tuple[int, ...] = ()
    focus: tuple[int, ...] = ()
    ever: dict[int, None] = {}
    arguments: Mapping[str, object] = {}
    places: dict[int, tuple[Place, ...]] = {}
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
            elif isinstance(event, ItemShown) and event.item_id in ids:
                places[ids.number(event.item_id)] = tuple(event.places)
    return Table(shown, focus or shown, tuple(ever), arguments, places, len(dialogue), asked, empty)
