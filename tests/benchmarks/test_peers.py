"""An outside model scored by this code: its known figures prove readers, crops and metrics together."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from canthus.datasets.coco import Coco
from canthus.datasets.w300 import W300
from canthus.evaluation import LabelBoxes, predict_split
from canthus.scoring import score

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "peers.py"


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("peers", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["peers"] = module
    spec.loader.exec_module(module)
    return module


def test_pfld_on_helen_test(peers: ModuleType, shared: Path) -> None:
    dataset = W300(shared / "data" / "300w", "helen_test")
    report = score(
        predict_split(peers.PFLD(shared / "peers" / "pfld_68_112.onnx", 1.1), dataset, LabelBoxes()), dataset
    )
    assert report["faces"] == 330 and report["missed"] == 0
    assert report["metrics"]["nme/inter_ocular"] == pytest.approx(3.32, abs=0.01)
    assert report["metrics"]["nme_pooled/inter_ocular"] == pytest.approx(
        report["metrics"]["nme/inter_ocular"]
    )


def test_pfld_by_yaw(peers: ModuleType, shared: Path) -> None:
    dataset = Coco(shared / "data" / "aflw2000_merlrav", "test")
    report = score(
        predict_split(peers.PFLD(shared / "peers" / "pfld_68_112.onnx", 1.1), dataset, LabelBoxes()), dataset
    )
    found = [report["metrics"][f"yaw_{name}/nme/landmark_box_sqrt_wh"] for name in ("0_30", "30_60", "60")]
    assert found == pytest.approx([2.63, 3.41, 6.39], abs=0.06)


class Scripted:
    """A session that answers with one array."""

    inputs, outputs = ("input",), ("output",)

    def __init__(self, answer: np.ndarray) -> None:
        self.answer = answer

    def run(self, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        assert inputs["input"].shape == (1, 3, 224, 224)
        return {"output": self.answer}


def test_points_of_openseeface_by_hand(peers: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = np.full((1, 198, 28, 28), 0.5, np.float32)
    answer[0, 58, 20, 9] = 0.9  # the point after the lips' outer ones is the inner right corner, 60 of the 68
    answer[0, 66 + 58, 20, 9] = 1 / (1 + np.exp(-16 * 0.01))  # down by a hundredth of the side
    monkeypatch.setattr(peers, "Session", lambda path, threads: Scripted(answer))
    model = peers.OpenSeeFace(Path("any.onnx"))
    points = model.decode(np.zeros((1, 224, 224, 3), np.uint8))[0]
    assert np.isnan(points[[48, 54]]).all() and np.isfinite(np.delete(points, [48, 54], 0)).all()
    np.testing.assert_allclose(points[60], [223 * 9 / 27, 223 * (20 / 27 + 0.01)], rtol=1e-5)


def test_points_that_all_have(peers: ModuleType) -> None:
    assert len(peers.OF_66) == 66 and len(set(peers.OF_MESH)) == 51
    assert len(peers.COMMON) == 49 and not {48, 54} & set(peers.COMMON) and min(peers.COMMON) == 17
