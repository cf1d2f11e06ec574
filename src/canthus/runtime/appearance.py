"""What a face looks like, in a few numbers: enough to tell the people of one scene apart."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray

#: Colours are taken at the landmarks drawn towards their middle by these factors.
RINGS = np.array([0.9, 0.6, 0.3])


def look(image: NDArray[np.uint8], points: FloatArray) -> FloatArray:
    """The colours (3, K, 3) of a picture (H, W, 3) at and within a face's landmarks (K, 2), which makes them
    comparable between poses; their mean is taken off and their length is 1, so brightness and contrast do
    not count."""
    center = points.sum(axis=0) / len(points)
    places = center + RINGS[:, None, None] * (points - center)
    cells = np.rint(places, out=places).astype(np.intp)
    np.minimum(np.maximum(cells, 0, out=cells), [image.shape[1] - 1, image.shape[0] - 1], out=cells)
    colours = image[cells[..., 1], cells[..., 0]].astype(np.float64)
    colours -= colours.sum(axis=(0, 1)) / (3 * len(points))
    flat = colours.ravel()
    colours /= max(math.sqrt(float(flat @ flat)), 1e-6)
    return np.asarray(colours)


def unlikeness(first: FloatArray, second: FloatArray, visible: FloatArray | None = None) -> float:
    """One minus the correlation of two looks (3, K, 3): 0 for the same, about 1 for unrelated ones.

    `visible` (K,) weighs the points: what something hides does not look like the face. 0 where one has no
    contrast, since nothing tells the two apart.
    """
    weights = np.ones(first.shape[1]) if visible is None else np.asarray(visible, dtype=np.float64)
    weights = np.broadcast_to((weights / max(3 * weights.sum(), 1e-9))[:, None], first.shape)
    first, second = (each - (weights * each).sum(axis=(0, 1)) for each in (first, second))
    lengths = math.sqrt(float((weights * first**2).sum() * (weights * second**2).sum()))
    return 1 - float((weights * first * second).sum()) / lengths if lengths > 0 else 0.0
