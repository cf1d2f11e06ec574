"""Every example runs, with the bundled models, and says what it should."""

import runpy
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
SAYS = {
    "one_photo": "right_eye",
    "annotate_folder": "astronaut.jpg: 1 faces",
    "own_detector": "px apart",
    "film_strip": "50 pictures, 1 faces followed",
    "aligned_faces": "astronaut_0.png",
    "own_loop": "1.5 s: face 0, nose at",
}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(example.read_text().splitlines()) <= 60
    monkeypatch.setattr(
        sys, "argv", [str(example), *([str(tmp_path)] if "OUT" in example.read_text() else [])]
    )
    runpy.run_path(str(example), run_name="__main__")
    assert SAYS[example.stem] in capsys.readouterr().out
