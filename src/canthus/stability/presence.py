"""Does `presence` tell a lost face? Crops of faces, of half-lost faces and of no face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Dataset
from canthus.evaluation import Model, background_crops
from canthus.geometry import FloatArray, landmark_boxes
from canthus.metrics.ranking import ranking_auc
from canthus.sample import Sample

#: How far the crop is off, in sides of the face's box, in a random direction.
SLIDES = (0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
#: Up to this slide a face counts as held, at that one half of it is left, from the last one on it is lost.
HELD, HALF, LOST = 0.2, 0.6, 0.8


def slid_presence(
    model: Model, samples: Sequence[Sample], *, seed: int = 0, progress: Callable[[], None] | None = None
) -> FloatArray:
    """The presence (N, 1 + len(SLIDES)) of each face in its own crop and in crops off by `SLIDES`."""
    rng = np.random.default_rng(seed)
    rows = []
    for sample in samples:
        box = landmark_boxes(sample.points)
        angle = rng.uniform(0, 2 * np.pi, len(SLIDES))
        away = (
            np.array(SLIDES)[:, None] * max(box[2:] - box[:2]) * np.stack([np.cos(angle), np.sin(angle)], -1)
        )
        boxes = np.concatenate([box[None], box + np.tile(away, 2)])
        rows.append(_presence(model, sample.read(), boxes.astype(np.float32)))
        if progress is not None:
            progress()
    return np.array(rows)


def background_presence(model: Model, backgrounds: Dataset) -> FloatArray:
    """The presence (M,) of crops of pictures without faces."""
    rows = [
        _presence(model, image, boxes.astype(np.float32)) for image, boxes in background_crops(backgrounds)
    ]
    return np.concatenate(rows)


def presence_figures(slid: FloatArray, background: FloatArray, thresholds: Sequence[float]) -> dict[str, Any]:
    """AUC of the presence of held faces against backgrounds, half and wholly lost faces, and for each
    threshold the share in % of each kind of crop that lies above it."""
    slides = np.array([0.0, *SLIDES])
    held, lost = slid[:, slides <= HELD].ravel(), slid[:, slides >= LOST].ravel()
    half = slid[:, slides == HALF].ravel()
    kinds = {
        **{f"off by {slide:g}": slid[:, column] for column, slide in enumerate(slides)},
        "background": background,
    }
    return {
        "faces": len(slid),
        "backgrounds": len(background),
        "auc_background": _auc(held, background),
        "auc_half": _auc(held, half),
        "auc_lost": _auc(held, lost),
        "above": {
            name: {f"{limit:g}": round(100 * float((values >= limit).mean()), 2) for limit in thresholds}
            for name, values in kinds.items()
        },
    }


def _auc(positive: FloatArray, negative: FloatArray) -> float:
    labels = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    return ranking_auc(np.concatenate([positive, negative]), labels)


def _presence(model: Model, image: NDArray[np.uint8], boxes: NDArray[np.float32]) -> FloatArray:
    presence = model(image, boxes, "landmarks").presence
    if presence is None:
        raise ValueError("the model has no output `presence`; it cannot tell a lost face")
    return np.asarray(presence, dtype=np.float64)
