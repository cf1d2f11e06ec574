"""ADNet and STAR: one network of four stacks (huangyangyu/ADNet, ZhenglinZhou/STAR).

The file of a training holds it under `net`. Every block has a shortcut convolution in the file, which only
blocks that change the width use.
"""

from __future__ import annotations

from canthus.checkpoints.official import Converter, residual_layer

_MAPS = {
    "heatmaps": "heatmaps",
    "edgemaps": "edge_maps",
    "pointmaps": "point_maps",
    "features": "features",
}
_PLACES = {"1": "0", "3": "1", "4": "2"}


ADNET = Converter(
    renames=(
        (r"^e2h_transform\.(weight|bias)$", r"head.edge_\1"),
        (r"^pre\.0\.conv\.", "backbone.first."),
        (r"^pre\.0\.bn\.", "backbone.norm."),
        (r"^pre\.([134])\.", lambda match: f"backbone.blocks.{_PLACES[match[1]]}."),
        (r"^hgs\.(\d)\.coordconv\.conv\.", r"head.joins.\1."),
        (r"^hgs\.(\d)\.", r"head.hourglasses.\1."),
        (r"^features\.(\d)\.1\.conv\.", r"head.features.\1.1."),
        (r"^features\.(\d)\.1\.bn\.", r"head.features.\1.2."),
        (r"^features\.", "head.features."),
        (r"^out_(\w+)\.(\d)\.conv\.", lambda match: f"head.outputs.{_MAPS[match[1]]}.{match[2]}."),
        (r"^merge_(\w+)\.(\d)\.conv\.", lambda match: f"head.merges.{_MAPS[match[1]]}.{match[2]}."),
        (r"\.up1\.", ".side."),
        (r"\.low1\.", ".down."),
        (r"\.low2(?=\.)", ".below"),
        (r"\.low3\.", ".up."),
        (r"\.(bn)([123])\.", residual_layer),
        (r"\.(conv)([123])\.conv\.", residual_layer),
        (r"\.skip_layer\.conv\.", ".shortcut."),
    ),
    sign=r"hgs\.0\.coordconv\.",
    dead=(r".*\.skip_layer\.",),
    optional=(r"head\.edge_(weight|bias)$",),
)
