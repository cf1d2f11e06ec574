"""Edges: smooth lines through landmarks, their target maps, and the normals of the points on them.

An edge is a tuple of landmark indices, closed where the first index comes again at the end.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from canthus.geometry import FloatArray

Edges = tuple[tuple[int, ...], ...]
#: Samples of a curve between two points.
SAMPLES = 5
#: Canvas px a cell of the map; the middle 8 x 8 of them make the cell's value. Lines of
#: OpenCV's width 4 cover 5.
CANVAS, MARGIN, WIDTH = 16, 4, 4


def edge_maps(points: FloatArray, edges: Edges, size: int, side: int) -> FloatArray:
    """Maps (E, side, side) float32 in [0, 1] of the edges through points (K, 2) in px of a crop of `size`.

    Each is a cubic spline, cut to the crop, drawn fine and reduced: a cell is the share of its middle quarter
    that lies on the line (Huang et al. 2021, published code). Edges with a missing point are empty.
    """
    maps = np.zeros((len(edges), side, side), np.float32)
    for edge, out in zip(edges, maps, strict=True):
        through = points[list(edge)].astype(np.float64)
        if np.isfinite(through).all():
            line = np.clip(curve(through), 0, size - 1) * (CANVAS * side / size) + 0.5
            _draw(line.astype(np.int32), out)
    return maps


def curve(points: FloatArray) -> FloatArray:
    """Five samples an interval of the cubic spline through points (n, 2), and the last point.

    Parametrised by chord length; periodic where the last point is the first, else its outer three points
    share one cubic. Straight lines (the points themselves) where neighbours coincide or there are too few.
    """
    chords = np.linalg.norm(np.diff(points, axis=0), axis=1)
    closed = bool((points[0] == points[-1]).all())
    if len(points) < 4 or not (chords > 0).all():
        return points
    bends = _periodic_bends(points, chords) if closed else _open_bends(points, chords)
    t = np.arange(SAMPLES) / SAMPLES
    left, right, a, b = points[:-1, None], points[1:, None], bends[:-1, None], bends[1:, None]
    back = (1 - t)[None, :, None]
    ahead = t[None, :, None]
    square = chords[:, None, None] ** 2 / 6
    inner = back * left + ahead * right + square * ((back**3 - back) * a + (ahead**3 - ahead) * b)
    return np.concatenate([inner.reshape(-1, 2), points[-1:]])


def normals_of(points: Tensor, edges: Edges) -> Tensor:
    """Unit normals (B, K, 2) at points (B, K, 2); 0 for points on no edge, or in line with both neighbours.

    Between two neighbours the bisector of the directions to them, at the end of an open edge the
    perpendicular. A point of several edges counts for the last of them.
    """
    before, after = (torch.tensor(ids, device=points.device) for ids in neighbours(edges, points.shape[1]))
    backward, forward = points[:, before] - points, points[:, after] - points
    bisector = normalize(backward, dim=-1) + normalize(forward, dim=-1)
    across = torch.stack([-backward[..., 1], backward[..., 0]], -1)
    return normalize(torch.where((before == after)[:, None], across, bisector), dim=-1)


def neighbours(edges: Edges, count: int) -> tuple[list[int], list[int]]:
    """The points before and after each of `count` points; an open end has its one neighbour twice, a point
    on no edge itself."""
    before, after = list(range(count)), list(range(count))
    for edge in edges:
        closed = edge[0] == edge[-1]
        ids = edge[:-1] if closed else edge
        for place, point in enumerate(ids):
            first, last = not closed and place == 0, not closed and place == len(ids) - 1
            before[point] = ids[1] if first else ids[place - 1]
            after[point] = ids[-2] if last else ids[(place + 1) % len(ids)]
    return before, after


def _open_bends(points: FloatArray, chords: FloatArray) -> FloatArray:
    """Second derivatives (n, 2) of the spline whose third one does not jump next to the ends."""
    n = len(points)
    matrix, slopes = np.zeros((n, n)), np.zeros((n, 2))
    _inner_rows(matrix[1:-1], slopes[1:-1], points, chords)
    matrix[0, :3] = chords[1], -(chords[0] + chords[1]), chords[0]
    matrix[-1, -3:] = chords[-1], -(chords[-2] + chords[-1]), chords[-2]
    return np.asarray(np.linalg.solve(matrix, slopes))


def _periodic_bends(points: FloatArray, chords: FloatArray) -> FloatArray:
    """Second derivatives (n, 2) of the periodic spline, the last those of the first point."""
    n = len(points) - 1
    around = np.concatenate([points[-2:-1], points])
    matrix, slopes = np.zeros((n, n + 2)), np.zeros((n, 2))
    _inner_rows(matrix, slopes, around, np.concatenate([chords[-1:], chords]))
    matrix[:, -2] += matrix[:, 0]  # the point before the first is the last
    matrix[:, 1] += matrix[:, -1]  # the one after the last is the first
    bends = np.linalg.solve(matrix[:, 1:-1], slopes)
    return np.concatenate([bends, bends[:1]])


def _inner_rows(matrix: FloatArray, slopes: FloatArray, points: FloatArray, chords: FloatArray) -> None:
    """The conditions of a smooth first derivative at all points but the first and the last, in place."""
    rows = np.arange(len(matrix))
    matrix[rows, rows] = chords[:-1]
    matrix[rows, rows + 1] = 2 * (chords[:-1] + chords[1:])
    matrix[rows, rows + 2] = chords[1:]
    steps = np.diff(points, axis=0) / chords[:, None]
    slopes[:] = 6 * np.diff(steps, axis=0)


def _draw(line: FloatArray, out: FloatArray) -> None:
    """The reduced map of a polyline (n, 2) in whole canvas px, into `out` (side, side); only the cells
    around the line are drawn."""
    low = np.maximum(line.min(0) // CANVAS - 1, 0)
    high = np.minimum(line.max(0) // CANVAS + 2, len(out))
    columns, rows = (high - low).tolist()
    canvas = np.zeros((rows * CANVAS, columns * CANVAS), np.uint8)
    cv2.polylines(canvas, [(line - low * CANVAS).astype(np.int32)], False, 1, WIDTH, cv2.LINE_8)
    cells = canvas.reshape(rows, CANVAS, columns, CANVAS)[:, MARGIN:-MARGIN, :, MARGIN:-MARGIN]
    out[low[1] : high[1], low[0] : high[0]] = cells.mean((1, 3))
