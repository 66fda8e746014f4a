"""Embeddings for items that nobody has met yet, from their texts: a linear map learnt on the items that were met.

    W = argmin Σ_i n_i |x_i W − e_i|² + λ |W|²        e_j = x_j W for the cold items j
x_i is the sentence encoder's vector of an item's text (and a 1, not shrunk), e_i what training made of the item, n_i =
c_i / (c_i + 20) with c_i its interactions: an item met twice says little. λ is the one of a grid with the least
leave-one-out error, which a ridge regression gives in closed form. Warm items keep what training gave them, so nothing
changes for them.

Dimension letters besides the usual: S size of a text vector.
Reference: Gantner et al., Learning attribute-to-feature mappings for cold-start recommendations (ICDM 2010), Eq. 6 with
sentence vectors for the attributes.
"""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from app.progress import Progress, quiet
from recommenders.data import Catalogue, Dataset, UserState
from recommenders.networks.neural import NeuralRecommender
from recommenders.places import named
from recommenders.texts import TextEncoder, documents

_TRUST = 20.0
_PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


class PlacesCold(NeuralRecommender):
    """What models share whose Config has `texts`: after training, cold items are placed by what their texts say."""

    def _fit(
        self,
        data: Dataset,
        *,
        valid: Sequence[tuple[UserState, int]],
        progress: Progress,
        checkpoint: Path | None,
    ) -> None:
        super()._fit(data, valid=valid, progress=progress, checkpoint=checkpoint)
        if self.config.texts is not None:
            counts = np.bincount(data.interactions.item, minlength=len(data.catalogue))
            self.place_cold(of_texts(self.config.texts, data.catalogue, progress=progress), counts)

    @abstractmethod
    def place_cold(self, texts: np.ndarray, counts: np.ndarray) -> None:
        """Give items without interactions (counts (I,) of 0) the parameters that their text vectors (I, S) predict."""


def of_texts(folder: str, catalogue: Catalogue, *, progress: Progress = quiet) -> np.ndarray:
    """(I, S) float32 unit rows, by the sentence encoder in `folder`, named from the folder that holds `data`."""
    return TextEncoder(named(folder)).encode(documents(catalogue), progress=progress)


def mapped(texts: np.ndarray, trained: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """`trained` (I, D) with the rows of items without interactions replaced by what their texts (I, S) predict.

    counts  (I,) interactions of each item in training; where all or none are 0 nothing is replaced
    """
    warm = counts > 0
    found = trained.astype(np.float64).copy()
    if warm.all() or not warm.any():
        return found.astype(trained.dtype)
    weight = np.sqrt(counts[warm] / (counts[warm] + _TRUST))[:, None]  # (W, 1)
    mean = (weight**2 * found[warm]).sum(axis=0) / (weight**2).sum()  # not shrunk: what an unknown text gets
    centre = (weight**2 * texts[warm]).sum(axis=0) / (weight**2).sum()
    x, y = weight * (texts[warm] - centre), weight * (found[warm] - mean)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    uy = u.T @ y
    best, chosen = np.inf, _PENALTIES[0]
    for penalty in _PENALTIES:
        shrunk = s**2 / (s**2 + penalty)
        leverage = (u**2 @ shrunk)[:, None]  # of the hat matrix: how much a row predicts itself
        error = float((((y - u @ (shrunk[:, None] * uy)) / (1 - leverage)) ** 2).sum())
        if error < best:
            best, chosen = error, penalty
    w = vt.T @ ((s / (s**2 + chosen))[:, None] * uy)  # (S, D)
    found[~warm] = mean + (texts[~warm] - centre) @ w
    return found.astype(trained.dtype)
