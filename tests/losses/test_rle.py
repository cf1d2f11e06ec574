from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from canthus.codecs.codec import Target
from canthus.losses.auxiliary_maps import AuxiliaryMaps
from canthus.losses.rle import Flow, Rle


def restless(flow: Flow) -> Flow:
    """The flow with weights that bend space."""
    generator = torch.Generator().manual_seed(0)
    for parameter in flow.parameters():
        parameter.data = 0.15 * torch.randn(parameter.shape, generator=generator)
    return flow


def test_a_flow_is_a_density() -> None:
    steps = torch.linspace(-12, 12, 241)
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1)
    with torch.no_grad():
        density = restless(Flow()).log_density(grid).exp()
    assert density.sum().item() * (24 / 240) ** 2 == pytest.approx(1, abs=2e-3)
    assert (density[120, 120] - 1 / (2 * math.pi)).abs() > 0.01, "not the normal density that it starts as"


def test_a_fresh_flow_is_nearly_the_normal_density() -> None:
    x = torch.randn(20, 2, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    expected = -x.square().sum(-1) / 2 - math.log(2 * math.pi)
    torch.testing.assert_close(Flow().log_density(x), expected, atol=1e-2, rtol=0)


def test_the_loss_by_hand() -> None:
    loss = Rle()
    for parameter in loss.flow.parameters():
        torch.nn.init.zeros_(parameter)
    raw = torch.tensor([[[-2.0, 0.5], [1.0, 1.0]]])
    points, truth = torch.tensor([[[0.4, 0.7], [0.1, 0.2]]]), torch.tensor([[[0.5, 0.65], [0.3, 0.3]]])
    expected = []
    for k in range(2):
        s = [1 / (1 + math.exp(-value)) for value in raw[0, k].tolist()]
        e = [(p - g) / d for p, g, d in zip(points[0, k].tolist(), truth[0, k].tolist(), s, strict=True)]
        density = -(e[0] ** 2 + e[1] ** 2) / 2 - math.log(2 * math.pi)
        expected.append(
            sum(math.log(d) - density + math.log(2 * d) + abs(x) for d, x in zip(s, e, strict=True)) / 2
        )
    outputs = {"points": points, "sigma": raw}
    both = loss(outputs, {"points": Target(truth, torch.ones(1, 2))})
    assert both.item() == pytest.approx(sum(expected) / 2, rel=1e-5)
    second = loss(outputs, {"points": Target(truth, torch.tensor([[0.0, 2.0]]))})
    assert second.item() == pytest.approx(expected[1], rel=1e-5)


def test_points_without_weight_teach_nothing() -> None:
    loss = Rle()
    points = torch.full((1, 2, 2), 1e4, requires_grad=True)
    targets = {"points": Target(torch.zeros(1, 2, 2), torch.zeros(1, 2))}
    loss({"points": points, "sigma": torch.full((1, 2, 2), -80.0)}, targets).backward()
    assert points.grad is not None and points.grad.abs().max() == 0
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in loss.parameters())


def test_the_deviation_learns_the_spread_of_the_errors() -> None:
    generator = torch.Generator().manual_seed(0)
    error = torch.randn(500, 1, 2, generator=generator) * torch.tensor([0.02, 0.08])
    raw = torch.nn.Parameter(torch.zeros(2))
    loss = Rle()
    slow = {"params": loss.parameters(), "lr": 1e-4}
    optimizer = torch.optim.Adam([{"params": [raw]}, slow], lr=0.1)
    targets = {"points": Target(torch.zeros(500, 1, 2), torch.ones(500, 1))}
    for _ in range(60):
        optimizer.zero_grad()
        loss({"points": error, "sigma": raw.expand(500, 1, 2)}, targets).backward()
        optimizer.step()
    narrow, wide = torch.sigmoid(raw).tolist()
    assert 3 < wide / narrow < 5.3


def oracle(shared: Path) -> tuple[dict[str, np.ndarray], dict[str, Tensor]]:
    """Answers of the original loss, and the drawn weights of its flow under our names."""
    folder = shared / "oracles" / "other_systems"
    sys.path.insert(0, str(folder))
    try:
        specification = importlib.util.spec_from_file_location("drawn", folder / "deterministic_ext.py")
        assert specification is not None and specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    drawn = module.state_dict(folder / "keys" / "rle_realnvp.json")
    weights = {name.replace("flow_model.", "flow."): torch.from_numpy(v.copy()) for name, v in drawn.items()}
    return dict(np.load(folder / "losses" / "losses.npz")), weights


def test_values_and_gradients_of_the_original(shared: Path) -> None:
    answers, weights = oracle(shared)
    loss = Rle()
    loss.load_state_dict(weights)
    density = loss.flow.log_density(torch.from_numpy(answers["realnvp.in.x"])).detach().numpy()
    np.testing.assert_allclose(density, answers["realnvp.log_prob"], rtol=1e-5, atol=1e-5)
    case = "rle_laplace_residual"
    output = torch.from_numpy(answers[f"{case}.in.output"]).requires_grad_()
    truth = torch.from_numpy(answers[f"{case}.in.target"])
    value = loss(
        {"points": output[..., :2], "sigma": output[..., 2:]},
        {"points": Target(truth, torch.ones(truth.shape[:2]))},
    )
    value.backward()
    assert value.item() == pytest.approx(float(answers[f"{case}.loss"]), rel=1e-5)
    expected = answers[f"{case}.grad.output"]
    assert output.grad is not None
    np.testing.assert_allclose(output.grad.numpy(), expected, atol=1e-5 * np.abs(expected).max())
    compared = 0
    for name, parameter in loss.named_parameters():
        stored = answers.get(f"{case}.grad_weight.{name.replace('flow.', 'flow_model.')}")
        if stored is not None:
            assert parameter.grad is not None
            np.testing.assert_allclose(parameter.grad.numpy(), stored, atol=1e-5 * np.abs(stored).max())
            compared += 1
    assert compared == 2


def test_auxiliary_maps_by_hand() -> None:
    loss = AuxiliaryMaps(sigma=1.0)
    points = torch.tensor([[[0.375, 0.625], [0.9, 0.1], [1.2, 0.5]]])
    truth = loss.gaussians(points, 4, 4)
    assert truth[0, 0, 2, 1] == 1 and truth[0, 0].max() == 1
    assert truth[0, 0, 2, 3].item() == pytest.approx(math.exp(-2))
    assert truth[0, 0, 0, 0].item() == pytest.approx(math.exp(-(1 + 4) / 2))
    logits = torch.zeros(1, 2, 4, 4)
    expected = []
    for k in range(2):
        t = truth[0, k].flatten().tolist()
        square = sum((0.5 - v) ** 2 for v in t) / 16
        dice = 2 * sum(0.5 * v for v in t) / (16 * 0.25 + sum(v * v for v in t))
        expected.append(square + 1 - dice)
    targets = {"points": Target(points, torch.tensor([[1.0, 3.0, 1.0]]))}
    found = loss({"maps": logits}, targets)
    assert found.item() == pytest.approx((expected[0] + 3 * expected[1]) / 4, rel=1e-5)
    three = loss({"maps": torch.zeros(1, 3, 4, 4)}, targets)
    torch.testing.assert_close(three, found)  # the third point lies outside
    perfect = torch.logit(truth[:, :2].clamp(1e-6, 1 - 1e-6))
    assert loss({"maps": perfect}, targets).item() < 1e-4
