"""Weights of embedded models: which there are, and fetching them."""

from llm.weights import fetch, published

__all__ = [
    "fetch",
    "published",
]
