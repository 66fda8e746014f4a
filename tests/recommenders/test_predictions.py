"""Metrics of predicted clicks and ratings, and their intervals: against the definitions written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommenders.evaluation import intervals, metrics


@st.composite
def predictions(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of both kinds, scores with many ties, users."""
    n = draw(st.integers(2, 30))
    labels = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n).filter(lambda x: 0 < sum(x) < len(x)))
    scores = draw(st.lists(st.integers(0, 5), min_size=n, max_size=n))
    users = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    return np.array(labels), np.array(scores) / 5, np.array(users) * 7


def slow_auc(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray | None = None) -> float:
    weights = np.ones(len(labels)) if weights is None else weights
    won = total = 0.0
    for i in np.flatnonzero(labels == 1):
        for j in np.flatnonzero(labels == 0):
            pair = weights[i] * weights[j]
            won += pair * ((scores[i] > scores[j]) + 0.5 * (scores[i] == scores[j]))
            total += pair
    return won / total if total else math.nan


@given(predictions())
def test_auc_counts_pairs(given: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    labels, scores, users = given
    assert metrics.auc(labels, scores) == pytest.approx(slow_auc(labels, scores))
    assert metrics.auc(labels, -scores) == pytest.approx(1 - metrics.auc(labels, scores))
    own, rows = metrics.auc_by_user(labels, scores, users)
    wanted = [slow_auc(labels[users == u], scores[users == u]) for u in np.unique(users)]
    np.testing.assert_allclose(own, wanted)
    assert rows.tolist() == [(users == u).sum() for u in np.unique(users)]
    known = np.isfinite(wanted)
    if known.any():
        expected = np.average(np.array(wanted)[known], weights=rows[known])
        assert metrics.gauc(labels, scores, users) == pytest.approx(expected)


def test_what_differs_between_users_alone_helps_auc_and_not_gauc() -> None:
    labels, users = np.array([1, 1, 1, 0, 0, 0, 0, 1]), np.array([0, 0, 0, 0, 1, 1, 1, 1])
    of_users = np.where(users == 0, 0.7, 0.2)
    assert metrics.auc(labels, of_users) > 0.5
    assert metrics.gauc(labels, of_users, users) == 0.5


def test_errors_and_log_loss_by_hand() -> None:
    assert metrics.rmse(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == pytest.approx(math.sqrt(5))
    assert metrics.mae(np.array([1.0, 5.0]), np.array([2.0, 2.0])) == pytest.approx(2)
    found = metrics.log_loss(np.array([1, 0]), np.array([0.25, 0.5]))
    assert found == pytest.approx((math.log(4) + math.log(2)) / 2)
    assert math.isfinite(metrics.log_loss(np.array([1, 0]), np.array([0.0, 1.0])))


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(ValueError, match="both labels"):
        metrics.auc(np.ones(3), np.arange(3))
    with pytest.raises(ValueError, match="both labels"):
        metrics.gauc(np.array([0, 1]), np.zeros(2), np.array([0, 1]))
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        metrics.log_loss(np.array([0, 1]), np.array([0.5, 1.5]))
    with pytest.raises(ValueError, match="one length"):
        metrics.rmse(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="finite"):
        metrics.auc(np.array([0, 1]), np.array([0.0, np.nan]))


def test_novelty_and_lift_by_hand() -> None:
    met = np.array([8, 4, 1, 0])  # of 8 users
    top = np.array([[0, 1, 3], [2, -1, -1], [-1, -1, -1]])
    found = metrics.novelty(top, met, 8, 2)
    np.testing.assert_allclose(found, [(0 + 1) / 2, 3, np.nan])
    assert metrics.novelty(np.array([[3]]), met, 8, 1)[0] == 3  # nobody met it: as if one had
    lift = metrics.popularity_lift(top, [[1], [0, 1], [0]], met, 2)
    np.testing.assert_allclose(lift, [6 / 4, 1 / 6, np.nan])
    assert np.isnan(metrics.popularity_lift(top[:1], [[]], met, 2)[0])


def test_intervals_draw_users_as_weights() -> None:
    """The vectorised bootstrap of AUC, against each draw computed from pairs with the users' counts as weights."""
    rng = np.random.default_rng(1)
    labels, users = rng.integers(0, 2, 60), rng.integers(0, 8, 60)
    scores = np.round(0.3 * labels + rng.random(60), 1) / 2
    found = intervals.of_clicks(labels, scores, users)
    counts = metrics.resampled(len(np.unique(users)), intervals.DRAWS)
    some = [slow_auc(labels, scores, c[users]) for c in counts[:150]]
    low, high = np.nanquantile(some, [0.025, 0.975])
    assert found["auc"].value == pytest.approx(slow_auc(labels, scores))
    assert found["auc"].low == pytest.approx(low, abs=0.03)
    assert found["auc"].high == pytest.approx(high, abs=0.03)
    assert found["gauc"].value == pytest.approx(metrics.gauc(labels, scores, users))
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(labels, scores))
    for figure in found.values():
        assert figure.low < figure.value < figure.high


def test_one_user_s_rows_are_not_many_users() -> None:
    """A thousand rows of two users say less than a thousand users: the interval is wider."""
    rng = np.random.default_rng(2)
    error = 1 + rng.normal(size=1000) + np.repeat([0.5, -0.5], 500)
    ratings, two, many = np.zeros(1000), np.repeat([0, 1], 500), np.arange(1000)
    for name, metric in (("rmse", metrics.rmse), ("mae", metrics.mae)):
        of_two, of_many = (intervals.of_ratings(ratings, error, users)[name] for users in (two, many))
        assert of_two.value == pytest.approx(metric(ratings, error))
        assert of_many.value == pytest.approx(metric(ratings, error))
        assert of_two.high - of_two.low > 3 * (of_many.high - of_many.low)
