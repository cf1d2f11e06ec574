"""mmpose's face checkpoints in the key layouts 0.x (the published files) and 1.x, and KeyPosS's (a 0.x fork).

Layouts differ in the head alone: 0.x calls it `keypoint_head`, and numbers the layers of HRNet's head
`final_layer.{0,1,3}` where 1.x has `conv_layers.{0,1}` and `final_layer`. Both become `head.layers` and
`head.last`. The first authors' HRNet-Facial-Landmark-Detection has HRNet's tensors without `backbone.` and a
head of its own, `head.{0,1,3}`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from canthus.checkpoints.official import Converter

Renames = tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]


def _numbered(before: str, first: int, after: str = "") -> Callable[[re.Match[str]], str]:
    """A number that counts from `first` as one that counts from 0, between two texts."""
    return lambda match: f"{before}{int(match[1]) - first}{after}"


HEAD: Renames = (
    (r"^keypoint_head\.", "head."),
    (r"^head\.final_layer\.([0-2])\.", r"head.layers.\1."),
    (r"^head\.final_layer\.(?:3\.)?", "head.last."),
    (r"^head\.(?:de)?conv_layers\.", "head.layers."),
    (r"^head\.multi_final_layers\.0\.", "head.last."),
)
#: `conv2`, `bn2` and `downsample` of a residual block; the stem of a backbone has no dot before `conv1`.
BLOCK: Renames = (
    (r"(?<=\d)\.conv(\d)\.", _numbered(".layers.", 1, ".0.")),
    (r"(?<=\d)\.bn(\d)\.", _numbered(".layers.", 1, ".1.")),
    (r"\.downsample\.", ".shortcut."),
)
#: What the 1.x models keep beside their weights: our recipe holds mean and standard deviation.
PREPROCESSOR = r"data_preprocessor\.(mean|std)$"

HRNETV2 = Converter(
    renames=(
        (r"^(?=conv\d|bn\d|layer1|transition\d|stage\d)", "backbone."),
        (r"^head\.([01])\.", r"head.layers.\1."),
        (r"^head\.3\.", "head.last."),
        *HEAD,
        (r"^backbone\.conv(\d)\.", _numbered("backbone.stem.", 1, ".0.")),
        (r"^backbone\.bn(\d)\.", _numbered("backbone.stem.", 1, ".1.")),
        # The layers that make a new branch are nested one deeper: transition2.2.0.1 is a norm.
        (r"^backbone\.transition(\d)\.(\d)\.0\.(?=\d)", r"backbone.transition\1.\2."),
        (r"^backbone\.transition(\d)", _numbered("backbone.stages.", 1, ".transitions")),
        (r"^backbone\.stage(\d)", _numbered("backbone.stages.", 2, ".exchanges")),
        (r"\.fuse_layers\.", ".fusions."),
        *BLOCK,
    ),
    # KeyPosS: four stem convolutions, all stages and an extra layer of the head are always made, and used
    # or not as the side of the maps demands; conv2, conv3 and conv4 share one norm.
    dead=(PREPROCESSOR, r"(keypoint_head|head)\.downscale_layer\."),
    unbuilt=(
        (r"backbone\.conv3\.", "backbone.stem.2."),
        (r"backbone\.conv4\.", "backbone.stem.3."),
        (r"backbone\.(transition2|stage3)\.", "backbone.stages.1."),
        (r"backbone\.(transition3|stage4)\.", "backbone.stages.2."),
    ),
    shared=(("backbone.stem.2.1.", "backbone.stem.1.1."), ("backbone.stem.3.1.", "backbone.stem.1.1.")),
    sign=r"(?s)\A(?!.*Transformer_block\.).*stage2\.0\.fuse_layers\.",
    fresh=("backbone.stem.2.", "backbone.stem.3."),
)

HOURGLASS = Converter(
    renames=(
        *HEAD,
        *BLOCK,
        (r"^backbone\.stem\.1\.0\.", "backbone.stem.1."),
        (r"^backbone\.hourglass_modules\.0\.", "backbone.hourglass."),
        (r"\.up1\.", ".side."),
        (r"\.low1\.", ".down."),
        (r"\.low2(?=\.)", ".below"),
        (r"\.low3\.", ".up."),
        (r"^backbone\.out_convs\.0\.", "backbone.last."),
        (r"^(backbone\.(?:stem\.0|last))\.conv\.", r"\1.0."),
        (r"^(backbone\.(?:stem\.0|last))\.bn\.", r"\1.1."),
    ),
    # One block between stacks is made even where there is but one stack.
    dead=(PREPROCESSOR, r"backbone\.inters\.0\."),
    sign=r"hourglass_modules\.0\.low1\.",
)

RESNET_STEM: Renames = (
    (r"^backbone\.conv1\.", "backbone.stem.0.0."),
    (r"^backbone\.bn1\.", "backbone.stem.0.1."),
    (r"^backbone\.layer(\d)\.", _numbered("backbone.stages.", 1, ".")),
)

RESNET = Converter(
    renames=(*HEAD, *RESNET_STEM, *BLOCK),
    dead=(PREPROCESSOR,),
    sign=r"(?s)\A(?!.*\.scconv\.).*layer4\.0\.bn3\.",
)

SCNET = Converter(
    renames=(
        *HEAD,
        *RESNET_STEM,
        (r"(?<=\d)\.conv1\.", ".layers.0.plain.0.0."),
        (r"(?<=\d)\.bn1\.", ".layers.0.plain.0.1."),
        (r"(?<=\d)\.k1\.", ".layers.0.plain.1."),
        (r"(?<=\d)\.conv2\.", ".layers.0.calibrated.0.0."),
        (r"(?<=\d)\.bn2\.", ".layers.0.calibrated.0.1."),
        (r"\.scconv\.k2\.", ".layers.0.calibrated.1.coarse."),
        (r"\.scconv\.k3\.", ".layers.0.calibrated.1.features."),
        (r"\.scconv\.k4\.", ".layers.0.calibrated.1.last."),
        (r"(?<=\d)\.conv3\.", ".layers.1.0."),
        (r"(?<=\d)\.bn3\.", ".layers.1.1."),
        (r"\.downsample\.", ".shortcut."),
    ),
    dead=(PREPROCESSOR,),
    sign=r"layer1\.0\.scconv\.",
)

MOBILENETV2 = Converter(
    renames=(
        *HEAD,
        (r"^backbone\.conv1\.", "backbone.stem."),
        (r"^backbone\.conv2\.", "backbone.last."),
        (r"^backbone\.layer(\d)\.", _numbered("backbone.stages.", 1, ".")),
        (r"(?<=\d)\.conv\.(?=\d)", ".layers."),
        (r"^(backbone\..*)\.conv\.", r"\1.0."),
        (r"^(backbone\..*)\.bn\.", r"\1.1."),
    ),
    dead=(PREPROCESSOR,),
    sign=r"layer7\.0\.conv\.\d\.conv\.",
)
