"""The encoder of BERT, to be started from pre-trained weights and taken apart.

transformers has the same network; it is written here because UNBERT reads items apart in the lower layers and lets them
meet in the upper ones, so the projections, the attention and the rest of a layer must be had one by one, and because
what reads messages must be there at once: importing transformers takes longer than a conversation. A test holds the two
equal on the pre-trained weights.

Reference: Devlin et al., BERT (NAACL 2019), arXiv:1810.04805; Vaswani et al., Attention is all you need (2017).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from app.errors import ArtefactError

FILES = ("config.json", "model.safetensors", "tokenizer.json")
_EPSILON = 1e-12  # of BERT's layer norms
FAR = -1e9  # added to the logits of what is not there; -inf would make a row without anything NaN


@dataclass(frozen=True)
class Sizes:
    """vocabulary, positions: rows of the tables; size: D, a multiple of heads; widening: feed-forward width / D."""

    vocabulary: int
    positions: int
    size: int
    heads: int
    widening: int

    def array(self) -> np.ndarray:
        return np.array([self.vocabulary, self.positions, self.size, self.heads, self.widening], np.int64)

    @classmethod
    def of(cls, array: np.ndarray) -> "Sizes":
        return cls(*(int(x) for x in array))


class Embedding(nn.Module):
    """LN(token + position + segment). `segment` is that of the first sentence, `second` of the other one of a pair;
    None in a network that reads single sentences."""

    def __init__(self, sizes: Sizes, dropout: float, *, pairs: bool = False) -> None:
        super().__init__()
        self.dropout = dropout
        self.words = nn.Embedding(sizes.vocabulary, sizes.size)
        self.positions = nn.Embedding(sizes.positions, sizes.size)
        self.segment = nn.Parameter(torch.zeros(sizes.size))
        self.second = nn.Parameter(torch.zeros(sizes.size)) if pairs else None
        self.norm = nn.LayerNorm(sizes.size, eps=_EPSILON)
        nn.init.normal_(self.words.weight, std=sizes.size**-0.5)
        nn.init.normal_(self.positions.weight, std=0.5 * sizes.size**-0.5)

    def forward(self, words: Tensor, positions: Tensor, other: Tensor | None = None) -> Tensor:
        """(n, T), (n, T) or (T,), and (n, T) bool, whether a word belongs to the second sentence -> (n, T, D)."""
        segments: Tensor = self.segment
        if self.second is not None and other is not None:
            segments = torch.where(other[..., None], self.second, self.segment)
        x = self.norm(self.words(words) + self.positions(positions) + segments)
        return functional.dropout(x, self.dropout, self.training)


class Block(nn.Module):
    """One layer: attention, then feed-forward, a norm after each residual sum (as BERT has it).

    dropout_attention: of the weights that words give each other; None: `dropout`.
    """

    def __init__(
        self, size: int, heads: int, widening: int, dropout: float, dropout_attention: float | None = None
    ) -> None:
        super().__init__()
        self.size, self.heads, self.dropout = size, heads, dropout
        self.dropout_attention = dropout if dropout_attention is None else dropout_attention
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, widening * size), nn.Linear(widening * size, size)
        self.norm_attention = nn.LayerNorm(size, eps=_EPSILON)
        self.norm_forward = nn.LayerNorm(size, eps=_EPSILON)

    def queries(self, x: Tensor) -> Tensor:  # (..., D) -> (..., D)
        return functional.linear(x, self.qkv.weight[: self.size], self.qkv.bias[: self.size])

    def memory(self, x: Tensor) -> Tensor:  # (..., D) -> (..., 2 D), keys and values
        return functional.linear(x, self.qkv.weight[self.size :], self.qkv.bias[self.size :])

    def shifts(self, added: Tensor) -> tuple[Tensor, Tensor]:
        """What queries (..., D) and memory (..., 2 D) gain where `added` (..., D) is added to x: all is linear in x."""
        both = functional.linear(added, self.qkv.weight)
        return both[..., : self.size], both[..., self.size :]

    def finish(self, x: Tensor, mixed: Tensor) -> Tensor:
        """The layer's output at rows x (..., D), for which attention gave the values `mixed` (..., D)."""
        x = self.norm_attention(x + self._drop(self.out(mixed)))
        return self.norm_forward(x + self._drop(self.down(functional.gelu(self.up(x)))))

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """(n, T, D) where every token sees those of its row that are `there` (n, T)."""
        n, t, size = x.shape
        queries, keys, values = self.qkv(x).view(n, t, 3, self.heads, size // self.heads).permute(2, 0, 3, 1, 4)
        dropped = self.dropout_attention if self.training else 0.0
        seen = there[:, None, None]  # (n, 1, 1, T)
        mixed = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=seen, dropout_p=dropped)
        return self.finish(x, mixed.transpose(1, 2).reshape(n, t, size))

    def attend(self, queries: Tensor, shared: "Memory", own: "Memory | None" = None) -> Tensor:
        """Softmax attention of C groups of Q queries a row, each group over what its row shares and what is its own.

        queries (B, C, Q, D); shared.vectors (B, N, 2 D); own.vectors (B, C, T, 2 D). Returns (B, C, Q, D).
        One softmax runs over both: as if shared and own keys stood side by side, without copying the shared ones.
        """
        b, c, q, size = queries.shape
        h, d, n = self.heads, size // self.heads, shared.vectors.shape[1]
        asked = (queries * d**-0.5).view(b, c, q, h, d).permute(0, 3, 1, 2, 4)  # (B, h, C, Q, d)
        keys, values = shared.vectors.view(b, n, 2, h, d).permute(2, 0, 3, 1, 4)  # (B, h, N, d)
        logits = (asked.reshape(b, h, c * q, d) @ keys.transpose(-1, -2)).view(b, h, c, q, n)
        logits = logits.float() + _far(shared.there)[:, None, None, None]
        if own is None:
            chances = self._weights(logits).to(values.dtype)
            mixed = (chances.reshape(b, h, c * q, n) @ values).view(b, h, c, q, d)
        else:
            t = own.vectors.shape[2]
            own_keys, own_values = own.vectors.view(b, c, t, 2, h, d).permute(3, 0, 4, 1, 2, 5)  # (B, h, C, T, d)
            beside = (asked @ own_keys.transpose(-1, -2)).float() + _far(own.there)[:, None, :, None]  # (B, h, C, Q, T)
            chances = self._weights(torch.cat([logits, beside], dim=-1)).to(values.dtype)
            mixed = (chances[..., :n].reshape(b, h, c * q, n) @ values).view(b, h, c, q, d)
            mixed = mixed + chances[..., n:] @ own_values
        return mixed.permute(0, 2, 3, 1, 4).reshape(b, c, q, size)

    def _weights(self, logits: Tensor) -> Tensor:
        return functional.dropout(logits.softmax(dim=-1), self.dropout_attention, self.training)

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)


@dataclass(frozen=True)
class Memory:
    """What can be attended to: keys and values side by side (..., N, 2 D), and which of them are there (..., N)."""

    vectors: Tensor
    there: Tensor


def _far(there: Tensor) -> Tensor:
    return torch.where(there, 0.0, FAR)


# -- pre-trained weights -----------------------------------------------------------------------------------------------


def sizes(folder: Path) -> Sizes:
    """Of the BERT in `folder`. ArtefactError where its files are missing, damaged or of another network."""
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise ArtefactError(
            f"the pre-trained BERT in {folder} lacks {', '.join(missing)}; fetch it: chatrec setup. Or name another "
            "folder (--set pretrained=FOLDER), or start from random weights (--set pretrained=none)"
        )
    try:
        about = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        size = about["hidden_size"]
        found = Sizes(
            about["vocab_size"],
            about["max_position_embeddings"],
            size,
            about["num_attention_heads"],
            about["intermediate_size"] // size,
        )
        if about["model_type"] != "bert" or about["hidden_act"] != "gelu":
            raise ArtefactError(f"{folder} holds a {about['model_type']!r}; expected a BERT with GELU")
    except (ValueError, KeyError, TypeError) as error:
        raise ArtefactError(f"{folder}/config.json is damaged ({error!r}); fetch it again: chatrec setup") from error
    return found


def weights(folder: Path) -> dict[str, Tensor]:
    """The pre-trained arrays by their names in transformers, without the prefix that some files have."""
    try:
        arrays = load_file(folder / "model.safetensors")
    except (SafetensorError, OSError) as error:
        raise ArtefactError(
            f"the weights in {folder} are damaged ({error}); fetch them again: chatrec setup"
        ) from error
    return {name.removeprefix("bert."): array.float() for name, array in arrays.items()}


def start_embedding(embedding: Embedding, arrays: Mapping[str, Tensor]) -> None:
    p = "embeddings"
    segments = arrays[f"{p}.token_type_embeddings.weight"]
    found = {
        "words.weight": arrays[f"{p}.word_embeddings.weight"],
        "positions.weight": arrays[f"{p}.position_embeddings.weight"],
        "segment": segments[0],
        "norm.weight": arrays[f"{p}.LayerNorm.weight"],
        "norm.bias": arrays[f"{p}.LayerNorm.bias"],
    }
    _start(embedding, found if embedding.second is None else found | {"second": segments[1]})


_NAMES = (  # of a block here and of a layer in transformers
    ("out", "attention.output.dense"),
    ("up", "intermediate.dense"),
    ("down", "output.dense"),
    ("norm_attention", "attention.output.LayerNorm"),
    ("norm_forward", "output.LayerNorm"),
)


def start_block(block: nn.Module, arrays: Mapping[str, Tensor], layer: int) -> None:
    """Give the block the weights of one pre-trained layer, counted from 0."""
    p = f"encoder.layer.{layer}"
    if f"{p}.output.dense.weight" not in arrays:
        raise ArtefactError(f"the pre-trained BERT has no layer {layer + 1}; use fewer: --set layers={layer}")
    three = [f"{p}.attention.self.{name}" for name in ("query", "key", "value")]
    found = {f"qkv.{kind}": torch.cat([arrays[f"{name}.{kind}"] for name in three]) for kind in ("weight", "bias")}
    for own, theirs in _NAMES:
        for kind in ("weight", "bias"):
            found[f"{own}.{kind}"] = arrays[f"{p}.{theirs}.{kind}"]
    _start(block, found)


def of_block(block: nn.Module, layer: int) -> dict[str, Tensor]:
    """The inverse of `start_block`: the block's weights by their names in transformers."""
    p, own = f"encoder.layer.{layer}", {name: w.detach().cpu() for name, w in block.state_dict().items()}
    found = {f"{p}.{theirs}.{kind}": own[f"{ours}.{kind}"] for ours, theirs in _NAMES for kind in ("weight", "bias")}
    for kind in ("weight", "bias"):
        for name, part in zip(("query", "key", "value"), own[f"qkv.{kind}"].chunk(3), strict=True):
            found[f"{p}.attention.self.{name}.{kind}"] = part.contiguous()
    return found


def _start(module: nn.Module, arrays: Mapping[str, Tensor]) -> None:
    try:
        module.load_state_dict(dict(arrays))
    except RuntimeError as error:
        raise ArtefactError(f"the pre-trained weights do not fit their config.json ({error})") from error
