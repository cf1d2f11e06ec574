"""`canthus datasets`: the options of its verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish
from canthus.commands.options import Dataset, LabelScheme, Root, SplitName


def convert(
    out: Annotated[
        Path,
        typer.Argument(
            help="OUT.json (COCO keypoints), OUT.tsv (labels of ADNet and STAR), or a new folder OUT for "
            "pictures with .pts labels."
        ),
    ],
    dataset: Dataset,
    root: Root,
    split: SplitName = None,
    scheme: LabelScheme = None,
    to_scheme: Annotated[str | None, typer.Option(help="Convert the points to this scheme.")] = None,
    copy_images: Annotated[
        bool, typer.Option("--copy-images", help="Copy the pictures to OUT_images beside the file.")
    ] = False,
) -> None:
    """Write a labelled split as a file that `--dataset coco` or `tsv` reads, or a folder for `folder`."""
    from canthus.commands.convert_dataset import Options, convert_dataset
    from canthus.commands.splits import Split

    data = Split(dataset, root, split, scheme)
    finish(lambda: convert_dataset(data, out, Options(to_scheme, copy_images)))
