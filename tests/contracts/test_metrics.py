"""What holds for every row of METRICS."""

from __future__ import annotations

import numpy as np
import pytest
from comparisons import random_faces

from canthus.metrics import METRICS, Comparison
from canthus.schemes import SCHEMES


def every_scheme(name: str) -> list[tuple[str, str]]:
    return [(name, scheme) for scheme in SCHEMES]


@pytest.mark.parametrize(("name", "scheme"), [pair for name in METRICS for pair in every_scheme(name)])
def test_batches_and_order_do_not_matter(name: str, scheme: str) -> None:
    faces = random_faces(12, len(SCHEMES[scheme]))
    whole, parts = METRICS[name](SCHEMES[scheme]), METRICS[name](SCHEMES[scheme])
    whole.update(faces)
    for rows in (np.arange(12) >= 5, np.arange(12) < 5, np.zeros(12, dtype=bool)):
        parts.update(faces.select(rows))
    expected = whole.compute()
    assert expected and parts.compute() == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", METRICS)
def test_update_leaves_its_input_alone_and_compute_can_be_repeated(name: str) -> None:
    faces, again = random_faces(5), random_faces(5)
    metric = METRICS[name](SCHEMES["ibug68"])
    metric.update(faces)
    first = metric.compute()
    assert metric.compute() == pytest.approx(first, nan_ok=True)
    assert same(faces, again)


@pytest.mark.parametrize("name", METRICS)
def test_no_faces_give_no_number(name: str) -> None:
    metric = METRICS[name](SCHEMES["ibug68"])
    metric.update(random_faces(3).select(np.zeros(3, dtype=bool)))
    counts = ("missed", "left_out/", "calibration/left_out")
    for key, value in metric.compute().items():
        assert value == 0 if key.startswith(counts) else np.isnan(value)


def same(a: Comparison, b: Comparison) -> bool:
    pairs = [(getattr(a, name), getattr(b, name)) for name in vars(a)]
    assert all((x is None) == (y is None) for x, y in pairs)
    return all(x is None or np.array_equal(x, y, equal_nan=True) for x, y in pairs)
