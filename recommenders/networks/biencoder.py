"""A bi-encoder: one BERT reads requests and item texts apart, and a request's answers are the nearest items.

    v(text) = n(mean over tokens of BERT(text)),  n(x) = x / |x|                    as in Sentence-BERT
    loss = −log [exp(s v(q)·v(d⁺)) / Σ_{d ∈ D} exp(s v(q)·v(d))]                      multiple negatives ranking
where D are the answers of all requests of the batch and hard negatives, without what the same person liked too. The
sentence-transformers library has this loss (MultipleNegativesRankingLoss) and a trainer for it; here the lower layers
stay as pre-trained and are run once over all texts, which halves the cost on a processor, and the project's own loop
resumes. What comes out can be written as a folder that sentence-transformers reads (`export`).

Dimension letters besides the usual: n texts, T slots of a text, C items compared in a batch.

Reference: Reimers & Gurevych, Sentence-BERT (EMNLP 2019); Henderson et al., Efficient natural language response
suggestion for Smart Reply (2017), arXiv:1705.00652, for the loss; hard negatives as in Karpukhin et al., Dense passage
retrieval (EMNLP 2020).
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from app import files
from recommenders.networks import bert, wordpieces
from recommenders.networks.bert import Block, Sizes
from recommenders.networks.matching import Lower

_AT_ONCE = 128  # texts read in one go where nothing is learnt


class Tower(nn.Module):
    """The layers that are trained. `lower` is None where embedding and lower layers are frozen and run ahead."""

    def __init__(self, sizes: Sizes, lower: Lower | None, upper: int, dropout: float) -> None:
        super().__init__()
        self.lower, self.size = lower, sizes.size
        self.blocks = nn.ModuleList(Block(sizes.size, sizes.heads, sizes.widening, dropout) for _ in range(upper))

    def forward(self, states: Tensor, there: Tensor) -> Tensor:
        """(n, T, D) what the lower layers give, (n, T) where words are -> (n, D) of length one."""
        for block in self.blocks:
            states = block(states, there)
        real = there[..., None].to(states.dtype)
        return functional.normalize((states * real).sum(dim=1) / real.sum(dim=1), dim=-1)


class Texts:
    """Many texts ready to be read: word pieces, and what frozen lower layers make of them."""

    def __init__(self, pieces: np.ndarray, device: torch.device, frozen: Lower | None) -> None:
        self.pieces = torch.from_numpy(pieces.clip(min=0).astype(np.int64)).to(device)  # (n, T)
        self.positions = torch.from_numpy(wordpieces.positions(pieces).astype(np.int64)).to(device)
        self.there = torch.from_numpy(pieces != wordpieces.NOTHING).to(device)
        self.lengths = self.there.sum(dim=1)
        self.states: Tensor | None = None
        if frozen is not None:
            self.states = torch.zeros((*pieces.shape, frozen.embedding.words.embedding_dim), dtype=torch.float16)
            with torch.inference_mode():
                for rows in self._alike(torch.arange(len(pieces), device=device)):
                    t = int(self.lengths[rows].max())
                    read = frozen(self.pieces[rows, :t], self.positions[rows, :t], self.there[rows, :t])
                    self.states[rows.cpu(), :t] = read.half().cpu()

    def _alike(self, rows: Tensor) -> Sequence[Tensor]:
        """These rows, those of like length together."""
        return rows[torch.argsort(self.lengths[rows], stable=True)].split(_AT_ONCE)

    def vectors(self, tower: Tower, rows: Tensor) -> Tensor:
        """(n, D) of these rows (n,)."""
        t = int(self.lengths[rows].max())
        there = self.there[rows, :t]
        if self.states is None:
            assert tower.lower is not None
            read: Tensor = tower.lower(self.pieces[rows, :t], self.positions[rows, :t], there)
        else:
            read = self.states[rows.cpu(), :t].to(there.device).float()
        vectors: Tensor = tower(read, there)
        return vectors

    def all(self, tower: Tower, number: int) -> np.ndarray:
        """(number, D) float32 of the first texts, in evaluation mode."""
        training = tower.training
        tower.eval()
        found = np.zeros((number, tower.size), np.float32)
        with torch.inference_mode():
            for rows in self._alike(torch.arange(number, device=self.lengths.device)):
                found[rows.cpu().numpy()] = self.vectors(tower, rows).float().cpu().numpy()
        tower.train(training)
        return found


def contrastive(queries: Tensor, items: Tensor, wanted: Tensor, void: Tensor, scale: float) -> Tensor:
    """The mean loss of the head of this file.

    queries (B, D) and items (C, D) of length one; wanted (B,) the column of each answer; void (B, C) what is no
    counter-example (an answer itself never is).
    """
    logits = scale * queries @ items.T
    own = functional.one_hot(wanted, len(items)).bool()
    return functional.cross_entropy(logits.masked_fill(void & ~own, -torch.inf), wanted)


def pretrained(folder: Path, layers: int, upper: int, dropout: float) -> tuple[Sizes, Lower, Tower]:
    """The first `layers` of the BERT in a folder: its frozen part, and its last `upper` layers to be trained."""
    sizes, arrays = bert.sizes(folder), bert.weights(folder)
    lower = Lower(sizes, layers - upper, 0.0).eval()
    bert.start_embedding(lower.embedding, arrays)
    for n, block in enumerate(lower.blocks):
        bert.start_block(block, arrays, n)
    tower = Tower(sizes, None, upper, dropout)
    for n, block in enumerate(tower.blocks, start=layers - upper):
        bert.start_block(block, arrays, n)
    return sizes, lower, tower


def export(tower: Tower, folder: Path, out: Path, layers: int) -> None:
    """Write the encoder as sentence-transformers reads it: the pre-trained folder with the tower's layers in place of
    its last ones. `layers`: of the pre-trained BERT, all of which must have been read."""
    arrays = load_file(folder / "model.safetensors")
    prefix = "bert." if any(name.startswith("bert.") for name in arrays) else ""
    for n, block in enumerate(tower.blocks, start=layers - len(tower.blocks)):
        arrays |= {f"{prefix}{name}": array for name, array in bert.of_block(block, n).items()}
    with files.replacing(out) as new:
        for path in folder.rglob("*"):
            if path.is_file() and path.name != "model.safetensors" and not path.name.startswith("."):
                (new / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, new / path.relative_to(folder))
        save_file(arrays, new / "model.safetensors", metadata={"format": "pt"})
