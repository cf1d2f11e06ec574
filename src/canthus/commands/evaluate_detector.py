"""`canthus evaluate-detector`: the face detector against the ground truth, beside YuNet."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from canthus.commands.benchmark import Settings, alternate, prepare, versions
from canthus.detectors.builtin import bundled_detector
from canthus.formats import aside


@dataclass(frozen=True)
class Outputs:
    """Files to write: the figures, the results page, the model card; and a folder for the pasted pictures."""

    json: Path | None = None
    markdown: Path | None = None
    card: Path | None = None
    pasted: Path | None = None


def evaluate_detector(
    model: Path | None, root: Path, against: Path | None, *, working_size: int, outputs: Outputs
) -> int:
    """Measure recall, false positives and time; prints the results page. Returns the exit code 0."""
    from canthus.face_detection.evaluation import ALLOWED, compare, held_out_set, save_pasted
    from canthus.face_detection.report import model_card, results_page

    path = model or Path(bundled_detector())
    material = held_out_set(root)
    result: dict[str, Any] = {
        "command": _command(model, against, working_size),
        "versions": versions(),
        "model": describe(path),
        "working_size": working_size,
        "allowed": ALLOWED,
        "negatives": len(material.negatives),
        "faces": {name: sum(len(boxes) for _, boxes in rows) for name, rows in material.faces.items()},
        "figures": compare(path, against, material, working_size=working_size),
        "milliseconds": times(path, against),
    }
    if outputs.pasted is not None:
        save_pasted(material, outputs.pasted)
    page = results_page(result)
    sys.stdout.write(page)
    texts = {outputs.json: json.dumps(result, indent=1) + "\n", outputs.markdown: page}
    texts[outputs.card] = model_card(result)
    for target, text in texts.items():
        if target is not None:
            with aside(target) as part:
                part.write_text(text, encoding="utf-8")
    return 0


def describe(path: Path) -> dict[str, Any]:
    """Size, sha256, parameters and metadata of a detector file."""
    import onnx

    content = path.read_bytes()
    graph = onnx.load_from_string(content)
    weights = [item for item in graph.graph.initializer if item.data_type == onnx.TensorProto.FLOAT]
    return {
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "parameters": sum(math.prod(item.dims) for item in weights),
        "metadata": {item.key: item.value for item in graph.metadata_props},
    }


def times(path: Path, against: Path | None) -> dict[str, float]:
    """Median milliseconds of the networks at 320 x 320 px on one thread, and ours over the other's."""
    paths = {"canthus": path} if against is None else {"canthus": path, "yunet": against}
    rows = alternate([prepare(str(file), Settings(repeats=400))["network"] for file in paths.values()], 400)
    out = {name: round(float(np.median(row)), 3) for name, row in zip(paths, rows, strict=True)}
    if len(rows) == 2:
        out["ratio"] = round(float(np.median(rows[0] / rows[1])), 3)
    return out


def _command(model: Path | None, against: Path | None, working_size: int) -> str:
    words = ["canthus evaluate-detector", *([model.name] if model else []), "--root DATA"]
    words += [f"--against {against.name}"] if against else []
    return " ".join([*words, f"--working-size {working_size}"])
