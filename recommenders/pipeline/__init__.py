"""Retrieve, filter, rank, diversify: the door through which the app asks for items."""

from recommenders.pipeline import tuned
from recommenders.pipeline.likeness import Likeness, likes
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from recommenders.pipeline.tune import tune, withhold_last
from recommenders.pipeline.tuned import TunedPair

__all__ = [
    "Likeness",
    "Pipeline",
    "PipelineConfig",
    "TunedPair",
    "likes",
    "tune",
    "tuned",
    "withhold_last",
]
