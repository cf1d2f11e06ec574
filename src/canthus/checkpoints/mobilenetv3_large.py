"""MobileNetV3-Large as taken to the light-weight landmark challenge of 2022 (Gancheekim): a bare state dict
of a network that gives px of a picture of 384 px."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from canthus.checkpoints.official import Converter
from canthus.geometry import to_unit

#: Side in px of the pictures that the published points count in.
SIDE = 384


def _block(match: re.Match[str]) -> str:
    """`features.1` is the first block, which has no 1x1 before its depthwise layer and so no gate."""
    return f"backbone.blocks.{int(match[1]) - 1}.layers."


def _shares(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The gates' linear layers as 1x1 convolutions, and the last layer in shares of the picture's side."""
    out = {name: value[..., None, None] if _is_gate(name, value) else value for name, value in state.items()}
    if "classifier.3.weight" in out and "classifier.3.bias" in out:
        out["classifier.3.weight"] = out["classifier.3.weight"] / SIDE
        out["classifier.3.bias"] = to_unit(out["classifier.3.bias"], SIDE)
    return out


def _is_gate(name: str, value: Tensor) -> bool:
    return ".fc." in name and value.ndim == 2


MOBILENETV3_LARGE = Converter(
    renames=(
        (r"^features\.0\.", "backbone.stem."),
        (r"^features\.(\d+)\.conv\.", _block),
        (r"\.fc\.0\.", ".layers.1."),
        (r"\.fc\.2\.", ".layers.3."),
        (r"^conv\.", "head.reduce.0."),
        (r"^classifier\.0\.", "head.reduce.3."),
        (r"^classifier\.3\.", "head.points."),
    ),
    arrange=_shares,
    sign=r"(?m)^features\.\d+\.conv\.5\.fc\.0\.",
)
