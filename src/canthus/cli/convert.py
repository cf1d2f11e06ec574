"""`canthus convert`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def convert(
    checkpoint: Annotated[Path, typer.Argument(metavar="OFFICIAL", help="A published checkpoint (.pth).")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    recipe: Annotated[str, typer.Option(help="The zoo row (`canthus zoo`) or .yaml file it belongs to.")],
    mean_face: Annotated[
        Path | None, typer.Option(help="SLPT: the published file of its mean face (init_K.npz).")
    ] = None,
    shape_model: Annotated[
        Path | None,
        typer.Option(help="SynergyNet, 3DDFA_V2, Deep3DFaceRecon: the 3D shape they were taught."),
    ] = None,
) -> None:
    """Write a published checkpoint as a weights file of ours."""
    from canthus.commands.convert import convert

    finish(lambda: convert(checkpoint, out, recipe, mean_face=mean_face, shape_model=shape_model))
