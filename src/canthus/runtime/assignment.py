"""Optimal pairs of rows and columns, for a few dozen of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from canthus.geometry import FloatArray


def assign(cost: ArrayLike, limit: float) -> list[tuple[int, int]]:
    """Pairs (row, column) of a cost matrix (R, C): as many as can cost at most `limit` each, and of those the
    cheapest set; no row or column is used twice.

    Shortest augmenting paths (Jonker and Volgenant 1987), O(R² C) for R <= C.
    """
    cost = np.asarray(cost, dtype=np.float64)
    if cost.ndim != 2:
        raise ValueError(f"cost: found shape {cost.shape}, expected (rows, columns)")
    if not cost.size:
        return []
    if len(cost) > cost.shape[1]:
        return sorted((row, column) for column, row in assign(cost.T, limit))
    allowed = cost <= limit
    # A forbidden pair costs more than any set of allowed ones, so the fewest of them are taken.
    span = float(np.ptp(cost[allowed])) if allowed.any() else 0.0
    low = float(cost[allowed].min()) if allowed.any() else 0.0
    forbidden = (span + 1.0) * (len(cost) + 1)
    rows = _match(np.where(allowed, np.where(allowed, cost, 0.0) - low, forbidden))
    return [(row, column) for row, column in enumerate(rows) if allowed[row, column]]


def _match(cost: FloatArray) -> list[int]:
    """The column of each row of a finite matrix (R, C), R <= C, at the least total cost."""
    count, width = cost.shape
    row_of = np.full(width, -1)
    by_row, by_column = np.zeros(count), np.zeros(width)  # dual prices
    for start in range(count):
        distance, before = np.full(width, np.inf), np.full(width, -1)
        done = np.zeros(width, dtype=bool)
        row, column, reached = start, -1, 0.0
        while row >= 0:
            along = reached + cost[row] - by_row[row] - by_column
            shorter = ~done & (along < distance)
            distance[shorter], before[shorter] = along[shorter], column
            column = int(np.where(done, np.inf, distance).argmin())
            reached, done[column] = float(distance[column]), True
            row = int(row_of[column])
        closed = done.copy()
        closed[column] = False
        by_row[start] += reached
        by_row[row_of[closed]] += reached - distance[closed]
        by_column[closed] -= reached - distance[closed]
        while column >= 0:
            previous = int(before[column])
            row_of[column] = start if previous < 0 else row_of[previous]
            column = previous
    column_of = np.empty(count, dtype=int)
    taken = row_of >= 0
    column_of[row_of[taken]] = np.flatnonzero(taken)
    return [int(column) for column in column_of]
