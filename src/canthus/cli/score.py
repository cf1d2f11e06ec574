"""`canthus score`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish
from canthus.commands.options import (
    Dataset,
    LabelScheme,
    Mismatch,
    Normalizer,
    Plot,
    ResultFile,
    Root,
    SplitName,
    Thresholds,
    YawBins,
)


def score(
    predictions: Annotated[Path, typer.Argument(help="A file of `evaluate --save-predictions`.")],
    dataset: Dataset,
    root: Root,
    split: SplitName = None,
    scheme: LabelScheme = None,
    allow_scheme_mismatch: Mismatch = False,
    json: ResultFile = None,
    plot: Plot = None,
    threshold: Thresholds = None,
    normalizer: Normalizer = None,
    yaw_bins: YawBins = False,
) -> None:
    """Score kept predictions again, without the network."""
    from canthus.commands.output import Output
    from canthus.commands.score import score
    from canthus.commands.splits import Split

    data = Split(dataset, root, split, scheme)
    output = Output(json, plot, threshold, normalizer, yaw_bins)
    finish(lambda: score(predictions, data, allow_scheme_mismatch, output))
