"""DeepFM: factorisation machine and deep network on shared embeddings.

Idea
    What matters is which features meet: this occupation with that genre, this history with that film. A factorisation
    machine models all pairs by dot products of embeddings, a deep network reads the same embeddings for whatever takes
    more than two; neither needs crosses made by hand.

Formula
    ŷ = y_FM + y_DNN        (Eq. 1)
    y_FM = ⟨w, x⟩ + Σ_{i<j} ⟨V_i, V_j⟩ x_i x_j        (Eq. 2)
    y_DNN = W a^(H) + b,  a^(l+1) = ReLU(W^(l) a^(l) + b^(l)),  a^(0) = [e_1, ..., e_F]        (Eq. 3, 4)
    with e_f the embedding of field f, shared by both parts. The pairs are summed in O(F D) by
    ½ Σ_d [(Σ_f v_fd)² − Σ_f v_fd²].
    Loss: by `objective` (recommenders.feature_model). The paper fits clicks by log loss ("click"); in the chat the
    order of candidates is wanted, and no shown-but-not-clicked items are known: there it learns what comes "next".

Input
    Fields of recommenders.features: profile columns, the latest history items (evenly, with decay, by opinion), genres,
    length and mean rating of the history; the item's id, popularity, genres, people, year, language and further
    columns; how genres and year of item and history suit each other. No bare user id.

Relations
    FM is this without the deep part, Wide & Deep without the pairs; NFM pools the pairs before the deep part. sasrec
    reads the order of a history whole, this its decayed mean, but sees people and items it knows only by attributes.

When it fails
    Little beyond popularity for a user without history and profile; the exact order of a history is lost.

Reference
    Guo et al., DeepFM: a factorization-machine based neural network for CTR prediction (IJCAI 2017), arXiv:1703.04247.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from recommenders.contract import Count
from recommenders.networks import (
    FeatureModel,
    Features,
    FieldConfig,
    FieldNetwork,
    Inputs,
    deep_part,
    linear_of_blocks,
    pairwise,
)


class DeepFM(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the deep part's layers."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)


class Network(FieldNetwork):
    def __init__(self, features: Features, config: DeepFM.Config) -> None:
        super().__init__(features, config)
        self.deep = deep_part((self.size, *config.hidden, 1), config.start)

    def head(self, x: Inputs) -> Tensor:
        blocks = [block.vectors for block in x.blocks]  # each (b, c, F, D)
        first, *others = self.deep
        hidden = linear_of_blocks(first, blocks)  # (B, C, H)
        for layer in others:
            hidden = layer(functional.relu(hidden))
        return x.linear + pairwise(blocks) + hidden.squeeze(-1)
