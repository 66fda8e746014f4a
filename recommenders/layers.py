"""Layers that several models are made of."""

from torch import Tensor, nn
from torch.nn import functional


class CausalBlock(nn.Module):
    """One transformer block in which position t sees positions 0..t only (Vaswani et al. 2017, decoder without source).

    Norms stand before attention and before the feed-forward part (Xiong et al. 2020): it trains without long warm-up.
    """

    def __init__(self, size: int, heads: int, widening: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm_attention, self.norm_forward = nn.LayerNorm(size), nn.LayerNorm(size)
        self.qkv, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.up, self.down = nn.Linear(size, widening * size), nn.Linear(widening * size, size)

    def forward(self, x: Tensor) -> Tensor:  # (B, T, D) -> (B, T, D)
        b, t, d = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, heads, T, D / heads)
        dropout = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
        x = x + self._drop(self.out(mixed.transpose(1, 2).reshape(b, t, d)))
        return x + self._drop(self.down(functional.gelu(self.up(self.norm_forward(x)))))

    def _drop(self, x: Tensor) -> Tensor:
        return functional.dropout(x, self.dropout, self.training)
