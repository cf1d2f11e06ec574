"""ShuffleNetV2 with heat maps as published for the light-weight landmark challenge of 2022 (Spheluo,
Light-Weight-Facial-Landmark-Prediction): a bare state dict, with a last stage that nothing uses."""

from __future__ import annotations

import re

from canthus.checkpoints.official import Converter

#: Place along a published path, activations counted -> place in our nested layers, by the path's number.
_PLACES = {
    "1": {0: "0.0", 1: "0.1", 2: "1.0", 3: "1.1"},
    "2": {0: "0.0", 1: "0.1", 3: "1.0", 4: "1.1", 5: "2.0", 6: "2.1"},
}


def _path(match: re.Match[str]) -> str:
    name = "shortcut" if match[1] == "1" else "layers"
    return f".{name}.{_PLACES[match[1]].get(int(match[2]), match[2])}."


def _head(match: re.Match[str]) -> str:
    """`conv5`, `conv6`, `conv7` are three layers each, the last without numbers in the file."""
    return f"head.layers.{3 * (int(match[1]) - 5) + int(match[2])}."


SHUFFLENETV2 = Converter(
    renames=(
        (r"^conv1\.", "backbone.stem.0."),
        (r"^conv11\.", "backbone.stem.1."),
        (r"^stage(\d)\.", lambda match: f"backbone.stages.{int(match[1]) - 2}."),
        (r"\.branch([12])\.(\d)\.", _path),
        (r"^conv([567])\.(\d)\.", _head),
        (r"^conv8\.0\.", "head.last."),
    ),
    dead=(r"stage4\.",),
    sign=r"(?m)^stage2\.0\.branch2\.0\.",
)
