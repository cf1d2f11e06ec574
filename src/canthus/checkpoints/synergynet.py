"""SynergyNet (choyingw) and 3DDFA_V2 (cleardusk): parameters of 3DDFA's shape model.

SynergyNet's file holds the landmarks of that model and the whitening beside the weights; they become the
codec's, under the terms of the Basel Face Model. 3DDFA_V2's files hold the network alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from canthus.checkpoints.official import Converter
from canthus.morphable_models.tddfa import EXPRESSION, IDENTITY, POSE

#: Blocks of the stages of MobileNetV2, and of MobileNet's in 3DDFA_V2's names.
_STAGES = (1, 2, 3, 4, 3, 3, 1)
_FEATURES = [(stage, block) for stage, blocks in enumerate(_STAGES) for block in range(blocks)]
_BLOCKS = [
    f"{level}_{place}" for level, count in ((2, 2), (3, 2), (4, 2), (5, 6)) for place in range(1, count + 1)
]
_SHAPE = ("u_base", "w_shp_base", "w_exp_base")
_SIZE = POSE + IDENTITY + EXPRESSION


def _feature(match: re.Match[str]) -> str:
    """torchvision numbers the blocks through, and the layers of the first block one less than of the rest."""
    number, rest = int(match[1]), match[2]
    if number == 0:
        return f"backbone.stem.{rest}"
    if number == len(_FEATURES) + 1:
        return f"backbone.last.{rest}"
    stage, block = _FEATURES[number - 1]
    pairs = 1 if number == 1 else 2  # convolutions with norm and ReLU6 before the last convolution
    layer = re.fullmatch(r"conv\.(\d)(?:\.(\d))?\.(\w+)", rest)
    if layer is None:
        return match[0]
    place = int(layer[1])
    inner = f"{place}.{layer[2]}" if place < pairs else f"{pairs}.{place - pairs}"
    return f"backbone.stages.{stage}.{block}.layers.{inner}.{layer[3]}"


def _shape(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The shape's landmarks as (K, 3) and (C, K, 3), and the numbers of the whitening that are used."""
    out = {re.sub(r"(^|\.)module\.", r"\1", name): value for name, value in state.items()}
    if all(name in out for name in _SHAPE):
        mean, identity, expression = (out.pop(name) for name in _SHAPE)
        out["codec.mean_shape"] = mean.reshape(-1, 3)
        basis = torch.cat([identity, expression], 1)
        out["codec.basis"] = basis.T.reshape(basis.shape[1], -1, 3).contiguous()
    for name in ("mean", "std"):
        if f"param_{name}" in out:
            out[f"codec.parameter_{name}"] = out.pop(f"param_{name}").ravel()[:_SIZE]
    return out


def _refine(match: re.Match[str]) -> str:
    place, kind = int(match[2]) - 1, 0 if match[1] == "conv" else 1
    part, inner = (
        ("point", place) if place < 2 else ("face", place - 2) if place < 5 else ("correction", place - 5)
    )
    return f"head.refine.{part}.{inner}.{kind}."


def _recover(match: re.Match[str]) -> str:
    kind = 0 if match[1] == "conv" else 1
    if match[3]:
        return f"head.recover.groups.{int(match[3]) - 1}.{kind}."
    return f"head.recover.face.{int(match[2]) - 1}.{kind}."


SYNERGYNET = Converter(
    renames=(
        (r"^I2P\.backbone\.features\.(\d+)\.(.+)$", _feature),
        (r"^I2P\.backbone\.classifier_ori\.1\.", "head.layers.0.1."),
        (r"^I2P\.backbone\.classifier_shape\.1\.", "head.layers.1.1."),
        (r"^I2P\.backbone\.classifier_exp\.1\.", "head.layers.2.1."),
        (r"^forwardDirection\.(conv|bn)(\d)\.", _refine),
        (r"^reverseDirection\.(conv|bn)(\d)(?:_(\d))?\.", _recover),
    ),
    arrange=_shape,
    # The dense shape, which only drawing needs, and other constants of the loss.
    dead=(r"(u|w_shp|w_exp|std_size|keypoints)$", r"(?!I2P|forwardDirection|reverseDirection|codec)\w+$"),
    sign=r"(?m)^(?:module\.)?I2P\.(?:module\.)?backbone\.features\.",
    optional=(r"head\.(refine|recover)\.",),
)


def _block(match: re.Match[str]) -> str:
    place = len(_BLOCKS) if match[1] == "6" else _BLOCKS.index(match[1])
    return f"backbone.blocks.{place}.{0 if match[3] == 'dw' else 1}.{0 if match[2] == 'conv' else 1}."


TDDFA = Converter(
    renames=(
        (r"^conv1\.", "backbone.stem.0."),
        (r"^bn1\.", "backbone.stem.1."),
        (r"^dw(\d(?:_\d)?)\.(conv|bn)_(dw|sep)\.", _block),
        (r"^fc(?:_param)?\.", "head.parameters_of."),
    ),
    # As the published loader does: what the network has no place for is left out.
    dead=(r"(?!conv1\.|bn1\.|dw\d|fc\.|fc_param\.)",),
    sign=r"(?m)^dw6\.conv_dw\.",
)
