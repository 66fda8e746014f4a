"""The small encoder as the only reader, to measure what it does without rules."""

from dataclasses import replace

from app.understanding.heard import Clarify, Heard
from app.understanding.joint import build, pointing, slots_of
from app.understanding.names.linking import Linker
from app.understanding.reader.encoder import Encoder
from app.understanding.rules import Reader
from app.understanding.table import Table


def read_alone(text: str, table: Table, linker: Linker, encoder: Encoder, *, previous: str = "") -> Heard:
    """The encoder's reading, slots and all."""
    text = text.strip()
    found = encoder.read(text, previous, len(table.shown), linker.known(text))
    reader = pointing(found, Reader(text, table, linker, slots_of(found.spans, text, table, linker)))
    built = build(found, reader)
    return Heard((Clarify(),)) if built is None else replace(built, by="encoder", sure=found.sure)
