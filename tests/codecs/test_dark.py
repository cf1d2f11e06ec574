from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from canthus.codecs.dark import Dark, blur_kernel
from canthus.sample import Annotations
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["five"]


def naive_dark(heat: np.ndarray, kernel: int) -> np.ndarray:
    """One map (S, S) at a time, blurred by OpenCV."""
    side, pad = len(heat), kernel // 2
    y, x = divmod(int(heat.argmax()), side)
    if not (1 < x < side - 2 and 1 < y < side - 2):
        return np.array([x, y], np.float32)
    padded = np.pad(heat, pad)
    blurred = cv2.GaussianBlur(padded, (kernel, kernel), 0)[pad : pad + side, pad : pad + side]
    logs = np.log(np.maximum(blurred * (heat.max() / blurred.max()), 1e-10)).astype(np.float64)
    slope = np.array([logs[y, x + 1] - logs[y, x - 1], logs[y + 1, x] - logs[y - 1, x]]) / 2
    dxx = (logs[y, x + 2] - 2 * logs[y, x] + logs[y, x - 2]) / 4
    dyy = (logs[y + 2, x] - 2 * logs[y, x] + logs[y - 2, x]) / 4
    dxy = (logs[y + 1, x + 1] - logs[y - 1, x + 1] - logs[y + 1, x - 1] + logs[y - 1, x - 1]) / 4
    hessian = np.array([[dxx, dxy], [dxy, dyy]])
    return np.array([x, y]) - np.linalg.inv(hessian) @ slope


@pytest.mark.parametrize("kernel", [1, 3, 5, 7, 9, 11, 13, 17])
def test_kernels_are_those_of_opencv(kernel: int) -> None:
    np.testing.assert_allclose(blur_kernel(kernel).numpy(), cv2.getGaussianKernel(kernel, 0)[:, 0], atol=1e-7)


@pytest.mark.parametrize("kernel", [7, 11])
def test_decoding_against_a_loop(kernel: int) -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 15, (30, 5, 2))
    at = np.arange(16)
    rows = np.exp(-((at - points[..., 1:]) ** 2) / 8)
    columns = np.exp(-((at - points[..., :1]) ** 2) / 8)
    maps = rows[..., :, None] * columns[..., None, :] + rng.normal(0, 0.02, (30, 5, 16, 16))
    maps = maps.astype(np.float32)
    codec = Dark(SCHEME, 16, side=16, kernel=kernel)
    decoded = codec.decode({"heatmap": torch.from_numpy(maps)})
    expected = np.array([[naive_dark(heat, kernel) for heat in face] for face in maps])
    np.testing.assert_allclose(decoded.points.numpy(), expected, atol=1e-3)


def test_cells_below_zero_are_raised_after_the_gain() -> None:
    """Where the blurred map is negative beside the peak, the floor meets values scaled to the old maximum."""
    heat = np.full((16, 16), -0.3, np.float32)
    heat[7:10, 6:11] = [[0.5, 1.0, 2.0, 1.4, 0.6], [0.8, 2.0, 5.0, 3.0, 0.9], [0.4, 0.9, 2.5, 1.2, 0.3]]
    heat[7:10, 12] = -6
    codec = Dark(SCHEME, 16, side=16)
    decoded = codec.decode({"heatmap": torch.from_numpy(heat).expand(1, 5, 16, 16)})
    blurred = codec.blur @ torch.from_numpy(heat) @ codec.blur
    assert blurred[8, 10] < 0  # two cells from the peak
    np.testing.assert_allclose(decoded.points[0, 0].numpy(), naive_dark(heat, 11), atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_gaussian_away_from_the_border_is_found(seed: int) -> None:
    codec = Dark(SCHEME, 256, side=64)
    points = torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(seed)) * 180 + 38
    labels = Annotations(points, torch.ones(2, 5), torch.ones(2), torch.ones(2))
    decoded = codec.decode({"heatmap": codec.encode(labels)["heatmap"].value})
    torch.testing.assert_close(decoded.points, points, atol=0.02, rtol=0)


def test_flat_and_border_maps_stay_at_the_highest_cell() -> None:
    maps = torch.zeros(1, 5, 16, 16)
    maps[0, 1] = 1.0
    maps[0, 2, 1, 8] = maps[0, 3, 8, 14] = 1.0
    maps[0, 4] = -2.0
    decoded = Dark(SCHEME, 16, side=16).decode({"heatmap": maps})
    assert decoded.points[0].tolist() == [[0, 0], [0, 0], [8, 1], [14, 8], [0, 0]]


def test_margin_is_the_lead_or_what_moves_an_ill_conditioned_point() -> None:
    at = torch.arange(16)
    bell = torch.exp(-(at - 7.3).square() / 8)
    maps = (bell[:, None] * bell).expand(1, 5, 16, 16).clone()
    codec = Dark(SCHEME, 16, side=16)
    sound = codec.margin({"heatmap": maps})
    moved = codec.decode({"heatmap": maps + sound.max() * torch.sign(at - 7.0)}).points
    shift = (moved - codec.decode({"heatmap": maps}).points).abs().max().item()
    assert 1e-4 < shift < 0.03  # about a hundredth of a px
    maps[..., 12, 12] = maps.amax() - 1e-5
    torch.testing.assert_close(codec.margin({"heatmap": maps}), torch.full((1, 5), 1e-5), rtol=0.01, atol=0)
    ridge = (bell[:, None] + 1e-4 * bell).expand(1, 5, 16, 16)  # next to no curvature along it
    assert codec.margin({"heatmap": ridge}).max() < 0.01 * sound.min()


def test_even_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel: found 10, expected an odd number"):
        Dark(SCHEME, 64, kernel=10)


@pytest.mark.parametrize(("side", "kernel"), [(16, 11), (9, 7), (5, 17), (4, 3)])
def test_the_gain_is_found_from_the_whole_blurred_map(side: int, kernel: int) -> None:
    heats = np.random.default_rng(side).normal(0, 1, (7, side, side)).astype(np.float32)
    blurred = [cv2.GaussianBlur(np.pad(heat, kernel), (kernel, kernel), 0) for heat in heats]
    inner = slice(kernel, kernel + side)
    expected = [heat.max() / blur[inner, inner].max() for heat, blur in zip(heats, blurred, strict=True)]
    codec = Dark(SCHEME, side, side=side, kernel=kernel)
    np.testing.assert_allclose(codec._gains(torch.from_numpy(heats)).numpy(), expected, rtol=1e-4)
