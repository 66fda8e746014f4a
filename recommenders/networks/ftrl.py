"""FTRL-Proximal: an optimiser for wide linear models, most of whose weights it leaves at exactly 0.

Each weight w_i is, after gradients g_1, ..., g_t, what minimises
    Σ_s g_s w + ½ Σ_s σ_s (w − w_s)² + λ₁ |w| + ½ λ₂' w²    with Σ_{s≤t} σ_s = √(Σ g_s²) / α
("follow the regularised leader": all gradients so far, kept close to where each was taken). In closed form, with
n = Σ g² and z = Σ_s (g_s − σ_s w_s), σ_s = (√n_s − √n_{s−1}) / α (Algorithm 1 of the paper):
    w = 0 where |z| ≤ λ₁, else −(z − sign(z) λ₁) / ((β + √n) / α + λ₂)
A rare feature keeps a high learning rate, and one that never earned its place costs nothing.

Reference
    McMahan et al., Ad click prediction: a view from the trenches (KDD 2013).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor


class FTRL(torch.optim.Optimizer):
    """alpha, beta  learning rate α / (β + √n) of each weight
    l1, l2       λ₁ and λ₂, against the gradient of the loss as given (of a mean over rows: small values)

    Weights should start at 0, as the paper's do: a start from elsewhere is forgotten at a weight's first gradient.
    A step changes the weights alone whose gradient isn't 0: it costs what the batch has, not what the table has.
    Gradients may be sparse (of nn.Embedding(sparse=True)).
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        alpha: float = 0.1,
        beta: float = 1.0,
        l1: float = 0.0,
        l2: float = 0.0,
    ) -> None:
        if alpha <= 0 or beta < 0 or l1 < 0 or l2 < 0:
            raise ValueError(
                f"FTRL needs alpha > 0 and beta, l1, l2 >= 0; got alpha={alpha}, beta={beta}, l1={l1}, l2={l2}"
            )
        super().__init__(params, {"alpha": alpha, "beta": beta, "l1": l1, "l2": l2})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; `closure`, if given, computes the loss anew, with its gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if not state:
                    state["z"], state["n"] = torch.zeros_like(weight), torch.zeros_like(weight)
                whole = (weight, state["z"], state["n"])
                if weight.grad.is_sparse:
                    gradient = weight.grad.coalesce()
                    _update_rows(whole, gradient.indices()[0], gradient.values(), group)
                elif weight.numel() <= _FEW:
                    _update(*whole, weight.grad, group)
                else:
                    flat = weight.grad.view(-1)
                    rows = flat.nonzero().view(-1)
                    _update_rows([w.view(-1) for w in whole], rows, flat.index_select(0, rows), group)
        return loss


_FEW = 8192  # weights up to which all are computed anew: quicker than finding those that change


def _update_rows(whole: Sequence[Tensor], rows: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
    """Algorithm 1 in place for some rows of the weights, z and n."""
    weight, z, n = (tensor.index_select(0, rows) for tensor in whole)
    _update(weight, z, n, gradient, group)
    for tensor, new in zip(whole, (weight, z, n), strict=True):
        tensor.index_copy_(0, rows, new)


def _update(weight: Tensor, z: Tensor, n: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
    """Algorithm 1 in place. Where the gradient is 0, nothing changes."""
    before = n.sqrt()
    n.addcmul_(gradient, gradient)
    after = n.sqrt()
    z.add_(gradient).addcmul_(after - before, weight, value=-1 / group["alpha"])
    away = torch.nn.functional.softshrink(z, group["l1"])  # z − sign(z) λ₁ where |z| > λ₁, else 0
    alpha = group["alpha"]
    torch.div(away, torch.rsub(after, -group["beta"] / alpha - group["l2"], alpha=1 / alpha), out=weight)
