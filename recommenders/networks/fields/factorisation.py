"""The factorisation machine as a network over fields: what FM is, and what FNN begins with."""

from torch import Tensor

from recommenders.networks.fields.feature_model import FieldNetwork, Inputs
from recommenders.networks.layers import pairwise


class FactorisationMachine(FieldNetwork):
    """ŷ = w₀ + Σ_i w_i x_i + Σ_{i<j} ⟨v_i, v_j⟩ x_i x_j: Rendle 2010, Eq. 1, in O(F D) by Lemma 3.1.

    w₀ is the bias; the sums run over fields, a field's x v being the weighted sum of its slots' rows.
    """

    def head(self, x: Inputs) -> Tensor:
        return x.linear + pairwise([block.vectors for block in x.blocks])
