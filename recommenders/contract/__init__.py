"""What a recommender is: its base class, what it is asked and answers, its settings, its run folder."""

from recommenders.contract import artefact, registry
from recommenders.contract.base import Recommender, Role, best
from recommenders.contract.config import Count, CountOrNone, NotNegative, Positive, Share, checked, configured, parsed
from recommenders.contract.memory import Need
from recommenders.contract.request import (
    Candidate,
    Explanation,
    Influence,
    Origin,
    Provenance,
    Recommendation,
    Request,
)

__all__ = [
    "Candidate",
    "Count",
    "CountOrNone",
    "Explanation",
    "Influence",
    "Need",
    "NotNegative",
    "Origin",
    "Positive",
    "Provenance",
    "Recommendation",
    "Recommender",
    "Request",
    "Role",
    "Share",
    "artefact",
    "best",
    "checked",
    "configured",
    "parsed",
    "registry",
]
