"""Wide & Deep: a linear model over crossed features memorises, a deep network beside it generalises.

Idea
    That people who met this item went on to that one is an exception to be remembered, not a rule to be found: a linear
    model with one weight for each pair of values holds it. What was never seen together is left to embeddings and a
    deep network. Both are trained at once, each by what suits it.

Formula
    P(Y = 1 | x) = σ(w_wide · [x, φ(x)] + w_deep · a^(L) + b)        (Eq. 3)
    φ_k(x) = Π_i x_i^{c_ki}, c_ki ∈ {0, 1}        (cross-product transformation, Eq. 1)
    a^(l+1) = max(0, W^(l) a^(l) + b^(l)), a^(0) = [e_1, ..., e_F]        (Eq. 2)
    The crosses are declared (`crosses`): each is a pair of fields, and holds one weight for each pair of their values;
    x_i is the weight of a slot (1 for a category, a share for one of several values). A pair with more combinations
    than `buckets` is hashed into that many.
    Wide part: FTRL with L1 (recommenders.ftrl); deep part: AdamW (AdaGrad in the paper).
    Loss: by `objective` (recommenders.feature_model); the paper's is log loss, "click".

Input
    Fields of recommenders.features. Crosses by default ("*"), as far as the data has the fields: each profile column
    with the genres, the history's genres with the genres, the history's items with the item (the paper's installed app
    with the shown one).

Relations
    fm and deepfm give a pair of values a dot product of embeddings in place of a weight of its own: that also serves
    pairs never seen, and remembers exceptions less exactly. The cross of history and item alone is close to ease.

When it fails
    Crosses must be thought of. Hashed pairs share weights once there are more of them than buckets. L1 that suits one
    amount of data leaves nothing, or everything, on another.

Reference
    Cheng et al., Wide & Deep learning for recommender systems (DLRS 2016), arXiv:1606.07792.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from app.errors import ConfigError, did_you_mean
from recommenders.contract import Count, NotNegative, Positive
from recommenders.networks import (
    FTRL,
    FeatureModel,
    Features,
    Field,
    FieldConfig,
    FieldNetwork,
    Inputs,
    Slots,
    added,
    deep_part,
    linear_of_blocks,
    loop,
    weighted_rows,
)

NARROW = 64  # values of a field up to which the weights of its crosses are read as vectors, one for each value met


class WideAndDeep(FeatureModel):
    @dataclass(frozen=True)
    class Config(FieldConfig):
        hidden: tuple[Count, ...] = (32, 16)
        """Sizes of the deep part's layers."""
        crosses: tuple[str, ...] = ("*",)
        """Cross-product transformations, each as "field * field" ("user.gender * genres"); "*" alone stands for the
        default ones, and without any the wide part is linear in the fields."""
        buckets: Count = 262_144
        """The most weights a cross may have; one of more pairs of values is hashed into as many."""
        wide_rate: Positive = 0.1
        """FTRL's α, the learning rate of the wide part."""
        l1: NotNegative = 1e-4
        """FTRL's λ₁, against the gradient of the mean loss: the higher, the more weights stay 0."""
        l2: NotNegative = 0.0
        """FTRL's λ₂."""

    def _build(self) -> "Network":
        return Network(self.features, self.config)

    def _optimisers(self, module: nn.Module, plan: loop.Plan) -> Sequence[torch.optim.Optimizer]:
        assert isinstance(module, Network)
        wide = module.wide()
        known = {id(weight) for weight in wide}
        deep = [weight for weight in module.parameters() if id(weight) not in known]
        c = self.config
        rate, decay = plan.learning_rate, plan.weight_decay
        adamw = torch.optim.AdamW(deep, lr=rate, weight_decay=decay, betas=(0.9, 0.98), fused=True)
        return [adamw, FTRL(wide, alpha=c.wide_rate, l1=c.l1, l2=c.l2)]


@dataclass(frozen=True)
class Cross:
    """Two fields, and their part offset .. offset + size - 1 of the table of crosses."""

    one: Field
    other: Field
    offset: int
    size: int

    @property
    def narrow(self) -> bool:
        """Whether each pair of values has a weight of its own, and the other field few values."""
        return self.one.size * self.other.size <= self.size and self.other.size <= NARROW

    def rows(self, one: Tensor, other: Tensor) -> Tensor:
        """Rows of the table of crosses for rows of both fields in the embedding table; they broadcast."""
        a, b = one - self.one.offset, other - self.other.offset
        if self.one.size * self.other.size <= self.size:
            return a * self.other.size + b + self.offset
        return (a * 0x9E3779B1 + b * 0x85EBCA77).bitwise_xor(a * b) % self.size + self.offset


class Network(FieldNetwork):
    def __init__(self, features: Features, config: WideAndDeep.Config) -> None:
        super().__init__(features, config)
        self.deep = deep_part((self.size, *config.hidden, 1), config.start)
        self.crosses = crosses_of(features.fields, config.crosses, config.buckets)
        self.together = _together(self.crosses)
        self.crossed = nn.Embedding(sum(cross.size for cross in self.crosses), 1)
        nn.init.zeros_(self.crossed.weight)

    def wide(self) -> list[Tensor]:
        """The weights of the wide part."""
        return [self.weights.table.weight, self.crossed.weight]

    def head(self, x: Inputs) -> Tensor:
        first, *others = self.deep
        blocks = [block.vectors for block in x.blocks]
        shape = torch.broadcast_shapes(*(vectors.shape[:-2] for vectors in blocks))  # B, C
        alone = len(blocks) == 1  # as rows then: a layer's output is no view, and is changed in place
        hidden = linear_of_blocks(first, [blocks[0].flatten(0, -3)] if alone else blocks)
        for layer in others:
            hidden = layer(functional.relu_(hidden) if alone else functional.relu(hidden))
        parts = self.crossed.weight.view(-1).split([sum(cross.size for cross in some) for some in self.together])
        crossed = (_crossing(some, part, x) for some, part in zip(self.together, parts, strict=True))
        return added([hidden.view(shape), x.linear, *crossed])


def _together(crosses: Sequence[Cross]) -> list[list[Cross]]:
    """Crosses that are read at once: neighbours in the table, narrow, and alike in all but their first field."""
    found: list[list[Cross]] = []
    for cross in crosses:
        last = found[-1][-1] if found else None
        if last and cross.narrow and last.narrow and (last.one.side, last.other) == (cross.one.side, cross.other):
            found[-1].append(cross)
        else:
            found.append([cross])
    return found


def _crossing(crosses: Sequence[Cross], weights: Tensor, x: Inputs) -> Tensor:
    """Σ w · φ(x) of crosses that are read at once, from their part of the table: (B, C)."""
    first = crosses[0]
    other = x.slots(first.other.name)  # (b', c', W')
    if first.narrow:
        # xᵀ M y, where M has a row for each value of the first fields: far fewer numbers than pairs of slots.
        ones = [x.slots(cross.one.name) for cross in crosses]
        above = [(cross.offset - first.offset) // first.other.size for cross in crosses]  # rows of M before a cross's
        away = [n - cross.one.offset for cross, n in zip(crosses, above, strict=True)]
        rows = [slots.rows + n for slots, n in zip(ones, away, strict=True)]
        shares = torch.cat([slots.weights for slots in ones], dim=-1)  # (b, c, W)
        met = weighted_rows(weights.view(-1, first.other.size), torch.cat(rows, dim=-1), shares)  # xᵀ M: (b, c, N)
        return torch.einsum("bcn,bcn->bc", met, _whole(first.other, other))
    one = x.slots(first.one.name)
    places = first.rows(one.rows[..., :, None].long(), other.rows[..., None, :].long()) - first.offset  # (B, C, W, W')
    shares = one.weights[..., :, None] * other.weights[..., None, :]
    return (weights.index_select(0, places.reshape(-1)).view(places.shape) * shares).sum(dim=(-2, -1))


def _whole(field: Field, slots: Slots) -> Tensor:
    """(b, c, W) slots as a number for each of the field's values: (b, c, size)."""
    whole = slots.weights.new_zeros(*slots.rows.shape[:-1], field.size)
    return whole.scatter_add_(-1, slots.rows.long() - field.offset, slots.weights)


def crosses_of(fields: Sequence[Field], declared: Sequence[str], buckets: int) -> tuple[Cross, ...]:
    """The crosses that are declared; ConfigError for what isn't "field * field" of two fields there are."""
    known = {field.name: field for field in fields}
    profile = [(name, "genres") for name in known if name.startswith("user.")]
    defaults = [*profile, ("history genres", "genres"), ("history", "item")]
    pairs: dict[tuple[str, str], None] = {}
    for text in declared:
        if text.strip() == "*":
            pairs |= dict.fromkeys(pair for pair in defaults if set(pair) <= set(known))
            continue
        one, star, other = (part.strip() for part in text.partition("*"))
        if not star:
            raise ConfigError(f'expected a cross as "field * field", got {text!r}; for example "user.gender * genres"')
        for name in (one, other):
            if name not in known:
                raise ConfigError(f"cross {text!r}: the data has no field {name!r}{did_you_mean(name, known)}")
        pairs[one, other] = None
    found: list[Cross] = []
    for one, other in pairs:
        offset = found[-1].offset + found[-1].size if found else 0
        size = min(known[one].size * known[other].size, buckets)
        found.append(Cross(known[one], known[other], offset, size))
    return tuple(found)
