"""`canthus predict`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish
from canthus.commands.options import Model, Threads


def predict(
    inputs: Annotated[
        list[str], typer.Argument(metavar="IN...", help="Pictures, folders (searched deep), globs.")
    ],
    model: Model = None,
    detector: Annotated[str | None, typer.Option(help="Bundled name or an .onnx detector file.")] = None,
    detector_size: Annotated[
        int, typer.Option(min=32, help="Longest side in px that faces are searched at.")
    ] = 640,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="Face boxes instead of a detector: JSON or CSV by file name, or results of this command."
        ),
    ] = None,
    box_kind: Annotated[str, typer.Option(help="Kind of the boxes in --boxes: face or landmarks.")] = "face",
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Every picture is one face; no detector.")
    ] = False,
    min_presence: Annotated[
        float, typer.Option(min=0, max=1, help="Drop faces that the model finds less probable than this.")
    ] = 0.0,
    save: Annotated[Path | None, typer.Option(help="Folder for annotated pictures.")] = None,
    ellipses: Annotated[
        float | None, typer.Option(help="Draw the region that holds each point with this probability.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Result file, one row a face.")] = None,
    coco: Annotated[Path | None, typer.Option(help="Result file, COCO keypoints.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Result file, needs canthus\\[tables].")] = None,
    threads: Threads = None,
) -> None:
    """Find the faces and their landmarks in pictures. Without an output option: one JSON line a picture."""
    from canthus.commands.predict import Outputs, Search, predict

    search = Search(model, detector, detector_size, boxes, box_kind, whole_image, min_presence, threads)
    outputs = Outputs(save, ellipses, {"json": json, "csv": csv, "coco": coco, "parquet": parquet})
    finish(lambda: predict(inputs, search, outputs))
