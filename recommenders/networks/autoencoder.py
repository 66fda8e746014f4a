"""The network and the objective that U-AutoRec and I-AutoRec share (Sedhain et al. 2015, Eq. 1 and 2)."""

import numpy as np
import torch
from scipy import sparse
from torch import Tensor, nn
from torch.nn import functional


class AutoEncoder(nn.Module):
    """h(r; θ) = W · g(V r + μ) + b with g the sigmoid (Eq. 1); the output is the identity of it."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.encoder = nn.Linear(inputs, hidden)  # V, μ
        self.decoder = nn.Linear(hidden, inputs)  # W, b
        nn.init.normal_(self.encoder.weight, std=0.05)
        nn.init.normal_(self.decoder.weight, std=0.05)
        nn.init.zeros_(self.encoder.bias)
        nn.init.zeros_(self.decoder.bias)

    def encode(self, r: Tensor) -> Tensor:  # (B, inputs) -> (B, hidden)
        return torch.sigmoid(self.encoder(r))

    def forward(self, r: Tensor) -> Tensor:  # (B, inputs) -> (B, inputs)
        return self.decoder(self.encode(r))

    def norms(self) -> Tensor:
        """‖W‖² + ‖V‖² (Frobenius)."""
        return (self.decoder.weight**2).sum() + (self.encoder.weight**2).sum()


def memory(inputs: int, hidden: int, batch_size: int) -> int:
    """Bytes of a training: both matrices with gradients and Adam's moments, and a batch of dense rows ten times."""
    return 4 * (4 * 2 * inputs * hidden + 10 * batch_size * inputs)


class Reconstruction:
    """The objective of Eq. 2 on random rows of a matrix, divided by its number N of known cells:

        1/N (Σ_cells c (r − h(r)_cell)² + λ/2 (‖W‖² + ‖V‖²)),  c = 1 where a value is known, `unknown` elsewhere

    unknown = 0 is the paper's: the loss sees known cells only. With more, unknown cells count as zeros, which is what
    0/1 data need: they hold no other zeros.

    rows        (R, inputs) csr, what is reconstructed
    corruption  share of the input's known cells hidden at random in each pass (denoising); the loss sees all
    scaled      divide each input by its Euclidean norm, so that long and short rows drive the hidden layer alike
    """

    def __init__(
        self,
        module: AutoEncoder,
        rows: sparse.csr_matrix,
        *,
        unknown: float,
        regularisation: float,
        corruption: float,
        scaled: bool,
    ) -> None:
        self.module, self.rows = module, rows
        self.unknown, self.corruption, self.scaled = unknown, corruption, scaled
        self.penalty = regularisation / 2 / max(1, rows.nnz)

    def __call__(self, batch: Tensor) -> Tensor:
        some = self.rows[batch.cpu().numpy()]
        device = batch.device
        values = torch.from_numpy(some.toarray()).to(device)  # (B, inputs)
        some.data = np.ones_like(some.data)
        known = torch.from_numpy(some.toarray()).to(device)  # (B, inputs) 0 and 1
        shown = values * (torch.rand(values.shape) >= self.corruption).to(device) if self.corruption else values
        output = self.module(unit(shown) if self.scaled else shown).float()
        squares = (values - output) ** 2  # (B, inputs)
        weighted = squares * known if not self.unknown else squares * (known + self.unknown * (1 - known))
        return weighted.sum() / known.sum().clamp(min=1) + self.penalty * self.module.norms()


def unit(r: Tensor) -> Tensor:
    """Each row divided by its Euclidean norm; a row of zeros stays."""
    return functional.normalize(r, dim=-1)
