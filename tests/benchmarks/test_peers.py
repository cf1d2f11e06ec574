"""An outside model scored by this code: its known figures prove readers, crops and metrics together."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

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
