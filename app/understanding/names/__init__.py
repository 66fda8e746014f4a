"""Words of a message -> rows and names of the catalogue."""

from app.understanding.names import foreign, genres
from app.understanding.names.genres import SYNONYMS
from app.understanding.names.linking import Linker, Mention, linker
from app.understanding.names.naming import nouns
from app.understanding.names.words import EVERYDAY, FUNCTION, ITEM_WORDS, Token, folded, singular, tokens

__all__ = [
    "EVERYDAY",
    "FUNCTION",
    "ITEM_WORDS",
    "SYNONYMS",
    "Linker",
    "Mention",
    "Token",
    "folded",
    "foreign",
    "genres",
    "linker",
    "nouns",
    "singular",
    "tokens",
]
