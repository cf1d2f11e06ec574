"""The losses of PFLD, SLPT, ADNet and STAR: the originals' values and gradients, and by hand."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from canthus.codecs.codec import Target
from canthus.losses import LOSSES
from canthus.losses.adaptive_wing import AdaptiveWing
from canthus.losses.anisotropic_direction import AnisotropicDirection, smooth_length, spread_ratio
from canthus.losses.normalized_distance import NormalizedDistance
from canthus.losses.pfld import PfldLoss
from canthus.losses.star import Star, principal_axes
from canthus.losses.wing import Wing
from canthus.schemes import SCHEMES


def whole(value: Tensor) -> Target:
    """A target whose every point counts."""
    return Target(value, torch.ones(value.shape[:2]))


class Case:
    """One case of the originals' losses: inputs that take gradients, and what came out."""

    def __init__(self, shared: Path, name: str) -> None:
        with np.load(shared / "oracles" / "other_systems" / "losses" / "losses.npz") as file:
            self.arrays = {k[len(name) + 1 :]: file[k] for k in file.files if k.startswith(f"{name}.")}
        names = [key[3:] for key in self.arrays if key.startswith("in.")]
        self.given = {key: torch.from_numpy(self.arrays[f"in.{key}"].copy()) for key in names}
        for value in self.given.values():
            value.requires_grad_(value.is_floating_point())

    def compare(self, loss: Tensor, gradients: tuple[str, ...], tolerance: float = 1e-5) -> None:
        loss.backward()
        assert loss.item() == pytest.approx(float(self.arrays["loss"]), rel=1e-5)
        for name in gradients:
            expected = self.arrays[f"grad.{name}"]
            found = self.given[name].grad.numpy()
            assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max(), name


def test_anisotropic_direction_as_the_original(shared: Path) -> None:
    case = Case(shared, "adl_98")
    normals = torch.from_numpy(case.arrays["normals"])
    centre = (case.given["landmarks"].detach() + 1) / 2
    ratio = spread_ratio(case.given["heatmap"].detach(), centre, normals)
    np.testing.assert_allclose(ratio.numpy(), case.arrays["lambda"], rtol=1e-5)
    outputs = {"points": (case.given["pred"] + 1) / 2, "heatmap": case.given["heatmap"]}
    targets = {"points": whole((case.given["target"] + 1) / 2), "normals": whole(normals)}
    case.compare(AnisotropicDirection()(outputs, targets), ("pred",))


def test_star_as_the_original(shared: Path) -> None:
    case = Case(shared, "star_v2")
    targets = {"points": whole((case.given["target"] + 1) / 2)}
    loss = Star()({"heatmap": case.given["heatmap"]}, targets)
    case.compare(loss, ("heatmap", "target"), 1e-4)
    variances, _ = principal_axes(torch.from_numpy(case.arrays["covariance"]))
    np.testing.assert_allclose(variances.numpy(), case.arrays["eigenvalues"], rtol=1e-5)


@pytest.mark.parametrize("name", ["pfld_polaris", "pfld_paper_formula"])
def test_pfld_as_the_originals(name: str, shared: Path) -> None:
    case = Case(shared, name)
    flags = case.given["attribute"][:, 1:] if name == "pfld_polaris" else case.given["attribute"]
    weights = tuple(case.arrays.get("in.class_weight", np.zeros(0)).tolist())
    points = case.given["landmarks"].reshape(6, 98, 2)
    targets = {
        "points": whole(case.given["landmarks_gt"].reshape(6, 98, 2)),
        "angles": Target(case.given["angle_gt"], torch.ones(6)),
        "classes": Target(flags, torch.ones(6)),
    }
    outputs = {"points": points, "angles": case.given["angle"]}
    case.compare(PfldLoss(floor=0.0, class_weights=weights)(outputs, targets), ("landmarks", "angle"))


@pytest.mark.parametrize(("name", "weight"), [("awing_weight_map", 10.0), ("awing_no_weight_map", 0.0)])
def test_adaptive_wing_as_the_original(name: str, weight: float, shared: Path) -> None:
    case = Case(shared, name)
    loss = AdaptiveWing(map_weight=weight)
    case.compare(loss({"heatmap": case.given["pred"]}, {"heatmap": whole(case.given["target"])}), ("pred",))


def test_wing_and_smooth_length_as_the_originals(shared: Path) -> None:
    case = Case(shared, "wing_mean")  # over x and y too; ours is their sum
    wing = Wing(width=10.0, curvature=2.0)
    case.compare(wing({"points": case.given["pred"]}, {"points": whole(case.given["target"])}) / 2, ("pred",))
    case = Case(shared, "smooth_l1_star")
    square = (case.given["pred"] - case.given["target"]).square().sum(-1)
    case.compare(smooth_length(square, 0.01).mean(), ("pred",))


def spot(x: float, y: float, wide: float, high: float) -> Tensor:
    """A map (1, 1, 33, 33) with a normal spot; x, y and deviations in half crop sides."""
    grid = torch.linspace(-1, 1, 33)
    row = torch.exp(-((grid - x) ** 2) / (2 * wide**2))
    column = torch.exp(-((grid - y) ** 2) / (2 * high**2))
    return (column[:, None] * row[None])[None, None]


def test_star_by_hand() -> None:
    """A spot twice as wide as high: an error costs half as much along its length."""
    map_ = spot(0.0, 0.0, 0.2, 0.1)
    losses = []
    for dx, dy in ((0.06, 0.0), (0.0, 0.06)):
        truth = torch.tensor([[[(1 + dx) / 2, (1 + dy) / 2]]])
        losses.append(Star(spread=0.0)({"heatmap": map_}, {"points": whole(truth)}).item())
    # smooth-L1 of 0.06 at 0.01 is 0.055
    assert losses == pytest.approx([0.055 / 0.2, 0.055 / 0.1], rel=0.03)
    both = Star(spread=1.0)({"heatmap": map_}, {"points": whole(torch.full((1, 1, 2), 0.5))})
    assert both.item() == pytest.approx(0.2**2 + 0.1**2, rel=0.03)


def test_axes_are_those_of_linear_algebra() -> None:
    roots = torch.randn(50, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    matrices = roots @ roots.mT
    values, axes = principal_axes(matrices)
    torch.testing.assert_close(values, torch.linalg.eigvalsh(matrices))
    torch.testing.assert_close(axes @ matrices @ axes.mT, torch.diag_embed(values))
    assert torch.autograd.gradcheck(
        lambda m: principal_axes(m)[0] + principal_axes(m)[1].square().sum(-1),
        (matrices[:5].clone().requires_grad_(),),
    )
    round_one = (torch.eye(2) * 0.3).requires_grad_()
    values, axes = principal_axes(round_one)
    assert values.tolist() == pytest.approx([0.3, 0.3])
    (values.sum() + axes.sum()).backward()
    assert torch.isfinite(round_one.grad).all()


def test_anisotropic_direction_by_hand() -> None:
    """A spot three times as long along the edge as across: errors across count nine times as much."""
    normals = torch.tensor([[[0.0, 1.0]]])
    map_ = spot(0.0, 0.0, 0.3, 0.1)
    for error, expected in (((0.06, 0.0), 2 / 10), ((0.0, 0.06), 2 * 9 / 10)):
        outputs = {"points": torch.full((1, 1, 2), 0.5), "heatmap": map_}
        truth = torch.full((1, 1, 2), 0.5) - torch.tensor(error) / 2
        targets = {"points": whole(truth), "normals": whole(normals)}
        length = 0.06 * math.sqrt(expected)
        loss = AnisotropicDirection()(outputs, targets).item()
        assert loss == pytest.approx(length - 0.005, rel=0.05)
        targets["normals"] = whole(normals * 0)  # on no edge
        assert AnisotropicDirection()(outputs, targets).item() == pytest.approx(0.055, rel=1e-5)


def test_no_error_has_no_gradient() -> None:
    points = torch.full((1, 1, 2), 0.5, requires_grad=True)
    outputs = {"points": points, "heatmap": spot(0.0, 0.0, 0.2, 0.1)}
    targets = {"points": whole(torch.full((1, 1, 2), 0.5)), "normals": whole(torch.ones(1, 1, 2))}
    scheme = SCHEMES["five"]
    AnisotropicDirection()(outputs, targets).backward()
    eyes = torch.tensor([[[0.2, 0.5], [0.8, 0.5], [0.5, 0.6], [0.3, 0.8], [0.7, 0.8]]])
    five = eyes.clone().requires_grad_()
    NormalizedDistance(scheme)({"points": five}, {"points": whole(eyes)}).backward()
    assert points.grad.abs().sum() == 0 and five.grad.abs().sum() == 0


def test_normalized_distance_is_the_nme() -> None:
    truth = torch.tensor([[[0.2, 0.5], [0.6, 0.5], [0.5, 0.6], [0.3, 0.8], [0.7, 0.8]]]).repeat(2, 1, 1)
    weight = torch.ones(2, 5)
    weight[1, 0] = 0  # no eye, no distance between the eyes
    points = truth.clone()
    points[0, 2, 1] += 0.1
    points[1] += 0.3
    loss = NormalizedDistance(SCHEMES["five"])
    targets = {"points": Target(truth, weight)}
    assert loss({"points": points}, targets).item() == pytest.approx(0.1 / 0.4 / 9, rel=1e-5)
    with pytest.raises(ValueError, match="normalizer: found 'nose', expected one of inter_pupil"):
        NormalizedDistance(SCHEMES["five"], normalizer="nose")


def test_pfld_by_hand() -> None:
    """Two samples, one class each, the second with an error of the pose of 60 degrees."""
    points = torch.zeros(2, 3, 2)
    outputs = {"points": points + torch.tensor([0.3, 0.4]), "angles": torch.zeros(2, 3)}
    angles = torch.tensor([[0.0, 0.0, 0.0], [0.0, math.pi / 3, 0.0]])
    targets = {
        "points": whole(points),
        "angles": Target(angles, torch.ones(2)),
        "classes": Target(torch.eye(2), torch.ones(2)),
    }
    # three points of 0.25 each; half of the batch has each class
    assert PfldLoss()(outputs, targets).item() == pytest.approx((0.75 * 2 * 1 + 0.75 * 2 * 1.5) / 2)
    assert PfldLoss(floor=0.0)(outputs, targets).item() == pytest.approx(0.75 * 2 * 0.5 / 2)
    targets["angles"] = Target(angles, torch.tensor([1.0, 0.0]))  # a pose that is not known
    assert PfldLoss()(outputs, targets).item() == pytest.approx(0.75 * 2)
    assert PfldLoss()({"points": outputs["points"]}, targets).item() == pytest.approx(0.75 * 2)
    with pytest.raises(ValueError, match="class_weights: found 3, expected 2"):
        PfldLoss(class_weights=(1.0, 2.0, 3.0))(outputs, targets)


def test_points_without_label_teach_nothing() -> None:
    truth = torch.rand(1, 5, 2, generator=torch.Generator().manual_seed(0))
    weight = torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0]])
    for name in ("anisotropic_direction", "star", "normalized_distance", "pfld"):
        loss = LOSSES[name](SCHEMES["five"]) if name == "normalized_distance" else LOSSES[name]()
        values = []
        for shift in (0.0, 0.4):
            points, maps = truth + 0.05, spot(0.1, 0.2, 0.3, 0.2).repeat(1, 5, 1, 1)
            points[0, 4] += shift
            maps[0, 4] += shift
            outputs = {"points": points, "heatmap": maps, "angles": torch.zeros(1, 3)}
            targets = {
                "points": Target(truth, weight),
                "normals": Target(torch.ones(1, 5, 2) / 2**0.5, weight),
                "angles": Target(torch.zeros(1, 3), torch.ones(1)),
                "classes": Target(torch.ones(1, 2), torch.ones(1)),
            }
            values.append(loss(outputs, targets).item())
        assert values[0] == pytest.approx(values[1]) and values[0] > 0, name
