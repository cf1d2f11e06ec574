"""Hard negatives: what a network still takes for a face is shown more often."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from canthus.face_detection.network import FaceDetector
from canthus.face_detection.scenes import Scene
from canthus.face_detection.sources import HardPlace, Pools
from canthus.face_detection.validation import TorchDetector
from canthus.geometry import box_iou

#: A false detection counts from this score on.
SCORE = 0.25
#: At most so many places of one picture.
PLACES = 6


def with_hard_negatives(pools: Pools, network: FaceDetector, repeats: int) -> Pools:
    """The pools with the places where `network` sees a face that is none.

    Negatives that have such a place are listed `repeats` more times, too; with 0 the pools stay as they are.
    """
    if repeats == 0:
        return pools
    detector = TorchDetector(copy.deepcopy(network), score_threshold=SCORE, nms_iou=0.45)
    places = [place for scene in (*pools.negatives, *pools.photos) for place in false_places(scene, detector)]
    named = {place.scene.name for place in places}
    hard = [scene for scene in pools.negatives if scene.name in named]
    return replace(pools, negatives=pools.negatives + hard * repeats, hard=tuple(places))


def false_places(scene: Scene, detector: TorchDetector) -> Iterator[HardPlace]:
    """The best false detections in the scene at its own and at half its size."""
    for image in scene.levels[:2]:
        found = detector(image)
        boxes = found.boxes.astype(float) * (scene.size[0] / image.shape[1])
        if len(boxes) and len(scene.labels):
            boxes = boxes[box_iou(boxes, scene.labels.boxes).max(1) < 0.05]
        for box in boxes[:PLACES]:
            yield HardPlace(scene, np.asarray(box))
