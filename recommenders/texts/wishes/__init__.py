"""Wishes read by meaning: which items answer "cheer me up", in six languages and more."""

from recommenders.texts.wishes.index import WISH_INDEX, WishIndex
from recommenders.texts.wishes.reader import WishReader

__all__ = ["WISH_INDEX", "WishIndex", "WishReader"]
