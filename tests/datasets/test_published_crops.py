"""Crops as the published systems cut them, and the way of a label through crop, targets and decoding."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from published_samples import SAMPLES, published

from canthus.codecs.dark import Dark
from canthus.codecs.heatmap import Heatmap
from canthus.datasets.coco_file import faces, read
from canthus.datasets.dataset import labelled
from canthus.datasets.w300 import W300
from canthus.formats.pts import read_pts
from canthus.geometry import Crop, CropRule, compose_affine
from canthus.sample import Annotations, Sample
from canthus.schemes import SCHEMES, Scheme

RULE = CropRule(box_kind="landmarks", side="max", scale=1.25, center="pixel", antialias=False)


def turned(crop: Crop, degrees: float) -> Crop:
    """The crop turned about its middle as mmpose turns it."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    linear = np.array([[cos, sin], [-sin, cos]])
    middle = np.full(2, crop.size / 2)
    return Crop(
        compose_affine(np.column_stack([linear, middle - linear @ middle]), crop.matrix), crop.size, False
    )


@pytest.fixture(scope="module")
def answers(shared: Path) -> dict[str, np.ndarray]:
    path = shared / "oracles" / "heatmap_zoo" / "fixtures" / "codec_warp.npz"
    if not path.is_file():
        pytest.skip(f"no oracle at {path}")
    return dict(np.load(path))


def test_crops_of_boxes(answers: dict[str, np.ndarray]) -> None:
    for i, box in enumerate(answers["box_xyxy"]):
        crop = turned(RULE.crop(box, "landmarks", 64), float(answers["box_rot"][i]))
        pixels = crop.warp(answers["image"]).astype(int)
        assert np.abs(pixels - answers["box_crop"][i]).max() <= 1
        np.testing.assert_allclose(
            crop.to_crop(answers["box_points"][i]), answers["box_warped"][i], atol=1e-4
        )


def test_matrices(answers: dict[str, np.ndarray]) -> None:
    """Centre and side, without padding, as a box."""
    rule = RULE.model_copy(update={"scale": 1.0})
    for i, (center, scale) in enumerate(zip(answers["center"], answers["scale"], strict=True)):
        box = np.concatenate([center - scale / 2, center + scale / 2])
        crop = turned(rule.crop(box, "landmarks", int(answers["out"][i, 0])), float(answers["rot"][i]))
        np.testing.assert_allclose(crop.to_crop(answers["points"][i]), answers["warped"][i], atol=2e-4)
        np.testing.assert_allclose(
            crop.to_image(crop.to_crop(answers["points"][i])), answers["points"][i], atol=1e-6
        )


def round_trip(samples: list[Sample], scheme: Scheme, codec: Heatmap) -> tuple[np.ndarray, np.ndarray]:
    """Labels and their decoded targets (N, K, 2), px of the picture; only points well inside the crop."""
    kind = samples[0].box_kind
    crops = [RULE.model_copy(update={"box_kind": kind}).crop(s.box, s.box_kind, 256) for s in samples]
    points = np.stack([crop.to_crop(s.points) for crop, s in zip(crops, samples, strict=True)])
    inside = ((points > 14) & (points < 242)).all(-1)
    labels = torch.from_numpy(points.astype(np.float32))
    ones = torch.ones(len(samples))
    targets = codec.encode(Annotations(labels, torch.full(labels.shape[:2], torch.nan), ones, ones))
    decoded = codec.decode({"heatmap": targets["heatmap"].value}).points.numpy()
    back = np.stack([crop.to_image(p) for crop, p in zip(crops, decoded, strict=True)])
    label = np.stack([s.points for s in samples])
    return label[inside], back[inside]


def real(data: Path, tmp_path: Path, name: str) -> list[Sample]:
    """Real faces of a dataset, or of files that no reader of its own reads."""
    if name in SAMPLES:
        return [sample for sample, _ in published(data, tmp_path, name)]
    if name == "300w folders":
        return list(W300(data / "300w", "helen_test"))[::33]
    folder = data / "mmpose_samples" / name
    if name == "lapa":
        rows = faces(folder / "test_lapa.json", read(folder / "test_lapa.json"))
        return [labelled(folder / f.file_name, f.positions(106)[0], id=f.name, group=f.name) for f in rows]
    paths = sorted(folder.glob("*/annot/*.pts"))
    pictures = [path.parents[1] / "imgs" / f"{path.stem}.jpg" for path in paths]
    pairs = zip(pictures, paths, strict=True)
    return [labelled(picture, read_pts(path, 68), id=path.stem, group=path.stem) for picture, path in pairs]


@pytest.mark.parametrize("name", [*SAMPLES, "300w folders", "lapa", "300vw"])
def test_labels_come_back(data: Path, tmp_path: Path, name: str) -> None:
    """Unbiased targets and DARK give them back, plain ones to half a cell in x and y."""
    samples = real(data, tmp_path, name)
    scheme = next(s for s in SCHEMES.values() if len(s) == len(samples[0].points))
    label, back = round_trip(samples, scheme, Dark(scheme, 256, side=64, sigma=2.0, unbiased=True))
    side = 1.25 * max(float((s.box[2:] - s.box[:2]).max()) for s in samples)
    assert len(label) > 10
    np.testing.assert_allclose(back, label, atol=0.05 * side / 256)
    label, back = round_trip(samples, scheme, Heatmap(scheme, 256, side=64, sigma=2.0, unbiased=False))
    np.testing.assert_allclose(back, label, atol=3.1 * side / 256)
