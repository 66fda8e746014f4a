"""Evidence in words, and the two checks before anything is shown: the gate for items, grounding for sentences."""

from app.turn.answers import item_facts, reasons, wording
from app.turn.answers.evidence import for_opening, for_reason, for_table
from app.turn.answers.gate import Gate
from app.turn.answers.grounding import check, harmless, sentences
from app.turn.answers.standing_out import standing_out
from app.turn.answers.voice import Voice

__all__ = [
    "Gate",
    "Voice",
    "check",
    "for_opening",
    "for_reason",
    "for_table",
    "harmless",
    "item_facts",
    "reasons",
    "sentences",
    "standing_out",
    "wording",
]
