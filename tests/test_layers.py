"""Imports point down only, and the torch-free half stays torch-free."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "canthus"
#: From the bottom up; a row may import rows below it, and itself. Rows marked apart do not import each other.
ROWS: list[tuple[str, ...]] = [
    ("geometry",),
    ("images", "schemes"),
    ("sample", "faces", "config", "session", "cache"),
    ("formats",),
    ("morphable_models",),
    ("datasets", "transforms", "codecs", "metrics", "detectors", "download"),
    ("losses", "models", "face_detection"),
    ("recipe",),
    ("build", "draw", "scoring", "published"),
    ("checkpoints",),
    ("runtime",),
    ("evaluation", "compat"),
    ("stability",),
    ("export", "complexity"),
    ("training",),
    ("commands",),
    ("cli",),
    ("__main__",),
]
LEVEL = {name: level for level, row in enumerate(ROWS) for name in row}
TORCH_FREE = {
    *("geometry", "images", "schemes", "sample", "faces", "config", "session", "formats", "datasets"),
    *("morphable_models",),
    *("transforms", "metrics", "detectors", "recipe", "draw", "scoring", "runtime", "evaluation", "commands"),
    *("cli", "__main__", "cache", "compat", "download", "published"),
    "stability",
}
FILES = sorted(SOURCE.rglob("*.py"))


def room(path: Path) -> str:
    """The top-level folder or module of a file."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def module_imports(path: Path) -> set[str]:
    """Names of modules imported when the file is imported: not inside functions, not for type checking."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                continue
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            if isinstance(child, ast.ImportFrom) and child.module:
                found.add(child.module)
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_down(path: Path) -> None:
    here = room(path)
    if here == "__init__":
        return
    assert here in LEVEL, f"{here} has no row: add it to ROWS where it belongs"
    for module in module_imports(path):
        parts = module.split(".")
        if parts[0] != "canthus" or len(parts) < 2 or parts[1] == here:
            continue
        assert LEVEL[parts[1]] < LEVEL[here], f"{here} imports {module}, which is not below it"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_the_torch_free_half_names_no_torch(path: Path) -> None:
    heavy = {
        "torch",
        "accelerate",
        "safetensors",
        "onnx",
        "onnxslim",
        "onnxscript",
        "matplotlib",
        "scipy",
        "h5py",
    }
    if room(path) in TORCH_FREE:
        assert not {module.split(".")[0] for module in module_imports(path)} & heavy


def test_importing_loads_no_torch() -> None:
    code = (
        "import sys, canthus, canthus.cli, canthus.evaluation; from canthus import Predictor, Faces, SCHEMES;"
        "assert 'torch' not in sys.modules, 'torch'; assert 'scipy' not in sys.modules, 'scipy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300
