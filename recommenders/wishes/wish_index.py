"""The items of a catalogue as a wish is held against them.

    s(i) = scale · (γ q·m_i + (1 − γ) max_v q·v) + F_i · c

v: the item's texts (its own, and requests that were written for it, where there are some; doc2query, Nogueira et al.
2019), m_i their middle, F_i what the item is (columns.py), q and c the wish (wish_reader.py). Read as the logarithm of
how likely the item is what was wished for, among all items.

Vectors of texts that the reader was tuned against come with it; all others are made by the encoder once and kept in the
run folder of the data set.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from app.errors import ArtefactError
from app.progress import Progress, quiet
from recommenders.contract import artefact
from recommenders.data import Catalogue, Named
from recommenders.texts.text_index import documents
from recommenders.wishes.columns import Column, matrix
from recommenders.wishes.multilingual import PASSAGE, QUERY
from recommenders.wishes.wish_reader import WishReader

WISH_INDEX = "wish-index"  # folder of the index, below the runs of a data set
MOST_CALLED = 4


class WishIndex:
    """Scores of all items for a wish, and what of an item met it. Immutable; shared by all sessions."""

    def __init__(
        self, reader: WishReader, catalogue: Catalogue, texts: np.ndarray, voices: np.ndarray, owners: np.ndarray
    ) -> None:
        """texts (I, D) of the items, zeros where none was made; voices (V, D) requests, owners (V,) their items. All of
        length one, around the reader's middles."""
        self.reader = reader
        self.texts = texts
        self._unread = ~texts.any(axis=1)
        middle = texts.copy()
        np.add.at(middle, owners, voices)
        self._middle = middle / np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-9)
        self._columns: tuple[Column, ...] = reader.columns
        self._features = matrix(catalogue, reader.columns)  # (I, K)
        self._usual = self._features.mean(axis=0)
        self._named = {a.name for a in catalogue.schema if isinstance(a, Named)}
        order = np.argsort(owners, kind="stable")
        self._voices, sorted_owners = np.ascontiguousarray(voices[order]), owners[order]
        self._starts = np.flatnonzero(np.r_[True, np.diff(sorted_owners) > 0]) if len(owners) else np.zeros(0, int)
        self._heard = sorted_owners[self._starts] if len(owners) else np.zeros(0, int)

    @property
    def read_share(self) -> float:
        """0..1: the share of items whose own text was read."""
        return float(1 - self._unread.mean())

    def scores(self, text: str) -> np.ndarray:
        """(I,) float64, how well each item answers the wish; as logarithms of a likelihood, up to a constant."""
        wish = self.reader.read(text)
        near = self._nearest(wish.vector)
        share = self.reader.mean_share
        found = self.reader.scale * (share * (self._middle @ wish.vector) + (1 - share) * near)
        found += self._features @ wish.call
        if self._unread.any():  # of which nothing can be told yet: behind all others
            found[self._unread] = found[~self._unread].min(initial=0.0) - 1.0
        return found.astype(np.float64)

    def speaks_of_items(self, text: str) -> bool:
        """Whether a text asks for items rather than of them, or talks."""
        return self.reader.read(text).sure >= _SURE

    def called(self, text: str, items: Sequence[int]) -> list[tuple[str, ...]]:
        """The names that each item has and that the wish called for (moods, themes, sorts), those that counted most
        first: what they add lies above what they add to items on average."""
        call = self.reader.read(text).call
        found = []
        for item in items:
            worth = call * (self._features[item] - self._usual) * (self._features[item] > 0)
            best = [k for k in np.argsort(-worth)[:MOST_CALLED] if worth[k] > _WORTH]
            found.append(tuple(self._columns[k][1].lower() for k in best if self._columns[k][0] in self._named))
        return found

    def _nearest(self, vector: np.ndarray) -> np.ndarray:
        """(I,) the cosine of each item's nearest text."""
        near = self.texts @ vector
        if len(self._voices):
            voices = np.maximum.reduceat(self._voices @ vector, self._starts)
            near[self._heard] = np.maximum(near[self._heard], voices)
        return near

    # -- made and kept ----------------------------------------------------------------------------------------------

    @classmethod
    def build(
        cls,
        reader: WishReader,
        catalogue: Catalogue,
        requests: Sequence[tuple[str, str]] = (),
        *,
        folder: Path | None = None,
        encode: bool = True,
        progress: Progress = quiet,
    ) -> "WishIndex":
        """requests: (item id, text) that were written for items; ids that the catalogue lacks are left out.
        folder: where vectors that did not come with the reader are kept; encode False makes none that are missing."""
        asked = [(catalogue.ids.number(i), text) for i, text in requests if i in catalogue.ids]
        texts = [*(PASSAGE + t for t in documents(catalogue)), *(QUERY + t for _, t in asked)]
        known = Vectors.shipped(reader) | Vectors.kept(folder)
        missing = list(dict.fromkeys(t for t in texts if digest(t) not in known.place))
        if missing and encode:
            made = Vectors.of(missing, reader.encoder.encode(missing, progress=progress))
            known |= made
            if folder is not None:
                (Vectors.kept(folder) | made).write(folder)
        vectors = known.rows(texts)
        n = len(catalogue)
        around = (
            _around(vectors[:n], reader.item_middle),
            _around(vectors[n:], reader.query_middle),
        )
        return cls(reader, catalogue, *around, np.array([i for i, _ in asked], np.int64))


_SURE = 0.35  # of 164 real messages of talk 1 % lie above, of wishes held out 9 of 10
_WORTH = 0.3  # in logarithms: what a column must add to be named


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _around(vectors: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Of length one around a middle; rows of zeros stay."""
    there = np.linalg.norm(vectors, axis=1, keepdims=True) > 0
    moved = (vectors - middle) * there
    return (moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)).astype(np.float32)


class Vectors:
    """Vectors of texts by the texts' digests; kept as whole numbers of eight bits (cosine to the vectors > .9999)."""

    def __init__(self, place: Mapping[str, int], rows: np.ndarray) -> None:
        self.place, self._rows = dict(place), rows  # (n, D) int8

    def __or__(self, other: "Vectors") -> "Vectors":
        new = [d for d in other.place if d not in self.place]
        rows = np.concatenate([self._rows, other._rows[[other.place[d] for d in new]]]) if new else self._rows
        return Vectors({**self.place, **{d: len(self.place) + n for n, d in enumerate(new)}}, rows)

    @classmethod
    def of(cls, texts: Sequence[str], vectors: np.ndarray) -> "Vectors":
        scaled = np.round(vectors / np.maximum(np.abs(vectors).max(axis=1, keepdims=True), 1e-9) * 127)
        return cls({digest(t): n for n, t in enumerate(texts)}, scaled.astype(np.int8))

    def rows(self, texts: Sequence[str]) -> np.ndarray:
        """(n, D) float32 of length one; zeros for a text without a vector."""
        found = np.zeros((len(texts), self._rows.shape[1]), np.float32)
        places = np.array([self.place.get(digest(t), -1) for t in texts], np.int64)
        there = places >= 0
        rows = self._rows[places[there]].astype(np.float32)
        found[there] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return found

    @classmethod
    def shipped(cls, reader: WishReader) -> "Vectors":
        return cls._read(reader.folder)

    @classmethod
    def kept(cls, folder: Path | None) -> "Vectors":
        if folder is None or not (folder / artefact.WEIGHTS).exists():
            return cls({}, np.zeros((0, 384), np.int8))
        try:
            return cls._read(folder)
        except ArtefactError:
            return cls({}, np.zeros((0, 384), np.int8))  # made anew

    @classmethod
    def _read(cls, folder: Path) -> "Vectors":
        arrays, _ = artefact.read(folder, documents=())
        names = [bytes(d).hex() for d in arrays["digests"]]
        return cls({d: n for n, d in enumerate(names)}, arrays["vectors"])

    def write(self, folder: Path) -> None:
        digests = np.array([list(bytes.fromhex(d)) for d in self.place], np.uint8)
        artefact.write(folder, arrays={"digests": digests, "vectors": self._rows}, documents={})
