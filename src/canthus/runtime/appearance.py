"""What a face looks like, in a few numbers: enough to tell the people of one scene apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray

#: Colours are taken at the landmarks drawn towards their middle by these factors.
_RINGS = (0.9, 0.6, 0.3)


def look(image: NDArray[np.uint8], points: FloatArray) -> FloatArray:
    """The colours (3 K, 3) of a picture (H, W, 3) at and within a face's landmarks (K, 2), which makes them
    comparable between poses; their mean is taken off and their length is 1, so brightness and contrast do
    not count."""
    center = points.mean(axis=0)
    places = np.concatenate([center + ring * (points - center) for ring in _RINGS])
    height, width = image.shape[:2]
    columns, rows = np.clip(np.rint(places).astype(int), 0, [width - 1, height - 1]).T
    colours = image[rows, columns].astype(np.float64)
    colours -= colours.mean(axis=0)
    return np.asarray(colours / max(float(np.linalg.norm(colours)), 1e-6))


def unlikeness(first: FloatArray, second: FloatArray) -> float:
    """One minus the correlation of two looks (3 K, 3): 0 for the same, about 1 for unrelated ones.

    0 where one has no contrast, since nothing tells the two apart.
    """
    lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
    return 1 - float((first * second).sum()) / lengths if lengths > 0 else 0.0
