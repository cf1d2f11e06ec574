"""The published decoders the way they are usually written: numpy, one map after the other."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.codecs.keyposs import MEASURING

Map = NDArray[np.float32]
Point = NDArray[np.float64]


def peak(heat: Map) -> tuple[int, int]:
    """x and y of the highest cell."""
    y, x = divmod(int(heat.argmax()), heat.shape[1])
    return x, y


def quarter(heat: Map) -> Point:
    """A quarter cell towards the higher neighbours (Xiao et al. 2018)."""
    x, y = peak(heat)
    point, last = np.array([x, y], np.float64), len(heat) - 1
    if 0 < x < last:
        point[0] += 0.25 * np.sign(heat[y, x + 1] - heat[y, x - 1])
    if 0 < y < last:
        point[1] += 0.25 * np.sign(heat[y + 1, x] - heat[y - 1, x])
    return point


def dark(heat: Map) -> Point:
    """Blur, logarithm, one Newton step (Zhang et al. 2020)."""
    x, y = peak(heat)
    side = len(heat)
    padded = cv2.GaussianBlur(np.pad(heat, 5), (11, 11), 0)
    blurred = padded[5:-5, 5:-5] * (heat.max() / padded[5:-5, 5:-5].max())
    logs = np.log(np.maximum(blurred, 1e-10))
    point = np.array([x, y], np.float64)
    if not (1 < x < side - 2 and 1 < y < side - 2):
        return point
    slope = np.array([logs[y, x + 1] - logs[y, x - 1], logs[y + 1, x] - logs[y - 1, x]]) / 2
    dxx = (logs[y, x + 2] - 2 * logs[y, x] + logs[y, x - 2]) / 4
    dyy = (logs[y + 2, x] - 2 * logs[y, x] + logs[y - 2, x]) / 4
    dxy = (logs[y + 1, x + 1] - logs[y - 1, x + 1] - logs[y + 1, x - 1] + logs[y - 1, x - 1]) / 4
    bend = np.array([[dxx, dxy], [dxy, dyy]])
    return point - np.linalg.inv(bend) @ slope if np.linalg.det(bend) != 0 else point


def distances(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Squared distances that values of a map of sigma 2 stand for."""
    return -8 * np.log(np.clip(values.astype(np.float64), 1e-9, 1))


def block(heat: Map) -> Point:
    """Linear least squares over the best 2x2 cells near the peak (Bao et al. 2023)."""
    x, y = peak(heat)
    side, best, corner = len(heat), -math.inf, (0, 0)
    for i in range(max(y - 2, 0), min(y, side - 3) + 1):
        for j in range(max(x - 2, 0), min(x, side - 3) + 1):
            total = heat[i : i + 2, j : j + 2].sum()
            if total >= best:
                best, corner = total, (i, j)
    i, j = corner
    anchors = np.array([[j, i], [j + 1, i], [j, i + 1], [j + 1, i + 1]], np.float64)
    square = distances(heat[i : i + 2, j : j + 2].ravel())
    norm = (anchors**2).sum(1)
    matrix = anchors[3] - anchors[:3]
    right = (square[:3] - square[3] + norm[3] - norm[:3]) / 2
    return np.asarray(np.linalg.solve(matrix.T @ matrix, matrix.T @ right))


def highest(heat: Map) -> Point:
    """Gauss-Newton over the highest cells (Bao et al. 2023)."""
    side = len(heat)
    order = np.argsort(-heat.ravel(), kind="stable")[: MEASURING[side]]
    anchors = np.stack([order % side, order // side], -1).astype(np.float64)
    square = distances(heat.ravel()[order])
    point, last = np.array(peak(heat), np.float64), math.inf
    for _ in range(20):
        residual = ((anchors - point) ** 2).sum(1) - square
        cost = (residual**2).sum()
        if cost >= last:
            break
        jacobian = -2 * (anchors - point)
        point = point + np.linalg.solve(jacobian.T @ jacobian, -jacobian.T @ residual)
        last = cost
    return point


PUBLISHED = {"quarter cell": quarter, "DARK": dark, "KeyPosS 2x2": block, "KeyPosS top K": highest}
