"""Scores models from outside with the evaluation code of this package, on the same pictures.

    python benchmarks/peers.py --root DATA --pfld pfld_68_112.onnx --json docs/peers.json

PFLD: the 68-point file of cunjian/pytorch_face_landmark (112 x 112 px, RGB / 255, points in [0, 1] of the
crop), trained on all of 300-W, so on about twice the pictures of that kind that the bundled model has seen.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.commands.report import write_json
from canthus.commands.results import RUNS
from canthus.commands.splits import Split
from canthus.evaluation import LabelBoxes, predict_split
from canthus.faces import Faces
from canthus.geometry import BoxKind, CropRule, convert_boxes, from_unit
from canthus.schemes import IBUG68
from canthus.scoring import score
from canthus.session import Session


class PFLD:
    """The outside model behind the interface of our own: boxes of an image to faces."""

    scheme = IBUG68
    size = 112

    def __init__(self, path: Path, scale: float) -> None:
        self.session = Session(path, threads=1)
        self.crop_rule = CropRule(box_kind="landmarks", side="max", scale=scale)

    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32], box_kind: BoxKind) -> Faces:
        crops = [self.crop_rule.crop(box, box_kind, self.size) for box in boxes]
        pixels = np.stack([crop.warp(image) for crop in crops]).transpose(0, 3, 1, 2) / np.float32(255)
        output = self.session.run(**{self.session.inputs[0]: pixels})[self.session.outputs[-1]]
        inside = from_unit(output.reshape(-1, 68, 2), self.size)
        points = np.stack([crop.to_image(face) for crop, face in zip(crops, inside, strict=True)])
        return Faces(points, np.ones(points.shape[:2]), convert_boxes(boxes, box_kind, "face"), self.scheme)


def main() -> None:
    """Print a line a row and write the reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="folder of 300w and aflw2000_merlrav")
    parser.add_argument("--pfld", type=Path, required=True, help="pfld_68_112.onnx")
    parser.add_argument(
        "--scales", type=float, nargs="+", default=[1.1, 1.2], help="crop side over the box's"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    reports = []
    for scale in options.scales:
        model = PFLD(options.pfld, scale)
        for item in RUNS:
            if item.boxes != "landmarks":
                continue
            dataset = Split(item.dataset, options.root / item.folder, item.split).open()
            report: dict[str, Any] = {
                "title": item.title,
                "command": "python benchmarks/peers.py --root DATA --pfld pfld_68_112.onnx",
                "model": f"outside: PFLD, box x {scale:g}",
                "outside": True,
                "sha256": hashlib.sha256(options.pfld.read_bytes()).hexdigest(),
                **score(predict_split(model, dataset, LabelBoxes()), dataset),
            }
            reports.append(report)
            chosen = {k: round(v, 3) for k, v in report["metrics"].items() if v is not None and shown(k)}
            print(report["model"], item.title, chosen)
    if options.json is not None:
        write_json(options.json, reports)


def shown(name: str) -> bool:
    """Whether a metric is printed."""
    return name == "nme/inter_ocular" or name.endswith("nme/landmark_box_sqrt_wh")


if __name__ == "__main__":
    main()
