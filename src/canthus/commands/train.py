"""`canthus train`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from canthus.download import DownloadError, WrongFileError
from canthus.published import pretrained_of
from canthus.recipe import Recipe, load_recipe


@dataclass(frozen=True)
class Run:
    """Where the data is, where the results go (default runs/NAME), whether to go on there, the file of the
    cut pictures, and the classifier that the backbone starts from (default: the recipe's)."""

    root: Path = Path()
    output: Path | None = None
    resume: bool = False
    pack: Path | None = None
    pretrained: Path | None = None


def train(recipe: str, assignments: Sequence[str], run: Run) -> int:
    """Train a zoo row or a YAML file and print the path of the weights."""
    loaded = load_recipe(recipe, assignments)
    folder = run.output or Path("runs") / loaded.name
    if run.resume and not (folder / "state.pt").is_file():
        raise FileNotFoundError(f"{folder / 'state.pt'}: nothing to resume; start without --resume")
    if not run.resume and (folder / "state.pt").is_file():
        raise FileExistsError(f"{folder}: holds a training; go on with --resume or choose another --output")
    if run.resume and run.pretrained is not None:
        raise ValueError("--pretrained is about the start of a training; --resume goes on: leave it out")
    try:
        from canthus.build import build_losses, check_recipe, with_standard_face
        from canthus.checkpoints import converter_of, load_pretrained
        from canthus.training.loop import train as loop
        from canthus.training.optimizers import build_optimizer
        from canthus.training.schedules import build_schedule
    except ModuleNotFoundError as error:
        raise ImportError(f"training needs {error.name}: pip install 'canthus[train]'") from None
    # A wrong name is told before the pictures are read, which takes minutes.
    loaded = with_standard_face(loaded)
    landmarker = check_recipe(loaded)
    build_optimizer([landmarker, build_losses(loaded)], loaded.train.optimizer, loaded.train.learning_rate)
    build_schedule(loaded.train.schedule, loaded.train.warmup, loaded.train.epochs, 1)
    start = None if run.resume else _start(loaded, run)
    if start is not None:
        taken = load_pretrained(start, landmarker.backbone, converter_of(loaded))
        _say(
            f"the backbone starts from {start}: {len(taken.state)} tensors; "
            f"{len(taken.dropped)} that it does not have are dropped"
        )
    path = loop(loaded, run.root, folder, resume=run.resume, pack=run.pack, pretrained=start)
    if _tells():
        sys.stdout.write(f"{path}\n")
    return 0


def _start(recipe: Recipe, run: Run) -> Path | None:
    """The classifier that the backbone starts from: the given one, or the recipe's from cache or network."""
    from canthus.build import build_sources

    if run.pretrained is not None:
        return run.pretrained
    published = pretrained_of(recipe)
    if published is None:
        _say(f"training starts from scratch: {recipe.name} names no pretrained backbone")
        return None
    if not published.path.is_file() and not (run.pack is not None and run.pack.is_file()):
        build_sources(recipe, run.root)  # labels that are absent or wrong are told before the download
    try:
        return published.fetch("give it with --pretrained PATH")
    except WrongFileError:
        raise
    except DownloadError as error:
        _say(f"training starts from scratch: {error}")
        return None


def _tells() -> bool:
    """Of several processes, one tells."""
    return os.environ.get("RANK", "0") == "0"


def _say(line: str) -> None:
    if _tells():
        sys.stderr.write(f"canthus: {line}\n")
