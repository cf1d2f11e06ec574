"""Plain heat maps, for the codecs whose one field is `heatmap` (Xiao et al. 2018; Sun et al. 2019)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from canthus.models.heads.attributes import Shapes, refuse_others
from canthus.models.initialization import initialize_normal


class HeatmapHead(nn.Module):
    """[..., deepest map (B, C, h, w)] -> `heatmap` (B, K, side, side), raw values.

    First one 4x4 deconvolution per entry of `deconvolutions`, which doubles the map, then one 1x1
    convolution with bias per entry of `convolutions`, each to that many channels with norm and ReLU; at last
    a 1x1 convolution to K. With `kernel` 3 these convolutions are 3x3 and have no bias; with `positive` the
    values go through a ReLU. The published networks: HRNet `convolutions: [270]`, hourglass none at all,
    ResNet, SCNet and MobileNetV2 `deconvolutions: [256, 256, 256]`, ShuffleNetV2 of the light-weight
    challenge `deconvolutions: [324, 256]`, `convolutions: [128]`, `kernel: 3`, `positive: true`.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        *,
        deconvolutions: tuple[int, ...] = (),
        convolutions: tuple[int, ...] = (),
        kernel: Literal[1, 3] = 1,
        positive: bool = False,
    ) -> None:
        super().__init__()
        if kernel not in (1, 3):
            raise ValueError(f"kernel: found {kernel}, expected 1 or 3")
        refuse_others(fields, {"heatmap"})
        self.shape = fields["heatmap"]
        layers: list[nn.Module] = []
        width = channels[-1]
        for outputs in deconvolutions:
            layers += [nn.ConvTranspose2d(width, outputs, 4, stride=2, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            width = outputs
        for outputs in convolutions:
            layers += [nn.Conv2d(width, outputs, kernel, padding=kernel // 2, bias=kernel == 1)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            width = outputs
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv2d(width, self.shape[0], kernel, padding=kernel // 2, bias=kernel == 1)
        self.activation = nn.ReLU() if positive else nn.Identity()
        initialize_normal(self)

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """`heatmap` (B, K, side, side); ValueError where the maps have another side than the codec's."""
        heatmap = self.activation(self.last(self.layers(maps[-1]))).float()
        if heatmap.shape[1:] != self.shape:
            raise ValueError(
                f"heatmap head: found maps {tuple(heatmap.shape[1:])}, codec expects {self.shape}; "
                "the codec's side times the network's stride must be the crop's size"
            )
        return {"heatmap": heatmap}
