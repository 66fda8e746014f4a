"""The language model as a foreteller of ratings: reading its answers, tuning it."""

from llm.rating import answers, network, starts
from llm.rating.expected import ExpectedRatings
from llm.rating.network import RatingScorer
from llm.rating.tuning import Config, Example, tune

__all__ = [
    "Config",
    "Example",
    "ExpectedRatings",
    "RatingScorer",
    "answers",
    "network",
    "starts",
    "tune",
]
