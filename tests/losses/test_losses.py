from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.codecs.codec import Target, triangle
from canthus.losses import LOSSES, WeightedSum
from canthus.losses.adaptive_wing import AdaptiveWing
from canthus.losses.distance import Distance
from canthus.losses.ellipse import Ellipse
from canthus.losses.huber import Huber
from canthus.losses.simple import BinaryCrossEntropy, MapCrossEntropy, SmoothL1
from canthus.losses.soft_wing import SoftWing
from canthus.losses.wing import Wing


def points(seed: int) -> torch.Tensor:
    return torch.rand(2, 3, 2, generator=torch.Generator().manual_seed(seed))


WEIGHT = torch.tensor([[1.0, 0.0, 0.5], [2.0, 1.0, 0.0]])


def naive(compare, value: torch.Tensor, truth: torch.Tensor) -> float:
    total = sum(
        WEIGHT[b, k].item() * compare(value[b, k].tolist(), truth[b, k].tolist())
        for b in range(2)
        for k in range(3)
    )
    return total / WEIGHT.sum().item()


def test_distance_against_a_loop() -> None:
    value, truth = points(0), points(1)

    def compare(p: list[float], g: list[float]) -> float:
        return math.sqrt((p[0] - g[0]) ** 2 + (p[1] - g[1]) ** 2 + 0.1**2) - 0.1

    loss = Distance(smooth=0.1)({"points": value}, {"points": Target(truth, WEIGHT)})
    assert loss.item() == pytest.approx(naive(compare, value, truth), rel=1e-5)


def test_wing_against_a_loop_and_continuous() -> None:
    value, truth = points(2), points(3)
    width, curvature = 0.2, 0.05

    def wing(x: float) -> float:
        constant = width - width * math.log(1 + width / curvature)
        return width * math.log(1 + x / curvature) if x < width else x - constant

    def compare(p: list[float], g: list[float]) -> float:
        return sum(wing(abs(a - b)) for a, b in zip(p, g, strict=True))

    loss = Wing(width=width, curvature=curvature)
    result = loss({"points": value}, {"points": Target(truth, WEIGHT)})
    assert result.item() == pytest.approx(naive(compare, value, truth), rel=1e-5)
    at = torch.tensor([[[width - 1e-6, 0.0], [width + 1e-6, 0.0]]])
    below, above = loss.compare(at, torch.zeros_like(at))[0].tolist()
    assert below == pytest.approx(above, abs=1e-4)


def test_smooth_l1_against_a_loop() -> None:
    value, truth = points(4), points(5)

    def one(x: float) -> float:
        return x * x / 0.4 if x < 0.2 else x - 0.1

    def compare(p: list[float], g: list[float]) -> float:
        return sum(one(abs(a - b)) for a, b in zip(p, g, strict=True))

    loss = SmoothL1(field="points", beta=0.2)({"points": value}, {"points": Target(truth, WEIGHT)})
    assert loss.item() == pytest.approx(naive(compare, value, truth), rel=1e-5)


def test_binary_cross_entropy_by_hand() -> None:
    logits, truth = torch.tensor([[0.0, 2.0]]), torch.tensor([[1.0, 0.0]])
    loss = BinaryCrossEntropy(field="visibility")
    result = loss({"visibility": logits}, {"visibility": Target(truth, torch.tensor([[1.0, 3.0]]))})
    assert result.item() == pytest.approx((math.log(2) + 3 * math.log(1 + math.exp(2))) / 4, rel=1e-5)


def test_map_cross_entropy_is_least_at_the_target() -> None:
    target = torch.softmax(torch.randn(1, 2, 9, generator=torch.Generator().manual_seed(0)), -1).reshape(
        1, 2, 3, 3
    )
    loss = MapCrossEntropy()
    weight = torch.ones(1, 2)
    entropy = -(target * target.log()).sum() / 2
    at = loss({"heatmap": target.log()}, {"heatmap": Target(target, weight)})
    assert at.item() == pytest.approx(entropy.item(), rel=1e-5)
    other = torch.full((1, 2, 3, 3), math.log(1 / 9))
    assert loss({"heatmap": other}, {"heatmap": Target(target, weight)}).item() > at.item()


def test_ellipse_is_the_normal_likelihood_and_leaves_points_alone() -> None:
    predicted = points(6).requires_grad_()
    cholesky = torch.randn(2, 3, 3, generator=torch.Generator().manual_seed(7)).requires_grad_()
    truth = predicted.detach() + 0.005 * torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(8))
    loss = Ellipse(tail=100.0)({"points": predicted, "cholesky": cholesky}, {"points": Target(truth, WEIGHT)})
    l11, l21, l22 = triangle(cholesky.detach())
    total = 0.0
    for b in range(2):
        for k in range(3):
            lower = torch.tensor([[l11[b, k], 0.0], [l21[b, k], l22[b, k]]])
            law = torch.distributions.MultivariateNormal(predicted[b, k].detach(), scale_tril=lower)
            total += WEIGHT[b, k].item() * (-law.log_prob(truth[b, k]).item() - math.log(2 * math.pi))
    assert loss.item() == pytest.approx(total / WEIGHT.sum().item(), rel=1e-4)
    loss.backward()
    assert predicted.grad is None
    assert cholesky.grad is not None


def test_ellipse_grows_linearly_in_the_tail() -> None:
    cholesky = torch.zeros(1, 1, 3)
    spread = float(triangle(cholesky)[0])
    values = []
    for distance in (5.0, 6.0, 7.0):
        target = Target(torch.tensor([[[distance * spread, 0.0]]]), torch.ones(1, 1))
        values.append(
            Ellipse(tail=2.0)(
                {"points": torch.zeros(1, 1, 2), "cholesky": cholesky}, {"points": target}
            ).item()
        )
    assert values[1] - values[0] == pytest.approx(2.0, rel=1e-4)
    assert values[2] - values[1] == pytest.approx(2.0, rel=1e-4)


def test_weighted_sum_adds_weighted_terms() -> None:
    value, truth = points(9), points(10)
    both = WeightedSum({"wing": Wing(), "distance": Distance()}, {"wing": 2.0, "distance": 0.5})
    targets = {"points": Target(truth, WEIGHT)}
    total, terms = both({"points": value}, targets)
    expected = 2 * Wing()({"points": value}, targets) + 0.5 * Distance()({"points": value}, targets)
    torch.testing.assert_close(total, expected)
    assert set(terms) == {"wing", "distance"}


def test_every_stage_counts_once_or_by_its_factor() -> None:
    first, last, truth = points(9), points(11), points(10)
    targets = {"points": Target(truth, WEIGHT)}
    stages = [{"points": first}, {"points": last}]
    alone = [Wing()(stage, targets) for stage in stages]
    total, _ = WeightedSum({"wing": Wing()}, {"wing": 2.0})(stages, targets)
    torch.testing.assert_close(total, 2 * (alone[0] + alone[1]))
    shared = WeightedSum({"wing": Wing()}, {"wing": 2.0}, {"wing": (0.25, 1.0)})
    torch.testing.assert_close(shared(stages, targets)[0], 2 * (0.25 * alone[0] + alone[1]))
    last_alone = WeightedSum({"wing": Wing()}, {"wing": 1.0}, {"wing": (0.0, 1.0)})
    torch.testing.assert_close(last_alone([{}, stages[1]], targets)[0], alone[1])
    with pytest.raises(ValueError, match="stages: found 2 factors, expected 1"):
        shared({"points": last}, targets)


def test_field_losses_ignore_what_has_no_weight() -> None:
    for name in ("distance", "soft_wing", "wing"):
        loss = LOSSES[name]()
        value = points(11).requires_grad_()
        loss({"points": value}, {"points": Target(points(12), WEIGHT)}).backward()
        assert value.grad is not None
        assert (value.grad.abs().sum(-1) > 0).tolist() == (WEIGHT > 0).tolist()


def test_soft_wing_against_a_loop_and_continuous() -> None:
    value, truth = points(13), points(14)
    threshold, width, curvature = 0.1, 0.9, 0.05

    def soft_wing(x: float) -> float:
        offset = threshold - width * math.log(1 + threshold / curvature)
        return x if x < threshold else width * math.log(1 + x / curvature) + offset

    def compare(p: list[float], g: list[float]) -> float:
        return sum(soft_wing(abs(a - b)) for a, b in zip(p, g, strict=True))

    loss = SoftWing(threshold=threshold, width=width, curvature=curvature)
    result = loss({"points": value}, {"points": Target(truth, WEIGHT)})
    assert result.item() == pytest.approx(naive(compare, value, truth), rel=1e-5)
    at = torch.tensor([[[threshold - 1e-6, 0.0], [threshold + 1e-6, 0.0]]])
    below, above = loss.compare(at, torch.zeros_like(at))[0].tolist()
    assert below == pytest.approx(above, abs=1e-4)


def test_soft_wing_in_px_by_hand() -> None:
    """The published constants: 2, 20, 0.5."""
    loss = SoftWing(threshold=2.0, width=20.0, curvature=0.5)
    value = torch.tensor([[[1.5, 0.0], [2.0, 0.0], [10.0, -1.0]]])
    found = loss.compare(value, torch.zeros_like(value))[0].tolist()
    assert found == pytest.approx([1.5, 2.0, 20 * math.log(21 / 5) + 2 + 1], rel=1e-5)


def test_huber_of_points_and_maps_against_a_loop() -> None:
    def one(x: float) -> float:
        return x * x / 2 if abs(x) <= 0.3 else 0.3 * (abs(x) - 0.15)

    def compare(p: list[float], g: list[float]) -> float:
        return sum(one(a - b) for a, b in zip(p, g, strict=True))

    value, truth = points(15), points(16)
    loss = Huber(field="points", delta=0.3)({"points": value}, {"points": Target(truth, WEIGHT)})
    assert loss.item() == pytest.approx(naive(compare, value, truth), rel=1e-5)
    generator = torch.Generator().manual_seed(17)
    maps, goals = (torch.rand(2, 3, 4, 4, generator=generator) for _ in range(2))
    maps.requires_grad_()
    result = Huber(delta=0.3)({"heatmap": maps}, {"heatmap": Target(goals, WEIGHT)})
    total = sum(
        WEIGHT[b, k].item() * one((maps[b, k, i, j] - goals[b, k, i, j]).item())
        for b in range(2)
        for k in range(3)
        for i in range(4)
        for j in range(4)
    )
    assert result.item() == pytest.approx(total / 96, rel=1e-5)  # all cells count, as in the published code
    result.backward()
    clipped = (maps.detach() - goals).clamp(-0.3, 0.3) * WEIGHT[..., None, None] / 96
    torch.testing.assert_close(maps.grad, clipped)


@pytest.mark.parametrize("case", ["wing_mean", "wing_polaris_sum_points", "wing_samuelyu", "wing3d_synergy"])
def test_wing_has_the_values_of_published_code(shared: Path, case: str) -> None:
    """In px; the published means are over all numbers, or over faces of the sum over points."""
    path = shared / "oracles" / "other_systems" / "losses" / "losses.npz"
    if not path.is_file():
        pytest.skip(f"no oracle at {path}")
    answers = np.load(path)
    value, truth = (torch.from_numpy(answers[f"{case}.in.{name}"]) for name in ("pred", "target"))
    if case == "wing3d_synergy":
        value, truth = value.mT, truth.mT
    value, truth = (v.reshape(len(v), -1, v.shape[-1] if v.ndim == 3 else 2) for v in (value, truth))
    value = value.detach().requires_grad_()
    weight = torch.ones(value.shape[:2])
    loss = Wing(width=10.0, curvature=2.0)({"points": value}, {"points": Target(truth, weight)})
    loss = loss * value.shape[1] if case == "wing_polaris_sum_points" else loss / value.shape[2]
    loss.backward()
    assert loss.item() == pytest.approx(float(answers[f"{case}.loss"]), rel=1e-5)
    assert value.grad is not None
    gradient = value.grad.mT if case == "wing3d_synergy" else value.grad
    expected = answers[f"{case}.grad.pred"]
    np.testing.assert_allclose(
        gradient.numpy().reshape(expected.shape), expected, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize("map_weight", [0.0, 10.0])
def test_adaptive_wing_with_and_without_the_weight_map(shared: Path, map_weight: float) -> None:
    path = shared / "oracles" / "other_systems" / "losses" / "losses.npz"
    if not path.is_file():
        pytest.skip(f"no oracle at {path}")
    answers = np.load(path)
    case = "awing_weight_map" if map_weight else "awing_no_weight_map"
    value, truth = (torch.from_numpy(answers[f"{case}.in.{name}"]) for name in ("pred", "target"))
    value.requires_grad_()
    target = Target(truth, torch.ones(value.shape[:2]))
    loss = AdaptiveWing(map_weight=map_weight)({"heatmap": value}, {"heatmap": target})
    loss.backward()
    assert loss.item() == pytest.approx(float(answers[f"{case}.loss"]), rel=1e-5)
    expected = answers[f"{case}.grad.pred"]
    assert value.grad is not None
    np.testing.assert_allclose(value.grad.numpy(), expected, atol=1e-5 * np.abs(expected).max())
