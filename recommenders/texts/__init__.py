"""Item texts and wishes: vectors, words, requests that were written for items."""

from recommenders.texts import narratives, text_index, word_index
from recommenders.texts.narratives import Narrative, save
from recommenders.texts.text_index import TEXT_INDEX, TextEncoder, TextIndex, documents
from recommenders.texts.vector_index import VectorIndex
from recommenders.texts.word_index import content_words

__all__ = [
    "TEXT_INDEX",
    "Narrative",
    "TextEncoder",
    "TextIndex",
    "VectorIndex",
    "content_words",
    "documents",
    "narratives",
    "save",
    "text_index",
    "word_index",
]
