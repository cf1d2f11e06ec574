"""Reading and writing weights. Adding an official source: a file of converters and rows here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from canthus.build import build_landmarker
from canthus.cache import sha256_of
from canthus.checkpoints import mmpose, native
from canthus.checkpoints.adnet import ADNET
from canthus.checkpoints.deep3d import DEEP3D
from canthus.checkpoints.fan import FAN
from canthus.checkpoints.mobilenetv3_large import MOBILENETV3_LARGE
from canthus.checkpoints.official import Conversion, Converter, read_state
from canthus.checkpoints.pfld import PFLD
from canthus.checkpoints.pretrained import load_pretrained
from canthus.checkpoints.shufflenetv2 import SHUFFLENETV2
from canthus.checkpoints.slpt import MEAN_FACE, SLPT, read_mean_face
from canthus.checkpoints.synergynet import SYNERGYNET, TDDFA
from canthus.config import ConfigError
from canthus.models.landmarker import Landmarker
from canthus.published import digits_in_name
from canthus.recipe import Recipe

#: Backbone of a recipe, or head where that tells more -> the converter of its published weights.
CONVERTERS: dict[str, Converter] = {
    "adnet": ADNET,
    "deep3d": DEEP3D,
    "fan": FAN,
    "hourglass": mmpose.HOURGLASS,
    "hrnetv2": mmpose.HRNETV2,
    "mobilenetv1": TDDFA,
    "mobilenetv2": mmpose.MOBILENETV2,
    "mobilenetv3_large": MOBILENETV3_LARGE,
    "pfld": PFLD,
    "resnet": mmpose.RESNET,
    "scnet": mmpose.SCNET,
    "shufflenetv2": SHUFFLENETV2,
    "slpt": SLPT,
    "synergynet": SYNERGYNET,
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


def convert_checkpoint(
    path: Path, recipe: Recipe, out: Path, *, mean_face: Path | None = None
) -> tuple[Landmarker, Conversion]:
    """Write a published checkpoint as `out`, a .safetensors with the recipe and where it comes from.

    The recipe is changed to the version of its network that the file holds, where several were published.

    ValueError as `load_official`, and where the file's content is not what the digits in its name promise.
    """
    digest = sha256_of(path) if path.is_file() else ""
    if digest and not digest.startswith(digits_in_name(path.name)):
        raise ValueError(
            f"{path}: found a sha256 that begins with {digest[:8]}, expected {digits_in_name(path.name)[:8]} "
            "as its name says; is the download whole? Give a file of your own another name"
        )
    landmarker, conversion = load_official(path, recipe, mean_face=mean_face)
    facts = {
        "training_data": ", ".join(f"{part.name} {part.split}" for part in recipe.datasets),
        "source": path.name,
        "source_sha256": digest,
    }
    recipe = converter_of(recipe).fit(recipe, read_state(path))
    native.save(out, landmarker, recipe, facts)
    return landmarker, conversion


def load_official(
    path: Path, recipe: Recipe, *, mean_face: Path | None = None
) -> tuple[Landmarker, Conversion]:
    """The recipe's network in evaluation mode with the weights of a published checkpoint.

    `mean_face` is the file of SLPT's mean face. ValueError for a recipe without converter, an unreadable
    file, or one whose tensors do not fit.
    """
    name, converter = architecture_of(recipe), converter_of(recipe)
    state = read_state(path)
    found = architecture(state)
    if found not in (None, name):
        raise ValueError(
            f"{path}: found the weights of the network {found}, expected {name}, which "
            f"{recipe.name} has; choose the recipe of these weights (canthus zoo lists them)"
        )
    if (name == "slpt") != (mean_face is not None):
        raise ValueError(
            f"{recipe.name}: the mean face belongs to the network and is published beside its weights as "
            "init_K.npz: name that file with --mean-face"
            if name == "slpt"
            else f"{recipe.name}: has no mean face; leave out --mean-face"
        )
    if mean_face is not None:
        state[MEAN_FACE] = read_mean_face(mean_face)
    landmarker = build_landmarker(converter.fit(recipe, state))
    # What the codec keeps is ours alone (the calibration), unless the file has it.
    given = converter.arrange(state)
    whole = landmarker.state_dict()
    own = {name: value for name, value in whole.items() if name in given or not name.startswith("codec.")}
    conversion = converter.convert(state, own, f"{path} for {recipe.name}")
    landmarker.load_state_dict(conversion.state, strict=False)
    landmarker.codec.settle()
    return landmarker.eval(), conversion


def architecture_of(recipe: Recipe) -> str:
    """What the recipe's converter is called: its head, where that has one, else its backbone."""
    return recipe.head.name if recipe.head.name in CONVERTERS else recipe.backbone.name


def converter_of(recipe: Recipe) -> Converter:
    """The converter of the recipe's network; `ConfigError` if there is none."""
    name = architecture_of(recipe)
    if name not in CONVERTERS:
        raise ConfigError(
            f"recipe {recipe.name}: no published weights are known for the network {name!r}; "
            f"convert knows {', '.join(CONVERTERS)}"
        )
    return CONVERTERS[name]


def architecture(names: Iterable[str]) -> str | None:
    """The network whose weights have these official names; None if no converter or several claim them."""
    joined = "\n".join(names)
    found = [network for network, converter in CONVERTERS.items() if converter.claims(joined)]
    return found[0] if len(found) == 1 else None
