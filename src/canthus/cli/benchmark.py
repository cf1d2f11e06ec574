"""`canthus benchmark`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def benchmark(
    model: Annotated[str, typer.Argument(help="Bundled name, zoo row, .onnx or .safetensors file.")],
    against: Annotated[str | None, typer.Option(help="A second model, timed in alternation.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Faces in one call.")] = 1,
    size: Annotated[int, typer.Option(min=32, help="Side in px of a detector's picture.")] = 320,
    repeats: Annotated[int, typer.Option(min=2, help="Timed calls of each model.")] = 200,
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
) -> None:
    """Time a landmark network or a face detector on this machine."""
    from canthus.commands.benchmark import Settings, benchmark

    finish(lambda: benchmark(model, against, Settings(threads, batch, size, repeats), json))
