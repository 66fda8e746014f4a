"""The small encoder as the only reader, to measure what it does without rules."""

from dataclasses import replace

from app.understanding.joint import _pointing, build, slots_of
from app.understanding.names import Linker
from app.understanding.reader import Encoder
from app.understanding.rules import Reader, Understanding
from app.understanding.table import Table


def read_alone(
    text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "", k: int = 5
) -> Understanding:
    """The encoder's reading, slots and all."""
    text = text.strip()
    found = encoder.read(text, previous, len(table.shown), linker.known(text))
    reader = _pointing(found, Reader(text, table, linker, k, slots_of(found.spans, text, table, linker, k)))
    built = build(found, reader)
    return (
        replace(built, by="encoder", sure=found.sure) if built is not None else Understanding("clarify", topic="which")
    )
