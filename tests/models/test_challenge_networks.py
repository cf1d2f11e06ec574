"""The networks of the light-weight challenge: written out with their official names, sizes, official keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from published_graphs import Published
from torch import Tensor, nn
from torch.nn import functional

from canthus.build import build_codec, build_landmarker
from canthus.checkpoints import CONVERTERS, architecture, architecture_of
from canthus.codecs import Target
from canthus.complexity import complexity_of_recipe
from canthus.config import override
from canthus.losses.mse import Mse
from canthus.models.attention import CoordinateAttention
from canthus.models.heads.coordinates import CoordinatesHead
from canthus.recipe import Recipe, load_recipe
from canthus.sample import Annotations

#: Row -> parameters in use, and products as thop counts them.
SIZES = {
    "aflw2000_3d-shufflenetv2_heatmap": (3_194_556, 19_297_412_352),
    "aflw2000_3d-hourglass2": (3_153_672, 8_250_218_496),
    "aflw2000_3d-mobilenetv3": (3_578_888, 631_744_856),
}
#: Row -> file of official keys, and how many of them stand for nothing that is used.
KEYS = {
    "aflw2000_3d-shufflenetv2_heatmap": ("challenge_shufflenetv2", 84),
    "aflw2000_3d-hourglass2": ("challenge_eonian_fan2_ca_coord", 0),
}


def small(row: str, *changes: str) -> Recipe:
    content = load_recipe(row).model_dump(mode="json")
    return Recipe.model_validate(override(content, ["scheme=five", *changes]))


def compare(p: Published, row: Recipe, images: Tensor, expected: list[Tensor], dead: int) -> None:
    """The official tensors `p` in our network give what they gave in the graph."""
    landmarker = build_landmarker(row).eval()
    own = {name: v for name, v in landmarker.state_dict().items() if not name.startswith("codec.")}
    assert architecture(p) == architecture_of(row)
    conversion = CONVERTERS[architecture_of(row)].convert(p, own, "graph")
    assert set(conversion.state) == set(own) and len(conversion.dropped) == dead
    landmarker.load_state_dict(conversion.state, strict=False)
    with torch.no_grad():
        outputs = landmarker(images)
    stages = outputs if isinstance(outputs, list) else [outputs]
    for stage, maps in zip(stages, expected, strict=True):
        scale = maps.abs().max()  # hundreds and more: these weights amplify
        torch.testing.assert_close(stage["heatmap"] / scale, maps / scale, rtol=0, atol=2e-4)


def shuffled(x: Tensor) -> Tensor:
    """Channels 0 .. C-1 as 0, C/2, 1, C/2 + 1, ..."""
    half = x.shape[1] // 2
    return x[:, [c for pair in zip(range(half), range(half, 2 * half), strict=True) for c in pair]]


def shufflenetv2(p: Published, x: Tensor, stem: list[int], widths: list[int], repeats: list[int]) -> Tensor:
    def depthwise(x: Tensor, name: str, stride: int) -> Tensor:
        weight = p.made(f"{name}.weight", (x.shape[1], 1, 3, 3), -1, 1)
        return functional.conv2d(x, weight, stride=stride, padding=1, groups=x.shape[1])

    def long_path(x: Tensor, name: str, width: int, stride: int) -> Tensor:
        x = p.activated(x, (f"{name}.0", f"{name}.1"), width, 1)
        x = p.norm(depthwise(x, f"{name}.3", stride), f"{name}.4")
        return p.activated(x, (f"{name}.5", f"{name}.6"), width, 1)

    def stage(x: Tensor, name: str, width: int, repeat: int) -> Tensor:
        short = p.norm(depthwise(x, f"{name}.0.branch1.0", 2), f"{name}.0.branch1.1")
        short = p.activated(short, (f"{name}.0.branch1.2", f"{name}.0.branch1.3"), width // 2, 1)
        x = shuffled(torch.cat([short, long_path(x, f"{name}.0.branch2", width // 2, 2)], 1))
        for i in range(1, repeat):
            kept, worked = x[:, : width // 2], x[:, width // 2 :]
            x = shuffled(torch.cat([kept, long_path(worked, f"{name}.{i}.branch2", width // 2, 1)], 1))
        return x

    def doubled(x: Tensor, name: str, outputs: int) -> Tensor:
        weight = p.made(f"{name}.0.weight", (x.shape[1], outputs, 4, 4), -0.2, 0.2)
        return p.norm(functional.conv_transpose2d(x, weight, stride=2, padding=1), f"{name}.1").clamp(min=0)

    x = p.activated(x, ("conv1.0", "conv1.1"), stem[0], 3, 2)
    x = p.activated(x, ("conv11.0", "conv11.1"), stem[1], 3)
    x = functional.max_pool2d(x, 3, 2, 1)
    for number, width, repeat in zip((2, 3), widths, repeats, strict=True):
        x = stage(x, f"stage{number}", width, repeat)
    stage(x, "stage4", 8, 1)  # in the file, not in the network
    x = doubled(doubled(x, "conv5", 12), "conv6", 10)
    x = p.activated(x, ("conv7.0", "conv7.1"), 8, 3)
    return p.convolution(x, "conv8.0", 5, 3).clamp(min=0)


def test_shufflenetv2_written_out() -> None:
    row = small(
        "aflw2000_3d-shufflenetv2_heatmap",
        "size=96",
        "codec.side=24",
        "backbone={name: shufflenetv2, stem: [6, 8], widths: [12, 16], repeats: [2, 3]}",
        "head={name: heatmap, deconvolutions: [12, 10], convolutions: [8], kernel: 3, positive: true}",
    )
    p, images = Published(), torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(3))
    expected = shufflenetv2(p, images, [6, 8], [12, 16], [2, 3])
    assert (expected > 0).any() and (expected == 0).any()
    compare(p, row, images, [expected], dead=30)


def hourglass2(p: Published, x: Tensor, width: int, k: int) -> list[Tensor]:
    def block(x: Tensor, name: str, outputs: int) -> Tensor:
        parts = [x]
        for i, channels in enumerate((outputs // 2, outputs // 4, outputs // 4), 1):
            y = p.norm(parts[-1], f"{name}.bn{i}").clamp(min=0)
            parts.append(p.convolution(y, f"{name}.conv{i}", channels, 3))
        if x.shape[1] != outputs:
            y = p.norm(x, f"{name}.shortcut.0").clamp(min=0)
            x = p.convolution(y, f"{name}.shortcut.2", outputs, 1)
        return torch.cat(parts[1:], 1) + x

    def attention(x: Tensor, name: str) -> Tensor:
        factors = torch.ones_like(x)
        for axis, which in ((3, "conv_h"), (2, "conv_w")):  # norms in evaluation: each axis alone
            y = p.last(x.mean(axis, keepdim=True), f"{name}.conv1", max(8, width // 4))
            y = p.norm(y, f"{name}.bn1").clamp(min=0)
            factors = factors * torch.sigmoid(p.last(y, f"{name}.{which}", width))
        return x * factors

    def level(x: Tensor, name: str, number: int) -> Tensor:
        side = block(x, f"{name}.shortcut{number}", width)
        low = block(functional.max_pool2d(x, 2), f"{name}.conv{number}_1", width)
        low = level(low, name, number + 1) if number < 4 else block(low, f"{name}.conv_middle", width)
        low = attention(block(low, f"{name}.conv{number}_2", width), f"{name}.attention{number}")
        return side + low.repeat_interleave(2, 2).repeat_interleave(2, 3)

    at = torch.linspace(-1, 1, x.shape[2])
    row, column = at[:, None].expand(x.shape[2:]), at[None].expand(x.shape[2:])
    x = torch.cat([x, torch.stack([row, column])[None].expand(len(x), -1, -1, -1)], 1)
    x = p.convolution(x, "conv1.conv", width // 4, 7, 2)
    x = p.norm(x + p.made("conv1.conv.bias", (width // 4,), -1, 1).reshape(1, -1, 1, 1), "bn1").clamp(min=0)
    x = functional.max_pool2d(block(x, "conv2", width // 2), 2)
    x = block(block(x, "conv3", width // 2), "conv4", width)
    maps = []
    for stack in (1, 2):
        y = block(level(x, f"HG{stack}", 1), f"stack{stack}_conv1", width)
        y = p.norm(p.last(y, f"stack{stack}_conv2", width), f"stack{stack}_bn1").clamp(min=0)
        maps.append(p.last(y, f"stack{stack}_conv_out", k))
        if stack == 1:
            x = x + p.last(y, "stack1_conv3", width) + p.last(maps[0], "stack1_shortcut", width)
    return maps


def test_hourglass2_written_out() -> None:
    row = small("aflw2000_3d-hourglass2", "size=128", "codec.side=32", "backbone.width=16")
    p, images = Published(), torch.randn(2, 3, 128, 128, generator=torch.Generator().manual_seed(4))
    compare(p, row, images, hourglass2(p, images, 16, 5), dead=0)


@pytest.mark.parametrize("row", SIZES)
def test_sizes(row: str) -> None:
    found = complexity_of_recipe(load_recipe(row))
    assert (found.params, found.macs_thop) == SIZES[row]
    assert 4 * found.params < 15_000_000


@pytest.mark.parametrize("row", KEYS)
def test_official_keys(row: str, shared: Path) -> None:
    file, dead = KEYS[row]
    path = shared / "oracles" / "other_systems" / "keys" / f"{file}.json"
    shapes = json.loads(path.read_text())["keys"]
    state = {name: torch.empty(tuple(shape), device="meta") for name, shape in shapes.items()}
    recipe = load_recipe(row)
    with torch.device("meta"):
        landmarker = build_landmarker(recipe)
    own = {name: v for name, v in landmarker.state_dict().items() if not name.startswith("codec.")}
    assert architecture(state) == architecture_of(recipe)
    conversion = CONVERTERS[architecture_of(recipe)].convert(state, own, file)
    assert set(conversion.state) == set(own) and len(conversion.dropped) == dead


def test_light_network_of_our_own() -> None:
    found = complexity_of_recipe(load_recipe("aflw2000_3d-shufflenetv2_light"))
    assert found.params < 1_000_000 and found.macs < 0.1e9


def test_attention_weights_rows_and_columns() -> None:
    layer = CoordinateAttention(8).eval()
    for convolution in (layer.rows, layer.columns):
        nn.init.zeros_(convolution.weight)
        nn.init.zeros_(convolution.bias)
    x = torch.randn(1, 8, 3, 5)
    torch.testing.assert_close(layer(x), x / 4)
    nn.init.constant_(layer.columns.bias, 30.0)  # columns count wholly
    torch.testing.assert_close(layer(x), x / 2)


def test_targets_and_decoding_of_the_challenge() -> None:
    codec = build_codec(load_recipe("aflw2000_3d-shufflenetv2_heatmap"))
    points = torch.full((1, 68, 2), float("nan"))
    points[0, 0] = torch.tensor([41.0, 80.0])  # cell (10.25, 20)
    target = codec.encode(Annotations(points, torch.ones(1, 68), torch.ones(1), torch.ones(1)))["heatmap"]
    assert target.value[0, 0, 20, 10] == pytest.approx(100 * torch.exp(torch.tensor(-(0.25**2) / 32)).item())
    decoded = codec.decode({"heatmap": target.value})
    assert decoded.points[0, 0].tolist() == [40.0, 80.0]  # the cell's pixel, no step towards a neighbour
    assert decoded.scores[0, 0].item() == pytest.approx(0.998, abs=1e-3)
    margin = codec.margin({"heatmap": target.value})[0, 0].item()
    assert margin == pytest.approx((target.value[0, 0, 20, 10] - target.value[0, 0, 20, 11]).item())


def test_cells_near_a_point_weigh_more() -> None:
    truth = torch.zeros(1, 1, 6, 6)
    truth[0, 0, 1, 1] = 1.0
    target = {"heatmap": Target(truth, torch.ones(1, 1))}
    outputs = {"heatmap": truth + 0.5}
    assert Mse()(outputs, target).item() == pytest.approx(0.25)
    assert Mse(map_weight=3.0)(outputs, target).item() == pytest.approx(0.25 * (9 * 4 + 27) / 36)


def test_last_layers_of_mobilenetv3() -> None:
    head = CoordinatesHead((8,), {"points": (5, 2)}, width=12, cells=1, linear=20).eval()
    maps = torch.randn(2, 8, 4, 4)
    convolution, norm = head.reduce[0][0], head.reduce[0][1]
    x = norm(convolution(maps))
    x = (x * (x + 3).clamp(0, 6) / 6).mean((2, 3))
    x = head.reduce[3](x)
    expected = head.points(x * (x + 3).clamp(0, 6) / 6).reshape(2, 5, 2)
    torch.testing.assert_close(head([maps])["points"], expected)
