"""`canthus convert`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from canthus.formats import check_writable
from canthus.published import checkpoint_of
from canthus.recipe import load_recipe, recipe_names


def convert(
    checkpoint: Path,
    out: Path,
    recipe: str,
    *,
    mean_face: Path | None = None,
    shape_model: Path | None = None,
) -> int:
    """Write a published checkpoint as .safetensors with its recipe and print what was taken and dropped.

    `mean_face` is a file of SLPT's, `shape_model` one that `canthus.morphable_models.read_model` reads.
    """
    if out.suffix != ".safetensors":
        raise ValueError(f"{out}: expected a name that ends in .safetensors")
    row = load_recipe(recipe, [] if shape_model is None else [f"codec.model={json.dumps(str(shape_model))}"])
    try:
        from canthus.build import with_standard_face
        from canthus.checkpoints import convert_checkpoint
    except ModuleNotFoundError as error:
        raise ImportError(f"converting needs {error.name}: pip install 'canthus[train]'") from None
    row = with_standard_face(row)
    check_writable(out)
    landmarker, conversion = convert_checkpoint(checkpoint, row, out, mean_face=mean_face)
    parameters = sum(parameter.numel() for parameter in landmarker.parameters())
    dropped = conversion.dropped
    lines = [
        f"{out}: {row.name}, {parameters} parameters from {len(conversion.state)} tensors",
        f"dropped {len(dropped)} tensors that the published network never uses"
        + (f": {', '.join(dropped)}" if dropped else ""),
    ]
    if conversion.kept:
        lines.append(f"left as built, not in the file: {', '.join(conversion.kept)}")
    if row.crop.box_kind == "head":
        face = "of the package's shape model" if row.crop.standard_face is None else "beside the shape model"
        lines.append(f"faces are aligned to the standard face {face}")
    sys.stdout.write("\n".join(lines) + "\n")
    if landmarker.codec.further and shape_model is None and "codec.basis" not in conversion.state:
        sys.stderr.write(
            f"warning: {checkpoint} has no 3D shape, so points come from the package's own, which these "
            "weights were not taught with; give theirs with --shape-model (docs/pose.md lists what is read)\n"
        )
    owner = _published_as(checkpoint.name)
    if owner not in (None, row.name):
        sys.stderr.write(f"canthus: {checkpoint.name} is published as {owner}, not as {row.name}\n")
    return 0


def _published_as(name: str) -> str | None:
    """The zoo row whose official checkpoint has this file name."""
    for row in recipe_names():
        published = checkpoint_of(load_recipe(row))
        if published is not None and published.path.name == name:
            return row
    return None
