"""Wishes read by meaning: which items answer "cheer me up", in six languages and more."""

from recommenders.wishes import multilingual
from recommenders.wishes.wish_index import WISH_INDEX, WishIndex
from recommenders.wishes.wish_reader import WishReader

__all__ = ["WISH_INDEX", "WishIndex", "WishReader", "multilingual"]
