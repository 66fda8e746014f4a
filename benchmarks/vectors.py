"""Made-up vectors shaped like real sentence embeddings, as many as wanted: what the retrieval benchmark searches.

Real text embeddings are neither a ball of noise nor tight clusters: topics overlap, the spectrum of the covariance
falls slowly, some regions are crowded, and each text has something of its own. `Shape.of` reads that off real vectors;
`neighbourhood` tells how near a sample comes to them, by what matters to a search: how near the nearest neighbours are,
and in how many directions they lie.
"""

from dataclasses import dataclass

import faiss
import numpy as np

TOPICS = 48  # components of the mixture
_STEP = 50_000  # vectors made at a time


@dataclass(frozen=True)
class Shape:
    """A mixture of Gaussians of one covariance, whose members lie more or less far from their topic's middle.

    middles  (K, D); shares  (K,) sum 1; spread  (D, D) a root of the covariance within topics;
    strays   (n,) how far real members lie from their middles, against the mean
    """

    middles: np.ndarray
    shares: np.ndarray
    spread: np.ndarray
    strays: np.ndarray

    @classmethod
    def of(cls, real: np.ndarray, *, topics: int = TOPICS, seed: int = 0) -> "Shape":
        """From (n, D) float32 unit rows, n well above D."""
        means = faiss.Kmeans(real.shape[1], topics, niter=20, seed=seed, min_points_per_centroid=1)
        means.train(real)
        _, own = means.index.search(real, 1)
        rest = real - means.centroids[own[:, 0]]  # (n, D)
        values, vectors = np.linalg.eigh(np.cov(rest.T) * len(rest) / (len(rest) - topics))
        spread = vectors * np.sqrt(values.clip(min=0))  # (D, D)
        white = (rest @ vectors)[:, -100:] / np.sqrt(values[-100:])  # the leading directions, free of rounding
        members = np.bincount(own[:, 0], minlength=topics)
        strays = np.sqrt((white**2).mean(axis=1))[members[own[:, 0]] >= 5]  # a topic's only member is its middle
        return cls(
            means.centroids, members / len(real), spread.astype(np.float32), strays / np.sqrt((strays**2).mean())
        )

    def sample(self, n: int, *, seed: int = 0) -> np.ndarray:
        """(n, D) float32 unit rows."""
        rng = np.random.default_rng(seed)
        rows = np.empty((n, self.spread.shape[0]), np.float32)
        for start in range(0, n, _STEP):
            m = min(_STEP, n - start)
            noise = rng.standard_normal((m, self.spread.shape[0]), np.float32) @ self.spread.T  # (m, D)
            noise *= rng.choice(self.strays, m)[:, None]
            rows[start : start + m] = self.middles[rng.choice(len(self.shares), m, p=self.shares)] + noise
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows


def neighbourhood(vectors: np.ndarray) -> dict[str, float]:
    """How (n, D) unit rows lie to each other: the median cosines of the 1st and 10th neighbour and of any two, and the
    intrinsic dimension.

    Levina & Bickel, Maximum likelihood estimation of intrinsic dimension (NIPS 2004), with 10 neighbours, inverse mean.
    """
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    cosines, _ = index.search(vectors, 11)
    distances = np.sqrt((2 - 2 * cosines[:, 1:]).clip(min=1e-9))  # (n, 10)
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean(axis=1)
    rng = np.random.default_rng(0)
    any_two = (vectors[rng.permutation(len(vectors))] * vectors).sum(axis=1)
    return {
        "first": float(np.median(cosines[:, 1])),
        "tenth": float(np.median(cosines[:, 10])),
        "any": float(np.median(any_two)),
        "dimension": float(1 / inverse.mean()),
    }
