"""The published heat-map networks: sizes, outputs of the original implementations, graphs written out."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import heatmap_rows
import numpy as np
import published_graphs
import pytest
import torch
from published_graphs import Published
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from canthus.build import build_landmarker
from canthus.checkpoints import CONVERTERS
from canthus.config import ConfigError
from canthus.models.backbones.hourglass import Hourglass
from canthus.models.backbones.hrnetv2 import HRNetV2
from canthus.models.backbones.resnet import ResNet
from canthus.models.backbones.scnet import SelfCalibrated
from canthus.models.heads.heatmap import HeatmapHead
from canthus.models.landmarker import Landmarker
from canthus.models.necks.concat import Concat
from canthus.models.residual import Residual
from canthus.recipe import load_recipe, recipe_names

#: Row -> architecture, parameters in use, products of convolutions (10^9) at 256 x 256.
ROWS = {
    "300w-hrnetv2_w18": ("hrnetv2_w18_68", 9_654_398, 4.660),
    "wflw-hrnetv2_w18": ("hrnetv2_w18_98", 9_662_528, 4.694),
    "wflw-hrnetv2_w18-dark": ("hrnetv2_w18_98", 9_662_528, 4.694),
    "wflw-hrnetv2_w18-awing": ("hrnetv2_w18_98", 9_662_528, 4.694),
    "cofw-hrnetv2_w18": ("hrnetv2_w18_29", 9_643_829, 4.617),
    "aflw-hrnetv2_w18": ("hrnetv2_w18_19", 9_641_119, 4.606),
    "aflw-hrnetv2_w18-dark": ("hrnetv2_w18_19", 9_641_119, 4.606),
    "coco_wholebody_face-hrnetv2_w18": ("hrnetv2_w18_68", 9_654_398, 4.660),
    "coco_wholebody_face-hrnetv2_w18-dark": ("hrnetv2_w18_68", 9_654_398, 4.660),
    # 94,860,996 in the file, of which 1,180,672 are dead
    "coco_wholebody_face-hourglass52": ("hourglass52_68", 94_860_996 - 1_180_672, 28.674),
    "coco_wholebody_face-resnet50": ("res50_68", 34_012_804, 7.289),
    "coco_wholebody_face-mobilenetv2": ("mobilenetv2_68", 9_582_916, 2.140),
    "coco_wholebody_face-scnet50": ("scnet50_68", 34_020_356, 7.083),
}
LOW_RESOLUTION = {
    64: (9_662_528, 4.694),
    32: (9_662_528, 1.173),
    16: (9_662_528, 0.299),
    8: (2_825_716, 0.065),
    4: (656_124, 0.026),
}


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def products(landmarker: Landmarker) -> float:
    """Products of convolutions and deconvolutions, 10^9."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        landmarker(torch.empty(1, 3, 256, 256, device="meta"))
    return float(counter.get_total_flops() / 2e9)


@pytest.mark.parametrize("row", ROWS)
def test_parameters_of_every_row(row: str) -> None:
    name, count, _ = ROWS[row]
    assert parameters(heatmap_rows.without_memory(name)) == count


@pytest.mark.parametrize("row", [row for row in ROWS if row in recipe_names()])
def test_recipes_build_the_published_networks(row: str) -> None:
    name, count, _ = ROWS[row]
    with torch.device("meta"):
        landmarker = build_landmarker(load_recipe(row))
    assert parameters(landmarker) == count
    shapes, expected = (
        {key: value.shape for key, value in heatmap_rows.own_tensors(network).items()}
        for network in (landmarker, heatmap_rows.without_memory(name))
    )
    assert shapes == expected


@pytest.mark.parametrize(("name", "expected"), sorted({(name, p) for name, _, p in ROWS.values()}))
def test_products_of_every_network(name: str, expected: float) -> None:
    assert products(heatmap_rows.without_memory(name)) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("side", LOW_RESOLUTION)
def test_low_resolution_networks(side: int) -> None:
    with torch.device("meta"):
        landmarker = build_landmarker(heatmap_rows.low_resolution(side)).eval()
    assert parameters(landmarker) == LOW_RESOLUTION[side][0]
    assert products(landmarker) == pytest.approx(LOW_RESOLUTION[side][1], abs=6e-4)


@pytest.mark.parametrize("name", ["hrnetv2_w18_98", "res50_68", "mobilenetv2_68"])
def test_maps_of_the_original_implementation(name: str, shared: Path) -> None:
    oracle = heatmap_rows.Oracle(shared / "oracles" / "heatmap_zoo")
    recipe = heatmap_rows.architecture(name)
    landmarker = build_landmarker(recipe).eval()
    own = heatmap_rows.own_tensors(landmarker)
    state = CONVERTERS[recipe.backbone.name].convert(oracle.weights(name), own, name).state
    landmarker.load_state_dict(state, strict=False)
    with torch.no_grad():
        maps = landmarker(oracle.images())["heatmap"].numpy()
    with np.load(oracle.folder / "fixtures" / f"forward_{name}.npz") as fixture:
        allowed = 1e-3 * fixture["std"].mean()
        assert np.abs(maps[0, fixture["channels"]] - fixture["heatmap"]).max() <= allowed
        flat = maps.reshape(*maps.shape[:2], -1).astype(np.float64)
        for statistic in ("mean", "std", "max", "min"):
            assert np.abs(getattr(flat, statistic)(-1) - fixture[statistic]).max() <= allowed
        clear = fixture["margin"] > 2 * allowed
        assert (flat.argmax(-1) == fixture["argmax"])[clear].all()


def small_hourglass(p: Published, x: Tensor) -> Tensor:
    return published_graphs.hourglass(p, x, 4, [6, 6, 8, 10], [2, 1, 2, 3], 19)


def small_scnet(p: Published, x: Tensor) -> Tensor:
    return published_graphs.scnet(p, x, 8, [2, 1, 2, 1], 12, 19)


SMALL = {
    "hourglass": (
        small_hourglass,
        {
            "backbone": {"name": "hourglass", "stem": 4, "widths": [6, 6, 8, 10], "depths": [2, 1, 2, 3]},
            "head": {"name": "heatmap"},
        },
    ),
    "scnet": (
        small_scnet,
        {
            "backbone": {"name": "scnet", "width": 8, "depths": [2, 1, 2, 1]},
            "head": {"name": "heatmap", "deconvolutions": [12, 12, 12]},
        },
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_the_graph_written_out(name: str) -> None:
    """Two ways to the same maps; the names that the written graph asks for are a whole checkpoint."""
    graph, network = SMALL[name]
    images = torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(1))
    published = Published()
    expected = graph(published, images)
    assert expected.std() > 0.1
    landmarker = build_landmarker(heatmap_rows.recipe_of(19, network, side=32, size=128)).eval()
    conversion = CONVERTERS[name].convert(published, heatmap_rows.own_tensors(landmarker), name)
    landmarker.load_state_dict(conversion.state, strict=False)
    with torch.no_grad():
        maps = landmarker(images)["heatmap"]
    torch.testing.assert_close(maps, expected, rtol=0, atol=1e-5 * expected.abs().max().item())


FULL: dict[str, Callable[[Published, Tensor], Tensor]] = {
    "hourglass52_68": lambda p, x: published_graphs.hourglass(
        p, x, 128, [256, 256, 384, 384, 384, 512], [2, 2, 2, 2, 2, 4], 68
    ),
    "scnet50_68": lambda p, x: published_graphs.scnet(p, x, 64, [3, 4, 6, 3], 256, 68),
}


@pytest.mark.parametrize("name", FULL)
def test_the_graph_written_out_is_the_published_one(name: str, shared: Path) -> None:
    published = Published("meta")
    assert FULL[name](published, torch.empty(1, 3, 256, 256, device="meta")).shape == (1, 68, 64, 64)
    oracle = heatmap_rows.Oracle(shared / "oracles" / "heatmap_zoo")
    assert {key: list(value.shape) for key, value in published.items()} == oracle.shapes(name, "0x")


def test_the_gate_by_hand() -> None:
    """One channel, norms the identity: 2 x times sigmoid(x + half of the coarse cell), plus 3."""
    layer = SelfCalibrated(1).eval()
    for convolution, centre in ((layer.coarse[1], 0.5), (layer.features[0], 2.0), (layer.last[0], 1.0)):
        nn.init.zeros_(convolution.weight)
        convolution.weight.data[0, 0, 1, 1] = centre
    layer.last[1].bias.data.fill_(3)
    x = torch.zeros(1, 1, 8, 8)
    x[..., 0, 0], x[..., 3, 3] = 16.0, -16.0
    x[..., 5, 6] = 32.0
    out = layer(x)
    scale = 1 / math.sqrt(1 + 1e-5)

    def expected(value: float, mean: float) -> float:
        gate = 1 / (1 + math.exp(-(value + 0.5 * mean * scale)))
        return max(0.0, 2 * value * scale * gate * scale + 3)

    for (row, column), mean in (((0, 0), 0.0), ((3, 3), 0.0), ((5, 6), 2.0), ((7, 7), 2.0), ((0, 7), 0.0)):
        assert out[0, 0, row, column].item() == pytest.approx(
            expected(x[0, 0, row, column].item(), mean), rel=1e-5
        )


def test_published_starts() -> None:
    torch.manual_seed(0)
    hrnet, resnet = HRNetV2(exchanges=(1,)), ResNet(width=8, depths=(1, 1))
    stem = hrnet.stem[1][0].weight
    assert stem.std().item() == pytest.approx(0.001, rel=0.05)
    blocks = [module for module in resnet.modules() if isinstance(module, Residual)]
    assert len(blocks) == 2 and all(block.layers[-1][1].weight.abs().sum() == 0 for block in blocks)
    first = resnet.stem[0][0].weight
    assert first.std().item() == pytest.approx(math.sqrt(2 / (8 * 49)), rel=0.1)
    head = HeatmapHead((16,), {"heatmap": (5, 8, 8)}, convolutions=(64,))
    assert head.layers[0].weight.std().item() == pytest.approx(0.001, rel=0.1)
    assert head.layers[0].bias.abs().sum() == head.last.bias.abs().sum() == 0


def test_concat_enlarges_with_pixel_areas_aligned() -> None:
    fine, coarse = torch.zeros(1, 1, 2, 4), torch.tensor([0.0, 4.0]).reshape(1, 1, 1, 2)
    neck = Concat((1, 1))
    (out,) = neck([fine, coarse])
    assert neck.channels == (2,)
    assert out[0, 1].tolist() == [[0.0, 1.0, 3.0, 4.0]] * 2


def test_shapes_that_do_not_fit_are_named() -> None:
    head = HeatmapHead((4,), {"heatmap": (5, 8, 8)})
    assert head([torch.zeros(1, 4, 8, 8)])["heatmap"].shape == (1, 5, 8, 8)
    with pytest.raises(ValueError, match=r"found maps \(5, 4, 4\), codec expects \(5, 8, 8\)"):
        head([torch.zeros(1, 4, 4, 4)])
    with pytest.raises(ValueError, match=r"fields \['cells', 'offsets'\], this head gives heatmap alone"):
        HeatmapHead((4,), {"cells": (5, 8, 8), "offsets": (5, 2, 8, 8)})
    with pytest.raises(ValueError, match=r"found images \(64, 64\), expected sides in 128s"):
        Hourglass(stem=4, widths=(4,) * 6, depths=(1,) * 6)(torch.zeros(1, 3, 64, 64))
    with pytest.raises(ConfigError, match="backbone hourglass: found 2 widths and 1 depths"):
        network = {
            "backbone": {"name": "hourglass", "widths": [4, 4], "depths": [1]},
            "head": {"name": "heatmap"},
        }
        build_landmarker(heatmap_rows.recipe_of(19, network))
