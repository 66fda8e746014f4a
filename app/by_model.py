"""A turn that a capable model leads."""

import threading
from collections.abc import Iterator

from app import by_rules
from app.desk import Desk
from app.events import TurnEvent
from app.settings import Settings


def turn(message: str, desk: Desk, settings: Settings, stop: threading.Event) -> Iterator[TurnEvent]:
    yield from by_rules.turn(message, desk, settings, stop)
