"""`canthus evaluate-detector`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def evaluate_detector(
    model: Annotated[Path | None, typer.Argument(help="An .onnx detector; default: the bundled one.")] = None,
    root: Annotated[Path, typer.Option(help="Folder with 300w, negatives, detection.")] = Path(),
    against: Annotated[Path | None, typer.Option(help="A YuNet .onnx file to measure beside it.")] = None,
    working_size: Annotated[int, typer.Option(min=32, help="Longest side in px that is searched.")] = 800,
    json: Annotated[Path | None, typer.Option(help="Figures.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Results page.")] = None,
    card: Annotated[Path | None, typer.Option(help="Model card.")] = None,
    save_pasted: Annotated[Path | None, typer.Option(help="Folder for the pasted test pictures.")] = None,
) -> None:
    """Measure a face detector on the held-out pictures."""
    from canthus.commands.evaluate_detector import Outputs, evaluate_detector

    outputs = Outputs(json, markdown, card, save_pasted)
    finish(lambda: evaluate_detector(model, root, against, working_size=working_size, outputs=outputs))
