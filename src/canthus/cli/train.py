"""`canthus train`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def train(
    recipe: Annotated[str, typer.Argument(help="A zoo row (`canthus zoo`) or a .yaml file.")],
    assignments: Annotated[
        list[str] | None, typer.Argument(metavar="[path=value]...", help="For example train.epochs=10.")
    ] = None,
    root: Annotated[Path, typer.Option(help="The dataset's folder; with several, their parent.")] = Path(),
    output: Annotated[
        Path | None, typer.Option(help="Folder for logs and weights; default runs/NAME.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the output folder stopped.")] = False,
    pack: Annotated[
        Path | None, typer.Option(help="File that keeps the cut pictures; made if absent.")
    ] = None,
    pretrained: Annotated[
        Path | None,
        typer.Option(help="Classifier (.pth) the backbone starts from; default: the recipe's, downloaded."),
    ] = None,
) -> None:
    """Train a landmark system. Starts under torchrun or accelerate launch as it is."""
    from canthus.commands.train import Run, train

    run = Run(root, output, resume, pack, pretrained)
    finish(lambda: train(recipe, assignments or [], run))
