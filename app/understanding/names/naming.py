"""Folded word sequences -> what a catalogue calls so: the dictionaries that linking.py reads messages with."""

import re
from collections import defaultdict
from collections.abc import Sequence

from app.understanding.names import genres as said
from app.understanding.names.everyday import EVERYDAY
from app.words import folded, singular
from recommenders.data import Catalogue, Named

ARTICLES = frozenset({"the", "a", "an"})
PARENTHESES = re.compile(r"\(([^()]*)\)")
_AKA = re.compile(r"^\s*(?:a\.?k\.?a\.?|also known as)\s+", re.IGNORECASE)


def bare(key: tuple[str, ...]) -> tuple[str, ...]:
    return key[1:] if len(key) > 1 and key[0] in ARTICLES else key


def title_index(catalogue: Catalogue) -> tuple[dict[tuple[str, ...], tuple[int, ...]], list[str]]:
    """Word sequence -> rows, whole titles before shortened ones; and the sequences as strings for edit distance."""
    by_kind: list[dict[tuple[str, ...], list[int]]] = [defaultdict(list) for _ in range(4)]
    for row, title in enumerate(catalogue.titles):
        plain = PARENTHESES.sub(" ", title).strip() or title
        whole = folded(plain)
        by_kind[0][whole].append(row)
        if folded(title) != whole:
            by_kind[0][folded(title)].append(row)
        by_kind[1][bare(whole)].append(row)
        for inside in PARENTHESES.findall(title):
            other = folded(_AKA.sub("", inside))
            if other and not (len(other) == 1 and other[0].isdigit()):
                by_kind[2][other].append(row)
                by_kind[2][bare(other)].append(row)
        head = plain.split(":", 1)[0] if ":" in plain else ""
        if head:
            by_kind[3][folded(head)].append(row)
            by_kind[3][bare(folded(head))].append(row)
    index: dict[tuple[str, ...], tuple[int, ...]] = {}
    for kind in by_kind:
        for key, rows in kind.items():
            if key and key not in index:
                index[key] = tuple(dict.fromkeys(rows))
    return index, [" ".join(k) for k in index]


def sort_index(catalogue: Catalogue, attributes: Sequence[Named]) -> dict[tuple[str, ...], tuple[str, tuple[str, ...]]]:
    """Word sequence -> (attribute, names): the values of attributes that name sorts, with plurals, and what people say
    for them (genres.py); the attribute that comes first has a word for itself."""
    index: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}
    for attribute in attributes:
        names = catalogue.attributes.values.get(attribute.name, ())
        for key, found in _forms(names, plurals=attribute.together).items():
            index.setdefault(key, (attribute.name, found))
    return index


def _forms(names: Sequence[str], *, plurals: bool) -> dict[tuple[str, ...], tuple[str, ...]]:
    index: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in names:
        key = folded(name)
        if not key or key == ("unknown",):
            continue
        index[key] = (name,)
        if not plurals:
            continue
        index.setdefault((*key[:-1], singular(key[-1])), (name,))
        index.setdefault((*key[:-1], key[-1] + "s"), (name,))
        if len(key) > 1:
            index.setdefault(("".join(key),), (name,))
    known = {folded(n): n for n in names}
    for phrase, wanted in said.SYNONYMS.items() if plurals else ():
        found = [next((known[folded(t)] for t in options if folded(t) in known), None) for options in wanted]
        if all(found):
            index.setdefault(folded(phrase), tuple(f for f in found if f))
    return index


def proper_index(
    catalogue: Catalogue, attributes: Sequence[Named]
) -> tuple[dict[tuple[str, ...], tuple[str, str]], dict[str, tuple[str, str]]]:
    """Folded name -> (attribute, name); surname -> likewise, of whom has most items (when clearly most)."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for attribute in attributes:
        for cell in catalogue.attributes.cells(attribute.name):
            for name in (cell,) if isinstance(cell, str) else cell:
                counts[attribute.name, name] += 1
    people: dict[tuple[str, ...], tuple[str, str]] = {}
    by_surname: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for owner, name in sorted(counts, key=lambda n: (-counts[n], n[1])):
        key = folded(name)
        if key and key not in people and not (len(key) == 1 and key[0] in EVERYDAY):
            people[key] = (owner, name)
            if len(key) > 1 and len(key[-1]) > 3:
                by_surname[key[-1]].append((owner, name))
    surnames = {
        s: names[0] for s, names in by_surname.items() if len(names) == 1 or counts[names[0]] >= 2 * counts[names[1]]
    }
    return people, surnames
