"""The two outputs of PFLD (Guo et al. 2019): points from three scales, head pose from an early map."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.models.heads.attributes import Shapes, refuse_others
from canthus.models.layers import convolution

#: Channels of the pose branch, the cells of its last square kernel, and its hidden width.
POSE, KERNEL, HIDDEN = (128, 128, 32, 128), 7, 32


class PfldHead(nn.Module):
    """[early map, three scales] -> `points` (B, K, 2), shares of the crop side; in training also `angles`.

    `pooled`: every scale is averaged over its cells before the one linear layer, as in the more widely used
    public version; else all cells go into it, as in the paper, and the crop must be of `cells` x `cells`
    cells at stride 8 (14 for the published 112 px). The pose branch is made where the codec teaches
    `angles` (B, 3), radians; no prediction reads it.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        *,
        pooled: bool = True,
        cells: int = 14,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        refuse_others(fields, {"points", *({"angles"} & set(fields))})
        self.shape, self.pooled = fields["points"], pooled
        sides = (1, 1, 1) if pooled else (cells, cells // 2, cells // 2 - 6)
        self.inputs = sum(width * side**2 for width, side in zip(channels[1:], sides, strict=True))
        last = nn.Linear(self.inputs, self.shape[0] * 2)
        nn.init.constant_(last.bias, 0.5)
        self.points = nn.Sequential(nn.Dropout(dropout), last)
        self.pose = PoseBranch(channels[0]) if "angles" in fields else None

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Field name -> tensor; ValueError where the crop has another size than the linear layer expects."""
        early, *scales = maps
        read = torch.cat([(x.mean((2, 3)) if self.pooled else x.flatten(1)) for x in scales], 1)
        if read.shape[1] != self.inputs:
            raise ValueError(f"pfld head: found {read.shape[1]} values, expected {self.inputs}: set `cells`")
        outputs = {"points": self.points(read).float().reshape(-1, *self.shape)}
        if self.pose is not None and self.training:
            outputs["angles"] = self.pose(early)
        return outputs


class PoseBranch(nn.Module):
    """Map (B, C, h, h), 28 cells a side as published -> pitch, yaw and roll (B, 3) in radians."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        first, second, third, fourth = POSE
        self.layers = nn.Sequential(
            convolution(inputs, first, stride=2),
            convolution(first, second),
            convolution(second, third, stride=2),
            nn.Conv2d(third, fourth, KERNEL, padding=1, bias=False),
            nn.BatchNorm2d(fourth),
            nn.ReLU(inplace=True),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        )
        self.hidden = nn.Linear(fourth, HIDDEN)
        self.angles = nn.Linear(HIDDEN, 3)

    def forward(self, early: Tensor) -> Tensor:
        """(B, 3)."""
        angles: Tensor = self.angles(self.hidden(self.layers(early))).float()
        return angles
