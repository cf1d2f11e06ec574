"""SynergyNet's terms by hand."""

from __future__ import annotations

import math

import pytest
import torch

from canthus.codecs import Target
from canthus.losses.synergynet import SynergyNetLoss, distance


def test_a_distance_is_the_root_of_two_means() -> None:
    first, second = torch.zeros(2, 16), torch.zeros(2, 16)
    first[0, :12] = 3.0
    first[0, 12:] = 4.0
    first[1, 15] = 2.0
    assert distance(first, second).tolist() == pytest.approx([5.0, 1.0])
    same = first.clone().requires_grad_()
    distance(same, first).sum().backward()
    assert torch.isfinite(same.grad).all()  # type: ignore[arg-type]


def test_points_are_compared_by_wing_in_px() -> None:
    found = torch.tensor([[[0.0, 1.0, -20.0]]])
    targets = {
        "parameters": Target(torch.zeros(1, 16), torch.ones(1)),
        "points3d": Target(torch.zeros(1, 1, 3), torch.ones(1, 1)),
    }
    loss = SynergyNetLoss(landmarks=1.0, parameters=0.0)
    near, far = 10 * math.log(1 + 1 / 2), 20 - (10 - 10 * math.log(6))
    total = loss({"parameters": torch.zeros(1, 16), "points3d": found}, targets)
    assert total.item() == pytest.approx((near + far) / 3)


def test_five_terms_and_every_entry_meets_its_own() -> None:
    factors = {"landmarks": 1.0, "parameters": 10.0, "refined": 100.0, "recovered": 1e3, "consistency": 1e4}
    loss = SynergyNetLoss(**factors)
    truth = torch.zeros(2, 16)
    found, recovered = truth.clone(), truth.clone()
    found[:, 0], recovered[:, 12] = math.sqrt(12) * 0.1, 0.2 * 2
    points = torch.zeros(2, 3, 3)
    targets = {
        "parameters": Target(truth, torch.tensor([1.0, 1.0])),
        "points3d": Target(points, torch.tensor([[1.0, 1.0, 0.0]] * 2)),
    }
    moved = points.clone()
    moved[:, 2] = 50.0  # a point without a label
    outputs = {"parameters": found, "points3d": moved + 1, "refined": moved + 3, "recovered": recovered}
    one, three = 10 * math.log(1.5), 10 * math.log(2.5)
    expected = one + 10 * 0.1 + 100 * three + 1e3 * 0.2 + 1e4 * math.hypot(0.1, 0.2)
    assert loss(outputs, targets).item() == pytest.approx(expected, rel=1e-5)
    assert loss({"parameters": found}, targets).item() == pytest.approx(1.0, rel=1e-5)
    targets["parameters"] = Target(truth, torch.tensor([1.0, 0.0]))
    outputs["parameters"][1] = 99.0  # a face without a fit
    assert loss({"parameters": found}, targets).item() == pytest.approx(1.0, rel=1e-5)
