"""The detector as one ONNX file, checked against the torch network before it is put in place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch

from canthus import __version__
from canthus.face_detection.network import DeployedDetector, FaceDetector
from canthus.formats import aside
from canthus.session import Session

#: Largest differences allowed between torch and ONNX Runtime: scores, and coordinates in px.
SCORE_TOLERANCE, PIXEL_TOLERANCE = 1e-4, 1e-2

TRAINING_DATA = (
    "300-W (AFW, HELEN trainset), AFLW2000 3D labels, MTFL/MERL-RAV, YouTube Faces, ImageNet samples, BSDS500"
)
LICENCE = "Weights trained on research data: for research and non-commercial use only."


def export_detector(network: FaceDetector, path: Path, *, score_threshold: float, nms_iou: float) -> None:
    """Write `path`: input `image` uint8 (1, H, W, 3), outputs `boxes` (N, 4), `scores` (N,), `five_points`
    (N, 5, 2).

    Raises ValueError, and leaves `path` as it was, where ONNX Runtime does not give torch's numbers.
    """
    deployed = DeployedDetector(network).eval()
    height, width = torch.export.Dim("rows", min=1, max=1024), torch.export.Dim("columns", min=1, max=1024)
    program = torch.onnx.export(
        deployed,
        (torch.zeros(1, 192, 256, 3, dtype=torch.uint8),),
        input_names=["image"],
        output_names=["boxes", "scores", "five_points"],
        dynamic_shapes=({1: 32 * height, 2: 32 * width},),
        dynamo=True,
        opset_version=18,
        verbose=False,
    )
    assert program is not None
    program.optimize()
    model = without_traces(program.model_proto)
    onnx.helper.set_model_props(
        model,
        {
            "canthus_version": __version__,
            "licence": LICENCE,
            "training_data": TRAINING_DATA,
            "score_threshold": f"{score_threshold:.4g}",
            "nms_iou": f"{nms_iou:.4g}",
        },
    )
    content = model.SerializeToString()
    check_parity(deployed, content)
    with aside(path) as part:
        part.write_bytes(content)


def without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model without the exporter's notes on each node: they hold stack traces with local file names."""
    for function in (model.graph, *model.functions):
        for item in (*function.node, *function.value_info):
            item.ClearField("metadata_props")
            item.ClearField("doc_string")
        function.ClearField("metadata_props")
    for tensor in (*model.graph.initializer, *model.graph.input, *model.graph.output):
        tensor.ClearField("metadata_props")
        tensor.ClearField("doc_string")
    return model


def check_parity(deployed: DeployedDetector, content: bytes) -> None:
    """Compare torch and ONNX Runtime on noise of several sizes; a ValueError gives the largest
    differences.
    """
    session = Session(content, threads=1)
    for height, width in ((192, 256), (320, 320), (32, 64), (96, 352)):
        image = np.random.default_rng(height).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
        with torch.no_grad():
            wanted = [part.numpy() for part in deployed(torch.from_numpy(image))]
        out = session.run(image=image)
        found = [out[name] for name in ("boxes", "scores", "five_points")]
        if any(a.shape != b.shape for a, b in zip(found, wanted, strict=True)):
            raise ValueError(f"exported detector at {width}x{height}: shapes {[a.shape for a in found]}")
        error = [float(np.abs(a - b).max()) for a, b in zip(found, wanted, strict=True)]
        if error[1] > SCORE_TOLERANCE or max(error[0], error[2]) > PIXEL_TOLERANCE:
            raise ValueError(
                f"exported detector at {width}x{height} differs from torch: boxes {error[0]:.2g} px, "
                f"scores {error[1]:.2g}, points {error[2]:.2g} px; "
                f"allowed {PIXEL_TOLERANCE} px and {SCORE_TOLERANCE}"
            )
