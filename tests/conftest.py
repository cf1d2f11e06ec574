"""Fixtures shared by the whole suite."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import tiny_models
from PIL import Image

from canthus.config import validate
from canthus.recipe import Recipe

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with the real research data; tests that need it are skipped where it is absent."""
    path = Path(os.environ.get("CANTHUS_SHARED", ROOT.parent / "shared"))
    if not (path / "data").is_dir():
        pytest.skip(f"no research data at {path}; set CANTHUS_SHARED to the folder that holds data/")
    return path


@pytest.fixture(scope="session")
def data(shared: Path) -> Path:
    """The `data` folder of the research data."""
    return shared / "data"


SIZE = 64  # crop side of the tiny landmark model


@pytest.fixture(scope="session")
def tiny_landmark_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landmark model by hand: each point is the centroid of the crop's brightness (a bright spot is found);
    point k moved by k / 10 px to the right; presence is the mean brightness, every third point is hidden,
    covariances are diag(4, 1) crop px²."""
    return tiny_models.landmark(tmp_path_factory.mktemp("models") / "tiny.onnx", SIZE)


@pytest.fixture(scope="session")
def tiny_detector_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector by hand: one anchor a 32 px cell, its score the cell's mean brightness, its box the cell."""
    return tiny_models.detector(tmp_path_factory.mktemp("models") / "detector.onnx")


@pytest.fixture
def tiny_recipe() -> Recipe:
    """A complete recipe small enough to train in a test; five points, no batch statistics."""
    return validate(
        Recipe,
        {
            "name": "tiny",
            "description": "for tests",
            "scheme": "five",
            "licence": "none",
            "datasets": [{"name": "folder", "split": "all"}],
            "validation": {"fraction": 0.25, "seed": 1},
            "size": 32,
            "crop": {"box_kind": "landmarks", "scale": 1.5},
            "transforms": [{"name": "flip"}, {"name": "affine"}, {"name": "color"}],
            "backbone": {
                "name": "thin_resnet",
                "stem": 4,
                "widths": [4, 8],
                "depths": [0, 1],
                "norm": "group",
            },
            "neck": {"name": "top_down", "level": 1, "width": 8, "norm": "group"},
            "head": {"name": "integral", "width": 8, "hidden": 8, "norm": "group"},
            "codec": {"name": "integral", "side": 4, "attributes": ["covariance", "visibility", "presence"]},
            "losses": [
                {"name": "distance", "weight": 20},
                {"name": "ellipse", "weight": 0.1},
                {"name": "binary_cross_entropy", "field": "visibility"},
                {"name": "binary_cross_entropy", "field": "presence"},
            ],
            "train": {
                "epochs": 4,
                "learning_rate": 0.01,
                "batch": 8,
                "workers": 0,
                "warmup": 1,
                "ema": 0.9,
                "validate_every": 2,
            },
        },
        "tiny",
    )


@pytest.fixture
def tiny_data(tmp_path: Path) -> Path:
    """A folder of 24 made-up pictures with five bright points each."""
    root = tmp_path / "tiny_data"
    root.mkdir()
    rng = np.random.default_rng(0)
    for index in range(24):
        image = rng.integers(0, 60, (48, 56, 3), dtype=np.uint8)
        base = np.array([[14, 14], [34, 14], [24, 24], [16, 34], [32, 34]]) + rng.uniform(-4, 4, (5, 2))
        for x, y in np.rint(base).astype(int):
            image[y - 1 : y + 2, x - 1 : x + 2] = 255
        Image.fromarray(image).save(root / f"face{index:02d}_1.png")
        label = {"points": base.tolist(), "scheme": "five", "visibility": rng.integers(0, 2, 5).tolist()}
        (root / f"face{index:02d}_1.json").write_text(json.dumps(label))
    return root
