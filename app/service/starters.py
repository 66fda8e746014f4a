"""First messages to offer, and what the catalogue holds: both made from what it really has."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np

from app.understanding import Ask, Table, linker, understand
from recommenders.data import Attribute, Catalogue, Dataset, Levels, Named, Number

_OFFERED = 4
_FEWEST = 15  # items that must be there for what is offered
_KNOWN = 0.5  # of the years that must be known to say where the catalogue begins and ends
_POPULAR = 40  # titles among which an example is looked for


def starters(data: Dataset) -> list[str]:
    """Up to four, each of another kind and each one that the reader understands and something answers."""
    kinds = (next((text for text in kind if _answerable(text, data.catalogue)), "") for kind in _offers(data))
    return [text for text in kinds if text][:_OFFERED]


def holding(data: Dataset) -> str:
    """What there is, and where it ends: "9,061 films from 1902 to 2016; nothing newer"."""
    c = data.catalogue
    noun = c.nouns[0] if c.nouns else "titles"
    said = f"{len(c):,} {noun}"
    years = c.years[c.years > 0]
    if len(years) < _KNOWN * len(c) or years.min() == years.max():
        return said
    return f"{said} from {years.min()} to {years.max()}; nothing newer"


def _answerable(text: str, catalogue: Catalogue) -> bool:
    heard = understand(text, Table(), linker(catalogue))
    if not isinstance(heard.leading, Ask) or heard.unmatched:
        return False
    return int(catalogue.attributes.mask(heard.wants.conditions).sum()) >= min(_FEWEST, len(catalogue) // 4)


def _offers(data: Dataset) -> Iterator[Iterable[str]]:
    """What could be offered, kind by kind, the best of each first."""
    c = data.catalogue
    yield _mooded(c)
    yield _exemplified(data)
    yield _bounded(c)
    yield _dated(c)
    yield ("Surprise me with something I don't know yet",)


def _mooded(c: Catalogue) -> Iterator[str]:
    mood, company = (_commonest(c, label) for label in ("mood", "company"))
    if mood:
        yield f"Something {mood[0]} for tonight" + (f" with {company[0]}" if company else "")


def _commonest(c: Catalogue, label: str) -> list[str]:
    """The values of the attribute that is called so, the commonest first."""
    found = next((a for a in c.schema.shown if isinstance(a, Named) and a.said == label), None)
    if found is None:
        return []
    cells = c.attributes.cells(found.name)
    names = Counter(name for cell in cells for name in ([cell] if isinstance(cell, str) else cell or ()))
    return [name for name, n in names.most_common() if n >= min(_FEWEST, len(c) // 4)]


def _exemplified(data: Dataset) -> Iterator[str]:
    """Like a title that many know, with less of what it has much of where there is such a thing."""
    if not data.popularity.any():
        return
    c = data.catalogue
    one = f"A {c.nouns[2]}" if c.nouns else "Something"
    popular = [int(i) for i in np.argsort(-data.popularity, kind="stable")[:_POPULAR]]
    notes = [a for a in c.schema.heard if isinstance(a, Levels) and a.adjectives and a.better != "high"]
    for item in popular:
        for note in notes:
            cell = c.attributes.cells(note.name)[item]
            if cell is not None and cell == len(note.levels) - 1:
                yield f"{one} like {c.titles[item]}, but {note.further(True)}"
    for item in popular[:3]:
        yield f"{one} like {c.titles[item]}"


def _bounded(c: Catalogue) -> Iterator[str]:
    """A sort of thing with a bound or a refusal: "A short comedy, nothing violent"."""
    little = next((w for a in c.schema.heard if (w := _little(a))), "")
    notes = [a.adjectives[0] for a in c.schema.heard if isinstance(a, Levels) and a.adjectives]
    common = _sorts(c)
    for name in common[1:6]:
        sort = f"{little} {name.lower()}".strip()
        if notes:
            yield f"{_article(sort)} {sort}, nothing {notes[0]}"
        if little:
            yield f"{_article(sort)} {sort}"
    if len(common) >= 4:
        yield f"{common[2]}, but no {common[3]}"
    if little:
        yield f"Something {little}"


def _sorts(c: Catalogue) -> list[str]:
    """What its items are sorted into, the commonest first: genres, categories."""
    return next((_commonest(c, a.said) for a in c.schema.heard if isinstance(a, Named) and not a.proper), [])


def _little(a: Attribute) -> str:
    return a.words.low[0][0] if isinstance(a, Number) and a.words.low and a.dimension != "rating" else ""


def _dated(c: Catalogue) -> Iterator[str]:
    """Neither the commonest sort of a decade, which says little, nor a rare one, which shows little."""
    decades = Counter(
        (genre, int(year) // 10 * 10)
        for genres, year in zip(c.genres, c.years, strict=True)
        for genre in genres
        if year
    )
    pairs = sorted((p for p, n in decades.items() if n >= _FEWEST), key=lambda p: (-p[1], -decades[p], p[0]))
    older = [p for p in pairs if p[1] < pairs[0][1]] or pairs
    for genre, decade in older[:3]:
        yield f"A good {genre.lower()} from the {decade}s"
        yield f"{genre} from the {decade}s"


def _article(words: str) -> str:
    return "An" if words[:1] in "aeiou" else "A"
