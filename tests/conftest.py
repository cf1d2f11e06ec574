"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tiny_models

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
