"""Measuring: what comes next, clicks, ratings; and the plain models that others are held against."""

from recommenders.evaluation import baselines, clicks, metrics, rated_factors, rated_neighbours, rating_task
from recommenders.evaluation.baselines import Baseline
from recommenders.evaluation.evaluate import Evaluation, evaluate, foreseen, rank
from recommenders.evaluation.intervals import Figure
from recommenders.evaluation.metrics import log_loss
from recommenders.evaluation.rating_task import PredictsRatings

__all__ = [
    "Baseline",
    "Evaluation",
    "Figure",
    "PredictsRatings",
    "baselines",
    "clicks",
    "evaluate",
    "foreseen",
    "log_loss",
    "metrics",
    "rank",
    "rated_factors",
    "rated_neighbours",
    "rating_task",
]
