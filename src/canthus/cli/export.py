"""`canthus export`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def export(
    checkpoint: Annotated[str, typer.Argument(help="A .safetensors file or a zoo row (`canthus zoo`).")],
    out: Annotated[Path, typer.Argument(help="The .onnx file to write.")],
    assignments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[codec.OPTION=VALUE]...", help="Decode the same outputs in another way."),
    ] = None,
    flip_test: Annotated[
        bool, typer.Option("--flip-test", help="Average with the mirrored picture, in the graph.")
    ] = False,
    image: Annotated[list[Path] | None, typer.Option(help="Pictures to check the export on.")] = None,
) -> None:
    """Write one self-contained ONNX file, checked against the network."""
    from canthus.commands.export import export

    finish(lambda: export(checkpoint, out, assignments or (), flip_test=flip_test, images=image))
