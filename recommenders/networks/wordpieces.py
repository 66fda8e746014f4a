"""Item texts as numbers of word pieces, made once: what the networks that read texts are given.

An item is read as one sentence, [CLS] w_1 .. w_n [SEP], cut to a number of tokens. The two special tokens stand in the
first two slots whatever the length, so that a network finds them without looking; `positions` says where in the
sentence each slot really belongs. Dimension letters: I items, T slots (tokens) of an item.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.words import split
from recommenders.data import Catalogue
from recommenders.texts import text_index

NOTHING = -1  # an empty slot
CLS, SEP = 0, 1  # slots of the special tokens; words stand from slot 2 on
_OWN_CLS, _OWN_SEP, _OWN_UNKNOWN = 0, 1, 2  # numbers of an own vocabulary; words count from 3


def line(catalogue: Catalogue, item: int) -> str:
    """What is read of an item, the most telling first since the end is cut off: title, year, genres, text, people."""
    people = ", ".join(catalogue.people[item])
    return f"{text_index.document(catalogue, item)}. {people}" if people else text_index.document(catalogue, item)


def lines(catalogue: Catalogue) -> list[str]:
    return [line(catalogue, item) for item in range(len(catalogue))]


def positions(pieces: np.ndarray) -> np.ndarray:
    """(I, T) the place of each slot in its sentence: [CLS] 0, words 1 to n, [SEP] n + 1, empty slots 0."""
    places = np.where(pieces == NOTHING, 0, np.arange(pieces.shape[1]) - 1)
    places[:, CLS] = 0
    places[:, SEP] = (pieces != NOTHING).sum(axis=1) - 1
    return places


def of_vocabulary(folder: Path, texts: Sequence[str], tokens: int) -> np.ndarray:
    """(I, T) int32 by the word pieces of a pre-trained BERT, whose tokenizer.json lies in `folder`."""
    from transformers import PreTrainedTokenizerFast  # seconds to import, and needed in training alone

    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    known = tokenizer.get_vocab()
    sentences = tokenizer(list(texts), add_special_tokens=False, padding=False, truncation=False)["input_ids"]
    return _table(sentences, tokens, known["[CLS]"], known["[SEP]"], known["[UNK]"])


def of_own_words(texts: Sequence[str], tokens: int) -> tuple[np.ndarray, int]:
    """(I, T) int32 by whole words, and the size of their vocabulary: all words that are read, common ones first."""
    read = [split(t)[: tokens - 2] for t in texts]
    spread = Counter(w for sentence in read for w in dict.fromkeys(sentence))
    number = {w: n for n, (w, _) in enumerate(sorted(spread.items(), key=lambda x: (-x[1], x[0])), start=3)}
    sentences = [[number[w] for w in sentence] for sentence in read]
    return _table(sentences, tokens, _OWN_CLS, _OWN_SEP, _OWN_UNKNOWN), len(number) + 3


def fingerprint(pieces: np.ndarray) -> str:
    """Equal for equal pieces: a training that goes on after a kill must read the same texts."""
    return hashlib.sha256(repr(pieces.shape).encode() + pieces.tobytes()).hexdigest()[:16]


def _table(sentences: Sequence[Sequence[int]], tokens: int, cls: int, sep: int, unknown: int) -> np.ndarray:
    pieces = np.full((len(sentences), tokens), NOTHING, np.int32)
    pieces[:, CLS], pieces[:, SEP] = cls, sep
    for row, sentence in enumerate(sentences):
        said = (list(sentence) or [unknown])[: tokens - 2]  # a text of signs alone has no words: something must stand
        pieces[row, 2 : 2 + len(said)] = said
    return pieces
