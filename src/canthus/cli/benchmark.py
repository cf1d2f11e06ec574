"""`canthus benchmark`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def benchmark(
    model: Annotated[str, typer.Argument(help="Bundled name, zoo row, .onnx or .safetensors file.")],
    against: Annotated[str | None, typer.Option(help="A second model, timed in alternation.")] = None,
    video: Annotated[
        Path | None, typer.Option(help="Time the frames of this clip, or of a camera over this photograph.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Faces in one call.")] = 1,
    size: Annotated[int, typer.Option(min=32, help="Side in px of a detector's picture.")] = 320,
    repeats: Annotated[int, typer.Option(min=2, help="Timed calls of each model.")] = 200,
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
) -> None:
    """Time a landmark network, a face detector, or what a frame of a clip costs, on this machine."""
    from canthus.commands.benchmark import Settings, benchmark

    settings = Settings(threads, batch, size, repeats)
    if video is not None:
        if against is not None or settings != Settings(threads):
            raise typer.BadParameter("--against, --batch, --size and --repeats are not about --video")
        from canthus.commands.benchmark_video import benchmark_video

        finish(lambda: benchmark_video(video, model, threads, json))
    finish(lambda: benchmark(model, against, settings, json))
