"""The language model as a foreteller of ratings: reading its answers, tuning it."""

from llm.rating import answers, network, starts
from llm.rating.network import RatingScorer
from llm.rating.tuning import Config, Example, tune

__all__ = [
    "Config",
    "Example",
    "RatingScorer",
    "answers",
    "network",
    "starts",
    "tune",
]
