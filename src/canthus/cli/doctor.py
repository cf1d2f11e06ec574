"""`canthus doctor`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish
from canthus.commands.options import LabelScheme, SplitName


def doctor(
    dataset: Annotated[str | None, typer.Option(help="Look at a dataset too.")] = None,
    root: Annotated[Path | None, typer.Option(help="Its folder; default: here.")] = None,
    split: SplitName = None,
    scheme: LabelScheme = None,
) -> None:
    """Tell what is installed, and whether a dataset is whole."""
    from canthus.commands.doctor import doctor

    finish(lambda: doctor(dataset, root, split, scheme))
