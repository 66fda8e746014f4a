"""What a turn is given: the conversation so far, the person, and the parts in use. Frozen; knows no store and no UI."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeGuard

from langchain_core.language_models import BaseChatModel

from app.events import Decision, Interleaved, TurnEvent
from app.understanding import NOTHING, Table, Wants
from llm.backends import BackendInfo
from recommenders.contract import Origin, Recommendation, Request
from recommenders.data import Catalogue, FeedbackKind, UserState
from recommenders.pipeline import Pipeline


class Explorer(Protocol):
    """Interleaves the pipeline's lists with those of an explored network (app/service/learning.py)."""

    def interleaved(self, found: Recommendation, state: UserState, request: Request, pool: int) -> Recommendation: ...

    def event(self, origins: Mapping[str, Origin]) -> Interleaved: ...


@dataclass(frozen=True)
class Turn:
    """One stored message.

    item_ids  the items that an assistant message showed, in the order shown ("the second one")
    events    the events of an assistant message: decisions, places and evidence are what is on the table
    """

    role: Literal["user", "assistant"]
    text: str
    item_ids: tuple[str, ...] = ()
    events: tuple[TurnEvent, ...] = ()


@dataclass(frozen=True)
class TurnContext:
    """All that a turn knows of the person and the conversation.

    dialogue       oldest first, without the new message
    state          data set history and what was liked or seen in the chat; what was disliked is in `.disliked`
    profile_label  for people and prompts: "new user", "user 196 (49, M, writer)"
    remember       keeps feedback: item id, kind
    liked          items liked since this conversation began, the latest last
    renew          the state after `remember` was called, on the data set's own scale; without it the controller adds
                   the item to `state` itself
    """

    dialogue: tuple[Turn, ...]
    state: UserState
    profile_label: str
    remember: Callable[[str, FeedbackKind], None]
    renew: Callable[[], UserState] | None = None
    liked: tuple[int, ...] = ()


@dataclass(frozen=True)
class Parts:
    """What this turn works with; any of it may be another one next turn. `generator`, `ranker`: names for people.

    explorer  interleaves the pipeline's lists with those of an explored network; None where no part learns online
    """

    info: BackendInfo
    model: BaseChatModel
    pipeline: Pipeline
    generator: str
    ranker: str | None
    explorer: Explorer | None = None


_ASKED = ("recommend", "similar")  # decisions that a follow-up refines


def asks(event: TurnEvent) -> TypeGuard[Decision]:
    """Whether an event decides what is to be shown: the latest one's wants are in force."""
    return isinstance(event, Decision) and (event.action in _ASKED or event.along)


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
            if asks(event):
                wants, empty = event.wants, not items
                asked |= dict.fromkeys(items, wants)
            if not items and not event.along:
                about = tuple(ids.number(i) for i in (*event.items, *event.wants.like) if i in ids)
                focus = about or focus
    return Table(shown, focus or shown, tuple(ever), wants, len(dialogue), asked, empty)
