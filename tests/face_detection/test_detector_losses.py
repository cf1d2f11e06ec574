"""The detector's losses by hand and by naive loops."""

import math

import numpy as np
import pytest
import torch

from canthus.face_detection.assignment import pairwise_iou
from canthus.face_detection.cells import Cells, decode
from canthus.face_detection.losses import (
    Truth,
    complete_iou,
    detection_losses,
    ignored_cells,
    quality_focal,
)
from canthus.geometry import box_iou


def naive_complete_iou(a: list[float], b: list[float]) -> float:
    inter = max(0.0, min(a[2], b[2]) - max(a[0], b[0])) * max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    area = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    iou = inter / (sum(area) - inter)
    diagonal = (max(a[2], b[2]) - min(a[0], b[0])) ** 2 + (max(a[3], b[3]) - min(a[1], b[1])) ** 2
    distance = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2
    angles = [math.atan((box[2] - box[0]) / (box[3] - box[1])) for box in (a, b)]
    v = 4 / math.pi**2 * (angles[0] - angles[1]) ** 2
    return iou - distance / diagonal - (v * v / (1 - iou + v) if v else 0.0)


def test_complete_iou_by_hand():
    same = torch.tensor([0.0, 0.0, 4.0, 4.0])
    assert complete_iou(same, same).item() == pytest.approx(1.0)
    # Shifted by half: IoU 1/3, centres 2 apart, hull 6 x 4.
    shifted = torch.tensor([2.0, 0.0, 6.0, 4.0])
    assert complete_iou(same, shifted).item() == pytest.approx(1 / 3 - 4 / 52)


def test_complete_iou_equals_the_naive_one():
    rng = np.random.default_rng(0)
    low, size = rng.uniform(0, 20, (2, 40, 2)), rng.uniform(2, 30, (2, 40, 2))
    a, b = np.concatenate([low, low + size], axis=-1)
    found = complete_iou(torch.tensor(a), torch.tensor(b)).numpy()
    np.testing.assert_allclose(
        found, [naive_complete_iou(*pair) for pair in zip(a, b, strict=True)], rtol=1e-9
    )


def test_pairwise_iou_equals_that_of_geometry():
    rng = np.random.default_rng(1)
    low, size = rng.uniform(0, 20, (2, 9, 2)), rng.uniform(0, 30, (2, 9, 2))
    a, b = np.concatenate([low, low + size], axis=-1)
    found = pairwise_iou(torch.tensor(a), torch.tensor(b)).numpy()
    np.testing.assert_allclose(found, box_iou(a, b), rtol=1e-9, atol=1e-12)


def test_quality_focal_by_hand():
    # p = 0.5: the cross-entropy is log 2 whatever the target; the factor is the squared difference.
    found = quality_focal(torch.zeros(3), torch.tensor([0.0, 0.5, 0.9]))
    expected = [0.25 * math.log(2), 0.0, 0.16 * math.log(2)]
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-7)


def one_face(box: list[float], *, face: bool) -> Truth:
    five = torch.full((1, 1, 5, 2), float("nan"))
    return Truth(torch.tensor([[box]]), five, torch.tensor([[face]]), torch.tensor([[not face]]))


def test_cells_of_an_ignored_face_cost_nothing():
    cells = Cells.of(64, 64, torch.device("cpu"))
    truth = one_face([8.0, 8.0, 39.0, 39.0], face=False)
    inside = ignored_cells(truth, cells)[0]
    naive = [8 <= x <= 39 and 8 <= y <= 39 for x, y in cells.centers.tolist()]
    assert inside.tolist() == naive and any(naive) and not all(naive)
    raw = torch.full((1, len(naive), 15), 0.0)
    raw[0, inside, 0] = 8.0  # as if sure of a face
    quiet = raw.clone()
    quiet[0, inside, 0] = -8.0
    assert detection_losses(raw, truth, cells)["score"] == detection_losses(quiet, truth, cells)["score"]


def test_a_perfect_prediction_has_no_box_and_point_loss():
    cells = Cells.of(64, 64, torch.device("cpu"))
    truth = one_face([16.0, 16.0, 47.0, 47.0], face=True)
    middle = torch.tensor([31.5, 31.5])
    truth.five[0, 0] = middle
    raw = torch.zeros(1, len(cells.strides), 15)
    raw[0, :, 1:3] = (middle - cells.centers) / cells.strides[:, None]
    raw[0, :, 3:5] = torch.log(31.0 / (4 * cells.strides))[:, None]
    raw[0, :, 5:] = ((middle - cells.centers) / (4 * cells.strides[:, None])).repeat(1, 5)
    boxes, five = decode(raw, cells)
    torch.testing.assert_close(boxes[0], truth.boxes[0].expand(len(cells.strides), 4), atol=1e-4, rtol=0)
    torch.testing.assert_close(five[0, 0], truth.five[0, 0], atol=1e-4, rtol=0)
    losses = detection_losses(raw, truth, cells)
    assert losses["box"] < 1e-5 and losses["points"] < 1e-5
    raw[0, :, 3] += 0.3
    assert detection_losses(raw, truth, cells)["box"] > 0.1


def test_points_without_a_position_are_masked():
    cells = Cells.of(64, 64, torch.device("cpu"))
    raw = torch.randn(1, len(cells.strides), 15, requires_grad=True)
    losses = detection_losses(raw, one_face([10.0, 10.0, 50.0, 50.0], face=True), cells)
    assert losses["points"] == 0
    sum(losses.values()).backward()
    assert torch.isfinite(raw.grad).all() and (raw.grad[..., 5:] == 0).all()
