"""FAN as published with face-alignment (Bulat and Tzimiropoulos): 1 to 4 stacks; and as the best team of the
light-weight landmark challenge of 2022 had it (EonianCoda/2d_face_alignment), with names of its own."""

from __future__ import annotations

import re
from collections.abc import Callable

from canthus.checkpoints.official import Converter, residual_layer

_PARTS = {"b1": "side", "b2": "down", "b3": "up", "b2_plus": "below"}
_PARTS_OF_LEVEL = {"shortcut": "side", "conv_1": "down", "conv_2": "up", "attention": "attention"}


def _hourglass(match: re.Match[str]) -> str:
    """`m0.b2_3` is one level below `m0.b2_4`, the outermost of the published depth of 4."""
    stack, part, level = match[1], match[2], int(match[3])
    return f"head.hourglasses.{stack}.{'below.' * (4 - level)}{_PARTS[part]}."


def _level(match: re.Match[str]) -> str:
    """`HG1.conv2_1` is one level below `HG1.conv1_1`, the outermost; stacks count from 1."""
    part = _PARTS_OF_LEVEL[match[2] + (match[4] or "")]
    return f"head.hourglasses.{int(match[1]) - 1}.{'below.' * (int(match[3]) - 1)}{part}."


def _stack(part: str, place: str = "") -> Callable[[re.Match[str]], str]:
    return lambda match: f"head.{part}.{int(match[1]) - 1}.{place}"


FAN = Converter(
    renames=(
        (r"^HG(\d)\.(shortcut|attention|conv)(\d)(_\d)?\.", _level),
        (r"^HG(\d)\.conv_middle\.", _stack("hourglasses", "below.below.below.below.")),
        (r"^stack(\d)_conv1\.", _stack("features", "0.")),
        (r"^stack(\d)_conv2\.", _stack("features", "1.")),
        (r"^stack(\d)_bn1\.", _stack("features", "2.")),
        (r"^stack(\d)_conv_out\.", _stack("heatmaps")),
        (r"^stack(\d)_conv3\.", _stack("from_features")),
        (r"^stack(\d)_shortcut\.", _stack("from_heatmaps")),
        (r"\.attention\.conv1\.", ".attention.reduce.0."),
        (r"\.attention\.bn1\.", ".attention.reduce.1."),
        (r"\.attention\.conv_h\.", ".attention.rows."),
        (r"\.attention\.conv_w\.", ".attention.columns."),
        (r"^m(\d)\.(b\d(?:_plus)?)_(\d)\.", _hourglass),
        (r"^top_m_(\d)\.", r"head.features.\1.0."),
        (r"^conv_last(\d)\.", r"head.features.\1.1."),
        (r"^bn_end(\d)\.", r"head.features.\1.2."),
        (r"^l(\d)\.", r"head.heatmaps.\1."),
        (r"^bl(\d)\.", r"head.from_features.\1."),
        (r"^al(\d)\.", r"head.from_heatmaps.\1."),
        (r"^conv1\.(?:conv\.)?", "backbone.first."),
        (r"^bn1\.", "backbone.norm."),
        (r"^conv([234])\.", lambda match: f"backbone.blocks.{int(match[1]) - 2}."),
        (r"\.(bn|conv)([123])\.", residual_layer),
        (r"\.downsample\.", ".shortcut."),
    ),
    sign=r"(?m)^(m0\.b2_plus_1|HG1\.conv_middle)\.",
)
