"""Deep3DFaceRecon_pytorch (sicxu): ResNet-50 and seven small layers; the shape is not in the file."""

from __future__ import annotations

from canthus.checkpoints.mmpose import BLOCK, RESNET_STEM
from canthus.checkpoints.official import Converter

DEEP3D = Converter(
    renames=((r"^final_layers\.", "head.layers."), *RESNET_STEM, *BLOCK),
    sign=r"(?m)^final_layers\.6\.weight",
)
