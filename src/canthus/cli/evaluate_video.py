"""`canthus evaluate-video`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def evaluate_video(
    model: Annotated[str | None, typer.Argument(help="A landmark model; default: the bundled one.")] = None,
    root: Annotated[Path, typer.Option(help="Folder with 300w and negatives.")] = Path(),
    split: Annotated[str, typer.Option(help="Split of 300-W that the videos are made of.")] = "helen_test",
    photos: Annotated[int, typer.Option(min=4, help="Photographs: one video of each.")] = 60,
    crossings: Annotated[int, typer.Option(min=0, help="Videos of faces that pass each other.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of the motion, the noise and the choice.")] = 0,
    json: Annotated[Path | None, typer.Option(help="Figures.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Results page.")] = None,
) -> None:
    """Measure tracking and smoothing on videos with known truth, rendered from photographs."""
    from canthus.commands.evaluate_video import Material, evaluate_video

    material = Material(root, split, photos, crossings, seed)
    finish(lambda: evaluate_video(material, model=model, json_file=json, markdown=markdown))
