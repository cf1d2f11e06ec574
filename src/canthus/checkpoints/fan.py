"""FAN as published with face-alignment (Bulat and Tzimiropoulos): 1 to 4 stacks."""

from __future__ import annotations

import re

from canthus.checkpoints.official import Converter

_PARTS = {"b1": "side", "b2": "down", "b3": "up", "b2_plus": "below"}


def _hourglass(match: re.Match[str]) -> str:
    """`m0.b2_3` is one level below `m0.b2_4`, the outermost of the published depth of 4."""
    stack, part, level = match[1], match[2], int(match[3])
    return f"head.hourglasses.{stack}.{'below.' * (4 - level)}{_PARTS[part]}."


def _layer(match: re.Match[str]) -> str:
    """`bn2` and `conv2` of a block are norm and convolution of its second layer."""
    return f".layers.{int(match[2]) - 1}.{0 if match[1] == 'bn' else 2}."


FAN = Converter(
    renames=(
        (r"^m(\d)\.(b\d(?:_plus)?)_(\d)\.", _hourglass),
        (r"^top_m_(\d)\.", r"head.features.\1.0."),
        (r"^conv_last(\d)\.", r"head.features.\1.1."),
        (r"^bn_end(\d)\.", r"head.features.\1.2."),
        (r"^l(\d)\.", r"head.heatmaps.\1."),
        (r"^bl(\d)\.", r"head.from_features.\1."),
        (r"^al(\d)\.", r"head.from_heatmaps.\1."),
        (r"^conv1\.", "backbone.first."),
        (r"^bn1\.", "backbone.norm."),
        (r"^conv([234])\.", lambda match: f"backbone.blocks.{int(match[1]) - 2}."),
        (r"\.(bn|conv)([123])\.", _layer),
        (r"\.downsample\.", ".shortcut."),
    ),
    sign=r"(?m)^m0\.b2_plus_1\.",
)
