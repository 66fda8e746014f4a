"""The one tree of exceptions: everything that is raised on purpose, with a message that is meant for people.

ChatrecError
├── AppError                  the app's own layers
│   ├── StoreError            the store cannot do what it was asked
│   │   ├── StoreUnavailable  locked by another process, too busy, not reachable, or not a store
│   │   ├── StoreTooNew       written by a newer version of this program
│   │   └── NotFound          no such profile, conversation or message (any more)
│   ├── ConversationBusy      a turn of this conversation is still running, here or in another process
│   ├── NothingToRepeat       no message to answer again or to edit
│   ├── MessageTooLong        more characters than a message may have
│   └── SetupError            a step of the set-up could not be done
├── RecommenderError          data, models, pipelines
│   ├── DataError             a table that breaks its rules (unknown column, duplicate item, unreadable file)
│   ├── UnknownRecommender    a name that the registry does not have
│   ├── UnknownItem           an item id that the catalogue does not have
│   ├── UnknownName           a genre, person or language of a filter that the catalogue does not have
│   ├── ConfigError           a setting that a recommender does not have, or a value that it cannot take
│   ├── NotFitted             score, recommend or save before fit or load
│   ├── TooLarge              data for which a recommender would need more memory than there is
│   └── ArtefactError         a run folder that is missing, torn or made from another catalogue
└── LLMError                  language models
    ├── UnknownBackend        a name that no kind of backend has
    ├── UnusableBackend       known, but not usable here and now; says why and what to do
    ├── FetchError            weights could not be had, or are not what they should be
    ├── ArtefactDamaged       the weights of the small encoder are missing or not those that the card names
    ├── BackendFailed         the model or its server raised; the cause is kept
    │   └── PromptTooLong     more tokens than the model's context holds
    ├── BackendTimeout        no first token, or no end, within the deadline
    ├── MalformedOutput       not what the schema asks for, also after the repair
    └── Stopped               the person pressed Stop
"""

from collections.abc import Iterable
from difflib import get_close_matches


class ChatrecError(Exception):
    """Base of everything that is raised on purpose."""


# -- the app's own layers ---------------------------------------------------------------------------------------------


class AppError(ChatrecError):
    pass


class StoreError(AppError):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreTooNew(StoreError):
    pass


class NotFound(StoreError):
    pass


class ConversationBusy(AppError):
    pass


class NothingToRepeat(AppError):
    pass


class MessageTooLong(AppError):
    pass


class SetupError(AppError):
    """Says what is missing, why, and what to do."""


# -- recommenders -----------------------------------------------------------------------------------------------------


class RecommenderError(ChatrecError):
    pass


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


# -- language models --------------------------------------------------------------------------------------------------


class LLMError(ChatrecError):
    pass


class UnknownBackend(LLMError):
    pass


class UnusableBackend(LLMError):
    pass


class FetchError(LLMError):
    pass


class ArtefactDamaged(LLMError):
    pass


class BackendFailed(LLMError):
    pass


class PromptTooLong(BackendFailed):
    pass


class BackendTimeout(LLMError):
    pass


class MalformedOutput(LLMError):
    """`raw` is the model's last text, `error` what was wrong with it."""

    def __init__(self, raw: str, error: str) -> None:
        super().__init__(f"the model's answer does not fit the schema: {error}")
        self.raw = raw
        self.error = error


class Stopped(LLMError):
    pass


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The tail of an error message: the nearest known name, and all of them when they are few."""
    names = sorted(known)
    near = get_close_matches(given, names, n=1)
    tail = f"; did you mean {near[0]!r}?" if near else ""
    return f"{tail} Known: {', '.join(names[:30])}." if names else tail
