"""Language models as LangChain chat models, by name."""

from llm.backends import registry
from llm.backends.absent import AbsentModel
from llm.backends.registry import BackendInfo

__all__ = [
    "AbsentModel",
    "BackendInfo",
    "registry",
]
