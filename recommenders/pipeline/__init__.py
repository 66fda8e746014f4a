"""Retrieve, filter, rank, diversify: the door through which the app asks for items."""

from recommenders.pipeline.pipeline import Pipeline, PipelineConfig
from recommenders.pipeline.tune import tune, withhold_last

__all__ = [
    "Pipeline",
    "PipelineConfig",
    "tune",
    "withhold_last",
]
