"""FM: a factorisation machine, every pair of features weighed by the dot product of their vectors.

Idea
    Which features meet decides, but most pairs of them (this film and that occupation) are met seldom or never, so a
    weight of its own for each pair can't be learnt. Give each feature a vector instead: a pair's weight is the dot
    product of two vectors, and each vector is learnt from all pairs its feature takes part in.

Formula
    ŷ(x) = w₀ + Σ_i w_i x_i + Σ_{i<j} ⟨v_i, v_j⟩ x_i x_j        (Eq. 1)
    Σ_{i<j} ⟨v_i, v_j⟩ x_i x_j = ½ Σ_d [(Σ_i v_id x_i)² − Σ_i v_id² x_i²]        (Lemma 3.1: O(n D), not O(n² D))
    The sums run over fields f here, with v_f the weighted sum of the vectors of what the field holds: two genres of one
    film don't form a pair, which in the paper they do.
    Loss: by `objective` (recommenders.feature_model); the paper treats regression, classification and ranking. L2 of
    all parameters is `weight_decay`, decoupled from the gradient (AdamW); dropout of the vectors is ours.

Input
    Fields of recommenders.features. No bare user id: the user is profile and history, as in SVD++ and FPMC, which the
    paper shows to be factorisation machines of such fields (Sec. V).

Relations
    The root of its family: DeepFM adds a network beside the pairs, NFM puts one above them, AFM weighs them, FNN trains
    this first and a network on its vectors then. With the item's id and the history alone it is a matrix factorisation
    whose user vector is the mean over the history.

When it fails
    Whatever takes three features at once: it has pairs only, all counted alike. Many useless fields add their noise.

Reference
    Rendle, Factorization Machines (ICDM 2010), doi:10.1109/ICDM.2010.127.
"""

from dataclasses import dataclass

from recommenders.networks import FactorisationMachine, FeatureModel, FieldConfig


class FM(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        pass

    def _build(self) -> FactorisationMachine:
        return FactorisationMachine(self.features, self.config)
