"""The language model as scorer and ranker: it orders what recommenders found, or foretells ratings."""

from app.scorer import figures
from app.scorer.ordering import noted
from app.scorer.predicted_ratings import teach
from app.scorer.rankers import FOLDER, LABELS, NAMES, Rankers

__all__ = [
    "FOLDER",
    "LABELS",
    "NAMES",
    "Rankers",
    "figures",
    "noted",
    "teach",
]
