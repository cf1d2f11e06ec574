"""Two published networks written out with their official names, straight from their description.

Each function runs the network on tensors that are made when their name is first asked for; afterwards the
`Published` mapping is a checkpoint of exactly that network.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

HEAD = "keypoint_head."


class Published(dict[str, Tensor]):
    """Official name -> random tensor, made at first use."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = torch.device(device)
        self.generator = None if device == "meta" else torch.Generator().manual_seed(0)

    def made(self, name: str, shape: tuple[int, ...], low: float, high: float) -> Tensor:
        if name not in self:
            draw = torch.rand(shape, generator=self.generator, device=self.device)
            self[name] = low + (high - low) * draw
        return self[name]

    def convolution(self, x: Tensor, name: str, outputs: int, kernel: int, stride: int = 1) -> Tensor:
        limit = math.sqrt(6 / (x.shape[1] * kernel**2))
        weight = self.made(f"{name}.weight", (outputs, x.shape[1], kernel, kernel), -limit, limit)
        return functional.conv2d(x, weight, stride=stride, padding=kernel // 2)

    def norm(self, x: Tensor, name: str) -> Tensor:
        width = (x.shape[1],)
        weight, bias = (
            self.made(f"{name}.weight", width, 0.5, 1.5),
            self.made(f"{name}.bias", width, -0.5, 0.5),
        )
        mean = self.made(f"{name}.running_mean", width, -0.2, 0.2)
        variance = self.made(f"{name}.running_var", width, 0.5, 1.5)
        self.setdefault(f"{name}.num_batches_tracked", torch.zeros((), dtype=torch.long, device=self.device))
        column = (1, -1, 1, 1)
        scale = (weight / torch.sqrt(variance + 1e-5)).reshape(column)
        return (x - mean.reshape(column)) * scale + bias.reshape(column)

    def activated(
        self, x: Tensor, names: tuple[str, str], outputs: int, kernel: int, stride: int = 1
    ) -> Tensor:
        """ReLU(norm(convolution(x))) with the names of convolution and norm."""
        return self.norm(self.convolution(x, names[0], outputs, kernel, stride), names[1]).clamp(min=0)

    def shortcut(self, x: Tensor, name: str, outputs: int, stride: int) -> Tensor:
        if stride == 1 and x.shape[1] == outputs:
            return x
        return self.norm(
            self.convolution(x, f"{name}.downsample.0", outputs, 1, stride), f"{name}.downsample.1"
        )

    def last(self, x: Tensor, name: str, k: int) -> Tensor:
        """The 1x1 convolution with bias that ends every network."""
        out = self.convolution(x, name, k, 1)
        return out + self.made(f"{name}.bias", (k,), -1, 1).reshape(1, -1, 1, 1)


def hourglass(p: Published, x: Tensor, stem: int, widths: list[int], depths: list[int], k: int) -> Tensor:
    """One stack: 7x7 stem, residual block, hourglass, 3x3, maps (B, k, S / 4, S / 4)."""

    def block(x: Tensor, name: str, outputs: int, stride: int = 1) -> Tensor:
        y = p.activated(x, (f"{name}.conv1", f"{name}.bn1"), outputs, 3, stride)
        y = p.norm(p.convolution(y, f"{name}.conv2", outputs, 3), f"{name}.bn2")
        return (y + p.shortcut(x, name, outputs, stride)).clamp(min=0)

    def level(x: Tensor, name: str, depth: int) -> Tensor:
        here, below, blocks = widths[depth], widths[depth + 1], depths[depth]
        up1 = low = x
        for i in range(blocks):
            up1 = block(up1, f"{name}.up1.{i}", here)
        for i in range(blocks):
            low = block(low, f"{name}.low1.{i}", below, 2 if i == 0 else 1)
        if depth + 2 < len(widths):
            low = level(low, f"{name}.low2", depth + 1)
        else:
            for i in range(depths[-1]):
                low = block(low, f"{name}.low2.{i}", below)
        for i in range(blocks):
            low = block(low, f"{name}.low3.{i}", here if i == blocks - 1 else below)
        return up1 + low.repeat_interleave(2, 2).repeat_interleave(2, 3)

    x = p.activated(x, ("backbone.stem.0.conv", "backbone.stem.0.bn"), stem, 7, 2)
    x = block(x, "backbone.stem.1.0", widths[0], 2)
    block(x, "backbone.inters.0", widths[0])  # in the file, not in the network
    x = level(x, "backbone.hourglass_modules.0", 0)
    x = p.activated(x, ("backbone.out_convs.0.conv", "backbone.out_convs.0.bn"), widths[0], 3)
    return p.last(x, f"{HEAD}multi_final_layers.0", k)


def scnet(p: Published, x: Tensor, width: int, depths: list[int], head: int, k: int) -> Tensor:
    """Residual network of self-calibrated bottlenecks, three deconvolutions of `head` channels."""

    def block(x: Tensor, name: str, outputs: int, stride: int) -> Tensor:
        m = outputs // 8
        a = p.activated(x, (f"{name}.conv1", f"{name}.bn1"), m, 1)
        a = p.activated(a, (f"{name}.k1.0", f"{name}.k1.1"), m, 3, stride)
        u = p.activated(x, (f"{name}.conv2", f"{name}.bn2"), m, 1)
        k2, k3, k4 = (f"{name}.scconv.k{i}" for i in (2, 3, 4))
        coarse = u.reshape(*u.shape[:2], u.shape[2] // 4, 4, u.shape[3] // 4, 4).mean((3, 5))
        coarse = p.norm(p.convolution(coarse, f"{k2}.1", m, 3), f"{k2}.2")
        gate = 1 / (1 + torch.exp(-(u + coarse.repeat_interleave(4, 2).repeat_interleave(4, 3))))
        v = p.norm(p.convolution(u, f"{k3}.0", m, 3), f"{k3}.1") * gate
        b = p.activated(v, (f"{k4}.0", f"{k4}.1"), m, 3, stride)
        y = p.norm(p.convolution(torch.cat([a, b], 1), f"{name}.conv3", outputs, 1), f"{name}.bn3")
        return (y + p.shortcut(x, name, outputs, stride)).clamp(min=0)

    x = p.activated(x, ("backbone.conv1", "backbone.bn1"), width, 7, 2)
    x = functional.max_pool2d(x, 3, 2, 1)
    for stage, depth in enumerate(depths):
        for i in range(depth):
            stride = 2 if stage > 0 and i == 0 else 1
            x = block(x, f"backbone.layer{stage + 1}.{i}", 4 * width * 2**stage, stride)
    for i in (0, 3, 6):
        limit = math.sqrt(6 / (4 * x.shape[1]))
        weight = p.made(f"{HEAD}deconv_layers.{i}.weight", (x.shape[1], head, 4, 4), -limit, limit)
        x = functional.conv_transpose2d(x, weight, stride=2, padding=1)
        x = p.norm(x, f"{HEAD}deconv_layers.{i + 1}").clamp(min=0)
    return p.last(x, f"{HEAD}final_layer", k)
