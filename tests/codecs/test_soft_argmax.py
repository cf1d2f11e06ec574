"""Maps of points and edges, means and spreads of maps, normals: the originals' and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.codecs.edges import curve, edge_maps, neighbours, normals_of
from canthus.codecs.soft_argmax import SoftArgmax, covariance_of_map, mean_of
from canthus.config import ConfigError
from canthus.recipe import load_recipe
from canthus.sample import Annotations
from canthus.schemes import SCHEMES


def labels(points: torch.Tensor) -> Annotations:
    return Annotations(points, torch.ones(points.shape[:2]), torch.ones(len(points)), torch.ones(len(points)))


def test_target_maps_as_the_original(shared: Path) -> None:
    with np.load(shared / "oracles" / "other_systems" / "gt_maps" / "adnet_star_98.npz") as file:
        oracle = {name: file[name] for name in file.files}
    codec = SoftArgmax(SCHEMES["wflw98"], 256)
    targets = codec.encode(labels(torch.from_numpy(oracle["landmarks_px256"])))
    np.testing.assert_allclose(targets["point_maps"].value.numpy(), oracle["pointmaps"], atol=1e-6)
    np.testing.assert_allclose(targets["edge_maps"].value.numpy(), oracle["edgemaps"], atol=1e-6)
    for number, edge in enumerate(codec.edges):
        line = curve(oracle["landmarks_px256"][0, list(edge)].astype(np.float64))
        expected = oracle[f"curve_face0_edge{number}"]  # closed ones without the return to the start
        np.testing.assert_allclose(line[: len(expected)], expected, atol=1e-4)


def test_neighbours_and_normals_as_the_original(shared: Path) -> None:
    with np.load(shared / "oracles" / "other_systems" / "losses" / "losses.npz") as file:
        expected, table = file["adl_98.normals"], file["adl_98.neighbours_itself_prev_next"]
        target = torch.from_numpy(file["adl_98.in.target"])
    edges = SoftArgmax(SCHEMES["wflw98"], 256).edges
    assert np.array_equal(np.array(neighbours(edges, 98)).T, table[:, 1:])
    np.testing.assert_allclose(normals_of(target, edges).numpy(), expected, atol=1e-6)


def test_edges_of_the_published_rows() -> None:
    assert SoftArgmax(SCHEMES["ibug68"], 256).edges[5] == (36, 37, 38, 39, 40, 41, 36)
    own = load_recipe("cofw-star").codec.options["edges"]
    assert len(own) == 7 and [edge[0] == edge[-1] for edge in own] == [True] * 3 + [False] + [True] * 3
    # a point of two edges counts for the last
    before, after = neighbours(tuple(tuple(edge) for edge in own), 29)
    assert (before[22], after[22], before[9], after[9]) == (25, 24, 14, 14)


def test_curves_by_hand() -> None:
    x = np.array([0.0, 1.0, 2.5, 4.0, 7.0])
    straight = np.stack([x, 2 * x], -1)
    line = curve(straight)
    assert len(line) == 21
    np.testing.assert_allclose(line[:, 1], 2 * line[:, 0], atol=1e-12)
    np.testing.assert_allclose(line[::5], straight, atol=1e-12)
    angles = np.arange(13) / 12 * 2 * np.pi
    circle = np.stack([np.cos(angles), np.sin(angles)], -1)
    circle[-1] = circle[0]
    assert np.abs(np.hypot(*curve(circle).T) - 1).max() < 2e-4
    doubled = np.array([[0.0, 0], [1, 0], [1, 0], [2, 5], [3, 5]])
    assert curve(doubled) is doubled


def test_an_edge_map_by_hand() -> None:
    """Cells of 4 px, drawn as 16: the line at 9.5 px covers rows 36 to 40, of which all lie in the middle
    ones of cell 2, 36 to 43."""
    points = np.array([[2.0, 9.5], [29.0, 9.5]])
    map_ = edge_maps(points, ((0, 1),), 32, 8)[0]
    assert map_.shape == (8, 8)
    assert map_[2, 1:7].tolist() == [0.625] * 6
    assert map_[[0, 1, 3, 4, 5, 6, 7]].sum() == 0
    assert edge_maps(np.array([[2.0, 9.5], [np.nan, 9.5]]), ((0, 1),), 32, 8).sum() == 0


def test_means_and_covariances_by_hand() -> None:
    maps = torch.zeros(1, 2, 5, 5)
    maps[0, 0, 1, 2], maps[0, 0, 3, 2] = 3.0, 1.0
    maps[0, 1, 4, 4] = 2.0
    torch.testing.assert_close(mean_of(maps), torch.tensor([[[0.5, 0.375], [1.0, 1.0]]]))
    spread = covariance_of_map(maps)
    # rows at 0.25 and 0.75 with 3 to 1: 0.046875, over 1 - (9 + 1) / 16
    torch.testing.assert_close(spread[0, 0], torch.tensor([[0.0, 0.0], [0.0, 0.125]]), rtol=1e-4, atol=1e-6)
    codec = SoftArgmax(SCHEMES["five"], 100, side=5, attributes=("covariance",))
    assert "cholesky" not in codec.fields
    maps = maps.repeat(1, 3, 1, 1)[:, :5]
    decoded = codec.decode({"heatmap": maps, "points": mean_of(maps), "point_maps": maps})
    assert decoded.points[0, 1].tolist() == [99.5, 99.5]
    assert decoded.covariance[0, 0, 1, 1].item() == pytest.approx(1250, rel=1e-4)


def test_missing_points_have_no_maps_weight() -> None:
    codec = SoftArgmax(SCHEMES["five"], 64, side=16)
    points = torch.full((1, 5, 2), 20.0)
    points[0, 3] = torch.nan
    targets = codec.encode(labels(points))
    assert targets["point_maps"].weight.tolist() == [[1, 1, 1, 0, 1]]
    assert targets["edge_maps"].weight.tolist() == [[1, 0]]  # eyes, mouth
    assert targets["normals"].weight.tolist() == [[1, 1, 1, 0, 1]]


def test_an_open_eye_mirrors_to_the_closed_one() -> None:
    recipe = load_recipe("cofw-star")
    codec = SoftArgmax(SCHEMES["cofw29"], 64, side=16, edges=tuple(recipe.codec.options["edges"]))
    maps = torch.arange(7.0).reshape(1, 7, 1, 1).expand(1, 7, 16, 16)
    outputs = {
        "heatmap": torch.ones(1, 29, 16, 16),
        "points": torch.rand(1, 29, 2),
        "edge_maps": maps,
        "point_maps": torch.ones(1, 29, 16, 16),
    }
    mirrored = codec.mirror(outputs, SCHEMES["cofw29"])["edge_maps"]
    assert mirrored[0, :, 0, 0].tolist() == [1, 0, 3, 2, 4, 5, 6]


def test_wrong_edges_are_told() -> None:
    from canthus.build import build_codec

    recipe = load_recipe("300w-star", ["codec.edges=[[0, 1, 70]]"])
    with pytest.raises(ConfigError, match=r"codec soft_argmax: edges: found indices \[70\]"):
        build_codec(recipe)
