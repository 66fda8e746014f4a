"""Metrics: laws by property, values against independent formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommenders.evaluation import metrics


@st.composite
def rankings(draw: st.DrawFn) -> tuple[np.ndarray, list[set[int]], int, int]:
    """Ranked lists (padded by -1 as recommenders pad them), relevant items, k, size of the catalogue."""
    items = draw(st.integers(1, 12))
    users = draw(st.integers(1, 4))
    width = draw(st.integers(1, items))
    rows = []
    for _ in range(users):
        order = draw(st.permutations(range(items)))[:width]
        shown = draw(st.integers(0, width))
        rows.append([*order[:shown], *[-1] * (width - shown)])
    relevant = [draw(st.sets(st.integers(0, items - 1))) for _ in range(users)]
    return np.array(rows), relevant, draw(st.integers(1, 15)), items


def slow(top: np.ndarray, relevant: list[set[int]], k: int) -> list[tuple[float, float, float]]:
    """Recall, NDCG and MRR of each user, written out from the definitions."""
    found = []
    for row, wanted in zip(top.tolist(), relevant, strict=True):
        ranks = [rank for rank, item in enumerate(row[:k], start=1) if item in wanted]
        recall = len(ranks) / len(wanted) if wanted else 0.0
        ideal = sum(1 / math.log2(1 + rank) for rank in range(1, min(k, len(wanted)) + 1))
        ndcg = sum(1 / math.log2(1 + rank) for rank in ranks) / ideal if wanted else 0.0
        found.append((recall, ndcg, 1 / ranks[0] if ranks else 0.0))
    return found


@given(rankings())
def test_values_follow_from_the_definitions(case: tuple[np.ndarray, list[set[int]], int, int]) -> None:
    top, relevant, k, _ = case
    expected = np.array(slow(top, relevant, k))
    for column, metric in enumerate((metrics.recall, metrics.ndcg, metrics.mrr)):
        np.testing.assert_allclose(metric(top, relevant, k), expected[:, column], atol=1e-12)


@given(rankings())
def test_every_metric_lies_in_the_unit_interval(case: tuple[np.ndarray, list[set[int]], int, int]) -> None:
    top, relevant, k, items = case
    for metric in (metrics.recall, metrics.ndcg, metrics.mrr):
        values = metric(top, relevant, k)
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    assert 0 <= metrics.coverage(top, items, k) <= 1


@given(rankings())
def test_a_longer_list_never_finds_less(case: tuple[np.ndarray, list[set[int]], int, int]) -> None:
    top, relevant, k, items = case
    assert (metrics.recall(top, relevant, k + 1) >= metrics.recall(top, relevant, k)).all()
    assert (metrics.mrr(top, relevant, k + 1) >= metrics.mrr(top, relevant, k)).all()
    assert metrics.coverage(top, items, k + 1) >= metrics.coverage(top, items, k)


@given(rankings())
def test_the_perfect_order_has_ndcg_one(case: tuple[np.ndarray, list[set[int]], int, int]) -> None:
    _, relevant, k, items = case
    perfect = np.array([[*sorted(r), *sorted(set(range(items)) - r)] for r in relevant])
    np.testing.assert_allclose(metrics.ndcg(perfect, relevant, k), [1.0 if r else 0.0 for r in relevant])


def test_known_values() -> None:
    top = np.array([[3, 1, 2], [0, 4, -1]])
    assert metrics.ndcg(top, [{2}, {0}], 3) == pytest.approx([1 / math.log2(4), 1])
    assert metrics.recall(top, [{2, 9}, {5}], 3) == pytest.approx([0.5, 0])
    assert metrics.mrr(top, [{2, 1}, {4}], 3) == pytest.approx([0.5, 0.5])
    assert metrics.coverage(top, 10, 3) == pytest.approx(0.5)


def test_padding_is_never_a_hit() -> None:
    assert metrics.recall(np.array([[-1, -1]]), [{-1}], 2) == pytest.approx([0])


@pytest.mark.parametrize(("top", "relevant", "k"), [([[1]], [{1}], 0), ([[1]], [{1}, {2}], 1)])
def test_bad_input_is_refused(top: list[list[int]], relevant: list[set[int]], k: int) -> None:
    with pytest.raises(ValueError, match=r"at least 1|one collection"):
        metrics.recall(np.array(top), relevant, k)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_an_interval_stays_within_the_values(values: list[float]) -> None:
    low, high = metrics.interval(np.array(values), draws=200)
    assert min(values) - 1e-9 <= low
    assert low <= high <= max(values) + 1e-9


def test_intervals_are_as_wide_as_theory_says_and_repeatable() -> None:
    values = np.random.default_rng(1).normal(0.3, 0.1, 900)
    low, high = metrics.interval(values)
    assert (low, high) == metrics.interval(values)
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / 30, rel=0.1)
    with pytest.raises(ValueError, match="at least one"):
        metrics.interval(np.zeros(0))
