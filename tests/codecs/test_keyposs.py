from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from canthus.codecs import CODECS
from canthus.codecs.highest import highest_cells
from canthus.codecs.keyposs import MEASURING, KeyPosSBlock, KeyPosSTopK
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["five"]
SIDES = (64, 32, 16, 8, 4)


def maps_at(cells: np.ndarray, side: int, noise: float, seed: int) -> np.ndarray:
    """Unit Gaussians (N, 5, side, side) of sigma 2 at cells (N, 5, 2), with noise."""
    at = np.arange(side)
    rows = np.exp(-((at - cells[..., 1:]) ** 2) / 8)
    columns = np.exp(-((at - cells[..., :1]) ** 2) / 8)
    maps = rows[..., :, None] * columns[..., None, :]
    return (maps + np.random.default_rng(seed).normal(0, 1, maps.shape) * noise).astype(np.float32)


def random_cells(side: int, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, side - 0.5, (count, 5, 2))


def squared(values: np.ndarray) -> np.ndarray:
    return -8 * np.log(np.clip(values.astype(np.float64), 1e-9, 1))


def naive_block(heat: np.ndarray) -> np.ndarray:
    side = len(heat)
    y, x = divmod(int(heat.argmax()), side)
    best, corner = -np.inf, (0, 0)
    for i in range(max(y - 2, 0), min(y, side - 3) + 1):
        for j in range(max(x - 2, 0), min(x, side - 3) + 1):
            total = ((heat[i, j] + heat[i, j + 1]) + heat[i + 1, j]) + heat[i + 1, j + 1]
            if total >= best:
                best, corner = total, (i, j)
    i, j = corner
    anchors = np.array([[j, i], [j + 1, i], [j, i + 1], [j + 1, i + 1]], dtype=np.float64)
    square = squared(np.array([heat[int(a[1]), int(a[0])] for a in anchors]))
    norm = (anchors**2).sum(1)
    matrix = anchors[3] - anchors[:3]
    right = (square[:3] - square[3] + norm[3] - norm[:3]) / 2
    return np.linalg.lstsq(matrix, right, rcond=None)[0]


def naive_top(heat: np.ndarray, count: int) -> np.ndarray:
    side = len(heat)
    order = np.argsort(-heat.ravel(), kind="stable")[:count]
    anchors = np.stack([order % side, order // side], -1).astype(np.float64)
    square = squared(heat.ravel()[order])
    y, x = divmod(int(heat.argmax()), side)
    point, last = np.array([x, y], dtype=np.float64), np.inf
    for _ in range(20):
        residual = ((anchors - point) ** 2).sum(1) - square
        cost = (residual**2).sum()
        if cost >= last:
            break
        jacobian = -2 * (anchors - point)
        point = point + np.linalg.solve(jacobian.T @ jacobian, -jacobian.T @ residual)
        last = cost
    return point


@pytest.mark.parametrize("side", SIDES)
def test_the_block_against_a_loop(side: int) -> None:
    maps = maps_at(random_cells(side, 20, seed=side), side, 0.02, seed=1)
    decoded = KeyPosSBlock(SCHEME, side, side=side).decode({"heatmap": torch.from_numpy(maps)})
    expected = np.array([[naive_block(heat) for heat in face] for face in maps])
    np.testing.assert_allclose(decoded.points.numpy(), expected, atol=1e-3)


def test_blocks_after_the_highest_cell_are_not_looked_at() -> None:
    """A bright block just right of and below a lone peak is left, one that ends before it is taken."""
    maps = torch.full((1, 5, 16, 16), 1e-3)
    maps[..., 8, 8] = 1.0
    before, after = maps.clone(), maps.clone()
    after[..., 9:11, 9:11] = 0.9
    before[..., 6:8, 6:8] = 0.9
    codec = KeyPosSBlock(SCHEME, 16, side=16)
    for heat in (before, after):
        expected = naive_block(heat[0, 0].numpy())
        np.testing.assert_allclose(codec.decode({"heatmap": heat}).points[0, 0], expected, atol=1e-4)
    np.testing.assert_allclose(codec.decode({"heatmap": before}).points[0, 0], [6.5, 6.5], atol=1e-5)


@pytest.mark.parametrize("side", SIDES)
def test_gauss_newton_against_a_loop(side: int) -> None:
    maps = maps_at(random_cells(side, 20, seed=side + 1), side, 0.01, seed=2)
    maps[:4] *= 0.7
    decoded = KeyPosSTopK(SCHEME, side, side=side).decode({"heatmap": torch.from_numpy(maps)})
    expected = np.array([[naive_top(heat, MEASURING[side]) for heat in face] for face in maps])
    np.testing.assert_allclose(decoded.points.numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("kind", [KeyPosSBlock, KeyPosSTopK])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), side=st.sampled_from(SIDES))
def test_ideal_maps_give_their_centre(kind: type[KeyPosSBlock], seed: int, side: int) -> None:
    cells = random_cells(side, 1, seed)
    maps = torch.from_numpy(maps_at(cells, side, 0.0, seed))
    decoded = kind(SCHEME, side, side=side).decode({"heatmap": maps})
    np.testing.assert_allclose(decoded.points.numpy(), cells, atol=1e-4)


def test_a_gain_moves_the_top_cells_decoder_alone() -> None:
    cells = np.full((1, 5, 2), 8.3)
    maps = torch.from_numpy(0.7 * maps_at(cells, 16, 0.0, 0))
    block, top = (
        kind(SCHEME, 16, side=16).decode({"heatmap": maps}).points for kind in (KeyPosSBlock, KeyPosSTopK)
    )
    np.testing.assert_allclose(block.numpy(), cells, atol=1e-4)
    assert 0.05 < np.abs(top.numpy() - cells).max() < 0.5


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), side=st.sampled_from([3, 4, 6, 7, 16, 32]), levels=st.integers(5, 400))
def test_the_highest_cells_are_those_of_a_stable_sort(seed: int, side: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    smooth = maps_at(random_cells(side, 2, seed), side, 0.02, seed)
    maps = np.round(smooth * levels).astype(np.float32) / levels + rng.choice([0, 1]).astype(np.float32)
    count = int(rng.integers(3, min(9, side * side) + 1))
    values, cells = highest_cells(torch.from_numpy(maps), count)
    flat = maps.reshape(*maps.shape[:2], -1)
    expected = np.sort(np.argsort(-flat, axis=-1, kind="stable")[..., :count], -1)
    found = np.sort((cells[..., 1] * side + cells[..., 0]).numpy(), -1)
    taken = np.take_along_axis(flat, found, -1)
    np.testing.assert_array_equal(np.sort(values.numpy(), -1), np.sort(taken, -1))
    np.testing.assert_array_equal(np.sort(taken, -1), np.sort(np.take_along_axis(flat, expected, -1), -1))
    crowded = (flat == np.take_along_axis(flat, expected, -1).min(-1, keepdims=True)).sum(-1) > count
    np.testing.assert_array_equal(found[~crowded], expected[~crowded])


def test_margins_are_no_larger_than_the_leads() -> None:
    maps = torch.zeros(1, 5, 8, 8)
    maps[..., 2, 2], maps[..., 2, 3], maps[..., 3, 2], maps[..., 1, 1] = 1.0, 0.75, 0.5, 0.49999
    top = KeyPosSTopK(SCHEME, 8, side=8, count=3).margin({"heatmap": maps})
    assert (top <= 1.01e-5).all()  # 0.5 over the next cell
    maps[..., 2, 3] = 0.99999
    block = KeyPosSBlock(SCHEME, 8, side=8).margin({"heatmap": maps})
    every = KeyPosSTopK(SCHEME, 8, side=8, count=64).margin({"heatmap": maps})
    assert (block <= 1.01e-5).all() and (every <= 1.01e-5).all()  # the highest cell over the second


@pytest.mark.parametrize("name", ["keyposs_block", "keyposs_topk", "paraboloid"])
@pytest.mark.parametrize("side", [4, 16])
def test_disturbances_below_the_margin_do_not_move_points(name: str, side: int) -> None:
    """Maps of noise: where a fit follows the last digit, the margin says so; elsewhere points are firm."""
    generator = torch.Generator().manual_seed(side)
    maps = torch.randn(40, 5, side, side, generator=generator)
    codec = CODECS[name](SCHEME, 256, side=side)
    noise = 1e-6 * (2 * torch.rand(maps.shape, generator=generator) - 1)
    before, after = (codec.decode({"heatmap": each}).points for each in (maps, maps + noise))
    firm = codec.margin({"heatmap": maps}) > 1e-5
    assert firm.float().mean() > 0.1
    assert (after - before).norm(dim=-1)[firm].max() < 0.01


def test_sides_without_a_published_count_ask_for_one() -> None:
    with pytest.raises(ValueError, match="no published count of cells for side 12"):
        KeyPosSTopK(SCHEME, 48, side=12)
    assert KeyPosSTopK(SCHEME, 48, side=12, count=9).count == 9
    with pytest.raises(ValueError, match="count: found 17, expected 3 to 16"):
        KeyPosSTopK(SCHEME, 48, side=4, count=17)


@pytest.mark.parametrize("kind", [KeyPosSBlock, KeyPosSTopK])
def test_distances_are_measured_with_the_sigma_of_the_targets_or_the_given_one(
    kind: type[KeyPosSBlock],
) -> None:
    cells = np.full((1, 5, 2), 8.3)
    maps = torch.from_numpy(maps_at(cells, 16, 0.0, 0) ** (2.0**2 / 1.5**2))  # of sigma 1.5
    right = kind(SCHEME, 16, side=16, sigma=1.5).decode({"heatmap": maps}).points.numpy()
    np.testing.assert_allclose(right, cells, atol=1e-3)
    wrong = kind(SCHEME, 16, side=16, sigma=1.5, range_sigma=2.0).decode({"heatmap": maps}).points.numpy()
    assert np.abs(wrong - cells).max() > 0.05
