"""What keeps cost from growing faster than the data does."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ConfigError
from recommenders.contract.base import best
from recommenders.contract.config import configured
from recommenders.models import bpr
from tests.recommenders.worlds import checkerboard


@given(
    values=st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, -np.inf]), max_size=60),
    k=st.integers(-1, 70),
)
def test_the_best_are_those_of_a_full_sort(values: list[float], k: int) -> None:
    scores = np.array(values)
    expected = sorted(range(len(values)), key=lambda i: (-values[i], i))[: max(k, 0)]
    assert best(scores, k).tolist() == expected


def test_a_lazy_step_touches_only_the_vectors_of_its_pairs() -> None:
    """The other users' and items' vectors stay as they were drawn, to the bit."""
    data, _ = checkerboard(users=400, items=30)
    settings = {"batch_size": 4, "epochs": 1, "embedding_size": 4}
    some = data.with_interactions(data.interactions.where(data.interactions.user < 8))
    model = configured("bpr", settings)
    model.fit(some)
    with torch.random.fork_rng():
        torch.manual_seed(model.config.seed)
        fresh = bpr.Factors(400, 30, 4)
    after = model.module.users.weight.detach()  # type: ignore[attr-defined]
    assert model.module.lazy  # type: ignore[attr-defined]
    assert torch.equal(after[8:], fresh.users.weight[8:])
    assert (after[:8] != fresh.users.weight[:8]).any(dim=1).all()


def test_lazy_training_learns_the_checkerboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpr, "_LAZY_FROM", 0)
    data, cases = checkerboard()
    model = configured("bpr", {"epochs": 40, "batch_size": 64, "embedding_size": 8, "learning_rate": 0.02}).fit(data)
    first = [model.recommend(state, 1)[0][0] for state, _ in cases]
    assert np.mean([found == item for found, (_, item) in zip(first, cases, strict=True)]) >= 0.95


def test_weight_decay_of_every_vector_is_refused_where_steps_are_lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpr, "_LAZY_FROM", 0)
    data, _ = checkerboard()
    with pytest.raises(ConfigError, match="set regularisation instead"):
        configured("bpr", {"weight_decay": 0.1}).fit(data)


def test_eases_map_lies_row_by_row() -> None:
    """Otherwise SciPy copies items² numbers for every user that is scored."""
    data, _ = checkerboard()
    model = configured("ease").fit(data)
    assert model._map.weights.flags.c_contiguous  # type: ignore[attr-defined]
