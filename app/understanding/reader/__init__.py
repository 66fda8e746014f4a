"""The trained reader: a small encoder, and the mending of words before it."""

from app.understanding.reader import mending
from app.understanding.reader.encoder import (
    ARTEFACT,
    TAGS,
    Encoder,
    Known,
    Network,
    Pairs,
    Reading,
    common_words,
    load,
    padded,
    pretrained,
    save,
    shipped,
)
from app.understanding.reader.labels import CARRIES, INTENTS, KINDS, TITLES, WORD, Carry, Span, words
from app.understanding.reader.mending import GLOSSES, slips

__all__ = [
    "ARTEFACT",
    "CARRIES",
    "GLOSSES",
    "INTENTS",
    "KINDS",
    "TAGS",
    "TITLES",
    "WORD",
    "Carry",
    "Encoder",
    "Known",
    "Network",
    "Pairs",
    "Reading",
    "Span",
    "common_words",
    "load",
    "mending",
    "padded",
    "pretrained",
    "save",
    "shipped",
    "slips",
    "words",
]
