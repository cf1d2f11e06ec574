"""Detector weights in one safetensors file, with the recipe that made them."""

from __future__ import annotations

from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from canthus.face_detection.network import FaceDetector
from canthus.face_detection.recipe import DetectorRecipe
from canthus.formats import aside


def save_checkpoint(network: FaceDetector, recipe: DetectorRecipe, path: Path) -> None:
    """Write the weights and the recipe aside, then rename onto `path`."""
    weights = {name: value.detach().contiguous().clone() for name, value in network.state_dict().items()}
    with aside(path) as part:
        save_file(weights, part, metadata={"recipe": recipe.model_dump_json()})


def load_weights(network: FaceDetector, path: Path) -> None:
    """Put the weights of a checkpoint into `network`; a ValueError says what does not fit."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    try:
        network.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: its weights do not fit the recipe's network: {error}") from error


def load_checkpoint(path: Path) -> tuple[FaceDetector, DetectorRecipe]:
    """The network of a checkpoint, in evaluation mode, and its recipe."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    with safe_open(path, framework="pt") as stream:
        metadata = stream.metadata() or {}
    if "recipe" not in metadata:
        raise ValueError(f"{path}: no recipe in its metadata; expected a checkpoint of train-detector")
    recipe = DetectorRecipe.model_validate_json(metadata["recipe"])
    network = FaceDetector(**recipe.network.model_dump())
    load_weights(network, path)
    return network.eval(), recipe
