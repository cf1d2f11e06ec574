"""The published heat-map networks as recipes, whatever their codec."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from canthus.build import build_landmarker
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe

SCHEMES = {19: "aflw19", 29: "cofw29", 68: "ibug68", 98: "wflw98"}
HRNET = {
    "backbone": {"name": "hrnetv2"},
    "neck": {"name": "concat"},
    "head": {"name": "heatmap", "convolutions": [270]},
}
DECONVOLUTIONS = {"name": "heatmap", "deconvolutions": [256, 256, 256]}
#: Architecture as the oracle names it, without K -> the network part of its recipe.
NETWORKS: dict[str, dict[str, Any]] = {
    "hrnetv2_w18": HRNET,
    "hourglass52": {"backbone": {"name": "hourglass"}, "head": {"name": "heatmap"}},
    "res50": {"backbone": {"name": "resnet"}, "head": DECONVOLUTIONS},
    "mobilenetv2": {"backbone": {"name": "mobilenetv2"}, "head": DECONVOLUTIONS},
    "scnet50": {"backbone": {"name": "scnet"}, "head": DECONVOLUTIONS},
}
ARCHITECTURES = [
    *(f"hrnetv2_w18_{k}" for k in SCHEMES),
    *("hourglass52_68", "res50_68", "mobilenetv2_68", "scnet50_68"),
]
#: Side of the maps -> stem strides, exchange modules and width of the maps together: KeyPosS's networks.
LOW_RESOLUTION: dict[int, tuple[list[int], list[int], int]] = {
    64: ([2, 2], [1, 4, 3], 270),
    32: ([4, 2], [1, 4, 3], 270),
    16: ([4, 4], [1, 4, 3], 270),
    8: ([4, 4, 2], [1, 4], 126),
    4: ([4, 4, 2, 2], [1], 54),
}


def recipe_of(k: int, network: dict[str, Any], *, side: int = 64, size: int = 256) -> Recipe:
    """A recipe for K points around a network."""
    return Recipe.model_validate(
        {
            "name": "row",
            "description": "for tests",
            "scheme": SCHEMES[k],
            "licence": "none",
            "datasets": [{"name": "folder"}],
            "size": size,
            "crop": {},
            **network,
            "codec": {"name": "heatmap", "side": side},
            "losses": [{"name": "smooth_l1", "field": "heatmap"}],
        }
    )


def architecture(name: str) -> Recipe:
    """The recipe of an architecture that the oracle names, for example `hrnetv2_w18_98`."""
    network, _, k = name.rpartition("_")
    return recipe_of(int(k), NETWORKS[network])


def low_resolution(side: int, k: int = 98) -> Recipe:
    """KeyPosS's HRNet for maps of this side."""
    strides, exchanges, width = LOW_RESOLUTION[side]
    network = {
        "backbone": {"name": "hrnetv2", "strides": strides, "exchanges": exchanges},
        "neck": {"name": "concat"},
        "head": {"name": "heatmap", "convolutions": [width]},
    }
    return recipe_of(k, network, side=side)


def own_tensors(landmarker: Landmarker) -> dict[str, Tensor]:
    """What a checkpoint has to give: all but the codec's calibration."""
    return {name: v for name, v in landmarker.state_dict().items() if not name.startswith("codec.")}


@functools.cache
def without_memory(name: str) -> Landmarker:
    """An architecture with shapes but no values, in evaluation mode."""
    with torch.device("meta"):
        return build_landmarker(architecture(name)).eval()


class Oracle:
    """The answers of the original implementations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        specification = importlib.util.spec_from_file_location("deterministic", folder / "deterministic.py")
        assert specification is not None and specification.loader is not None
        self.deterministic = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(self.deterministic)

    def shapes(self, name: str, layout: str) -> dict[str, list[int]]:
        """Official name -> shape, layout `0x` or `1x`."""
        shapes: dict[str, list[int]] = json.loads(
            (self.folder / "keys" / f"{name}.keys_{layout}.json").read_text()
        )
        return shapes

    def renamed(self, name: str) -> dict[str, str]:
        """Names of layout 0.x -> names of layout 1.x, where they differ."""
        names: dict[str, str] = json.loads((self.folder / "keys" / f"{name}.map_0x_to_1x.json").read_text())
        return names

    def weights(self, name: str) -> dict[str, Tensor]:
        """The oracle's weights under their 0.x names."""
        state = self.deterministic.state_dict(self.folder / "keys" / f"{name}.keys_0x.json")
        return {key: torch.from_numpy(value.copy()) for key, value in state.items()}

    def images(self) -> Tensor:
        """The normalised input (2, 3, 256, 256)."""
        return torch.from_numpy(self.deterministic.tensor("input", (2, 3, 256, 256)))
