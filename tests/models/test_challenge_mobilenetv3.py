"""MobileNetV3-Large of the light-weight challenge, written out with its official names."""

from __future__ import annotations

from pathlib import Path

import torch
from published_graphs import Published
from torch import Tensor
from torch.nn.functional import conv2d

from canthus.checkpoints import load_official
from canthus.recipe import load_recipe

#: Kernel, expansion, channels, gate, hard swish, stride of each block, as the author lists them.
BLOCKS = (
    (3, 1, 16, 0, 0, 1),
    (3, 4, 24, 0, 0, 2),
    (3, 3, 24, 0, 0, 1),
    (5, 3, 40, 1, 0, 2),
    (5, 3, 40, 1, 0, 1),
    (5, 3, 40, 1, 0, 1),
    (3, 6, 80, 0, 1, 2),
    (3, 2.5, 80, 0, 1, 1),
    (3, 2.3, 80, 0, 1, 1),
    (3, 2.3, 80, 0, 1, 1),
    (3, 6, 112, 1, 1, 1),
    (3, 6, 112, 1, 1, 1),
    (5, 6, 160, 1, 1, 2),
    (5, 6, 160, 1, 1, 1),
)


def swish(x: Tensor) -> Tensor:
    return x * (x + 3).clamp(0, 6) / 6


def eights(channels: float) -> int:
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8


def mobilenetv3(p: Published, x: Tensor) -> Tensor:
    def linear(x: Tensor, name: str, outputs: int) -> Tensor:
        weight = p.made(f"{name}.weight", (outputs, x.shape[1]), -0.05, 0.05)
        return x @ weight.T + p.made(f"{name}.bias", (outputs,), -1, 1)

    def depthwise(x: Tensor, name: str, kernel: int, stride: int) -> Tensor:
        weight = p.made(f"{name}.weight", (x.shape[1], 1, kernel, kernel), -0.5, 0.5)
        return conv2d(x, weight, stride=stride, padding=kernel // 2, groups=x.shape[1])

    def gated(x: Tensor, name: str) -> Tensor:
        hidden = linear(x.mean((2, 3)), f"{name}.fc.0", eights(x.shape[1] // 4)).clamp(min=0)
        factors = (linear(hidden, f"{name}.fc.2", x.shape[1]) + 3).clamp(0, 6) / 6
        return x * factors[:, :, None, None]

    x = swish(p.norm(p.convolution(x, "features.0.0", 16, 3, 2), "features.0.1"))
    for number, (kernel, expansion, outputs, gate, hard, stride) in enumerate(BLOCKS, start=1):
        name, wide, at = f"features.{number}.conv", eights(x.shape[1] * expansion), 0
        active = swish if hard else torch.relu
        y = x
        if wide != x.shape[1]:
            y, at = active(p.norm(p.convolution(y, f"{name}.0", wide, 1), f"{name}.1")), 3
        y = p.norm(depthwise(y, f"{name}.{at}", kernel, stride), f"{name}.{at + 1}")
        y = active(gated(y, f"{name}.{at + 2}") if gate else y)
        y = p.norm(p.convolution(y, f"{name}.{at + 4}", outputs, 1), f"{name}.{at + 5}")
        x = x + y if y.shape == x.shape else y
    x = swish(p.norm(p.convolution(x, "conv.0", 960, 1), "conv.1")).mean((2, 3))
    return linear(swish(linear(x, "classifier.0", 1280)), "classifier.3", 136).reshape(len(x), 68, 2)


def test_a_published_file_gives_its_points(tmp_path: Path) -> None:
    """Of a smaller picture, which the network takes too; the points count px of 384 all the same."""
    p, images = Published(), torch.randn(2, 3, 96, 96, generator=torch.Generator().manual_seed(5))
    expected = mobilenetv3(p, images)
    path = tmp_path / "best.pt"
    torch.save(dict(p), path)
    landmarker, conversion = load_official(path, load_recipe("aflw2000_3d-mobilenetv3"))
    assert not conversion.dropped and not conversion.kept
    with torch.no_grad():
        outputs = landmarker(images)
    torch.testing.assert_close(outputs["points"] * 384 - 0.5, expected, rtol=1e-3, atol=2e-3)
    torch.testing.assert_close(landmarker.codec.decode(outputs).points, expected, rtol=1e-3, atol=2e-3)
