"""PFLD's two public versions (polarisZhao, samuelyu2002): one set of names, told apart by the last layer.

The file of a training holds the network under `pfld_backbone` or `plfd_backbone` and, in one version, the
pose branch under `auxiliarynet`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from canthus.checkpoints.official import Converter
from canthus.recipe import Part, Recipe

#: Inputs of the last layer where the scales are pooled: 16 + 32 + 128.
POOLED = 176


def _block(match: re.Match[str]) -> str:
    """`block3_2` is the second of the fine blocks, `conv5_1` the second of the coarse ones."""
    level, place = int(match[1]), int(match[2])
    if level == 6:
        return "backbone.first."
    return f"backbone.{'fine' if level == 3 else 'coarse'}.{place - 1 + (level == 5)}."


def _fit(recipe: Recipe, state: Mapping[str, Tensor]) -> Recipe:
    """The version whose last layer is as wide as the file's: of pooled scales, or of all their cells; the
    blocks of the latter end in ReLU6."""
    last = state.get("fc.weight")
    if last is None or recipe.head.name != "pfld":
        return recipe
    pooled = last.shape[-1] <= POOLED
    backbone, head = recipe.backbone.options, recipe.head.options
    if pooled == head.get("pooled", True):
        return recipe
    parts = {
        "backbone": Part(name=recipe.backbone.name, **{**backbone, "clamp": not pooled}),
        "head": Part(name=recipe.head.name, **{**head, "pooled": pooled}),
    }
    return recipe.model_copy(update=parts)


PFLD = Converter(
    renames=(
        (r"^auxiliarynet\.conv([123])\.", lambda match: f"head.pose.layers.{int(match[1]) - 1}."),
        (r"^auxiliarynet\.conv4\.0\.", "head.pose.layers.3."),
        (r"^auxiliarynet\.conv4\.1\.", "head.pose.layers.4."),
        (r"^auxiliarynet\.fc1\.", "head.pose.hidden."),
        (r"^auxiliarynet\.fc2\.", "head.pose.angles."),
        (r"^conv([12])\.", lambda match: f"backbone.stem.{int(match[1]) - 1}.0."),
        (r"^bn([12])\.", lambda match: f"backbone.stem.{int(match[1]) - 1}.1."),
        (r"^(?:conv|block)([3456])_(\d)\.", _block),
        (r"\.conv\.([013467])\.", lambda match: f".layers.{int(match[1]) // 3}.{int(match[1]) % 3}."),
        (r"^conv7\.", "backbone.second."),
        (r"^conv8\.", "backbone.third."),
        (r"^fc\.", "head.points.1."),
    ),
    sign=r"(?m)^conv6_1\.conv\.0\.",
    dead=(r"bn8\.",),
    unbuilt=((r"auxiliarynet\.", "head.pose."),),
    optional=(r"head\.pose\.",),
    fit=_fit,
)
