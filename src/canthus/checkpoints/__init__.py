"""Reading and writing weights. Adding an official source: a file of converters and rows here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from canthus.build import build_landmarker
from canthus.cache import sha256_of
from canthus.checkpoints import mmpose, native
from canthus.checkpoints.official import Conversion, Converter, read_state
from canthus.checkpoints.pretrained import load_pretrained
from canthus.config import ConfigError
from canthus.models.landmarker import Landmarker
from canthus.published import digits_in_name
from canthus.recipe import Recipe

#: Backbone of a recipe -> the converter of its published weights.
CONVERTERS: dict[str, Converter] = {
    "hourglass": mmpose.HOURGLASS,
    "hrnetv2": mmpose.HRNETV2,
    "mobilenetv2": mmpose.MOBILENETV2,
    "resnet": mmpose.RESNET,
    "scnet": mmpose.SCNET,
}

__all__ = [
    "CONVERTERS",
    "Conversion",
    "Converter",
    "architecture",
    "convert_checkpoint",
    "converter_of",
    "load",
    "load_official",
    "load_pretrained",
    "native",
]


def load(path: str | Path) -> Landmarker:
    """The network of a .safetensors file in evaluation mode, with its weights; see `native.load`."""
    return native.load(Path(path))[0]


def convert_checkpoint(path: Path, recipe: Recipe, out: Path) -> tuple[Landmarker, Conversion]:
    """Write a published checkpoint as `out`, a .safetensors with the recipe and where it comes from.

    ValueError as `load_official`, and where the file's content is not what the digits in its name promise.
    """
    digest = sha256_of(path) if path.is_file() else ""
    if digest and not digest.startswith(digits_in_name(path.name)):
        raise ValueError(
            f"{path}: found a sha256 that begins with {digest[:8]}, expected {digits_in_name(path.name)[:8]} "
            "as its name says; is the download whole? Give a file of your own another name"
        )
    landmarker, conversion = load_official(path, recipe)
    facts = {
        "training_data": ", ".join(f"{part.name} {part.split}" for part in recipe.datasets),
        "source": path.name,
        "source_sha256": digest,
    }
    native.save(out, landmarker, recipe, facts)
    return landmarker, conversion


def load_official(path: Path, recipe: Recipe) -> tuple[Landmarker, Conversion]:
    """The recipe's network in evaluation mode with the weights of a published checkpoint.

    ValueError for a recipe without converter, an unreadable file, or one whose tensors do not fit.
    """
    converter = converter_of(recipe)
    state = read_state(path)
    found = architecture(state)
    if found not in (None, recipe.backbone.name):
        raise ValueError(
            f"{path}: found the weights of the backbone {found}, expected {recipe.backbone.name}, which "
            f"{recipe.name} has; choose the recipe of these weights (canthus zoo lists them)"
        )
    landmarker = build_landmarker(recipe)
    # What the codec keeps (the calibration) is ours alone.
    own = {name: value for name, value in landmarker.state_dict().items() if not name.startswith("codec.")}
    conversion = converter.convert(state, own, f"{path} for {recipe.name}")
    landmarker.load_state_dict(conversion.state, strict=False)
    return landmarker.eval(), conversion


def converter_of(recipe: Recipe) -> Converter:
    """The converter of the recipe's backbone; `ConfigError` if there is none."""
    name = recipe.backbone.name
    if name not in CONVERTERS:
        raise ConfigError(
            f"recipe {recipe.name}: no published weights are known for the backbone {name!r}; "
            f"convert knows {', '.join(CONVERTERS)}"
        )
    return CONVERTERS[name]


def architecture(names: Iterable[str]) -> str | None:
    """The backbone whose weights have these official names; None if no converter or several claim them."""
    joined = "\n".join(names)
    found = [backbone for backbone, converter in CONVERTERS.items() if converter.claims(joined)]
    return found[0] if len(found) == 1 else None
