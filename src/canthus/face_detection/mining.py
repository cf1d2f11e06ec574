"""Hard negatives: pictures without a face in which a network still sees one are shown more often."""

from __future__ import annotations

import copy
from dataclasses import replace

from canthus.face_detection.network import FaceDetector
from canthus.face_detection.sources import Pools
from canthus.face_detection.validation import TorchDetector

#: A false detection counts from this score on.
SCORE = 0.15


def with_hard_negatives(pools: Pools, network: FaceDetector, repeats: int) -> Pools:
    """The pools with every negative in which `network` detects a face listed `repeats` more times."""
    if repeats == 0:
        return pools
    detector = TorchDetector(copy.deepcopy(network), score_threshold=SCORE, nms_iou=0.45)
    hard = [scene for scene in pools.negatives if len(detector(scene.levels[0]))]
    return replace(pools, negatives=pools.negatives + hard * repeats)
