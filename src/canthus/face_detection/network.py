"""A small anchor-free face detector: plain 3x3 convolutions, four strides, one prediction per cell.

Unusual: no depthwise convolutions. On one CPU thread plain ones at 16 to 64 channels reach far more products
per millisecond, in ONNX Runtime as in training, so the same time buys more capacity.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from canthus.face_detection.cells import STRIDES, Cells, decode

#: One score, four box terms, five points.
FIELDS = 1 + 4 + 10


def convolution(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU; an odd size H becomes (H + 1) / 2 at stride 2."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


def stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    """Halve the resolution, then `depth` more convolutions."""
    rest = [convolution(outputs, outputs) for _ in range(depth)]
    return nn.Sequential(convolution(inputs, outputs, stride=2), *rest)


class FaceDetector(nn.Module):
    """Pictures to face candidates, one per cell of the strides 8, 16, 32 and 64.

    `channels`: widths at the strides 2, 4, 8, 16, 32; `depths`: extra convolutions at the strides 4, 8, 16,
    32; `head`: width of the neck and of the per-stride heads.
    """

    def __init__(
        self,
        channels: tuple[int, int, int, int, int] = (16, 16, 32, 64, 64),
        depths: tuple[int, int, int, int] = (0, 2, 2, 1),
        head: int = 32,
    ) -> None:
        super().__init__()
        c2, c4, c8, c16, c32 = channels
        self.stem = nn.Sequential(convolution(3, c2, stride=2), stage(c2, c4, depths[0]))
        self.stage8 = stage(c4, c8, depths[1])
        self.stage16 = stage(c8, c16, depths[2])
        self.stage32 = stage(c16, c32, depths[3])
        self.stage64 = stage(c32, head, 1)
        self.lateral = nn.ModuleList(convolution(c, head, kernel=1) for c in (c8, c16, c32))
        self.heads = nn.ModuleList(convolution(head, head) for _ in STRIDES)
        self.outputs = nn.ModuleList(nn.Conv2d(head, FIELDS, 1) for _ in STRIDES)
        for module in self.outputs:
            assert isinstance(module, nn.Conv2d) and module.bias is not None
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)
            nn.init.constant_(module.bias[:1], -4.6)  # a score of 0.01: most cells are background

    def forward(self, images: Tensor) -> Tensor:
        """Raw predictions (B, cells, 15), float32, of images (B, 3, H, W) in [0, 2]; H and W multiples
        of 32.
        """
        level8 = self.stage8(self.stem(images))
        level16 = self.stage16(level8)
        level32 = self.stage32(level16)
        level64 = self.stage64(level32)
        level32 = self.lateral[2](level32)
        level16 = self.lateral[1](level16) + functional.interpolate(level32, scale_factor=2.0)
        level8 = self.lateral[0](level8) + functional.interpolate(level16, scale_factor=2.0)
        raw = []
        for features, head, output in zip(
            (level8, level16, level32, level64), self.heads, self.outputs, strict=True
        ):
            hidden = head(features)
            with torch.autocast(hidden.device.type, enabled=False):
                raw.append(output(hidden.float()).flatten(2).transpose(1, 2))  # (B, cells of the stride, 15)
        return torch.cat(raw, dim=1)


#: Pixel values are divided by this; black stays zero, as the padding of the convolutions is.
PIXEL_SCALE = 127.5


def normalize(images: Tensor) -> Tensor:
    """RGB uint8 (B, H, W, 3) as (B, 3, H, W) float32 in [0, 2]."""
    return images.permute(0, 3, 1, 2).float() / PIXEL_SCALE


class DeployedDetector(nn.Module):
    """The graph that is exported: uint8 RGB (1, H, W, 3) in; boxes (N, 4), scores (N,), five points (N, 5, 2)
    out.

    It works on a copy of the network whose first weights hold the pixel scale.
    """

    def __init__(self, network: FaceDetector) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        first = next(m for m in self.network.modules() if isinstance(m, nn.Conv2d))
        with torch.no_grad():
            first.weight /= PIXEL_SCALE

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All candidates in px of the picture, before non-maximum suppression."""
        raw = self.network(image.permute(0, 3, 1, 2).float())[0]
        cells = Cells.of(image.shape[1], image.shape[2], raw.device)
        boxes, five = decode(raw, cells)
        return boxes, raw[:, 0].sigmoid(), five
