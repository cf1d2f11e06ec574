"""ONNX files in, named arrays out."""

from pathlib import Path

import numpy as np
import pytest

from canthus.session import Session


def test_runs_by_name(tiny_landmark_onnx: Path) -> None:
    session = Session(tiny_landmark_onnx, threads=1)
    assert session.inputs == ("images",)
    assert session.outputs == ("points", "scores", "presence", "visibility", "covariance")
    assert session.metadata["scheme"] == "ibug68"
    assert session.input_shape("images") == ("B", 64, 64, 3)
    assert session.input_dtype("images") == np.uint8
    crop = np.zeros((1, 64, 64, 3), np.uint8)
    crop[0, 20, 30] = 255
    out = session.run(images=crop)
    np.testing.assert_allclose(out["points"][0, [0, 10]], [[30, 20], [31, 20]], atol=1e-4)


def test_from_bytes_as_from_a_file(tiny_landmark_onnx: Path) -> None:
    session = Session(tiny_landmark_onnx.read_bytes())
    assert session.metadata == Session(tiny_landmark_onnx).metadata


def test_errors_name_the_file(tmp_path: Path, tiny_landmark_onnx: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.onnx: no such model"):
        Session(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(ValueError, match=r"broken\.onnx: not a usable ONNX model") as caught:
        Session(broken)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="threads: found 0"):
        Session(tiny_landmark_onnx, threads=0)
    with pytest.raises(ValueError, match=r"found inputs \['image'\], expected \['images'\]"):
        Session(tiny_landmark_onnx).run(image=np.zeros(1))
    with pytest.raises(ValueError, match="no input 'x'; it has images"):
        Session(tiny_landmark_onnx).input_shape("x")
