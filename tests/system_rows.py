"""The published regression and stacked-hourglass systems: their recipes, and the originals' answers."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from canthus.build import build_landmarker
from canthus.checkpoints import CONVERTERS, architecture_of
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe, load_recipe

#: Key list of the oracle -> the row that reads it.
ROWS = {
    "pfld_polaris_98": "wflw-pfld_1x",
    "pfld_polaris_68": "300w-pfld_1x",
    "pfld_samuelyu_68": "300w-pfld_1x-wing",
    "slpt_6layers_98": "wflw-slpt6",
    "slpt_12layers_98": "wflw-slpt12",
    "slpt_6layers_68": "300w-slpt6",
    "slpt_6layers_29": "cofw-slpt6",
    "adnet_star_98": "wflw-star",
    "adnet_star_68": "300w-adnet",
    "adnet_star_29": "cofw-star",
    "fan1": "300w_lp-fan1",
    "fan2": "300w_lp-fan2",
    "fan4": "300w_lp-fan4",
}


class Systems:
    """The folder of oracles of these systems."""

    def __init__(self, shared: Path) -> None:
        self.folder = shared / "oracles" / "other_systems"
        self.draw = self._module("deterministic_ext")
        self.check = self._module("selfcheck")

    def _module(self, name: str) -> ModuleType:
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))  # its files import each other
        specification = importlib.util.spec_from_file_location(name, self.folder / f"{name}.py")
        assert specification is not None and specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module

    def shapes(self, keys: str) -> dict[str, list[int]]:
        """Official name -> shape."""
        found: dict[str, list[int]] = json.loads((self.folder / "keys" / f"{keys}.json").read_text())["keys"]
        return found

    def weights(self, keys: str) -> dict[str, Tensor]:
        """Official name -> tensor, without the constants."""
        state = self.draw.state_dict(str(self.folder / "keys" / f"{keys}.json"))
        return {name: torch.from_numpy(value.copy()) for name, value in state.items()}

    def images(self, stem: str) -> Tensor:
        """The input of a fixture file."""
        return torch.from_numpy(self.check.network_input(stem))

    def answers(self, path: str) -> dict[str, np.ndarray]:
        """The arrays of a fixture file."""
        with np.load(self.folder / path) as file:
            return {name: file[name] for name in file.files}


def own_tensors(landmarker: Landmarker) -> dict[str, Tensor]:
    """What a checkpoint has to give."""
    return {name: v for name, v in landmarker.state_dict().items() if not name.startswith("codec.")}


def converted(recipe: Recipe | str, state: dict[str, Tensor]) -> Landmarker:
    """The network of a row with official weights, in evaluation mode."""
    row = load_recipe(recipe) if isinstance(recipe, str) else recipe
    converter = CONVERTERS[architecture_of(row)]
    landmarker = build_landmarker(converter.fit(row, state)).eval()
    conversion = converter.convert(state, own_tensors(landmarker), row.name)
    landmarker.load_state_dict(conversion.state, strict=False)
    return landmarker
