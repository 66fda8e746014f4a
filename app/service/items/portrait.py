"""An item in a few lines, for a card: what it is about, who made it and is in it, its measures, what others think.

Which attribute has which part is told by the schema alone: a kind, a prefix ("by", "with"), a dimension.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from recommenders.data import Attribute, Catalogue, Dataset, Levels, Named, Number, Text, Year

_TELLING = 25  # characters from which on a text is about something
_FEW = 60  # names of a sort; more are themes, each of its own
_MAKERS, _CAST, _SORTS, _OTHERS = 2, 3, 2, 3


@dataclass(frozen=True)
class Portrait:
    """about     running text, "" where there is none
    makers, cast  names, as "by" and "with" say them
    measures  its length, age, price, ...: short
    sorts     what it is, in the catalogue's words (genres); moods: all words for sorts and moods
    rating    what others gave it on average, and how many did; None and 0 where that is not known
    others    told attributes where little of the above is known: "weight: heavy"
    """

    item_id: str
    title: str
    year: int | None
    about: str
    makers: tuple[str, ...]
    cast: tuple[str, ...]
    measures: tuple[str, ...]
    sorts: tuple[str, ...]
    moods: tuple[str, ...]
    rating: float | None
    raters: int
    others: tuple[str, ...]


def portrait(data: Dataset, item: int) -> Portrait:
    catalogue = data.catalogue
    makers, cast = _named(catalogue, item, "by", _MAKERS), _named(catalogue, item, "with", _CAST)
    about, measures = plot(catalogue, item)[1], tuple(_measures(catalogue, item))
    words = tuple(name for a in sorts(catalogue) for name in _names(catalogue, a, item))
    rating, raters = others_think(data, item)
    little = sum(map(bool, (about, makers or cast, measures))) < 2
    return Portrait(
        item_id=catalogue.ids.ids[item],
        title=catalogue.titles[item],
        year=int(catalogue.years[item]) or None,
        about=about,
        makers=makers,
        cast=cast,
        measures=measures,
        sorts=words[:_SORTS],
        moods=words,
        rating=rating,
        raters=raters,
        others=tuple(_others(catalogue, item)) if little else (),
    )


def plot(catalogue: Catalogue, item: int) -> tuple[str, str]:
    """The attribute that says what an item is about, and what it says: a text of the owner's before the standard one,
    which may be made of several. "" and "" where none does."""
    texts = [a for a in catalogue.schema.told if isinstance(a, Text)]
    for a in sorted(texts, key=lambda a: a.name == "text"):
        said = " ".join(catalogue.attributes.tell(a.name, item).split())
        if len(said) >= _TELLING:
            return a.name, said
    return "", ""


def sorts(catalogue: Catalogue) -> list[Named]:
    """The attributes whose names are words for sorts and moods, few for the whole catalogue."""
    values = catalogue.attributes.values
    return [
        a
        for a in catalogue.schema.told
        if isinstance(a, Named) and not a.proper and not a.prefix and 0 < len(values.get(a.name, ())) <= _FEW
    ]


def others_think(data: Dataset, item: int) -> tuple[float | None, int]:
    """The mean of the ratings and how many gave one; of feedback that is no rating, the rating that the owner's column
    gives, and how many chose the item."""
    mean = float(data.mean_ratings[item])
    if not np.isnan(mean):
        return mean, int(data.popularity[item])
    rated = (a for a in data.catalogue.schema.told if isinstance(a, Number) and a.dimension == "rating")
    cells = (data.catalogue.attributes.cells(a.name)[item] for a in rated)
    return next((float(cell[0]) for cell in cells if cell is not None), None), int(data.popularity[item])


def _names(catalogue: Catalogue, a: Named, item: int) -> tuple[str, ...]:
    cell = catalogue.attributes.cells(a.name)[item]
    return () if a.unknown(cell) else (cell,) if isinstance(cell, str) else tuple(cell)


def _named(catalogue: Catalogue, item: int, prefix: str, most: int) -> tuple[str, ...]:
    """The names of the first told attribute of this prefix that knows any."""
    attributes = (a for a in catalogue.schema.told if isinstance(a, Named) and a.prefix == prefix)
    return next((names[:most] for a in attributes if (names := _names(catalogue, a, item))), ())


def _measures(catalogue: Catalogue, item: int) -> Iterator[str]:
    """Numbers of a quantity that people have words for, and the levels of a certificate, which take the place of an
    age."""
    certificates = [a for a in catalogue.schema.told if isinstance(a, Levels) and a.capitals]
    certified = [told for a in certificates if (told := catalogue.attributes.tell(a.name, item))]
    yield from (
        brief(a, catalogue.attributes.cells(a.name)[item])
        for a in catalogue.schema.told
        if isinstance(a, Number)
        and a.dimension not in ("", "rating", "stock", "awards", *(("age",) if certified else ()))
        and not a.unknown(catalogue.attributes.cells(a.name)[item])
    )
    yield from certified


def brief(a: Attribute, cell: object) -> str:
    """A cell in few characters: "2 h 17 min", "age 10+", "price 29.90"."""
    if isinstance(a, Number):
        low, high = cast("tuple[float, float]", cell)
        if a.dimension == "age":
            return f"{a.said} {low:g}+" if high == float("inf") else f"{a.said} {low:g} to {high:g}"
        if a.unit == "minutes" and low == high and low >= 60:
            hours, minutes = divmod(round(low), 60)
            return f"{hours} h {minutes} min" if minutes else f"{hours} h"
        told = a.tell(cell).replace(" minutes", " min")
        return told if a.unit else f"{a.said} {told}"
    return a.tell(cell)


def _others(catalogue: Catalogue, item: int) -> Iterator[str]:
    """The first few told attributes that no part of a portrait has."""
    left = _OTHERS
    for a in catalogue.schema.told:
        cell = catalogue.attributes.cells(a.name)[item]
        numbered = isinstance(a, Number) and (a.dimension or a.counted)
        apart = isinstance(a, Text | Year) or numbered or (isinstance(a, Named) and a.prefix in ("by", "with"))
        if left and not apart and not a.unknown(cell) and a not in sorts(catalogue)[:1]:
            left -= 1
            yield f"{a.said}: {a.tell(cell)}"
