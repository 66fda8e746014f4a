"""What a message means: read once, linked to the catalogue."""

from app.understanding import cues, slots, years
from app.understanding.joint import read
from app.understanding.lessons import Config, averaged, lessons, train
from app.understanding.names import (
    EVERYDAY,
    FUNCTION,
    SYNONYMS,
    Linker,
    Token,
    folded,
    genres,
    linker,
    nouns,
    singular,
    tokens,
)
from app.understanding.reader import ARTEFACT, shipped
from app.understanding.rules import Action, Call, Fact, Topic, Understanding, filters_of, understand
from app.understanding.slots import telling
from app.understanding.table import Table

__all__ = [
    "ARTEFACT",
    "EVERYDAY",
    "FUNCTION",
    "SYNONYMS",
    "Action",
    "Call",
    "Config",
    "Fact",
    "Linker",
    "Table",
    "Token",
    "Topic",
    "Understanding",
    "averaged",
    "cues",
    "filters_of",
    "folded",
    "genres",
    "lessons",
    "linker",
    "nouns",
    "read",
    "shipped",
    "singular",
    "slots",
    "telling",
    "tokens",
    "train",
    "understand",
    "years",
]
