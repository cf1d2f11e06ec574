"""A mesh over the points of a shape: the Delaunay triangles of its front view."""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray
from canthus.morphable_models.sparse import sparse_model


def delaunay(points: FloatArray) -> NDArray[np.int64]:
    """The triangles (T, 3) of points (P, 2) whose circumcircles hold no other point; for at most a hundred or
    so points, of which all triples are tried. Ties of points on one circle are broken by their order."""
    shaken = points + 1e-7 * np.ptp(points) * np.random.default_rng(0).normal(size=points.shape)
    triples = np.array(list(combinations(range(len(points)), 3)))
    a, b, c = (shaken[triples[:, k]] for k in range(3))
    (bx, by), (cx, cy) = (b - a).T, (c - a).T
    twice = 2 * (bx * cy - by * cx)
    kept = np.abs(twice) > 1e-12
    triples, a, bx, by, cx, cy, twice = (x[kept] for x in (triples, a, bx, by, cx, cy, twice))
    long_b, long_c = bx**2 + by**2, cx**2 + cy**2
    center = np.column_stack([cy * long_b - by * long_c, bx * long_c - cx * long_b]) / twice[:, None]
    reach = (center**2).sum(1)
    center += a
    squares = sum((shaken[:, axis] - center[:, axis, None]) ** 2 for axis in (0, 1))  # (T, P)
    return np.asarray(triples[~(squares < reach[:, None] * (1 - 1e-9)).any(1)])


@cache
def sparse_edges() -> tuple[tuple[int, int], ...]:
    """The edges of the mesh over the 68 points of the shape that comes with the package."""
    triangles = delaunay(sparse_model().mean[:, :2])
    pairs = {tuple(sorted(pair)) for t in triangles.tolist() for pair in combinations(t, 2)}
    return tuple(sorted((int(a), int(b)) for a, b in pairs))
