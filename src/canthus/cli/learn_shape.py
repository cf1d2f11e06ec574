"""`canthus learn-shape`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def learn_shape(
    root: Annotated[Path, typer.Option(help="Folder with aflw2000_merlrav and youtube_faces.")] = Path(),
    output: Annotated[Path, typer.Option(help="The model .npz; its card .md is written beside it.")] = Path(
        "runs/face_shape.npz"
    ),
    components: Annotated[int, typer.Option(min=1, help="Directions in which shapes differ.")] = 24,
    expressions: Annotated[int, typer.Option(min=0, help="How many of them show expression.")] = 8,
    held_out: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of photos to measure on.")] = 0.1,
) -> None:
    """Learn the sparse 3D shape model from 2D landmarks."""
    from canthus.commands.learn_shape import Options, learn_shape

    finish(lambda: learn_shape(root, output, Options(components, expressions, held_out)))
