"""What the reader is taught, and the teaching."""

from app.understanding.lessons.lessons import lessons
from app.understanding.lessons.teaching import Config, averaged, train

__all__ = [
    "Config",
    "averaged",
    "lessons",
    "train",
]
