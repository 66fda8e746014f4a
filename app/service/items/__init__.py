"""What people are told of an item: in short, at length, beside others, with what resembles it."""

from app.service.items.portrait import Portrait, portrait
from app.service.items.resembling import resembling
from app.service.items.sheet import Line, compared, links, picture, ratings, sheet

__all__ = [
    "Line",
    "Portrait",
    "compared",
    "links",
    "picture",
    "portrait",
    "ratings",
    "resembling",
    "sheet",
]
