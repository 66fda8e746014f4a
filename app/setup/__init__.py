"""What must be there before the first chat, and what is made beside it: data, weights, trained models."""

from app.setup import background
from app.setup.steps import LABELS, get_data, prepare

__all__ = [
    "LABELS",
    "background",
    "get_data",
    "prepare",
]
