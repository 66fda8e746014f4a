"""A language model with a projection head that foretells a rating: Kang et al.'s fine-tuned scorer.

Idea: the text of a person's ratings and of one item goes through a pre-trained network; one vector of its last layer
goes through a linear head. With the next-token loss the model would learn which string comes, and nothing of 3 being
nearer to 4 than to 1; the head learns the rating itself.

Formula
    h  the last real token's vector (decoder only), or the first step's of the decoder (encoder-decoder)
    regression      r̂ = b + w · h,                                            loss (r − r̂)²
    classification  p = softmax(W h − (c − b)² / 2σ²), c the classes,         loss −log p_r;  r̂ = Σ_c c p_c
    b, ours, is what a conventional model foretells of this row, or the mean of all ratings where there is none; σ the
    spread of what it leaves. The heads begin at zero, so training begins with b.

Input: any Hugging Face folder, of a causal model or of an encoder-decoder. A deep one can be cut to its lowest layers.

When it fails: long lists of ratings are cut to the tokens that fit; items are known by their words alone.

Reference: Kang et al., Do LLMs understand user preferences? Evaluating LLMs on user rating prediction
(arXiv 2305.06474), Section 4.2.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from app import files
from app.errors import BackendFailed, LLMError

Objective = Literal["classification", "regression"]
HEAD, CARD = "head.safetensors", "scoring.json"


class ScorerDamaged(LLMError):
    """A folder that is missing, torn, or holds no tuned scorer."""


@dataclass(frozen=True)
class Shape:
    """What a network is, beside its weights.

    low, high  the scale of ratings; classes are its whole numbers
    spread     σ, in ratings
    layers     lowest layers kept of the model's; None for all
    longest    tokens of a text; of a longer one the oldest ratings are cut off
    """

    objective: Objective
    low: float
    high: float
    spread: float
    layers: int | None = None
    longest: int = 256


class RatingNetwork(nn.Module):
    classes: Tensor  # (R,) the whole numbers of the scale

    def __init__(self, backbone: Any, shape: Shape) -> None:
        super().__init__()
        self.backbone, self.shape = backbone, shape
        self.pairs = bool(backbone.config.is_encoder_decoder)
        classes = torch.arange(round(shape.low), round(shape.high) + 1, dtype=torch.float32)
        self.register_buffer("classes", classes, persistent=False)
        width = backbone.config.get_text_config().hidden_size
        self.head = nn.Linear(width, 1 if shape.objective == "regression" else len(classes))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, ids: Tensor, real: Tensor, base: Tensor) -> Tensor:
        """Texts (B, T), which tokens are real (B, T), b (B,) -> r̂ (B,) or the logits of the classes (B, R)."""
        if self.pairs:
            start = torch.full((len(ids), 1), self.backbone.config.decoder_start_token_id, device=ids.device)
            out = self.backbone(input_ids=ids, attention_mask=real, decoder_input_ids=start, use_cache=False)
            vector = out.last_hidden_state[:, 0]  # (B, D)
        else:
            out = self.backbone(input_ids=ids, attention_mask=real, use_cache=False)
            last = real.sum(-1) - 1
            vector = out.last_hidden_state[torch.arange(len(ids), device=ids.device), last]
        told = self.head(vector)
        if self.shape.objective == "regression":
            return base + told[:, 0]
        return told - (self.classes - base[:, None]) ** 2 / (2 * self.shape.spread**2)

    def loss(self, out: Tensor, ratings: Tensor) -> Tensor:
        """Mean over the batch; ratings (B,)."""
        if self.shape.objective == "regression":
            return F.mse_loss(out, ratings)
        return F.cross_entropy(out, (ratings.round() - round(self.shape.low)).long())

    def expected(self, out: Tensor) -> Tensor:
        """(B,): ratings, within the scale."""
        if self.shape.objective == "classification":
            out = torch.softmax(out, -1) @ self.classes
        return out.clamp(self.shape.low, self.shape.high)

    def blocks(self) -> nn.ModuleList:
        """The layers of a causal model, lowest first."""
        depth = self.backbone.config.get_text_config().num_hidden_layers
        lists = (m for m in self.backbone.modules() if isinstance(m, nn.ModuleList) and len(m) == depth)
        found = next(lists, None)
        if found is None or self.pairs:
            raise BackendFailed(
                f"the layers of {type(self.backbone).__name__} cannot be trained apart; leave out `trained`"
            )
        return found


def opened(folder: Path, layers: int | None) -> Any:
    """The backbone of a Hugging Face folder in float32, cut to its lowest layers. BackendFailed where it cannot be."""
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder)
        if layers is not None:
            if config.is_encoder_decoder:
                raise BackendFailed("an encoder-decoder is used whole; leave out `layers`")
            if not 1 <= layers <= config.num_hidden_layers:
                raise BackendFailed(f"{folder.name} has {config.num_hidden_layers} layers; {layers} cannot be kept")
            config.num_hidden_layers = layers
            if getattr(config, "layer_types", None):
                config.layer_types = config.layer_types[:layers]
        return AutoModel.from_pretrained(folder, config=config, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise BackendFailed(f"transformers cannot load {str(folder)!r}: {str(error).splitlines()[0]}") from error


class RatingScorer:
    """A network and its tokenizer: texts to ratings."""

    def __init__(self, network: RatingNetwork, tokenizer: Any, notes: dict[str, Any] | None = None) -> None:
        self.network, self.tokenizer, self.notes = network, tokenizer, notes or {}

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Tokens of each text; too many lose their first ones."""
        rows = self.tokenizer(list(texts), add_special_tokens=False).input_ids
        return [row[-self.network.shape.longest :] or [0] for row in rows]

    @torch.inference_mode()
    def predict(self, texts: Sequence[str], base: Sequence[float], *, batch_size: int = 32) -> list[float]:
        """(B,) ratings within the scale; base: b of each text."""
        self.network.eval()
        rows = self.encode(texts)
        found = [0.0] * len(rows)
        order = sorted(range(len(rows)), key=lambda n: len(rows[n]))
        for start in range(0, len(order), batch_size):
            some = order[start : start + batch_size]
            ids, real = padded([rows[n] for n in some])
            device = self.network.head.weight.device
            out = self.network(ids.to(device), real.to(device), torch.tensor([base[n] for n in some]).to(device))
            for n, value in zip(some, self.network.expected(out).tolist(), strict=True):
                found[n] = value
        return found

    def save(self, folder: Path) -> None:
        """Write the model as transformers does, the head and the card beside it; whole or not at all."""
        with files.replacing(folder) as new:
            self.network.backbone.save_pretrained(new)
            self.tokenizer.save_pretrained(new)
            save_file({k: v.contiguous().cpu() for k, v in self.network.head.state_dict().items()}, new / HEAD)
            card = {"shape": asdict(self.network.shape), "notes": self.notes}
            (new / CARD).write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def load(folder: Path) -> RatingScorer:
    """What `save` wrote. ScorerDamaged where it is not there or not whole."""
    from transformers import AutoTokenizer

    again = "tune it: chatrec llm tune-rating"
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        shape, head = Shape(**card["shape"]), load_file(folder / HEAD)
        network = RatingNetwork(opened(folder, None), shape)
        network.head.load_state_dict(head)
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError, BackendFailed) as error:
        raise ScorerDamaged(f"{folder} holds no tuned scorer that can be read ({error}); {again}") from error
    return RatingScorer(network.eval(), tokenizer, card["notes"])


def padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """(ids, real), each (B, T) int64: rows of unlike lengths, padded behind."""
    longest = max(map(len, rows))
    ids, real = torch.zeros(2, len(rows), longest, dtype=torch.long)
    for n, row in enumerate(rows):
        ids[n, : len(row)] = torch.tensor(row)
        real[n, : len(row)] = 1
    return ids, real
