"""A small encoder that reads one message: intent, carry and slots at once (JointBERT).

Idea: one BERT over the pair (what was before, the message); the first vector and the mean of all tell the intent, and
whether a request begins, refines or goes on; the vector of each word's first piece tells its slot tag.
Reference: Chen, Zhuo & Wang, BERT for Joint Intent Classification and Slot Filling (arXiv 1902.10909), equations 1-3.
Ours differs: MiniLM and so the mean besides the first vector, since that is what MiniLM was trained to speak through; a
third head for the carry; tags also see what the untrained layers give, which tells words apart best; no CRF, but only
tags that may follow one another; a vector more for words that the catalogue knows as a title, a name, a genre or a
language (a gazetteer, as in Huang, Xu & Yu, arXiv 1508.01991, section 3.3); weights kept as 8-bit rows.
"""

import hashlib
import json
import threading
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import BertWordPieceTokenizer
from torch import Tensor, nn

from app.errors import ArtefactDamaged
from app.understanding.reader import stored
from app.understanding.reader.labels import CARRIES, INTENTS, KINDS, Span, words
from app.understanding.reader.mending import Mender, mender
from recommenders.networks import Sizes, bert

ARTEFACT = Path(__file__).with_name("artefact")
TAGS = ("O", *(f"{b}-{kind}" for kind in KINDS for b in "BI"))
KNOWN = ("title", "word", "person", "genre", "language")  # word: a title of one everyday word
MARKS = 1 + 2 * len(KNOWN)  # none, and the first word of a known stretch or a later one
LONGEST = 96  # pieces of a pair
SIZES = Sizes(vocabulary=30522, positions=512, size=384, heads=12, widening=4)  # of all-MiniLM-L6-v2
BEFORE = 20  # words kept of the message before


@dataclass(frozen=True)
class Known:
    """Characters start:end of a message are a name of this kind (KNOWN) in the catalogue, whatever they mean here; or a
    part of one, of the kind "name", which says no more than that they are no slip of the finger."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True)
class Pair:
    """The message before and the message as pieces of words.

    ids, segments, marks  one a piece; marks say what the catalogue knows of its word, 0 nothing
    firsts                [w] is the place of word w's first piece; words beyond LONGEST are left out
    """

    ids: list[int]
    segments: list[int]
    marks: list[int]
    firsts: list[int]


@dataclass(frozen=True)
class Reading:
    """What the encoder makes of a message; sure and carry_sure are its probabilities, 0..1."""

    intent: str
    sure: float
    carry: str
    carry_sure: float
    spans: tuple[Span, ...]
    intents: tuple[float, ...] = ()


class Pairs:
    """Messages as the rows that the network takes."""

    def __init__(self, vocabulary: Path) -> None:
        self.tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True, strip_accents=True)
        self.mend = mender(vocabulary)

    def encode(self, text: str, previous: str, shown: int, known: Sequence[Known] = ()) -> Pair:
        """The first segment says how much lies on the table, then the person's message before."""
        earlier = [previous[a:b] for a, b in words(previous)[-BEFORE:]]
        before = f"{shown or 'nothing'} shown".split() + self.mend(earlier, [False] * len(earlier))
        places = words(text)[: 2 * LONGEST]  # more than it reads of
        marked = marks(places, known) or [0]
        names = [False] * len(places) or [True]
        for k in known:
            for n in range(bisect_left(places, (k.start,)), bisect_left(places, (k.end,))):
                names[n] = True
        now = self.mend([text[a:b] for a, b in places] or ["."], names)
        found = self.tokenizer._tokenizer.encode(before, now, is_pretokenized=True)
        of_pieces = [0] * len(found.ids)
        firsts: list[int] = []
        for place, (word, segment) in enumerate(zip(found.word_ids, found.sequence_ids, strict=True)):
            if segment != 1 or word is None:
                continue
            of_pieces[place] = marked[word]
            if word == len(firsts) and place < LONGEST:
                firsts.append(place)
            elif word > len(firsts):
                firsts.append(max(0, place - 1))  # a word without pieces of its own
                if word == len(firsts):
                    firsts.append(place)
        firsts = [p for p in firsts if p < LONGEST]
        return Pair(found.ids[:LONGEST], found.type_ids[:LONGEST], of_pieces[:LONGEST], firsts)


def marks(places: Sequence[tuple[int, int]], known: Sequence[Known]) -> list[int]:
    """One a word: 0 for none, 1 + 2 k for the first word of a stretch of KNOWN[k], 2 + 2 k for its others."""
    found = [0] * len(places)
    for stretch in known:
        if stretch.kind not in KNOWN:
            continue
        within = range(bisect_left(places, (stretch.start,)), bisect_left(places, (stretch.end,)))
        for n in within:
            found[n] = (1 if n == within.start else 2) + 2 * KNOWN.index(stretch.kind)
    return found


class Network(nn.Module):
    """The layers, of which the lowest `fixed` stay as they were pretrained, and the three heads."""

    def __init__(self, layers: int = 6, fixed: int = 3, dropout: float = 0.1) -> None:
        super().__init__()
        size = SIZES.size
        self.embedding = bert.Embedding(SIZES, 0.0, pairs=True)
        self.layers = nn.ModuleList(bert.Block(size, SIZES.heads, SIZES.widening, dropout, 0.0) for _ in range(layers))
        self.fixed = fixed
        self.dropout = nn.Dropout(dropout)
        self.known = nn.Embedding(MARKS, size, padding_idx=0)
        nn.init.zeros_(self.known.weight)
        self.intent = nn.Linear(2 * size, len(INTENTS))
        self.carry = nn.Linear(2 * size, len(CARRIES))
        self.tag = nn.Linear(2 * size, len(TAGS))

    def lower(self, ids: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        """(B, T) -> (B, T, 384) after the fixed layers."""
        x: Tensor = self.embedding(ids, torch.arange(ids.shape[1], device=ids.device), segments.bool())
        for layer in self.layers[: self.fixed]:
            x = layer(x, real)
        return x

    def upper(self, low: Tensor, marks: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The rest: (B, T, 384) and (B, T) -> (B, intents), (B, carries), (B, T, tags), as logits."""
        low = low + self.known(marks)
        x = low
        for layer in self.layers[self.fixed :]:
            x = layer(x, real)
        mean = (x * real[:, :, None]).sum(1) / real.sum(1, keepdim=True)
        whole = self.dropout(torch.cat([x[:, 0], mean], -1))  # (B, 768)
        return self.intent(whole), self.carry(whole), self.tag(self.dropout(torch.cat([x, low], -1)))

    def forward(self, ids: Tensor, segments: Tensor, marks: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.upper(self.lower(ids, segments, real), marks, real)


def pretrained(folder: Path, layers: int, fixed: int, dropout: float) -> Network:
    """A network to be taught: the lowest layers of the BERT in a folder, and fresh heads. ArtefactError as in bert."""
    network, arrays = Network(layers, fixed, dropout), bert.weights(folder)
    bert.start_embedding(network.embedding, arrays)
    for n, layer in enumerate(network.layers):
        bert.start_block(layer, arrays, n)
    return network


def padded(rows: Sequence[Pair]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(ids, segments, marks, real), each (B, T): rows of unlike lengths behind each other."""
    longest = max(len(row.ids) for row in rows)
    ids, segments, marked = torch.zeros(3, len(rows), longest, dtype=torch.long)
    real = torch.zeros(len(rows), longest, dtype=torch.bool)
    for n, row in enumerate(rows):
        at = slice(len(row.ids))
        ids[n, at], segments[n, at], marked[n, at] = (torch.tensor(v) for v in (row.ids, row.segments, row.marks))
        real[n, at] = True
    return ids, segments, marked, real


# [i, j]: 0 where tag j may follow tag i, else minus infinity: an I only its own B or I
_FOLLOWS = np.array([[0.0 if b[0] != "I" or a[1:] == b[1:] else -np.inf for b in TAGS] for a in TAGS], dtype=np.float32)


def likeliest(scores: np.ndarray) -> list[str]:
    """Log-probabilities (words, tags) -> the likeliest tags together that may follow one another (Viterbi, 1967)."""
    if not len(scores):
        return []
    best = scores[0] + _FOLLOWS[0]  # before the first word stands an O
    came: list[np.ndarray] = []
    for row in scores[1:]:
        ways = best[:, None] + _FOLLOWS  # (from, to)
        came.append(ways.argmax(0))
        best = ways.max(0) + row
    path = [int(best.argmax())]
    for back in reversed(came):
        path.append(int(back[path[-1]]))
    return [TAGS[t] for t in reversed(path)]


def spans_of(found: Sequence[str], places: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """BIO tags of words at these places -> stretches; an I follows its own B or I."""
    spans: list[Span] = []
    for tag, (start, end) in zip(found, places, strict=False):
        if tag[0] == "B":
            spans.append(Span(tag[2:], start, end))
        elif tag[0] == "I":
            spans[-1] = Span(tag[2:], spans[-1].start, end)
    return tuple(spans)


class Encoder:
    """A trained network with its words; shared by all threads."""

    def __init__(self, network: Network, pairs: Pairs) -> None:
        self.network, self.pairs = network.eval(), pairs
        self._lock = threading.Lock()

    def read(self, text: str, previous: str = "", shown: int = 0, known: Sequence[Known] = ()) -> Reading:
        return self.read_all([(text, previous, shown, known)])[0]

    @torch.inference_mode()
    def read_all(self, messages: Sequence[tuple[str, str, int, Sequence[Known]]]) -> list[Reading]:
        """(text, the person's message before, how many items lie on the table, what the catalogue knows of its words)
        -> what each means."""
        rows = [self.pairs.encode(*m) for m in messages]
        with self._lock:
            intents, carries, tags = self.network(*padded(rows))
        intents, carries, tags = intents.softmax(-1), carries.softmax(-1), tags.log_softmax(-1)
        found = []
        for n, ((text, _, _, _), row) in enumerate(zip(messages, rows, strict=True)):
            said = likeliest(tags[n, row.firsts].numpy())
            intent, carry = int(intents[n].argmax()), int(carries[n].argmax())
            found.append(
                Reading(
                    INTENTS[intent],
                    float(intents[n, intent]),
                    CARRIES[carry],
                    float(carries[n, carry]),
                    spans_of(said, words(text)),
                    tuple(intents[n].tolist()),
                )
            )
        return found


def common_words() -> Mender:
    """The words of the encoder's vocabulary, and what else is English."""
    return mender(ARTEFACT / "vocab.txt")


def save(network: Network, vocabulary: Path, folder: Path, notes: dict[str, object]) -> dict[str, object]:
    """Write the artefact (stored.py); returns its card."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(stored.pack(network.state_dict()), folder / "model.safetensors")
    (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
    card = {
        "layers": len(network.layers),
        "fixed": network.fixed,
        "intents": list(INTENTS),
        "carries": list(CARRIES),
        "tags": list(TAGS),
        "sha256": {name: _sha256(folder / name) for name in ("model.safetensors", "vocab.txt")},
        **notes,
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return card


def load(folder: Path = ARTEFACT) -> Encoder:
    """The encoder of an artefact; ArtefactDamaged where a file is missing, changed, or of other labels."""
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        for name, digest in card["sha256"].items():
            if _sha256(folder / name) != digest:
                raise ArtefactDamaged(
                    f"{folder / name} is not the file that its card names; train it: chatrec steer train"
                )
        labels = (card["intents"], card["carries"], card["tags"])
        layers, fixed = card["layers"], card["fixed"]
    except (OSError, ValueError, KeyError) as error:
        raise ArtefactDamaged(
            f"the encoder in {folder} cannot be read ({error}); train it: chatrec steer train"
        ) from error
    if labels != ([*INTENTS], [*CARRIES], [*TAGS]):
        raise ArtefactDamaged(
            f"the encoder in {folder} knows other labels than this version; train it: chatrec steer train"
        )
    with torch.device("meta"):
        network = Network(layers, fixed)
    network.load_state_dict(stored.unpack(load_file(folder / "model.safetensors")), assign=True)
    return Encoder(network, Pairs(folder / "vocab.txt"))


@lru_cache(maxsize=1)
def shipped() -> Encoder:
    """The encoder that comes along, loaded at the first use."""
    return load()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
