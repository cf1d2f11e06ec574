"""`canthus evaluate`: its options."""

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
    Threads,
    Thresholds,
    YawBins,
)


def evaluate(
    model: Annotated[str, typer.Argument(help="Bundled name, zoo row, .onnx or .safetensors file.")],
    dataset: Dataset,
    root: Root,
    split: SplitName = None,
    boxes: Annotated[
        str | None,
        typer.Option(
            help="landmarks, dataset, five_points, detector or a file; default: the dataset's protocol."
        ),
    ] = None,
    box_kind: Annotated[str, typer.Option(help="Kind of the boxes in a file: face or landmarks.")] = "face",
    detector: Annotated[str, typer.Option(help="For --boxes detector: name or .onnx file.")] = "builtin",
    detector_size: Annotated[int, typer.Option(min=32, help="Longest side in px for its search.")] = 800,
    scheme: LabelScheme = None,
    allow_scheme_mismatch: Mismatch = False,
    flip_test: Annotated[
        bool, typer.Option("--flip-test", help="Average with the mirrored picture.")
    ] = False,
    backgrounds: Annotated[
        Path | None, typer.Option(help="Folder of pictures without faces: measures presence too.")
    ] = None,
    json: ResultFile = None,
    save_predictions: Annotated[Path | None, typer.Option(help="Predictions (.npz) for `score`.")] = None,
    plot: Plot = None,
    threshold: Thresholds = None,
    normalizer: Normalizer = None,
    yaw_bins: YawBins = False,
    threads: Threads = None,
) -> None:
    """Run a model over a labelled split and score it."""
    from canthus.commands.evaluate import Boxes, Options, evaluate
    from canthus.commands.output import Output
    from canthus.commands.splits import Split

    data = Split(dataset, root, split, scheme)
    output = Output(json, plot, threshold, normalizer, yaw_bins)
    options = Options(allow_scheme_mismatch, flip_test, backgrounds, threads, save_predictions, output)
    chosen = Boxes(boxes, detector, detector_size, box_kind)
    finish(lambda: evaluate(model, data, chosen, options))
