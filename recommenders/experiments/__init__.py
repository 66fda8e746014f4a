"""Training runs, the leaderboard and its figures."""

from recommenders.experiments import boards, results, training
from recommenders.experiments.boards import BOARDS, Board, Measure, Task
from recommenders.experiments.cards import card
from recommenders.experiments.compare import compare, comparison_table
from recommenders.experiments.leaderboard import compute, run
from recommenders.experiments.results import Result
from recommenders.experiments.standings import Standing, standings, table
from recommenders.experiments.training import Record, record, train

__all__ = [
    "BOARDS",
    "Board",
    "Measure",
    "Record",
    "Result",
    "Standing",
    "Task",
    "boards",
    "card",
    "compare",
    "comparison_table",
    "compute",
    "record",
    "results",
    "run",
    "standings",
    "table",
    "train",
    "training",
]
