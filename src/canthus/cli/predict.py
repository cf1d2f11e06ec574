"""`canthus predict`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish
from canthus.commands.options import Model, Threads


def predict(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="IN...", help="Pictures, clips, folders of pictures, globs."),
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Instead of files: number or device.")] = None,
    model: Model = None,
    detector: Annotated[str | None, typer.Option(help="Bundled name or an .onnx detector file.")] = None,
    detector_size: Annotated[
        int, typer.Option(min=32, help="Longest side in px that faces are searched at.")
    ] = 800,
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
    save: Annotated[Path | None, typer.Option(help="Folder for annotated copies.")] = None,
    ellipses: Annotated[
        float | None, typer.Option(help="Draw the region that holds each point with this probability.")
    ] = None,
    draw: Annotated[
        str | None, typer.Option(help="Draw more: axes of the head, mesh of its points, or axes,mesh.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Result file; of clips JSON lines.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Result file, one row a face.")] = None,
    coco: Annotated[Path | None, typer.Option(help="Result file, COCO keypoints.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Result file, needs canthus\\[tables].")] = None,
    smooth: Annotated[str, typer.Option(help="Of clips: off, low, medium or high.")] = "medium",
    look_ahead: Annotated[
        bool, typer.Option("--look-ahead", help="Smooth over later frames too (clips, not cameras).")
    ] = False,
    start: Annotated[float, typer.Option(min=0, help="First second of a clip.")] = 0.0,
    end: Annotated[float | None, typer.Option(min=0, help="Second at which to stop.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Every how many-th frame.")] = 1,
    no_window: Annotated[bool, typer.Option("--no-window", help="Do not show what the camera sees.")] = False,
    threads: Threads = None,
) -> None:
    """Find the faces and their landmarks in pictures and clips, or before a camera.

    Without an output option: JSON lines, one a picture, or one a face of a frame.
    """
    from canthus.commands.predict import Outputs, predict, predict_camera
    from canthus.commands.search import Search, Watch

    search = Search(model, detector, detector_size, boxes, box_kind, whole_image, min_presence, threads)
    outputs = Outputs(save, ellipses, {"json": json, "csv": csv, "coco": coco, "parquet": parquet}, draw)
    watch = Watch(smooth, look_ahead, start, end, stride)
    if camera is not None:
        if inputs:
            raise typer.BadParameter("files and --camera exclude each other: choose one")
        finish(lambda: predict_camera(camera, search, outputs, watch, window=not no_window))
    if no_window:
        raise typer.BadParameter("--no-window is about cameras: add --camera 0")
    if not inputs:
        raise typer.BadParameter("nothing to look at: name pictures or clips, or give --camera 0")
    finish(lambda: predict(inputs, search, outputs, watch))
