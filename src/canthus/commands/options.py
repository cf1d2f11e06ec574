"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str | None, typer.Option(help="Bundled name, zoo row, .onnx or .safetensors file.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Threads of the networks.")]
Dataset = Annotated[str, typer.Option(help="300w, coco, tsv, folder, ...: `docs/datasets.md`.")]
Root = Annotated[Path, typer.Option(help="The dataset's folder.")]
SplitName = Annotated[str | None, typer.Option("--split", help="Split; default: the dataset's first.")]
LabelScheme = Annotated[str | None, typer.Option("--scheme", help="How to read labels that do not say it.")]
Plot = Annotated[Path | None, typer.Option(help="Picture of the cumulative errors (.png, .svg, .pdf).")]
Thresholds = Annotated[
    list[float] | None,
    typer.Option("--threshold", help="For failure rate and AUC, as a share; may repeat. [0.08, 0.10]"),
]
Normalizer = Annotated[
    str | None,
    typer.Option(help="Denominator of failure rate, AUC, curves and parts; default: the scheme's."),
]
Mismatch = Annotated[
    bool, typer.Option("--allow-scheme-mismatch", help="Score labels of another scheme all the same.")
]
ResultFile = Annotated[Path | None, typer.Option("--json", help="Result file.")]
YawBins = Annotated[
    bool,
    typer.Option("--yaw-bins", help="NME by yaw, fitted to the labelled points where none is stated."),
]
