from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.codecs.codec import Target
from canthus.losses.adaptive_wing import AdaptiveWing
from canthus.losses.mse import Mse

LOSSES = {"mse": Mse(), "awing": AdaptiveWing()}


def random(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def adaptive_wing(distance: float, truth: float) -> float:
    power = 2.1 - truth
    if distance < 0.5:
        return 14 * math.log(1 + distance**power)
    slope = 14 / (1 + 0.5**power) * power * 0.5 ** (power - 1)
    return slope * distance - (0.5 * slope - 14 * math.log(1 + 0.5**power))


def test_mse_counts_maps_without_weight_in_its_denominator() -> None:
    value, truth = random((2, 3, 4, 4), 0), random((2, 3, 4, 4), 1)
    weight = torch.tensor([[1.0, 0.0, 0.5], [2.0, 1.0, 0.0]])
    total = sum(
        weight[b, k].item() * (value[b, k, i, j] - truth[b, k, i, j]).item() ** 2
        for b in range(2)
        for k in range(3)
        for i in range(4)
        for j in range(4)
    )
    target = Target(truth, weight, torch.tensor(123.0))
    assert Mse()({"heatmap": value}, {"heatmap": target}).item() == pytest.approx(total / 96, rel=1e-5)


def test_adaptive_wing_against_a_loop() -> None:
    value, truth = 2 * random((2, 3, 4, 4), 2) - 0.5, random((2, 3, 4, 4), 3)
    weight = torch.tensor([[1.0, 0.0, 0.5], [2.0, 1.0, 1.0]])
    total = 0.0
    for b in range(2):
        for k in range(3):
            w = weight[b, k].item()
            for p, t in zip(value[b, k].flatten().tolist(), truth[b, k].flatten().tolist(), strict=True):
                total += adaptive_wing(abs(w * t - w * p), w * t)
    loss = AdaptiveWing()({"heatmap": value}, {"heatmap": Target(truth, weight)})
    assert loss.item() == pytest.approx(total / 96, rel=1e-5)


@pytest.mark.parametrize(
    ("truth", "losses"),
    [
        (0.0, (8.8e-4, 0.11077, 1.07475, 2.93524, 5.15952, 8.49594)),
        (0.5, (0.00883, 0.34732, 1.90395, 3.99121, 6.21375, 9.54755)),
        (1.0, (0.08806, 1.0701, 3.30175, 5.36046, 7.32003, 10.25938)),
    ],
)
def test_adaptive_wing_has_the_values_of_the_formula(truth: float, losses: tuple[float, ...]) -> None:
    at = torch.tensor([0.01, 0.1, 0.3, 0.5, 0.7, 1.0])
    found = AdaptiveWing().compare(truth + at, torch.full((6,), truth))
    np.testing.assert_allclose(found.numpy(), losses, rtol=1e-4, atol=6e-6)


def test_adaptive_wing_has_a_finite_gradient_at_the_target() -> None:
    truth = random((1, 2, 4, 4), 4)
    value = truth.clone().requires_grad_()
    AdaptiveWing()({"heatmap": value}, {"heatmap": Target(truth, torch.ones(1, 2))}).backward()
    assert value.grad is not None
    assert value.grad.abs().max() == 0


def test_the_weight_map_is_the_dilated_target() -> None:
    truth = torch.zeros(1, 1, 6, 6)
    truth[0, 0, 2, 2], truth[0, 0, 5, 5] = 0.9, 0.1
    value = truth + 0.3
    plain = AdaptiveWing().compare(value, truth)
    near = torch.zeros(1, 1, 6, 6)
    near[..., 1:4, 1:4] = 1
    loss = AdaptiveWing(map_weight=10.0)({"heatmap": value}, {"heatmap": Target(truth, torch.ones(1, 1))})
    torch.testing.assert_close(loss, (plain * (1 + 10 * near)).mean())


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("case", [0, 1, 2])
@pytest.mark.parametrize("kind", ["plain", "weighted"])
def test_values_and_gradients_of_the_published_code(shared: Path, name: str, case: int, kind: str) -> None:
    path = shared / "oracles" / "heatmap_zoo" / "fixtures" / "codec_loss.npz"
    if not path.is_file():
        pytest.skip(f"no oracle at {path}")
    answers = np.load(path)
    value, truth, weight = (torch.from_numpy(answers[f"{key}{case}"]) for key in ("pred", "target", "weight"))
    value.requires_grad_()
    weight = weight if kind == "weighted" else torch.ones_like(weight)
    loss = LOSSES[name]({"heatmap": value}, {"heatmap": Target(truth, weight)})
    loss.backward()
    assert loss.item() == pytest.approx(float(answers[f"{name}{case}_{kind}"]), rel=1e-5)
    smooth = ((value - truth).abs() - 0.5).abs().detach().numpy() > 1e-4
    assert value.grad is not None
    expected = answers[f"{name}{case}_{kind}_grad"]
    np.testing.assert_allclose(value.grad.numpy()[smooth], expected[smooth], rtol=1e-5, atol=1e-9)
