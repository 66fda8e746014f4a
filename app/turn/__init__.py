"""One turn: a message in, typed events out."""

from app.turn.context import Parts, Turn, TurnContext
from app.turn.controller import run_turn

__all__ = [
    "Parts",
    "Turn",
    "TurnContext",
    "run_turn",
]
