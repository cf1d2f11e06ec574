"""One .safetensors file: the weights of a landmarker, and its recipe in the header."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save_file

import canthus
from canthus.build import build_landmarker
from canthus.config import override, validate
from canthus.models.landmarker import Landmarker
from canthus.recipe import Part, Recipe


def save(path: Path, landmarker: Landmarker, recipe: Recipe, facts: Mapping[str, str] | None = None) -> None:
    """Write aside and rename; `facts` are further header strings (epochs seen, training data, ...)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().cpu().contiguous() for name, value in landmarker.state_dict().items()}
    own = {"recipe": stored(recipe, landmarker).model_dump_json(), "canthus_version": canthus.__version__}
    header = {**own, **landmarker.codec.facts(), **(facts or {})}
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        save_file(state, aside, metadata=header)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def stored(recipe: Recipe, landmarker: Landmarker) -> Recipe:
    """The recipe as it is kept with the weights, which hold what the codec took from files."""
    codec = Part(name=recipe.codec.name, **landmarker.codec.stored_options(recipe.codec.options))
    return recipe.model_copy(update={"codec": codec})


def read_header(path: Path) -> dict[str, str]:
    """The header strings of a weights file."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such weights file")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return dict(file.metadata() or {})
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path}: not a safetensors file: {error}") from None


def read_recipe(path: Path) -> Recipe:
    """The recipe in the header of a weights file."""
    header = read_header(path)
    if "recipe" not in header:
        raise ValueError(
            f"{path}: found no recipe in the header, expected a file written by canthus train or convert"
        )
    try:
        content = json.loads(header["recipe"])
    except ValueError as error:
        raise ValueError(f"{path}: the recipe in its header is no JSON ({error})") from None
    return validate(Recipe, content, str(path))


def load(path: Path, assignments: Sequence[str] = ()) -> tuple[Landmarker, Recipe]:
    """The network in evaluation mode, with its weights, and its recipe.

    `assignments` such as `codec.kernel=17` read the same weights with another codec: only paths in `codec`.
    """
    others = [text for text in assignments if not text.startswith(("codec=", "codec."))]
    if others:
        raise ValueError(
            f"found {others[0]!r}, expected codec=... or codec.OPTION=...: weights can be decoded in another "
            "way, the rest of their recipe is fixed"
        )
    recipe = read_recipe(path)
    if assignments:
        recipe = validate(Recipe, override(recipe.model_dump(mode="json"), assignments), str(path))
    landmarker = build_landmarker(recipe)
    restore(landmarker, load_file(path), str(path))
    return landmarker.eval(), recipe


def restore(landmarker: Landmarker, state: Mapping[str, torch.Tensor], where: str) -> None:
    """Load a complete state; ValueError lists missing, unknown and misshapen tensors."""
    own = landmarker.state_dict()
    problems = [f"missing {name}" for name in own if name not in state]
    problems += [f"unknown {name}" for name in state if name not in own]
    problems += [
        f"{name} has shape {tuple(value.shape)}, expected {tuple(own[name].shape)}"
        for name, value in state.items()
        if name in own and own[name].shape != value.shape
    ]
    if problems:
        rest = f"; and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise ValueError(f"{where}: weights do not fit the recipe: {'; '.join(problems[:5])}{rest}")
    landmarker.load_state_dict(dict(state))
