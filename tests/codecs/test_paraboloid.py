from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from canthus.codecs.dark import Dark
from canthus.codecs.keyposs import KeyPosSBlock, KeyPosSTopK
from canthus.codecs.paraboloid import Paraboloid, solve
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["five"]
SIDES = (64, 32, 16, 8, 4)


def gaussians(cells: torch.Tensor, side: int, sigma: float = 2.0) -> torch.Tensor:
    at = torch.arange(side)
    bell = torch.exp(-(at - cells[..., None]).square() / (2 * sigma**2))
    return bell[..., 1, :, None] * bell[..., 0, None, :]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    side=st.sampled_from(SIDES),
    gain=st.floats(0.05, 30),
    sigma=st.floats(1.7, 2.6),
    free=st.booleans(),
)
def test_ideal_maps_of_any_gain_give_their_centre(
    seed: int, side: int, gain: float, sigma: float, free: bool
) -> None:
    cells = torch.rand(1, 5, 2, generator=torch.Generator().manual_seed(seed)) * side - 0.5
    codec = Paraboloid(SCHEME, side, side=side, free_sigma=free)
    maps = gain * gaussians(cells, side, sigma if free else 2.0)
    torch.testing.assert_close(codec.decode({"heatmap": maps}).points, cells, atol=2e-3, rtol=0)


def error(codec: torch.nn.Module, maps: torch.Tensor, cells: torch.Tensor) -> float:
    return (codec.decode({"heatmap": maps}).points - cells).norm(dim=-1).mean().item()


@pytest.mark.parametrize("side", SIDES)
def test_noise_hurts_it_no_more_than_the_others(side: int) -> None:
    generator = torch.Generator().manual_seed(side)
    cells = (0.15 + 0.7 * torch.rand(200, 5, 2, generator=generator)) * side
    noise = 0.03 * torch.randn(200, 5, side, side, generator=generator)
    maps = gaussians(cells, side) + noise
    ours, dark, block, top = (
        error(kind(SCHEME, side, side=side), maps, cells)
        for kind in (Paraboloid, Dark, KeyPosSBlock, KeyPosSTopK)
    )
    assert ours < (1.1 if side >= 32 else 0.5) * dark
    assert ours < 0.9 * min(block, top)
    wrong_gain = 0.7 * gaussians(cells, side) + noise
    assert error(Paraboloid(SCHEME, side, side=side), wrong_gain, cells) < 1.8 * ours


def test_a_free_width_repairs_maps_wider_than_the_targets() -> None:
    cells = torch.rand(50, 5, 2, generator=torch.Generator().manual_seed(0)) * 16
    maps = gaussians(cells, 16, sigma=2.5)
    assert error(Paraboloid(SCHEME, 16, side=16, free_sigma=True), maps, cells) < 1e-3
    assert error(Paraboloid(SCHEME, 16, side=16), maps, cells) > 0.02


def naive_fit(heat: np.ndarray, radius: int, fits: int, free: bool) -> np.ndarray:
    side = len(heat)
    y, x = divmod(int(heat.argmax()), side)
    offsets = [
        (i, j)
        for i in range(-radius, radius + 1)
        for j in range(-radius, radius + 1)
        if 0 <= y + i < side and 0 <= x + j < side
    ]
    at = np.array([(j, i) for i, j in offsets], dtype=np.float64)
    value = np.array([heat[y + i, x + j] for i, j in offsets], dtype=np.float64) / heat.max()
    square = (at**2).sum(1)
    design = np.column_stack([np.ones(len(at)), at, *([square] if free else [])])
    prior = np.zeros(len(at)) if free else -square / 8
    weight, logs = np.clip(value, 0, None) ** 2, np.log(np.clip(value, 1e-9, None))
    for _ in range(fits):
        root = np.sqrt(weight)
        p = np.linalg.lstsq(root[:, None] * design, root * (logs - prior), rcond=None)[0]
        model = np.clip(design @ p + prior, -20, 1)
        height = np.exp(model)
        logs = model + np.clip((value - height) / np.clip(height, 1e-3, None), -3, 3)
        weight = height**2
    bend = p[3] if free else -1 / 8
    return np.array([x, y]) - p[1:3] / (2 * bend)


@pytest.mark.parametrize("free", [False, True])
def test_the_fit_against_least_squares(free: bool) -> None:
    generator = torch.Generator().manual_seed(5)
    cells = torch.rand(10, 5, 2, generator=generator) * 15
    maps = gaussians(cells, 16) + 0.02 * torch.randn(10, 5, 16, 16, generator=generator)
    codec = Paraboloid(SCHEME, 16, side=16, radius=3, free_sigma=free)
    decoded = codec.decode({"heatmap": maps})
    expected = [[naive_fit(heat, 3, codec.fits, free) for heat in face] for face in maps.numpy()]
    np.testing.assert_allclose(decoded.points.numpy(), np.array(expected), atol=2e-3)


def test_maps_that_say_nothing_stay_at_the_highest_cell() -> None:
    maps = torch.zeros(1, 5, 16, 16)
    maps[0, 1:3] = -1.0
    maps[0, 2, 3, 4] = -0.5
    maps[0, 3, 9, 7] = 1.0
    maps[0, 4, 0, 0] = 5.0
    for free in (False, True):
        decoded = Paraboloid(SCHEME, 16, side=16, free_sigma=free).decode({"heatmap": maps})
        assert torch.isfinite(decoded.points).all()
        np.testing.assert_allclose(decoded.points[0, 3].numpy(), [7, 9], atol=1e-3)
        assert decoded.points[0, [0, 1, 2]].tolist() == [[0, 0], [0, 0], [4, 3]]


def test_the_window_covers_two_sigma_and_limits_the_step() -> None:
    assert Paraboloid(SCHEME, 64, sigma=1.5).reach == 3
    assert Paraboloid(SCHEME, 64, sigma=2.0).reach == 4
    slope = torch.exp(0.5 * torch.arange(16.0)).expand(1, 5, 16, 16)
    codec = Paraboloid(SCHEME, 16, side=16, radius=2)
    assert codec.decode({"heatmap": slope}).points[..., 0].max().item() <= 17.0
    with pytest.raises(ValueError, match="radius: found 0"):
        Paraboloid(SCHEME, 64, radius=0)


def test_margin_is_no_larger_than_the_lead() -> None:
    maps = torch.zeros(1, 5, 8, 8)
    maps[..., 2, 2], maps[..., 5, 5] = 1.0, 0.75
    codec = Paraboloid(SCHEME, 8, side=8)
    torch.testing.assert_close(codec.peak_margin(maps), torch.full((1, 5), 0.25))
    maps[..., 5, 5] = 0.99999
    assert (codec.margin({"heatmap": maps}) <= 1.01e-5).all()


def test_small_systems_are_solved() -> None:
    root = torch.randn(7, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    matrix = root @ root.mT + 0.1 * torch.eye(4)
    right = torch.randn(7, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = solve([[matrix[:, i, j] for j in range(4)] for i in range(4)], list(right.unbind(-1)))
    torch.testing.assert_close(torch.stack(found, -1), torch.linalg.solve(matrix, right))
    assert math.isfinite(float(found[0].sum()))
