"""Backbones: images (B, 3, S, S) -> list of maps, finest first, widths in `channels`."""

from torch import nn

from canthus.models.backbones.thin_resnet import ThinResNet

BACKBONES: dict[str, type[nn.Module]] = {
    "thin_resnet": ThinResNet,
}

__all__ = ["BACKBONES"]
