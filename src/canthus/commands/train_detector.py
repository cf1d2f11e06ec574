"""`canthus train-detector`: train the face detector by its recipe, choose its threshold, export it."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path


def train_detector(
    recipe: Path | None, root: Path, output: Path, *, init: Path | None, workers: int, threads: int
) -> int:
    """Train on the data tree `root` into `output`; prints the path of the ONNX file. Returns the exit
    code 0.
    """
    import cv2

    try:
        import torch

        from canthus.face_detection.loop import train
        from canthus.face_detection.recipe import read_recipe
        from canthus.face_detection.release import release
    except ModuleNotFoundError as error:
        raise ImportError(f"training needs {error.name}: pip install 'canthus[train]'") from None

    torch.set_num_threads(threads)
    cv2.setNumThreads(1)
    bundled = Path(str(files("canthus").joinpath("face_detection", "face_detector.yaml")))
    checkpoint = train(read_recipe(recipe or bundled), root, output, init=init, workers=workers)
    sys.stdout.write(f"{release(checkpoint, root, output / 'face_detector.onnx')}\n")
    return 0
