"""All that the catalogue tells of an item, in groups; of several beside each other; and where to read on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

import numpy as np

from app.service.items.portrait import plot
from recommenders.data import Attribute, Catalogue, Dataset, Flag, Levels, Named, Number, Text, Year

_MOST_BARS = 20  # different ratings that a histogram still shows
_PICTURE_COLUMN = re.compile(r"(?:^|_|\b)(?:image|img|cover|poster|picture|photo|thumbnail)s?(?:$|_|\b)", re.IGNORECASE)
_PICTURE = re.compile(r"https://[^\s\"'<>]+", re.IGNORECASE)


@dataclass(frozen=True)
class Line:
    """One fact: what it is called, and what it says of each item that was asked for, "" where it is not known."""

    label: str
    values: tuple[str, ...]


_GROUPS: tuple[tuple[str, Callable[[Attribute], bool]], ...] = (
    ("Credits", lambda a: isinstance(a, Named) and a.proper and a.prefix in ("by", "with")),
    ("Kind", lambda a: isinstance(a, Named | Year)),
    ("Figures", lambda a: isinstance(a, Number)),
    ("Good to know", lambda a: isinstance(a, Levels | Flag)),
    ("More", lambda a: True),
)


def sheet(catalogue: Catalogue, item: int) -> list[tuple[str, list[Line]]]:
    """Every told fact of an item that is known, by group; without what it is about, which stands apart."""
    found: dict[str, list[Line]] = {}
    for a in _attributes(catalogue):
        told = _told(catalogue, a, item)
        if told and not _repeats(catalogue, a, item):
            group = next(name for name, holds in _GROUPS if holds(a))
            found.setdefault(group, []).append(Line(_label(a, catalogue, (item,)), (told,)))
    return [(name, found[name]) for name, _ in _GROUPS if name in found]


def compared(catalogue: Catalogue, items: Sequence[int]) -> tuple[list[Line], list[Line]]:
    """The told facts of several items: those in which they differ, then those that are the same."""
    different: list[Line] = []
    same: list[Line] = []
    for a in _attributes(catalogue):
        values = tuple("" if _repeats(catalogue, a, i) else _told(catalogue, a, i) for i in items)
        if any(values):
            line = Line(_label(a, catalogue, items), values)
            (same if len(set(values)) == 1 else different).append(line)
    return different, same


def _attributes(catalogue: Catalogue) -> list[Attribute]:
    """Those that are told, as they are read: group by group."""
    told = [a for a in catalogue.schema.told if not (isinstance(a, Text) and a.hidden)]
    place = {a.name: next(n for n, (_, holds) in enumerate(_GROUPS) if holds(a)) for a in told}
    return sorted(told, key=lambda a: (place[a.name], isinstance(a, Flag)))


def _told(catalogue: Catalogue, a: Attribute, item: int) -> str:
    cell = catalogue.attributes.cells(a.name)[item]
    if a.unknown(cell):
        return ""
    if isinstance(a, Flag):
        return "yes" if cell else "no"
    if isinstance(a, Named) and not isinstance(cell, str):
        return ", ".join(cell)
    return a.tell(cell).removesuffix(f" {a.said}")  # "2 Oscars" under Oscars


def _repeats(catalogue: Catalogue, a: Attribute, item: int) -> bool:
    """Whether a text is, or begins with, what the item is about."""
    if not isinstance(a, Text):
        return False
    name, said = plot(catalogue, item)
    return a.name == name or " ".join(catalogue.attributes.tell(a.name, item).split()).startswith(said)


def _label(a: Attribute, catalogue: Catalogue, items: Sequence[int]) -> str:
    """What it is called, with a capital; of several names in the plural."""
    label = a.said.removeprefix("one ") if isinstance(a, Flag) else a.said
    cells = [catalogue.attributes.cells(a.name)[i] for i in items]
    if isinstance(a, Named) and any(not isinstance(cell, str) and len(cell) > 1 for cell in cells):
        label = re.sub(r"[^aeiou]y$", lambda m: m.group()[0] + "ie", label) + "s"
    return label[:1].upper() + label[1:]


# -- what others gave it ----------------------------------------------------------------------------------------------


def ratings(data: Dataset, item: int) -> list[tuple[float, int]]:
    """How many gave each value of the scale, from the lowest on; nothing for feedback that is no rating, or where there
    are too many different values to count them one by one."""
    if not data.explicit:
        return []
    scale = np.unique(data.interactions.value)
    given = data.interactions.value[data.interactions.item == item]
    if not len(given) or len(scale) > _MOST_BARS:
        return []
    return [(float(value), int((given == value).sum())) for value in scale]


# -- elsewhere --------------------------------------------------------------------------------------------------------


def links(catalogue: Catalogue, item: int) -> list[tuple[str, str]]:
    """Names and addresses of searches for it; nothing is asked there before a person follows one."""
    name = catalogue.label(item)
    if not catalogue.nouns:
        return [("Search the web", f"https://duckduckgo.com/?q={quote_plus(name)}")]
    year = int(catalogue.years[item])
    title = catalogue.titles[item].split(" (")[0]
    named = quote_plus(f"{title} {year or ''}".strip())
    return [
        ("IMDb", f"https://www.imdb.com/find/?s=tt&q={named}"),
        ("Wikipedia", f"https://en.wikipedia.org/w/index.php?search={named}+film"),
        ("Where to watch", f"https://www.justwatch.com/us/search?q={quote_plus(title)}"),
    ]


def picture(catalogue: Catalogue, item: int) -> str:
    """The address of a picture that the catalogue's own columns give of it; "" for none."""
    for a in catalogue.schema:
        if isinstance(a, Text) and a.hidden and _PICTURE_COLUMN.search(a.name):
            address = catalogue.attributes.tell(a.name, item).strip()
            if _PICTURE.fullmatch(address):
                return address
    return ""
