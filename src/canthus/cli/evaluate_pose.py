"""`canthus evaluate-pose`: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canthus.commands.finish import finish


def evaluate_pose(
    model: Annotated[str | None, typer.Argument(help="A landmark model; default: the bundled one.")] = None,
    root: Annotated[
        Path,
        typer.Option(help="Folder with aflw2000_merlrav, aflw2000_3d_original and ict_facekit_68.npz."),
    ] = Path(),
    json: Annotated[Path | None, typer.Option(help="Figures.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Results page.")] = None,
) -> None:
    """Measure head poses against 3D fits, stated angles and synthetic faces."""
    from canthus.commands.evaluate_pose import Outputs, evaluate_pose

    finish(lambda: evaluate_pose(model, root, Outputs(json, markdown)))
