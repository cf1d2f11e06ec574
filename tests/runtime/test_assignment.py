"""The cheapest pairs, against every possible choice."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from canthus.runtime.assignment import assign


def best(cost: np.ndarray, limit: float) -> tuple[int, float]:
    """Number and cost of the best pairs, by trying every choice."""
    if len(cost) > cost.shape[1]:
        cost = cost.T
    options = []
    for columns in permutations(range(cost.shape[1]), len(cost)):
        chosen = [cost[row, column] for row, column in enumerate(columns) if cost[row, column] <= limit]
        options.append((-len(chosen), sum(chosen)))
    count, total = min(options)
    return -count, total


matrices = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-10, 10, width=32))
)


@settings(max_examples=150, deadline=None)
@given(matrices, st.floats(-10, 10, width=32))
def test_as_many_pairs_as_can_be_at_the_least_cost(cost: np.ndarray, limit: float) -> None:
    pairs = assign(cost, limit)
    rows, columns = [row for row, _ in pairs], [column for _, column in pairs]
    assert len(set(rows)) == len(rows) and len(set(columns)) == len(columns)
    assert all(cost[pair] <= limit for pair in pairs)
    count, total = best(cost, limit)
    assert len(pairs) == count
    assert sum(cost[pair] for pair in pairs) == pytest.approx(total, abs=1e-6)


def test_nothing_to_assign() -> None:
    assert assign(np.zeros((0, 3)), 1.0) == [] == assign(np.zeros((3, 0)), 1.0)
    with pytest.raises(ValueError, match="found shape"):
        assign([1.0, 2.0], 1.0)
