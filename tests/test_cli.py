"""The command line as a whole."""

import subprocess
import sys
from inspect import signature

import pytest
from typer.testing import CliRunner

from canthus import __version__
from canthus.cli import VERBS, app
from canthus.detectors import WORKING_SIZE


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_version_and_help() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"canthus {__version__}\n"
    out = CliRunner().invoke(app, ["--help"])
    assert out.exit_code == 0
    assert "predict" in out.stdout
    assert "benchmark" in out.stdout


def test_as_a_module() -> None:
    out = subprocess.run(
        [sys.executable, "-m", "canthus", "--version"], capture_output=True, text=True, check=True
    )
    assert out.stdout == f"canthus {__version__}\n"


def test_unknown_verb() -> None:
    assert CliRunner().invoke(app, ["predcit"]).exit_code == 2


@pytest.mark.parametrize(
    "code",
    [
        "import canthus",
        "from canthus import Predictor, Faces, Scheme, SCHEMES",
        "import canthus.commands.predict, canthus.commands.benchmark",
        "import canthus.commands.evaluate, canthus.commands.score, canthus.commands.doctor",
    ],
)
def test_no_torch_is_imported(code: str) -> None:
    heavy = ("torch", "matplotlib", "scipy", "onnx")
    assert python(f"import sys\n{code}\nprint([m for m in {heavy} if m in sys.modules])") == "[]\n"


def test_a_bare_import_loads_nothing_big() -> None:
    heavy = ("numpy", "cv2", "onnxruntime", "PIL", "pydantic", "rich")
    assert python(f"import sys, canthus\nprint([m for m in {heavy} if m in sys.modules])") == "[]\n"


def test_unknown_name_of_the_package() -> None:
    import canthus

    with pytest.raises(AttributeError, match="no attribute 'Predicter'; it has SCHEMES"):
        canthus.Predicter  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("verb", "option"),
    [("predict", "detector_size"), ("evaluate", "detector_size"), ("evaluate-detector", "working_size")],
)
def test_faces_are_searched_at_one_size_by_default(verb: str, option: str) -> None:
    """The options name the number, so that `--help` imports no detector."""
    assert signature(VERBS[verb]).parameters[option].default == WORKING_SIZE
