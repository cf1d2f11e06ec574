"""`canthus zoo`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def zoo(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="With --complexity: zoo rows, .yaml, .safetensors or .onnx files; default: every row.",
        ),
    ] = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="As the page docs/zoo.md; with --complexity as a table.")
    ] = False,
    complexity: Annotated[
        bool, typer.Option("--complexity", help="Count parameters and products instead.")
    ] = False,
    json: Annotated[Path | None, typer.Option(help="With --complexity: the counts as a file.")] = None,
) -> None:
    """List the recipes, or how large networks are and how much they compute."""
    from canthus.commands.complexity import list_complexity
    from canthus.commands.zoo import zoo

    if complexity:
        finish(lambda: list_complexity(models or [], markdown=markdown, json=json))
    if models or json:
        raise typer.BadParameter("models and --json go with --complexity")
    finish(lambda: zoo(markdown=markdown))
