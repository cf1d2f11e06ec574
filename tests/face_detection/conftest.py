"""Drawn material for the detector's tests, as fixtures."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch")


@pytest.fixture(scope="session")
def material() -> ModuleType:
    """The functions of detector_material.py."""
    path = Path(__file__).with_name("detector_material.py")
    spec = importlib.util.spec_from_file_location("detector_material", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
