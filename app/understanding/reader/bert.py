"""BERT's encoder in plain PyTorch, as much of it as all-MiniLM-L6-v2 needs.

Our own and not transformers', because importing that takes longer than reading a whole conversation, and because layers
are cut off and the lower ones run apart from the upper ones while training.
Reference: Devlin et al., BERT (NAACL 2019), section 3; post-norm layers, exact GELU.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

SIZE, HEADS, INNER, VOCABULARY, POSITIONS = 384, 12, 1536, 30522, 512
EPSILON = 1e-12


class Embedding(nn.Module):
    """Words, positions and segments."""

    def __init__(self) -> None:
        super().__init__()
        self.word = nn.Embedding(VOCABULARY, SIZE)
        self.position = nn.Embedding(POSITIONS, SIZE)
        self.segment = nn.Embedding(2, SIZE)
        self.norm = nn.LayerNorm(SIZE, EPSILON)

    def forward(self, ids: Tensor, segments: Tensor) -> Tensor:
        """(B, T) and (B, T) -> (B, T, 384)."""
        places = torch.arange(ids.shape[1], device=ids.device)
        return self.norm(self.word(ids) + self.position(places) + self.segment(segments))


class Layer(nn.Module):
    """Attention and a feed-forward part, each with its residual and norm behind."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(SIZE, SIZE) for _ in range(3))
        self.mixed = nn.Linear(SIZE, SIZE)
        self.norm = nn.LayerNorm(SIZE, EPSILON)
        self.inner, self.outer = nn.Linear(SIZE, INNER), nn.Linear(INNER, SIZE)
        self.last_norm = nn.LayerNorm(SIZE, EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, real: Tensor) -> Tensor:
        """(B, T, 384) -> the same; real (B, T) is False at padding, which nothing attends to."""
        b, t, _ = x.shape

        def heads(y: Tensor) -> Tensor:
            return y.view(b, t, HEADS, SIZE // HEADS).transpose(1, 2)  # (B, H, T, 32)

        seen = F.scaled_dot_product_attention(
            heads(self.query(x)), heads(self.key(x)), heads(self.value(x)), attn_mask=real[:, None, None, :]
        )
        x = self.norm(x + self.dropout(self.mixed(seen.transpose(1, 2).reshape(b, t, SIZE))))
        return self.last_norm(x + self.dropout(self.outer(F.gelu(self.inner(x)))))


_NAMES = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "mixed": "attention.output.dense", "norm": "attention.output.LayerNorm", "inner": "intermediate.dense",
    "outer": "output.dense", "last_norm": "output.LayerNorm",
}  # fmt: skip


def pretrained(file: Path, layers: int, dropout: float = 0.0) -> tuple[Embedding, nn.ModuleList]:
    """The embedding and the lowest layers of a BERT in safetensors, under the names that Hugging Face gives them."""
    weights = load_file(file)
    embedding = Embedding()
    for ours, theirs in (
        ("word.weight", "word_embeddings.weight"), ("position.weight", "position_embeddings.weight"),
        ("segment.weight", "token_type_embeddings.weight"), ("norm.weight", "LayerNorm.weight"),
        ("norm.bias", "LayerNorm.bias"),
    ):  # fmt: skip
        embedding.get_parameter(ours).data.copy_(weights[f"embeddings.{theirs}"])
    stack = nn.ModuleList(Layer(dropout) for _ in range(layers))
    for n, layer in enumerate(stack):
        for ours, theirs in _NAMES.items():
            for kind in ("weight", "bias"):
                layer.get_parameter(f"{ours}.{kind}").data.copy_(weights[f"encoder.layer.{n}.{theirs}.{kind}"])
    return embedding, stack
