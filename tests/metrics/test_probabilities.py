"""Calibration of covariances, and rankings."""

from __future__ import annotations

import numpy as np
import pytest
from comparisons import comparison
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from canthus.metrics.calibration import Calibration, mahalanobis_squared
from canthus.metrics.ranking import PresenceAUC, VisibilityAUC, ranking_auc
from canthus.schemes import FIVE, IBUG68


def test_mahalanobis_by_hand_and_by_inverse() -> None:
    assert mahalanobis_squared(np.array([2.0, 3.0]), np.diag([4.0, 9.0])) == pytest.approx(2)
    random = np.random.default_rng(0)
    roots = random.normal(size=(50, 2, 2))
    covariance = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(2)
    difference = random.normal(size=(50, 2))
    expected = np.einsum("ni,nij,nj->n", difference, np.linalg.inv(covariance), difference)
    np.testing.assert_allclose(mahalanobis_squared(difference, covariance), expected)
    assert np.isnan(mahalanobis_squared(np.ones(2), np.zeros((2, 2))))


def test_true_covariances_are_calibrated_and_narrow_ones_are_not() -> None:
    random = np.random.default_rng(0)
    root = np.array([[2.0, 0.0], [1.5, 0.5]])
    target = random.uniform(0, 100, (200, 68, 2))
    points = target + random.normal(size=target.shape) @ root.T
    covariance = np.tile(root @ root.T, (200, 68, 1, 1))
    right, narrow = Calibration(IBUG68), Calibration(IBUG68)
    right.update(comparison(points, target, covariance=covariance))
    narrow.update(comparison(points, target, covariance=covariance / 4))
    assert right.compute()["calibration/inside_50"] == pytest.approx(50, abs=1.5)
    assert right.compute()["calibration/inside_90"] == pytest.approx(90, abs=1)
    expected = 100 * chi2.cdf(chi2.ppf(0.9, 2) / 4, 2)
    assert narrow.compute()["calibration/inside_90"] == pytest.approx(expected, abs=1.5)


def test_calibration_counts_points_by_hand() -> None:
    """Unit covariances: the 50 % ellipse ends at 1.177 px, the 90 % one at 2.146 px."""
    target = np.zeros((1, 5, 2))
    points = np.array([[[1.1, 0], [0, 1.2], [2.1, 0], [0, 2.2], [0, 0]]])
    covariance = np.tile(np.eye(2), (1, 5, 1, 1))
    covariance[0, 4] = 0  # not usable
    metric = Calibration(FIVE)
    metric.update(comparison(points, target, covariance=covariance))
    out = metric.compute()
    assert out == {"calibration/inside_50": 25.0, "calibration/inside_90": 75.0, "calibration/left_out": 1.0}


def test_models_without_the_output_have_no_number() -> None:
    for metric in (Calibration(FIVE), VisibilityAUC(FIVE), PresenceAUC(FIVE)):
        metric.update(comparison(np.zeros((2, 5, 2)), np.zeros((2, 5, 2))))
        assert metric.compute() == {}


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=40))
def test_ranking_is_the_share_of_ordered_pairs(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in rows], dtype=float)
    labels = np.array([float(label) for _, label in rows])
    pairs = [(a > b) + 0.5 * (a == b) for a, one in rows if one for b, other in rows if not other]
    value = ranking_auc(scores, labels)
    assert np.isnan(value) if not pairs else value == pytest.approx(sum(pairs) / len(pairs))


def test_visibility_leaves_out_what_is_not_stated() -> None:
    labels = np.array([[1, 0, np.nan, 1, 0]])
    scores = np.array([[0.9, 0.2, 0.99, 0.4, 0.6]])
    metric = VisibilityAUC(FIVE)
    metric.update(
        comparison(np.zeros((1, 5, 2)), np.zeros((1, 5, 2)), visibility=scores, target_visibility=labels)
    )
    assert metric.compute() == {"visibility_auc": 0.75}  # of 4 pairs, 0.4 < 0.6 is wrong


def test_presence() -> None:
    zeros = np.zeros((4, 5, 2))
    metric = PresenceAUC(FIVE)
    metric.update(
        comparison(
            zeros, zeros, presence=np.array([0.9, 0.3, 0.3, 0.1]), target_presence=np.array([1.0, 1, 0, 0])
        )
    )
    assert metric.compute() == {"presence_auc": 0.875}
