"""NME, failure rate, AUC, CED and parts, by hand and against naive loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from comparisons import comparison, random_faces
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import simpson

from canthus.metrics.auc import AUC, areas
from canthus.metrics.ced import CED
from canthus.metrics.failure_rate import FailureRate
from canthus.metrics.metric import Comparison
from canthus.metrics.nme import NME, image_errors
from canthus.metrics.per_part import PerPart
from canthus.schemes import FIVE, IBUG68, SCHEMES, Scheme

TARGET = np.array([[0, 0], [10, 0], [5, 4], [0, 8], [10, 8]], dtype=float)  # eyes 10 px apart


def five(*shifts: float) -> Comparison:
    """One face for each shift: all five points moved right by it."""
    target = np.stack([TARGET] * len(shifts))
    return comparison(target + np.array(shifts)[:, None, None] * (1, 0), target)


def test_nme_by_hand_under_every_denominator() -> None:
    metric = NME(FIVE)
    metric.update(five(1.0, 0.5))
    out = metric.compute()
    assert out["nme/inter_pupil"] == pytest.approx(7.5)  # 0.75 px of 10
    assert out["nme/landmark_box_sqrt_wh"] == pytest.approx(75 / math.sqrt(80))
    assert out["nme/landmark_box_diagonal"] == pytest.approx(75 / math.hypot(10, 8))
    assert out["nme/annotation_box_max"] == pytest.approx(75 / 40)
    assert out["nme/crop_side"] == pytest.approx(75 / 50)
    assert out["missed"] == 0 and out["left_out/inter_pupil"] == 0


def test_mean_of_faces_is_not_mean_of_points() -> None:
    """The second face has one labelled point besides the eyes, 3 px off; the first five, 1 px off."""
    batch = five(1.0, 3.0)
    batch.target[1, 3:] = np.nan
    metric = NME(FIVE, normalizers=["inter_pupil"])
    metric.update(batch)
    out = metric.compute()
    assert out["nme/inter_pupil"] == pytest.approx((10 + 30) / 2)
    assert out["nme_pooled/inter_pupil"] == pytest.approx((5 * 10 + 3 * 30) / 8)


def test_zero_and_unknown_denominators_are_counted_not_averaged() -> None:
    batch = five(1.0, 1.0, 1.0, 1.0)
    batch.target[1, 1] = batch.target[1, 0]  # eyes coincide
    batch.target[2, 0] = np.nan  # an eye is not labelled
    batch.target[3] = np.nan  # nothing is
    metric = NME(FIVE)
    metric.update(batch)
    out = metric.compute()
    assert out["left_out/inter_pupil"] == 3 and out["nme/inter_pupil"] == pytest.approx(10)
    assert out["left_out/annotation_box_max"] == 1
    assert math.isfinite(out["nme/annotation_box_max"])


def test_missed_faces_are_failures_but_in_no_mean() -> None:
    batch = five(0.5, 0.9, 0.1)
    batch.points[2] = np.nan
    errors = image_errors(batch, FIVE, "inter_pupil")
    np.testing.assert_allclose(errors, [0.05, 0.09, np.inf])
    nme, rate, area = NME(FIVE), FailureRate(FIVE), AUC(FIVE)
    for metric in (nme, rate, area):
        metric.update(batch)
    assert nme.compute()["nme/inter_pupil"] == pytest.approx(7) and nme.compute()["missed"] == 1
    assert rate.compute() == pytest.approx(
        {"failure_rate/inter_pupil@0.08": 200 / 3, "failure_rate/inter_pupil@0.10": 100 / 3}
    )
    expected = {"auc/inter_pupil@0.08": (0.375 + 0 + 0) / 3, "auc/inter_pupil@0.10": (0.5 + 0.1 + 0) / 3}
    assert area.compute() == pytest.approx(expected, abs=5e-4)


def test_an_error_on_the_threshold_is_no_failure() -> None:
    metric = FailureRate(FIVE, thresholds=(0.25,))
    metric.update(comparison(TARGET[None] + (2.5, 0), TARGET[None]))
    assert metric.compute() == {"failure_rate/inter_pupil@0.25": 0.0}


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=40), st.sampled_from([0.05, 0.07, 0.08, 0.1]))
def test_area_is_simpsons_over_the_usual_grid(errors: list[float], threshold: float) -> None:
    values = np.array(errors)
    steps = round(threshold / 1e-4)
    grid = np.arange(steps + 1) * (threshold / steps)
    usual = simpson((values <= grid[:, None]).mean(1), dx=1e-4) / threshold
    assert areas(values, threshold).mean() == pytest.approx(usual)
    step = np.clip(1 - values / threshold, 0, None)  # of the step function itself
    np.testing.assert_allclose(areas(values, threshold), step, atol=1e-4 / threshold)


@pytest.mark.parametrize("threshold", [0.0333, 0.05, 0.2])
def test_area_of_the_ends(threshold: float) -> None:
    """A perfect face fills the area, one beyond the threshold or not found adds nothing."""
    np.testing.assert_allclose(
        areas(np.array([0, threshold * 1.01, np.inf]), threshold), [1, 0, 0], atol=1e-12
    )


def test_names_of_thresholds_tell_them_apart() -> None:
    metric = FailureRate(FIVE, thresholds=(0.1, 0.075, 0.08))
    metric.update(five(0.78))
    names = (
        "failure_rate/inter_pupil@0.10",
        "failure_rate/inter_pupil@0.075",
        "failure_rate/inter_pupil@0.08",
    )
    assert metric.compute() == dict(zip(names, (0.0, 100.0, 0.0), strict=True))


def test_points_that_do_not_count_still_serve_the_denominator() -> None:
    """The right eye is 5 px off but does not count; the others are 1 px off."""
    batch = five(1.0)
    batch.points[0, 0] += (4, 0)
    batch = replace(batch, counted=np.array([[False, True, True, True, True]]))
    nme, parts = NME(FIVE, normalizers=["inter_pupil"]), PerPart(FIVE)
    for metric in (nme, parts):
        metric.update(batch)
    assert nme.compute()["nme/inter_pupil"] == nme.compute()["nme_pooled/inter_pupil"] == pytest.approx(10)
    assert parts.compute()["part/eyes/inter_pupil"] == pytest.approx(10)


def test_curve_by_hand() -> None:
    metric = CED(FIVE, thresholds=(0.04, 0.05, 0.2))
    metric.update(five(0.5, 0.9, 0.1))
    assert list(metric.compute().values()) == pytest.approx([1 / 3, 2 / 3, 1])


def test_parts_by_hand() -> None:
    batch = five(0.0, 0.0)
    batch.points[0, 0] += (3, 4)  # an eye, 5 px off
    batch.points[1, 2] += (0, 1)  # the nose, 1 px off
    batch.target[1, 3:] = np.nan
    metric = PerPart(FIVE)
    metric.update(batch)
    expected = {
        "part/eyes/inter_pupil": (25 + 0) / 2,
        "part/nose/inter_pupil": (0 + 10) / 2,
        "part/mouth/inter_pupil": 0,
    }
    assert metric.compute() == pytest.approx(expected)


@pytest.mark.parametrize("scheme", [IBUG68, SCHEMES["aflw19"]])
def test_against_a_naive_loop(scheme: Scheme) -> None:
    batch = random_faces(20, len(scheme))
    errors, pooled = [], []
    for i in range(20):
        denominator = float(scheme.normalizer(scheme.default_normalizer, batch.target[i], box=batch.boxes[i]))
        each = [
            math.dist(batch.points[i, k], batch.target[i, k]) / denominator
            for k in range(len(scheme))
            if not math.isnan(batch.target[i, k, 0]) and not math.isnan(batch.points[i, k, 0])
        ]
        each = [value for value in each if not math.isnan(value)]
        pooled += each
        if each:
            errors.append(sum(each) / len(each))
    metric = NME(scheme)
    for start in (0, 7, 14):  # batches do not matter
        metric.update(batch.select(np.arange(20) // 7 == start // 7))
    out, name = metric.compute(), scheme.default_normalizer
    assert out[f"nme/{name}"] == pytest.approx(100 * sum(errors) / len(errors))
    assert out[f"nme_pooled/{name}"] == pytest.approx(100 * sum(pooled) / len(pooled))
