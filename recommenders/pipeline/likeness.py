"""How alike two items are, whoever asks: by text, by attributes, and by who likes one and the other.

    alike(i, j) = w_text · text(i, j) + Σ_a w_a · shared_a(i, j) + w_liking · liking(i, j)
    likeness(i, j) = alike(i, j) - neighbours(j)

- text: cosine of the text vectors.
- shared, by the kind of an attribute alone: of names the cosine of sets weighted by idf (a director in common says more
  than a language), of whatever has an order exp(-distance / spread).
- liking: people who like both, against what popularity alone would bring. Of n_i and n_j likes among U people
  e = n_i · n_j / U are expected in common: log((c + k) / (e + k)), the shrunken log-ratio of DuMouchel (The American
  Statistician 53(3), 1999). It is 0 where nothing is known and does not grow with popularity, as c and c / n_i do.
- neighbours(j): the mean of alike(i, j) over the items i nearest to j, of a sample drawn as often as they are chosen.
  Without it a few items that are a little alike to all stand in every list (hubs); this is the correction of Conneau
  et al. (CSLS, ICLR 2018), whose other half, of i, changes no order. What has hardly any neighbour, since hardly
  anything is known of it, is not raised for that: the mean counts as half the usual one at least.

Text and attributes are held against what an item has in common with the others on average (0), and what is not known of
either says nothing (0): items of which little is known neither lead nor sink, and a catalogue without texts, attributes
or interactions works by the rest. What was counted of interactions (a mean rating) is no likeness.

The weights are given by kind, so that any catalogue has them. Where they come from: a logistic regression of pairs that
one person likes against pairs as popular as these, on people of a validation part (docs/lab-log.md); the text counts
for more than it found, because two films of one year are liked by the same people without being alike.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy import sparse

from recommenders.data import Attribute, Catalogue, Dataset, Named

_TEXT = 2.0
_LIKING = 0.8
_BY_KIND = {"set": 0.3, "category": 0.1, "year": 0.2, "levels": 0.08, "number": 0.08, "flag": 0.08}
_LEAST = 0.5  # neighbours(j), as a share of its mean over all items, at least
_SHRINKAGE = 3.0  # k, people
_NEAREST = 10  # of the sample
_SAMPLE = 1000
_BATCH = 100  # items compared at once
_SEED = 0


def likes(data: Dataset) -> sparse.csc_matrix:
    """(U, I) float32 of 0 and 1: who liked what; of feedback that is no rating, who met what."""
    x = data.interactions
    rows = x.value >= data.liked_from if data.explicit else np.ones(len(x), bool)
    ones = np.ones(int(rows.sum()), np.float32)
    liked = sparse.csc_matrix((ones, (x.user[rows], x.item[rows])), shape=(len(data.users), len(data.catalogue)))
    liked.sum_duplicates()
    liked.data[:] = 1
    return liked


class Likeness:
    """Of the items of one catalogue; shared by all sessions. Some seconds are needed before its first answer: `prepare`
    takes them when nobody waits."""

    def __init__(
        self, catalogue: Catalogue, vectors: np.ndarray | None = None, liked: sparse.csc_matrix | None = None
    ) -> None:
        """vectors: (I, D) unit rows of the texts; liked: (U, I) as `likes` gives it. None where there are none."""
        self._catalogue = catalogue
        self._size = len(catalogue)
        self._vectors = vectors
        self._described = np.array([bool(text) for text in catalogue.texts], bool)
        self._liked = liked

    @cached_property
    def _columns(self) -> dict[str, tuple[float, "_Column"]]:
        """attribute -> its weight, its cells made ready."""
        attributes = self._catalogue.attributes
        found: dict[str, tuple[float, _Column]] = {}
        for a in attributes.schema:
            if a.kind in _BY_KIND and a.told and not a.counted and not a.hidden:
                cells = attributes.cells(a.name)
                found[a.name] = (_BY_KIND[a.kind], _Names(cells) if isinstance(a, Named) else _Order(a, cells))
        return found

    @cached_property
    def _together(self) -> "_Together | None":
        return None if self._liked is None else _Together(self._liked)

    def prepare(self) -> None:
        _ = self._neighbours

    def to(self, items: Sequence[int]) -> np.ndarray:
        """(I,) how alike each item is to these, on average."""
        return self._alike(list(items)).mean(axis=0) - self._neighbours[0] if items else np.zeros(self._size)

    def to_stranger(self, others: Catalogue, row: int, vector: np.ndarray | None) -> np.ndarray:
        """(I,) how alike each item is to a row of another table with the same attributes; vector: of its text."""
        cells = {name: [others.attributes.cells(name)[row]] for name in self._columns}
        vectors = None if vector is None else vector[None]
        return self._by_description(cells, vectors, np.array([vector is not None]))[0] - self._neighbours[1]

    def _alike(self, items: list[int]) -> np.ndarray:
        """(B, I) float32, before hubs are taken out."""
        found = self._described_alike(items)
        if self._together is not None:
            found += _LIKING * self._together.alike(items)
        return found

    def _described_alike(self, items: list[int]) -> np.ndarray:
        attributes = self._catalogue.attributes
        cells = {name: [attributes.cells(name)[i] for i in items] for name in self._columns}
        vectors = None if self._vectors is None else self._vectors[items]
        return self._by_description(cells, vectors, self._described[items])

    def _by_description(
        self, cells: dict[str, list[Any]], vectors: np.ndarray | None, described: np.ndarray
    ) -> np.ndarray:
        found = np.zeros((len(described), self._size), np.float32)
        for name, (weight, column) in self._columns.items():
            found += weight * column.alike(cells[name])
        if vectors is not None and self._vectors is not None:
            cosines = (self._vectors @ vectors.T).T  # the quicker way round where one item is asked for
            found += _TEXT * _centred(cosines, self._described) * described[:, None]
        return found

    @cached_property
    def _neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Both (I,): how alike the nearest of a sample are to each item, by all that is known, and as described."""
        n = min(_SAMPLE, self._size)
        chosen = np.ones(self._size) if self._together is None else 1e-3 + self._together.likes.astype(np.float64)
        sample = np.random.default_rng(_SEED).choice(self._size, n, replace=False, p=chosen / chosen.sum())
        k = max(1, min(_NEAREST, n - 1))
        whole, described = (np.full((k, self._size), -np.inf, np.float32) for _ in range(2))
        for start in range(0, n, _BATCH):
            batch = sample[start : start + _BATCH]
            alike = self._described_alike(batch.tolist())
            alike[np.arange(len(batch)), batch] = -np.inf  # an item is not its own neighbour
            described = np.partition(np.concatenate([described, alike]), len(batch), axis=0)[len(batch) :]
            if self._together is not None:
                alike += _LIKING * self._together.alike(batch.tolist())
                whole = np.partition(np.concatenate([whole, alike]), len(batch), axis=0)[len(batch) :]
        return _raised(described if self._together is None else whole), _raised(described)


def _raised(nearest: np.ndarray) -> np.ndarray:
    """(k, I) -> (I,) their mean, at least a share of the usual one."""
    mean = np.where(np.isfinite(nearest), nearest, 0).sum(axis=0) / max(1, len(nearest))
    return np.maximum(mean, _LEAST * mean.mean())


def _centred(alike: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(B, I) less what the items of which it is known have on average; 0 for the others."""
    share = known.astype(np.float32)
    return (alike - (alike @ share / max(1.0, float(share.sum())))[:, None]) * share


class _Column(Protocol):
    def alike(self, cells: Sequence[Any]) -> np.ndarray:
        """(B, I) how alike each item's cell is to each of these; 0 is as usual, and where either is unknown."""


class _Together:
    """Who likes one and the other, beyond popularity."""

    def __init__(self, liked: sparse.csc_matrix) -> None:
        self._liked, self._by_person = liked, liked.tocsr()
        self.likes = np.asarray(liked.sum(axis=0), np.float32).ravel()
        self._people = max(1, int((self._by_person.getnnz(axis=1) > 0).sum()))

    def alike(self, items: list[int]) -> np.ndarray:
        both = (self._liked[:, items].T.tocsr() @ self._by_person).toarray()
        expected = np.outer(self.likes[items] / self._people, self.likes)
        return np.log((both + _SHRINKAGE) / (expected + _SHRINKAGE))


class _Names:
    """Cosine of sets of names, weighted by idf."""

    def __init__(self, cells: Sequence[Any]) -> None:
        rows = [_listed(cell) for cell in cells]
        self._number = {name: n for n, name in enumerate(sorted({name for row in rows for name in row}))}
        self._weights = np.ones(len(self._number))
        having = self._matrix(rows)
        self._known = having.getnnz(axis=1) > 0
        self._weights = np.log1p(self._known.sum() / np.maximum(having.getnnz(axis=0), 1))
        self._by_name = self._matrix(rows).T.tocsr()

    def _matrix(self, rows: Sequence[Sequence[str]]) -> sparse.csr_matrix:
        """(B, names) rows of length one."""
        known = [[self._number[name] for name in row if name in self._number] for row in rows]
        ends = np.cumsum([0, *map(len, known)])
        columns = np.array([n for row in known for n in row], np.int64)
        weights = self._weights[columns]
        of = np.repeat(np.arange(len(rows)), np.diff(ends))
        length = np.sqrt(np.bincount(of, weights**2, minlength=len(rows)))[of]
        shape = (len(rows), len(self._number))
        return sparse.csr_matrix(((weights / length).astype(np.float32), columns, ends), shape=shape)

    def alike(self, cells: Sequence[Any]) -> np.ndarray:
        wanted = self._matrix([_listed(cell) for cell in cells])
        found = _centred((wanted @ self._by_name).toarray(), self._known)
        return found * (wanted.getnnz(axis=1) > 0)[:, None]


def _listed(cell: Any) -> tuple[str, ...]:
    return ((cell,) if cell else ()) if isinstance(cell, str) else tuple(cell)


class _Order:
    """Nearness by what has an order: levels, numbers, years, flags."""

    def __init__(self, attribute: Attribute, cells: Sequence[Any]) -> None:
        self._attribute = attribute
        keys = self._keyed(cells)
        self._known = np.isfinite(keys)
        self._keys = np.where(self._known, keys, 0)
        self._spread = float(keys[self._known].std()) if self._known.any() else 0.0

    def _keyed(self, cells: Sequence[Any]) -> np.ndarray:
        """(B,) nan where not known."""
        a = self._attribute
        keys = (None if a.unknown(cell) else a.key(cell) for cell in cells)
        return np.array([np.nan if key is None else key for key in keys], np.float32)

    def alike(self, cells: Sequence[Any]) -> np.ndarray:
        keys = self._keyed(cells)
        stated = np.isfinite(keys)
        if self._spread <= 0 or not stated.any():
            return np.zeros((len(keys), len(self._keys)), np.float32)
        distance = np.abs(self._keys[None] - np.where(stated, keys, 0)[:, None])
        return _centred(np.exp(-distance / self._spread), self._known) * stated[:, None]
