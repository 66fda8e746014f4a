"""Retrieve, filter, rank, diversify: the door through which the app asks for items."""

from recommenders.pipeline import tuned
from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from recommenders.pipeline.tune import tune, withhold_last
from recommenders.pipeline.tuned import TunedPair

__all__ = [
    "Pipeline",
    "PipelineConfig",
    "TunedPair",
    "tune",
    "tuned",
    "withhold_last",
]
