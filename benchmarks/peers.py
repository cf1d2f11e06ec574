"""Measures landmark models from outside beside the bundled one: same pictures, same boxes, one thread.

    python benchmarks/peers.py --root DATA --models PEERS [--page docs/benchmarks.md] [--json docs/peers.json]

PEERS has the files of `MODELS` as their authors published them. Every model gets square crops about the
tight box of the labelled points, at the scale that its own pipeline has. Errors are over the points that all
have: brows, nose, eyes and lips of the 68, less the two outer corners of the mouth. With `--json` the reports
of those that give all 68 points are written for `canthus results`. MediaPipe's mesh is a TensorFlow Lite
file, which takes `pip install ai-edge-litert`; without it, it is left out and the page says so.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.commands.report import write_json
from canthus.commands.results import RUNS
from canthus.commands.splits import Split
from canthus.datasets import SampleList
from canthus.evaluation import LabelBoxes, Model, predict_split
from canthus.faces import Faces
from canthus.formats.predictions import Predictions
from canthus.geometry import BoxKind, CropRule, convert_boxes, from_unit
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.runtime.models import model_file
from canthus.schemes import IBUG68
from canthus.scoring import score
from canthus.session import Session

Crops = NDArray[np.uint8]
Points = NDArray[np.floating]
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
#: Place among the 68 of OpenSeeFace's 66 points: it has no outer corners of the mouth.
OF_66 = [k for k in range(68) if k not in (48, 54)]
#: Vertex of the face mesh at points 17 to 67; its contour is another than the jaw's.
OF_MESH = [
    *(71, 63, 105, 66, 107, 336, 296, 334, 293, 301),
    *(168, 197, 5, 4, 75, 97, 2, 326, 305),
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),
    *(78, 82, 13, 312, 308, 317, 14, 87),
]
COMMON = [k for k in range(17, 68) if k in OF_66]
ROUNDS = 60


class Outside(ABC):
    """An outside model behind the interface of our own: boxes of an image to faces, NaN where the model has
    no such point. `size` is the side of its crops in px."""

    scheme = IBUG68
    size: int

    def __init__(self, scale: float) -> None:
        self.crop_rule = CropRule(box_kind="landmarks", side="max", scale=scale)

    @abstractmethod
    def decode(self, crops: Crops) -> Points:
        """Points (N, 68, 2) in crop px of RGB crops (N, S, S, 3)."""

    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32], box_kind: BoxKind) -> Faces:
        crops = [self.crop_rule.crop(box, box_kind, self.size) for box in boxes]
        inside = self.decode(np.stack([crop.warp(image) for crop in crops]))
        points = np.stack([crop.to_image(face) for crop, face in zip(crops, inside, strict=True)])
        return Faces(points, np.ones(points.shape[:2]), convert_boxes(boxes, box_kind, "face"), self.scheme)


class PFLD(Outside):
    """cunjian/pytorch_face_landmark: RGB / 255, points in [0, 1] of the crop; taught with all of 300-W, about
    twice the pictures of that kind that the bundled model has seen."""

    size = 112

    def __init__(self, path: Path, scale: float = 1.1) -> None:
        super().__init__(scale)
        self.session = Session(path, threads=1)

    def decode(self, crops: Crops) -> Points:
        pixels = crops.transpose(0, 3, 1, 2) / np.float32(255)
        output = self.session.run(**{self.session.inputs[0]: pixels})[self.session.outputs[-1]]
        return np.asarray(from_unit(output.reshape(-1, 68, 2), self.size))


class OpenSeeFace(Outside):
    """emilianavt/OpenSeeFace, model 0: 28 x 28 maps and offsets of 66 points, ImageNet's mean and deviation.

    Cells span the crop from its first to its last pixel; an offset is a logit over 16, of that span.
    """

    size = 224
    sharpness = 16.0

    def __init__(self, path: Path, scale: float = 1.2) -> None:
        super().__init__(scale)
        self.session = Session(path, threads=1)

    def decode(self, crops: Crops) -> Points:
        pixels = ((crops / np.float32(255) - MEAN) / STD).transpose(0, 3, 1, 2).astype(np.float32)
        output = self.session.run(**{self.session.inputs[0]: pixels})[self.session.outputs[0]]
        count, side = len(output), output.shape[-1]
        maps, rows, columns = output.reshape(count, 3, 66, side * side).swapaxes(0, 1)
        best = maps.argmax(-1)[..., None]
        cells = np.concatenate([best % side, best // side], -1)  # x, y
        shares = np.concatenate([np.take_along_axis(each, best, -1) for each in (columns, rows)], -1)
        shares = np.clip(shares, 1e-7, 1 - 1e-7)
        offsets = np.log(shares / (1 - shares)) / self.sharpness
        points = np.full((count, 68, 2), np.nan)
        points[:, OF_66] = (self.size - 1) * (cells / (side - 1) + offsets)
        return points


class FaceMesh(Outside):
    """google-ai-edge/mediapipe: 468 vertices in px of the crop, RGB in [0, 1], of a TensorFlow Lite file."""

    size = 192

    def __init__(self, path: Path, scale: float = 1.5) -> None:
        super().__init__(scale)
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(model_path=str(path), num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        outputs = self.interpreter.get_output_details()
        self.output = max(outputs, key=lambda item: int(np.prod(item["shape"])))["index"]

    def decode(self, crops: Crops) -> Points:
        points = np.full((len(crops), 68, 2), np.nan)
        for i, crop in enumerate(crops):
            self.interpreter.set_tensor(self.input, crop[None] / np.float32(255))
            self.interpreter.invoke()
            mesh = self.interpreter.get_tensor(self.output).reshape(-1, 3)
            points[i, 17:] = mesh[OF_MESH, :2]
        return points


#: Name -> (class, file in PEERS, points of its own).
MODELS: dict[str, tuple[type[Any], str, int]] = {
    "PFLD": (PFLD, "pfld_68_112.onnx", 68),
    "OpenSeeFace": (OpenSeeFace, "openseeface_lm0_66.onnx", 66),
    "MediaPipe Face Mesh": (FaceMesh, "face_landmark.tflite", 468),
}
SPLITS = [run for run in RUNS if run.boxes == "landmarks"]


def errors(predictions: Predictions, dataset: SampleList, kept: list[int]) -> dict[str, float | None]:
    """The metrics over these points alone."""
    points = np.full_like(predictions.points, np.nan)
    points[:, kept] = predictions.points[:, kept]
    only = replace(predictions, points=points, covariance=None, visibility=None)
    metrics: dict[str, float | None] = score(only, dataset)["metrics"]
    return metrics


def milliseconds(
    models: dict[str, Model], image: NDArray[np.uint8], box: NDArray[np.float32]
) -> dict[str, float]:
    """Median processor time of one face from picture to points, to the pose where there is one, the models
    taking turns: a busy machine does not change it much."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, model in models.items():
            start = time.process_time()
            _ = model(image, box[None], "landmarks").pose  # solved for when it is read
            times[name].append(1e3 * (time.process_time() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


def main() -> None:
    """Print a line a row; write the section and the reports."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, required=True, help="folder of 300w and aflw2000_merlrav")
    parser.add_argument("--models", type=Path, required=True, help="folder of the outside files")
    parser.add_argument("--page", type=Path, help="page of benchmarks to write the section of")
    parser.add_argument("--json", type=Path, help="reports for `canthus results`")
    options = parser.parse_args()
    command = "python benchmarks/peers.py --root DATA --models PEERS"
    sizes = {"face68": (model_file("face68"), 68)}
    ours = OnnxLandmarker(model_file("face68"), threads=1)
    models: dict[str, Model] = {"face68": ours}
    left_out = []
    for name, (kind, file, count) in MODELS.items():
        try:
            models[name] = kind(options.models / file)
            sizes[name] = (options.models / file, count)
        except ModuleNotFoundError as error:
            left_out.append(f"{name} (no module {error.name}: pip install ai-edge-litert)")
    cells: dict[str, list[str]] = {name: [] for name in models}
    reports = []
    for item in SPLITS:
        dataset = Split(item.dataset, options.root / item.folder, item.split).open()
        for name, model in models.items():
            predictions = predict_split(model, dataset, LabelBoxes())
            own, common = (errors(predictions, dataset, kept) for kept in (list(range(68)), COMMON))
            cells[name] += columns(item.title, own, common)
            print(name, item.title, cells[name], flush=True)
            if sizes[name][1] == 68 and name != "face68":
                report = score(predictions, dataset)
                scale = model.crop_rule.scale
                head = {"title": item.title, "command": command, "model": f"outside: {name}, box x {scale:g}"}
                digest = hashlib.sha256(sizes[name][0].read_bytes()).hexdigest()
                reports.append({**head, "outside": True, "sha256": digest, **report})
    sample = dataset[0]
    speed = milliseconds(models, sample.read(), LabelBoxes()(sample.read(), [sample])[0][0])
    rows = [
        [
            "face68 (ours)" if name == "face68" else name,
            str(sizes[name][1]),
            f"{sizes[name][0].stat().st_size / 1e6:.1f}",
            f"{model.crop_rule.scale:g}",
            *cells[name],
            f"{speed[name]:.1f}",
            f"{speed[name] / speed['face68']:.2f}",
        ]
        for name, model in models.items()
    ]
    if options.json is not None:
        write_json(options.json, reports)
    if options.page is not None:
        write(options.page, command, rows, left_out)


def columns(title: str, own: dict[str, float | None], common: dict[str, float | None]) -> list[str]:
    """HELEN: inter-ocular errors over common and own points; AFLW2000: over the box, by yaw."""
    if title.startswith("HELEN"):
        return [f"{found['nme/inter_ocular']:.2f}" for found in (common, own)]
    bins = ("yaw_0_30", "yaw_30_60", "yaw_60")
    return [f"{common[f'{name}/nme/landmark_box_sqrt_wh']:.2f}" for name in bins]


def write(page: Path, command: str, rows: list[list[str]], left_out: list[str]) -> None:
    """The section of the page."""
    from page import markdown_table, write_section

    head = ["model", "points", "MB", "box x", "HELEN test", "HELEN, own points"]
    head += [f"AFLW2000, yaw {bins}" for bins in ("0-30", "30-60", "60-90")] + ["ms", "of ours"]
    lines = [
        "Landmark models that one would pick instead, run by the same code on the same boxes (tight",
        "boxes of the labelled points, made square and enlarged as the column says), none of them",
        f"tuned here. NME in per cent over the {len(COMMON)} points that all of them have (brows,",
        "nose, eyes, lips less the mouth's outer corners), divided by the distance of the outer eye",
        "corners (HELEN test, 330 faces) or the square root of the labelled box's area (AFLW2000",
        "test, 150 faces, labelled points). `own points`: all that a model has among the 68. The",
        "mesh's vertices are those nearest to the 68 points and were not taught on their labels, so",
        "part of its error is one of definition; OpenSeeFace was made to animate characters. PFLD was",
        "taught with all of 300-W. `ms`: processor time of one face from picture to points, batch 1,",
        f"one thread, the median of {ROUNDS} rounds in which the models take turns; ours includes the",
        "head's pose.",
        *([f"Left out: {', '.join(left_out)}."] if left_out else []),
        "",
        *markdown_table(head, rows),
    ]
    write_section(page, "peers", "Models from outside", command, lines)


if __name__ == "__main__":
    main()
