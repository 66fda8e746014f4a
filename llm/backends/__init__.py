"""Language models as LangChain chat models, by name."""

from llm.backends import registry
from llm.backends.registry import BackendInfo

__all__ = [
    "BackendInfo",
    "registry",
]
