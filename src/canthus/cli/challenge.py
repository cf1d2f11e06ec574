"""`canthus challenge`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from canthus.commands.finish import finish
from canthus.commands.options import LabelScheme, SplitName, Threads


def challenge(
    action: Annotated[
        Literal["check"], typer.Argument(help="check: hold a model to the rules, and score it.")
    ],
    model: Annotated[
        str, typer.Argument(help="A .safetensors or .onnx file, a bundled name, or a published zoo row.")
    ],
    root: Annotated[
        Path | None, typer.Option(help="Folder of face pictures with labels to score on.")
    ] = None,
    dataset: Annotated[str, typer.Option(help="Their reader: `docs/datasets.md`.")] = "coco",
    split: SplitName = None,
    scheme: LabelScheme = None,
    solution: Annotated[Path, typer.Option(help="The file to submit, a line a picture.")] = Path(
        "solution.txt"
    ),
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    threads: Threads = None,
) -> None:
    """Check a model against the rules of the light-weight landmark challenge, and score it as they do."""
    from canthus.commands.challenge import Outputs, challenge
    from canthus.commands.splits import Split

    data = None if root is None else Split(dataset, root, split, scheme)
    finish(lambda: challenge(model, data, Outputs(solution, json), threads))
