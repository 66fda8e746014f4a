"""Learning in the chat: interleaving, updates, the journal of changes."""

from recommenders.learning.journal import Change, Journal
from recommenders.learning.online import (
    Impression,
    OnlineLearner,
    Origin,
    activeness,
    activeness_at_each,
    explored_wins,
    interleave,
)

__all__ = [
    "Change",
    "Impression",
    "Journal",
    "OnlineLearner",
    "Origin",
    "activeness",
    "activeness_at_each",
    "explored_wins",
    "interleave",
]
