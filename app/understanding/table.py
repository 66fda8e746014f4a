"""What is on the table: the items and constraints that the conversation so far has put there."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.wants import NOTHING, Wants


@dataclass(frozen=True)
class Table:
    """Internal item numbers throughout; items that the catalogue no longer has are left out.

    shown      items of the latest answer that showed any, in order: "the second one"
    focus      items that the latest exchange was about: "that one"
    ever       all items shown in this conversation, oldest first
    wants      of the latest decision to recommend: what "but older" refines; empty for none
    asked      item -> the wants of the decision that showed it last
    empty      the latest request found nothing
    turns      messages before this one
    """

    shown: tuple[int, ...] = ()
    focus: tuple[int, ...] = ()
    ever: tuple[int, ...] = ()
    wants: Wants = NOTHING
    turns: int = 0
    asked: Mapping[int, Wants] = field(default_factory=dict)
    empty: bool = False
