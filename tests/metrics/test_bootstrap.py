"""Intervals by resampling the pictures."""

from __future__ import annotations

import numpy as np
import pytest

from canthus.metrics.ratio import bootstrap, mean_of


def naive(values: np.ndarray, groups: list[str], resamples: int, seed: int) -> tuple[float, float]:
    """Pictures drawn one by one, their faces put together."""
    random = np.random.default_rng(seed)
    names = sorted(set(groups))
    means = []
    for _ in range(resamples):
        drawn = random.choice(names, len(names))
        means.append(np.mean([v for name in drawn for v, g in zip(values, groups, strict=True) if g == name]))
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def test_intervals_are_those_of_a_naive_bootstrap() -> None:
    random = np.random.default_rng(1)
    values = random.exponential(4, 60)
    groups = [f"p{i // 3 if i < 30 else i}" for i in range(60)]  # ten pictures of three faces, thirty of one
    terms = {"mean": mean_of(values, np.ones(60, bool))}
    low, high = bootstrap(terms, groups, resamples=4000)["mean"]
    expected = naive(values, groups, 1500, seed=2)
    assert (low, high) == pytest.approx(expected, abs=0.25)
    assert low < values.mean() < high


def test_width_is_that_of_the_standard_error() -> None:
    values = np.random.default_rng(0).normal(10, 2, 400)
    terms = {"mean": mean_of(values, np.ones(400, bool))}
    low, high = bootstrap(terms, [str(i) for i in range(400)], resamples=4000)["mean"]
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)


def test_faces_of_a_picture_are_drawn_together() -> None:
    """Copies of a face in its own picture add no certainty."""
    values = np.random.default_rng(0).normal(10, 2, 50)
    alone = bootstrap({"m": mean_of(values, np.ones(50, bool))}, [str(i) for i in range(50)])["m"]
    twice = np.repeat(values, 2)
    groups = [str(i // 2) for i in range(100)]
    assert bootstrap({"m": mean_of(twice, np.ones(100, bool))}, groups)["m"] == pytest.approx(alone, rel=0.02)


def test_a_seed_repeats_it_and_what_is_undefined_has_no_interval() -> None:
    values = np.arange(9.0)
    terms = {"m": mean_of(values, values > 2), "none": mean_of(values, np.zeros(9, bool))}
    groups = list("abcdefghi")
    assert bootstrap(terms, groups) == bootstrap(terms, groups)
    assert bootstrap(terms, groups) != bootstrap(terms, groups, seed=1)
    assert set(bootstrap(terms, groups)) == {"m"}
    assert bootstrap(terms, ["a"] * 9) == {}
