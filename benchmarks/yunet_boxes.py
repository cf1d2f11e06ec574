"""How YuNet's boxes differ from `face` boxes, over the training photos of 300-W (AFW and HELEN trainset).

    python benchmarks/yunet_boxes.py YUNET.onnx ROOT_OF_300W

The medians are what `canthus.detectors.yunet.TO_FACE` holds, left and right made equal.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from canthus.datasets import DATASETS
from canthus.detectors import yunet
from canthus.geometry import box_iou, convert_boxes


def main(model: str, root: str) -> None:
    """Print the difference of the edges and the overlap, without and with the correction."""
    yunet_own, expected = [], []
    detector = yunet.YuNetDetector(model, threads=1)
    correction, yunet.TO_FACE = yunet.TO_FACE, (0.0, 0.0, 0.0, 0.0)
    dataset = DATASETS["300w"](Path(root), "train", allow_missing=True)
    for i in range(len(dataset)):
        sample = dataset[i]
        face = convert_boxes(sample.box, sample.box_kind, "face")
        found = detector(sample.read()).boxes
        overlap = box_iou(face, found)[0] if len(found) else np.zeros(1)
        if overlap.max() >= 0.3:
            yunet_own.append(found[overlap.argmax()])
            expected.append(face)
    boxes, faces = np.array(yunet_own), np.array(expected)
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    differences = (faces - boxes) / sides
    print(f"{len(boxes)} of {len(dataset)} faces")
    print("medians, shares of width and height:", np.median(differences, axis=0).round(3))
    for name, own in (("as given", boxes), ("corrected", boxes + np.array(correction) * sides)):
        ious = [box_iou(a, b)[0, 0] for a, b in zip(own, faces, strict=True)]
        print(f"IoU {name}: mean {np.mean(ious):.3f}, 5 % quantile {np.quantile(ious, 0.05):.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
