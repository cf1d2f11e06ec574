"""Deep3DFaceRecon's head (Deng et al. 2019): a 1x1 convolution for each kind of coefficient."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.codecs.shape_model import ShapeModelCodec
from canthus.models.heads.attributes import Shapes, refuse_others


class Deep3dHead(nn.Module):
    """[..., deepest map (B, C, h, h)] -> `parameters` (B, P), zeros before any training.

    In training also `crop_points` (B, K, 2), what the codec makes of them in crop px.
    """

    def __init__(self, channels: tuple[int, ...], fields: Shapes, codec: ShapeModelCodec) -> None:
        super().__init__()
        refuse_others(fields, {"parameters"})
        self.layers = nn.ModuleList(nn.Conv2d(channels[-1], size, 1) for size in codec.groups)
        self.space = codec.space
        for parameter in self.layers.parameters():
            nn.init.zeros_(parameter)

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Field name -> tensor."""
        pooled = maps[-1].mean((2, 3), keepdim=True)
        parameters = torch.cat([layer(pooled) for layer in self.layers], 1).flatten(1).float()
        if not self.training:
            return {"parameters": parameters}
        return {"parameters": parameters, "crop_points": self.space(parameters)[..., :2]}
