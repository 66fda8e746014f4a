"""One turn: a message in, typed events out."""

from app.turn.context import Parts, Turn, TurnContext, asks
from app.turn.controller import run_turn

__all__ = [
    "Parts",
    "Turn",
    "TurnContext",
    "asks",
    "run_turn",
]
