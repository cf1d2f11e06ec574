"""`canthus results`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def results(
    root: Annotated[Path, typer.Option(help="Folder that holds 300w, aflw2000_merlrav and negatives.")],
    model: Annotated[list[str] | None, typer.Option(help="Default: the bundled one.")] = None,
    output: Annotated[Path, typer.Option(help="The page.")] = Path("docs/results.md"),
    json: Annotated[Path | None, typer.Option(help="Every report.")] = None,
    measured: Annotated[
        Path,
        typer.Option(
            help="Folder of designs.json, peers.json, results_detector.json, speed.json, trained/*.json."
        ),
    ] = Path("docs"),
    checkout: Annotated[
        Path | None, typer.Option(help="A clone whose README, licences page and model cards are refreshed.")
    ] = None,
) -> None:
    """Measure the bundled models and write the page of results."""
    from canthus.commands.results import Outputs, results

    finish(lambda: results(model or ["face68"], root, measured, Outputs(output, json, checkout)))
