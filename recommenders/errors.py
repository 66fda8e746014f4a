"""The exceptions of the recommenders package.

RecommenderError
├── DataError             a table that breaks its rules (unknown column, duplicate item, unreadable file)
├── UnknownRecommender    a name that the registry does not have
├── UnknownItem           an item id that the catalogue does not have
├── UnknownName           a genre, person or language of a filter that the catalogue does not have
├── ConfigError           a setting that a recommender does not have, or a value that it cannot take
├── NotFitted             score, recommend or save before fit or load
├── TooLarge              data for which a recommender would need more memory than there is
└── ArtefactError         a run folder that is missing, torn or made from another catalogue
"""

from collections.abc import Iterable
from difflib import get_close_matches


class RecommenderError(Exception):
    """Base of everything that this package raises on purpose."""


class DataError(RecommenderError):
    pass


class UnknownRecommender(RecommenderError):
    pass


class UnknownItem(RecommenderError):
    pass


class UnknownName(RecommenderError):
    pass


class ConfigError(RecommenderError):
    pass


class NotFitted(RecommenderError):
    pass


class TooLarge(RecommenderError):
    pass


class ArtefactError(RecommenderError):
    pass


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The tail of an error message: the nearest known name, and all of them when they are few."""
    names = sorted(known)
    near = get_close_matches(given, names, n=1)
    tail = f"; did you mean {near[0]!r}?" if near else ""
    return f"{tail} Known: {', '.join(names[:30])}." if names else tail
