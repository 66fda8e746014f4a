"""What a message means: read once, linked to the catalogue."""

from app.understanding import cues, slots, years
from app.understanding.joint import read
from app.understanding.lessons import Config, averaged, lessons, train
from app.understanding.names import (
    EVERYDAY,
    FUNCTION,
    SYNONYMS,
    Linker,
    genres,
    linker,
    nouns,
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
    "Topic",
    "Understanding",
    "averaged",
    "cues",
    "filters_of",
    "genres",
    "lessons",
    "linker",
    "nouns",
    "read",
    "shipped",
    "slots",
    "telling",
    "train",
    "understand",
    "years",
]
