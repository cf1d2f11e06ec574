"""The command line: the options of each verb in a file of its own, its work in `canthus.commands`, imported
when it is called. Adding a verb: a file with a function and a row in `VERBS`, or in `GROUPS` for a verb of
two words.

Exit codes: 0 done, 1 some inputs failed, 2 bad usage, 130 interrupted. Results go to stdout, the rest to
stderr.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from canthus import __version__
from canthus.cli import (
    benchmark,
    challenge,
    convert,
    datasets,
    doctor,
    evaluate,
    evaluate_detector,
    evaluate_pose,
    evaluate_video,
    export,
    learn_shape,
    predict,
    results,
    score,
    train,
    train_detector,
    zoo,
)

VERBS: dict[str, Callable[..., None]] = {
    "predict": predict.predict,
    "benchmark": benchmark.benchmark,
    "evaluate": evaluate.evaluate,
    "score": score.score,
    "doctor": doctor.doctor,
    "train": train.train,
    "evaluate-pose": evaluate_pose.evaluate_pose,
    "export": export.export,
    "learn-shape": learn_shape.learn_shape,
    "convert": convert.convert,
    "challenge": challenge.challenge,
    "zoo": zoo.zoo,
    "train-detector": train_detector.train_detector,
    "evaluate-detector": evaluate_detector.evaluate_detector,
    "evaluate-video": evaluate_video.evaluate_video,
    "results": results.results,
}

#: First word -> (what the verbs are about, second word -> verb).
GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "datasets": ("Labelled data: change its format.", {"convert": datasets.convert}),
}

app = typer.Typer(
    help="Facial landmarks: find, train, score, export.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _verb in VERBS.items():
    app.command(_name)(_verb)
for _name, (_about, _verbs) in GROUPS.items():
    _group = typer.Typer(help=_about, no_args_is_help=True)
    _group.callback()(lambda: None)  # or a single verb would take the group's place
    for _second, _verb in _verbs.items():
        _group.command(_second)(_verb)
    app.add_typer(_group, name=_name)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"canthus {__version__}\n")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the `canthus` command."""
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about damaged files, which are reported in one line
    try:
        app()
    except ImportError as error:  # a verb whose extra is not installed
        sys.stderr.write(f"canthus: {error}; some verbs need more: pip install 'canthus[train]'\n")
        sys.exit(2)
