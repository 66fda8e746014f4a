"""A CHAT-REC turn (Gao et al., arXiv 2303.14524): message in, typed events out, always ending with Done.

`run_turn` is the frame: it says who leads, watches Stop, counts, and closes. What happens in between is one of two
straight stories: led_by_reader.py (rules decide, a small model helps, checked) and led_by_model.py (a capable
model decides, checked by the same gate and grounding). A story that a model breaks is ended by the rules.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from app.errors import RecommenderError
from app.events import Done, ItemShown, ModelAnswered, Refused, Started, Token, TurnEvent
from app.settings import Settings
from app.turn import led_by_model, led_by_reader
from app.turn.context import Parts, TurnContext
from app.turn.desk import Desk
from app.understanding import Wants


@dataclass
class _Tally:
    """What Done reports: the visible text and items so far, time in the model, time to the first visible thing."""

    began: float
    text: str = ""
    item_ids: list[str] = field(default_factory=list)
    in_model: float = 0.0
    first_visible: float | None = None
    violations: int = 0

    def take(self, event: TurnEvent) -> None:
        if isinstance(event, Token):
            self.text += event.text
        elif isinstance(event, ItemShown):
            self.item_ids.append(event.item_id)
        elif isinstance(event, ModelAnswered):
            self.in_model += event.seconds
        elif isinstance(event, Refused) and event.violation:
            self.violations += 1
        if self.first_visible is None and isinstance(event, Token | ItemShown):
            self.first_visible = time.perf_counter() - self.began


def run_turn(
    message: str,
    context: TurnContext,
    parts: Parts,
    settings: Settings,
    *,
    stop: threading.Event,
    wants: Wants | None = None,
) -> Iterator[TurnEvent]:
    """The events of one turn; the last one is Done. wants: what the person pressed; the message is not read then.

    Failures of the model (bad output, unknown tool, timeout, exception) never raise: they become Fallback events and an
    answer by the rules. A failure of the recommender ends the turn as Done(status="failed") with what it said. `stop`
    ends the turn within one token, with what was shown so far.
    """
    tally = _Tally(time.perf_counter())
    status: Literal["done", "stopped", "failed"] = "done"
    yield Started(
        backend=parts.info.name,
        generator=parts.generator,
        ranker=parts.ranker,
        leads="model" if parts.info.steers and wants is None else "rules",
    )
    try:
        desk = Desk(parts, context, settings.picks, settings.pool, message if wants is None else "")
        for event in _story(message, desk, settings, stop, wants):
            if stop.is_set() and not isinstance(event, ModelAnswered):
                break
            tally.take(event)
            yield event
        if stop.is_set():
            status = "stopped"
    except RecommenderError as error:
        status = "failed"
        sorry = Token(text=f"The recommender cannot answer this: {error}")
        tally.take(sorry)
        yield sorry
    yield Done(
        status=status,
        reply=tally.text.strip(),
        item_ids=tally.item_ids,
        seconds=time.perf_counter() - tally.began,
        seconds_in_model=tally.in_model,
        first_visible_seconds=tally.first_visible,
        violations=tally.violations,
    )


def _story(
    message: str, desk: Desk, settings: Settings, stop: threading.Event, wants: Wants | None
) -> Iterator[TurnEvent]:
    """What happens between Started and Done."""
    if wants is not None:
        return led_by_reader.pressed(wants, desk, settings, stop)
    story = led_by_model.turn if desk.parts.info.steers else led_by_reader.turn
    return story(message, desk, settings, stop)
