"""What language models write ahead of time: kept on a shelf, tidied, checked against facts."""

from llm.writing.enrichment import grounded
from llm.writing.likelihood import Likelihood, OpenVinoLikelihood, Remembered
from llm.writing.tidying import Quality, kept, quality, tidy
from llm.writing.writing import Shelf, Task, Written, write

__all__ = [
    "Likelihood",
    "OpenVinoLikelihood",
    "Quality",
    "Remembered",
    "Shelf",
    "Task",
    "Written",
    "grounded",
    "kept",
    "quality",
    "tidy",
    "write",
]
