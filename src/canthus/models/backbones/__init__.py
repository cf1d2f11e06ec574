"""Backbones: images (B, 3, S, S) -> list of maps, finest first, widths in `channels`."""

from torch import nn

from canthus.models.backbones.adnet import Adnet
from canthus.models.backbones.fan import Fan
from canthus.models.backbones.hourglass import Hourglass
from canthus.models.backbones.hrnetv2 import HRNetV2
from canthus.models.backbones.mobilenetv1 import MobileNetV1
from canthus.models.backbones.mobilenetv2 import MobileNetV2
from canthus.models.backbones.mobilenetv3_act3 import MobileNetV3Act3
from canthus.models.backbones.mobilenetv3_large import MobileNetV3Large
from canthus.models.backbones.pfld import Pfld
from canthus.models.backbones.resnet import ResNet
from canthus.models.backbones.scnet import SCNet
from canthus.models.backbones.shufflenetv2 import ShuffleNetV2
from canthus.models.backbones.thin_resnet import ThinResNet

BACKBONES: dict[str, type[nn.Module]] = {
    "adnet": Adnet,
    "fan": Fan,
    "hourglass": Hourglass,
    "hrnetv2": HRNetV2,
    "mobilenetv1": MobileNetV1,
    "mobilenetv2": MobileNetV2,
    "mobilenetv3_act3": MobileNetV3Act3,
    "mobilenetv3_large": MobileNetV3Large,
    "pfld": Pfld,
    "resnet": ResNet,
    "scnet": SCNet,
    "shufflenetv2": ShuffleNetV2,
    "thin_resnet": ThinResNet,
}

__all__ = ["BACKBONES"]
