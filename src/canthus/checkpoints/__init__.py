"""Reading and writing weights. Adding an official source: a file of converters and rows here."""

from __future__ import annotations

from pathlib import Path

from canthus.build import build_landmarker
from canthus.checkpoints import mmpose, native
from canthus.checkpoints.official import Conversion, Converter, read_state
from canthus.config import ConfigError
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe

#: Backbone of a recipe -> the converter of its published weights.
CONVERTERS: dict[str, Converter] = {
    "hourglass": mmpose.HOURGLASS,
    "hrnetv2": mmpose.HRNETV2,
    "mobilenetv2": mmpose.MOBILENETV2,
    "resnet": mmpose.RESNET,
    "scnet": mmpose.SCNET,
}

__all__ = ["CONVERTERS", "Conversion", "Converter", "load", "load_official", "native"]


def load(path: str | Path) -> Landmarker:
    """The network of a .safetensors file in evaluation mode, with its weights; see `native.load`."""
    return native.load(Path(path))[0]


def load_official(path: Path, recipe: Recipe) -> tuple[Landmarker, Conversion]:
    """The recipe's network in evaluation mode with the weights of a published checkpoint.

    ValueError for a recipe without converter, an unreadable file, or one whose tensors do not fit.
    """
    name = recipe.backbone.name
    if name not in CONVERTERS:
        raise ConfigError(
            f"recipe {recipe.name}: no published weights are known for the backbone {name!r}; "
            f"convert knows {', '.join(CONVERTERS)}"
        )
    state = read_state(path)
    landmarker = build_landmarker(recipe)
    # What the codec keeps (the calibration) is ours alone.
    own = {name: value for name, value in landmarker.state_dict().items() if not name.startswith("codec.")}
    conversion = CONVERTERS[name].convert(state, own, f"{path} for {recipe.name}")
    landmarker.load_state_dict(conversion.state, strict=False)
    return landmarker.eval(), conversion
