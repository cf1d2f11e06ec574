"""Fixtures shared by the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
