"""Maximal Marginal Relevance against its definition, and what resembles what."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommenders.pipeline.diversify import Resemblance, reorder
from tests.recommenders.worlds import tiny_films

FILMS = tiny_films()


@given(seed=st.integers(0, 10_000), size=st.integers(1, 12), n=st.integers(0, 15), weight=st.floats(0, 1))
def test_reorder_is_the_greedy_definition(seed: int, size: int, n: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    relevance = np.sort(rng.random(size))[::-1]
    rows = rng.normal(size=(size, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    alike = rows @ rows.T
    chosen: list[int] = []
    for _ in range(min(n, size)):
        left = [c for c in range(size) if c not in chosen]
        gains = [(1 - weight) * relevance[c] - weight * max([0.0, *(float(alike[c, d]) for d in chosen)]) for c in left]
        chosen.append(left[int(np.argmax(gains))])
    assert reorder(relevance, alike, n, weight).tolist() == chosen


def test_without_weight_the_order_stays() -> None:
    assert reorder(np.array([0.9, 0.9, 0.1]), np.ones((3, 3)), 3, 0.0).tolist() == [0, 1, 2]


def test_resemblance_without_texts_is_that_of_genres() -> None:
    like = Resemblance(FILMS, None)
    alien, aliens, event_horizon, amelie = 0, 1, 3, 10
    near = like.to_any(np.array([alien, aliens, event_horizon, amelie]), [alien])
    assert np.allclose(near[[0, 2]], 1)  # the same genres
    assert 0 < near[1] < 1
    assert near[3] == 0
    assert np.allclose(np.diag(like.between(np.array([alien, amelie]))), 1)
    assert like.to_any(np.array([len(FILMS) - 1]), [alien])[0] == 0  # no genres resemble nothing
