"""`canthus train-detector`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def train_detector(
    recipe: Annotated[
        Path | None, typer.Argument(help="YAML; default: the recipe of the bundled face detector.")
    ] = None,
    root: Annotated[Path, typer.Option(help="Folder with 300w, negatives, detection, ...")] = Path(),
    output: Annotated[Path, typer.Option(help="Folder for the log, the weights and the ONNX file.")] = Path(
        "runs/face_detector"
    ),
    init: Annotated[Path | None, typer.Option(help="Start from the weights of this checkpoint.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that compose pictures.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the training itself.")] = 1,
) -> None:
    """Train the face detector and export it."""
    from canthus.commands.train_detector import train_detector

    finish(lambda: train_detector(recipe, root, output, init=init, workers=workers, threads=threads))
