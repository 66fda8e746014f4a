"""Language models as LangChain chat models, by name."""

from llm.backends import available
from llm.backends.available import BackendInfo

__all__ = [
    "BackendInfo",
    "available",
]
