"""The answers of mmpose's NME and of STAR's failure rate and AUC, where the research data is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from comparisons import comparison

from canthus.metrics.auc import AUC
from canthus.metrics.failure_rate import FailureRate
from canthus.metrics.nme import NME
from canthus.schemes import FIVE, SCHEMES

DATASETS = {
    "300w": ("ibug68", "inter_ocular"),
    "coco_wholebody_face": ("ibug68", "inter_ocular"),
    "wflw": ("wflw98", "inter_ocular"),
    "cofw": ("cofw29", "inter_ocular"),
    "aflw": ("aflw19", "annotation_box_max"),
}


@pytest.fixture(scope="module")
def answers(shared: Path) -> dict[str, np.ndarray]:
    path = shared / "oracles" / "heatmap_zoo" / "fixtures" / "codec_metrics.npz"
    if not path.is_file():
        pytest.skip(f"no oracle at {path}")
    return dict(np.load(path))


@pytest.mark.parametrize("case", ["all", "masked"])
@pytest.mark.parametrize("name", DATASETS)
def test_pooled_nme(answers: dict[str, np.ndarray], name: str, case: str) -> None:
    """Hidden points do not count, an image without any and one with a zero normaliser are left out."""
    scheme, normalizer = DATASETS[name]
    given = {key: answers[f"{name}_{case}_{key}"] for key in ("gt", "pred", "visible", "box_xyxy")}
    visible = given["visible"] > 0
    boxes = given["box_xyxy"].astype(np.float64)
    batch = comparison(given["pred"], given["gt"], boxes=boxes, counted=visible)
    metric = NME(SCHEMES[scheme])
    metric.update(batch)
    out = metric.compute()
    assert out[f"nme_pooled/{normalizer}"] == pytest.approx(
        100 * float(answers[f"{name}_{case}_nme"]), rel=1e-6
    )
    if case == "masked":
        assert out[f"left_out/{normalizer}"] == 2


@pytest.mark.parametrize("curve", [0, 1, 2])
def test_failure_rate_and_area(answers: dict[str, np.ndarray], curve: int) -> None:
    """Faces whose one point that counts is off by the published error, times the 1 px between the eyes."""
    errors = answers[f"curve{curve}_nme"]
    target = np.tile([[0.0, 0], [1, 0], [0.5, 0.5], [0, 1], [1, 1]], (len(errors), 1, 1))
    points = target.copy()
    points[:, 0, 1] = errors
    batch = comparison(points, target, counted=np.tile(np.arange(5) == 0, (len(errors), 1)))
    rate, area = FailureRate(FIVE), AUC(FIVE)
    for metric in (rate, area):
        metric.update(batch)
    for threshold in ("08", "10"):
        key = f"inter_pupil@0.{threshold}"
        expected = {kind: float(answers[f"curve{curve}_{kind}{threshold}"]) for kind in ("fr", "auc")}
        assert rate.compute()[f"failure_rate/{key}"] == pytest.approx(100 * expected["fr"], abs=1e-4)
        assert area.compute()[f"auc/{key}"] == pytest.approx(expected["auc"], abs=1e-6)
