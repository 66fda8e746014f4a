"""Words of a message -> rows and names of the catalogue."""

from app.understanding.names import foreign, genres
from app.understanding.names.everyday import EVERYDAY, FUNCTION, ITEM_WORDS
from app.understanding.names.genres import SYNONYMS
from app.understanding.names.linking import Linker, Mention, linker
from app.understanding.names.stretches import Marks, Stretches, before, replaced

__all__ = [
    "EVERYDAY",
    "FUNCTION",
    "ITEM_WORDS",
    "SYNONYMS",
    "Linker",
    "Marks",
    "Mention",
    "Stretches",
    "before",
    "foreign",
    "genres",
    "linker",
    "replaced",
]
