"""The vector of a user nobody has seen, on frozen item vectors: one small least-squares problem a user.

For factor models (score = p·q_i) whose items are learned and whose user vector p must come from the history alone.
"""

import numpy as np
from scipy import sparse


def least_squares(
    history: sparse.csr_matrix,
    vectors: np.ndarray,
    targets: np.ndarray,
    *,
    background: np.ndarray,
    background_weights: np.ndarray,
    background_target: np.ndarray,
    ridge: float,
    prior: np.ndarray,
) -> np.ndarray:
    """(B, D): for each user b the p that minimises

        Σ_i w_bi (t_bi − p·q_i)²  +  c_b (pᵀ G p − 2 pᵀ g)  +  ridge ‖p − prior‖²

    history             (B, I) the weights w_bi, zero where the user did not meet the item
    vectors             (I, D) q_i
    targets             (nnz,) t_bi, one for each stored weight of `history`, in its order
    background          (D, D) G, what all items together say: positive semi-definite
    background_weights  (B,) c_b ≥ 0
    background_target   (D,) g
    ridge               > 0, so that every problem has one solution; an empty history with c_b = 0 gives the prior

    Cost: n D² for a history of n items, and D³ to solve.
    """
    size, users = vectors.shape[1], history.shape[0]
    left = background_weights[:, None, None] * background[None] + ridge * np.eye(size)  # (B, D, D)
    right = background_weights[:, None] * background_target + ridge * prior  # (B, D)
    for b in range(users):
        row = slice(history.indptr[b], history.indptr[b + 1])
        q = vectors[history.indices[row]].astype(np.float64)  # (n, D)
        weighted = q * history.data[row, None]  # (n, D)
        left[b] += q.T @ weighted
        right[b] += targets[row] @ weighted
    return np.linalg.solve(left, right[..., None])[..., 0].astype(np.float32)
