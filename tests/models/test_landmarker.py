from __future__ import annotations

import pytest
import torch
from staged_parts import staged
from torch import nn

from canthus.build import build_landmarker
from canthus.models.backbones.thin_resnet import Residual
from canthus.models.layers import normalization
from canthus.models.necks.top_down import TopDown
from canthus.recipe import Recipe


def test_normalize_by_hand(tiny_recipe: Recipe) -> None:
    stated = {"mean": (10.0, 20.0, 30.0), "std": (2.0, 4.0, 5.0)}
    recipe = Recipe.model_validate({**tiny_recipe.model_dump(), "normalization": stated})
    crops = torch.tensor([12, 28, 25], dtype=torch.uint8).reshape(1, 1, 1, 3)
    assert build_landmarker(recipe).normalize(crops).flatten().tolist() == [1.0, 2.0, -1.0]


def test_channels_in_the_order_that_the_network_was_taught(tiny_recipe: Recipe) -> None:
    stated = {"mean": (10.0, 20.0, 30.0), "std": (2.0, 4.0, 5.0), "order": "bgr"}
    recipe = Recipe.model_validate({**tiny_recipe.model_dump(), "normalization": stated})
    crops = torch.tensor([12, 28, 25], dtype=torch.uint8).reshape(1, 1, 1, 3)
    assert build_landmarker(recipe).normalize(crops).flatten().tolist() == [-1.0, 2.0, 1.0]


def test_flipped_outputs_are_the_same_for_the_mirror_image(tiny_recipe: Recipe) -> None:
    torch.manual_seed(1)
    landmarker = build_landmarker(tiny_recipe).eval()
    images = torch.randn(2, 3, 32, 32)
    straight = landmarker.flipped_outputs(images)
    mirrored = landmarker.codec.mirror(landmarker.flipped_outputs(images.flip(-1)), landmarker.codec.scheme)
    for name in straight:
        torch.testing.assert_close(mirrored[name], straight[name], atol=1e-5, rtol=1e-4)


def test_the_last_stage_is_the_prediction(tiny_recipe: Recipe) -> None:
    torch.manual_seed(2)
    landmarker = build_landmarker(staged(tiny_recipe)).eval()
    nn.init.normal_(landmarker.head.correction.points.weight)
    images = torch.randn(2, 3, 32, 32)
    first, last = landmarker(images)
    assert (first["points"] - last["points"]).abs().max() > 0.01
    assert set(landmarker.predict(images)) == set(last)
    torch.testing.assert_close(landmarker.predict(images)["points"], last["points"])
    torch.testing.assert_close(landmarker.locate(images).points, last["points"] * 32 - 0.5)
    mirrored = landmarker.codec.mirror(landmarker(images.flip(-1))[-1], landmarker.codec.scheme)
    mean = (last["points"] + mirrored["points"]) / 2
    torch.testing.assert_close(landmarker.flipped_outputs(images)["points"], mean)


def test_integral_points_are_the_means_of_the_maps(tiny_recipe: Recipe) -> None:
    landmarker = build_landmarker(tiny_recipe).eval()
    outputs = landmarker(torch.randn(1, 3, 32, 32))
    share = outputs["heatmap"][0, 2].exp()
    assert share.sum().item() == pytest.approx(1, abs=1e-5)
    x = sum(share[row, column].item() * (column + 0.5) / 4 for row in range(4) for column in range(4))
    y = sum(share[row, column].item() * (row + 0.5) / 4 for row in range(4) for column in range(4))
    assert outputs["points"][0, 2].tolist() == pytest.approx([x, y], abs=1e-5)


def test_a_fresh_residual_block_is_the_identity() -> None:
    x = torch.rand(2, 8, 5, 5)
    torch.testing.assert_close(Residual(8, "batch").eval()(x), x)


def test_top_down_adds_enlarged_deeper_maps() -> None:
    neck = TopDown((2, 3, 4), level=1, width=5).eval()
    maps = [torch.randn(1, 2, 8, 8), torch.randn(1, 3, 4, 4), torch.randn(1, 4, 2, 2)]
    fused, deepest = neck(maps)
    deep = neck.laterals[1](maps[2]).repeat_interleave(2, -1).repeat_interleave(2, -2)
    torch.testing.assert_close(fused, neck.norm(neck.laterals[0](maps[1]) + deep))
    assert deepest is maps[2]
    with pytest.raises(ValueError, match="found level 3, expected 0 to 2"):
        TopDown((2, 3, 4), level=3)


def test_unknown_norms_are_named() -> None:
    with pytest.raises(ValueError, match="found 'layer', expected batch or group"):
        normalization(8, "layer")
