"""A small encoder that reads one message: intent, carry and slots at once (JointBERT).

Idea: one BERT over the pair (what was before, the message); the first vector tells the intent, and whether a request
begins, refines or goes on; the vector of each word's first piece tells its slot tag.
Reference: Chen, Zhuo & Wang, BERT for Joint Intent Classification and Slot Filling (arXiv 1902.10909), equations 1-3.
Ours differs: MiniLM cut to its lower layers, a third head for the carry, no CRF, weights kept as 8-bit rows.
"""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import BertWordPieceTokenizer
from torch import Tensor, nn

from llm.errors import LLMError
from llm.steering.bert import SIZE, Embedding, Layer
from llm.steering.dialogues import CARRIES, INTENTS, KINDS, Span, words

ARTEFACT = Path(__file__).with_name("artefact")
TAGS = ("O", *(f"{b}-{kind}" for kind in KINDS for b in "BI"))
LONGEST = 96  # pieces of a pair
BEFORE = 20  # words kept of the message before


class ArtefactDamaged(LLMError):
    """The weights of the small encoder are missing or not those that the card names."""


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

    def encode(self, text: str, previous: str, shown: int) -> tuple[list[int], list[int], list[int]]:
        """(ids, segments, firsts): firsts[w] is the place of word w's first piece, left out beyond LONGEST.

        The first segment says how much lies on the table, then the person's message before.
        """
        before = f"{shown or 'nothing'} shown".split() + [previous[a:b] for a, b in words(previous)[-BEFORE:]]
        now = [text[a:b] for a, b in words(text)] or ["."]
        found = self.tokenizer._tokenizer.encode(before, now, is_pretokenized=True)
        firsts: list[int] = []
        for place, (word, segment) in enumerate(zip(found.word_ids, found.sequence_ids, strict=True)):
            if segment == 1 and word == len(firsts) and place < LONGEST:
                firsts.append(place)
            elif segment == 1 and word is not None and word > len(firsts):
                firsts.append(max(0, place - 1))  # a word without pieces of its own
                if word == len(firsts):
                    firsts.append(place)
        return found.ids[:LONGEST], found.type_ids[:LONGEST], [p for p in firsts if p < LONGEST]


class Network(nn.Module):
    """The layers and the three heads."""

    def __init__(self, layers: int = 4, dropout: float = 0.1) -> None:
        super().__init__()
        self.embedding = Embedding()
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(layers))
        self.dropout = nn.Dropout(dropout)
        self.intent = nn.Linear(SIZE, len(INTENTS))
        self.carry = nn.Linear(SIZE, len(CARRIES))
        self.tag = nn.Linear(SIZE, len(TAGS))

    def lower(self, ids: Tensor, segments: Tensor, real: Tensor, layers: int) -> Tensor:
        """(B, T) -> (B, T, 384) after the lowest `layers` layers."""
        x = self.embedding(ids, segments)
        for layer in self.layers[:layers]:
            x = layer(x, real)
        return x

    def upper(self, x: Tensor, real: Tensor, layers: int) -> tuple[Tensor, Tensor, Tensor]:
        """The rest: (B, intents), (B, carries), (B, T, tags), as logits."""
        for layer in self.layers[layers:]:
            x = layer(x, real)
        first = self.dropout(x[:, 0])
        return self.intent(first), self.carry(first), self.tag(self.dropout(x))

    def forward(self, ids: Tensor, segments: Tensor, real: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.upper(self.lower(ids, segments, real, 0), real, 0)


def padded(rows: Sequence[tuple[list[int], list[int]]]) -> tuple[Tensor, Tensor, Tensor]:
    """(ids, segments, real), each (B, T): rows of unlike lengths behind each other."""
    longest = max(len(ids) for ids, _ in rows)
    ids, segments = torch.zeros(2, len(rows), longest, dtype=torch.long)
    real = torch.zeros(len(rows), longest, dtype=torch.bool)
    for n, (row, kinds) in enumerate(rows):
        ids[n, : len(row)], segments[n, : len(row)] = torch.tensor(row), torch.tensor(kinds)
        real[n, : len(row)] = True
    return ids, segments, real


def spans_of(found: Sequence[str], places: Sequence[tuple[int, int]]) -> tuple[Span, ...]:
    """BIO tags of words at these places -> stretches; an I without its B begins one."""
    spans: list[Span] = []
    open_kind = ""
    for tag, (start, end) in zip(found, places, strict=False):
        if tag == "O":
            open_kind = ""
            continue
        begin, kind = tag[0], tag[2:]
        if begin == "I" and kind == open_kind:
            spans[-1] = Span(kind, spans[-1].start, end)
        else:
            spans.append(Span(kind, start, end))
        open_kind = kind
    return tuple(spans)


class Encoder:
    """A trained network with its words; shared by all threads."""

    def __init__(self, network: Network, pairs: Pairs) -> None:
        self.network, self.pairs = network.eval(), pairs
        self._lock = threading.Lock()

    def read(self, text: str, previous: str = "", shown: int = 0) -> Reading:
        return self.read_all([(text, previous, shown)])[0]

    @torch.inference_mode()
    def read_all(self, messages: Sequence[tuple[str, str, int]]) -> list[Reading]:
        """(text, the person's message before, how many items lie on the table) -> what each means."""
        rows = [self.pairs.encode(*m) for m in messages]
        with self._lock:
            intents, carries, tags = self.network(*padded([(ids, kinds) for ids, kinds, _ in rows]))
        intents, carries = intents.softmax(-1), carries.softmax(-1)
        found = []
        for n, ((text, _, _), (_, _, firsts)) in enumerate(zip(messages, rows, strict=True)):
            said = [TAGS[t] for t in tags[n, firsts].argmax(-1).tolist()]
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


def save(network: Network, vocabulary: Path, folder: Path, notes: dict[str, object]) -> dict[str, object]:
    """Write the artefact: matrices as 8-bit rows with a scale each, the rest in 16 bits; returns its card."""
    folder.mkdir(parents=True, exist_ok=True)
    kept: dict[str, Tensor] = {}
    for name, value in network.state_dict().items():
        if value.ndim == 2 and value.shape[0] > 64:
            scale = value.abs().amax(1, keepdim=True).clamp_min(1e-8) / 127
            kept[name] = (value / scale).round().to(torch.int8)
            kept[f"{name}.scale"] = scale.to(torch.float32)
        else:
            kept[name] = value.to(torch.float16)
    save_file(kept, folder / "model.safetensors")
    (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
    card = {
        "layers": len(network.layers),
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
    except (OSError, ValueError, KeyError) as error:
        raise ArtefactDamaged(
            f"the encoder in {folder} cannot be read ({error}); train it: chatrec steer train"
        ) from error
    if labels != ([*INTENTS], [*CARRIES], [*TAGS]):
        raise ArtefactDamaged(
            f"the encoder in {folder} knows other labels than this version; train it: chatrec steer train"
        )
    kept = load_file(folder / "model.safetensors")
    state = {
        name: value.float() * kept[f"{name}.scale"] if value.dtype == torch.int8 else value.float()
        for name, value in kept.items()
        if not name.endswith(".scale")
    }
    with torch.device("meta"):
        network = Network(card["layers"])
    network.load_state_dict(state, assign=True)
    return Encoder(network, Pairs(folder / "vocab.txt"))


@lru_cache(maxsize=1)
def shipped() -> Encoder:
    """The encoder that comes along, loaded at the first use."""
    return load()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
