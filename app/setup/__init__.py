"""What must be there before the first chat: data, weights, trained models."""

from app.setup.steps import get_data, prepare

__all__ = [
    "get_data",
    "prepare",
]
