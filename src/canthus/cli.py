"""The command line: one verb a function, its work in `canthus.commands`, imported when it is called.

Exit codes: 0 done, 1 some inputs failed, 2 bad usage, 130 interrupted. Results go to stdout, the rest to
stderr.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from canthus import __version__
from canthus.commands.finish import exit_code
from canthus.commands.options import Dataset, LabelScheme, Mismatch, Model, Root, SplitName, Threads

app = typer.Typer(
    help="Facial landmarks: find, train, score, export.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def finish(work: Callable[[], int]) -> None:
    """Run a verb and leave with its exit code; wrong input becomes one line on stderr and code 2."""
    raise typer.Exit(exit_code(work))


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


@app.command()
def predict(
    inputs: Annotated[
        list[str], typer.Argument(metavar="IN...", help="Pictures, folders (searched deep), globs.")
    ],
    model: Model = None,
    detector: Annotated[str | None, typer.Option(help="Bundled name or an .onnx detector file.")] = None,
    detector_size: Annotated[
        int, typer.Option(min=32, help="Longest side in px that faces are searched at.")
    ] = 640,
    boxes: Annotated[
        Path | None,
        typer.Option(
            help="Face boxes instead of a detector: JSON or CSV by file name, or results of this command."
        ),
    ] = None,
    box_kind: Annotated[str, typer.Option(help="Kind of the boxes in --boxes: face or landmarks.")] = "face",
    whole_image: Annotated[
        bool, typer.Option("--whole-image", help="Every picture is one face; no detector.")
    ] = False,
    min_presence: Annotated[
        float, typer.Option(min=0, max=1, help="Drop faces that the model finds less probable than this.")
    ] = 0.0,
    save: Annotated[Path | None, typer.Option(help="Folder for annotated pictures.")] = None,
    ellipses: Annotated[
        float | None, typer.Option(help="Draw the region that holds each point with this probability.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Result file, one row a face.")] = None,
    coco: Annotated[Path | None, typer.Option(help="Result file, COCO keypoints.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Result file, needs canthus\\[tables].")] = None,
    threads: Threads = None,
) -> None:
    """Find the faces and their landmarks in pictures. Without an output option: one JSON line a picture."""
    from canthus.commands.predict import Outputs, Search, predict

    search = Search(model, detector, detector_size, boxes, box_kind, whole_image, min_presence, threads)
    outputs = Outputs(save, ellipses, {"json": json, "csv": csv, "coco": coco, "parquet": parquet})
    finish(lambda: predict(inputs, search, outputs))


@app.command()
def benchmark(
    model: Annotated[str, typer.Argument(help="Bundled name, zoo row, .onnx or .safetensors file.")],
    against: Annotated[str | None, typer.Option(help="A second model, timed in alternation.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the networks.")] = 1,
    batch: Annotated[int, typer.Option(min=1, help="Faces in one call.")] = 1,
    size: Annotated[int, typer.Option(min=32, help="Side in px of a detector's picture.")] = 320,
    repeats: Annotated[int, typer.Option(min=2, help="Timed calls of each model.")] = 200,
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
) -> None:
    """Time a landmark network or a face detector on this machine."""
    from canthus.commands.benchmark import Settings, benchmark

    finish(lambda: benchmark(model, against, Settings(threads, batch, size, repeats), json))


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="Bundled name, zoo row, .onnx or .safetensors file.")],
    dataset: Dataset,
    root: Root,
    split: SplitName = None,
    boxes: Annotated[
        str | None,
        typer.Option(help="landmarks, dataset, detector or a file; default: the dataset's protocol."),
    ] = None,
    box_kind: Annotated[str, typer.Option(help="Kind of the boxes in a file: face or landmarks.")] = "face",
    detector: Annotated[str, typer.Option(help="For --boxes detector: name or .onnx file.")] = "builtin",
    detector_size: Annotated[int, typer.Option(min=32, help="Longest side in px for its search.")] = 640,
    scheme: LabelScheme = None,
    allow_scheme_mismatch: Mismatch = False,
    flip_test: Annotated[
        bool, typer.Option("--flip-test", help="Average with the mirrored picture.")
    ] = False,
    backgrounds: Annotated[
        Path | None, typer.Option(help="Folder of pictures without faces: measures presence too.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    save_predictions: Annotated[Path | None, typer.Option(help="Predictions (.npz) for `score`.")] = None,
    threads: Threads = None,
) -> None:
    """Run a model over a labelled split and score it."""
    from canthus.commands.evaluate import Boxes, Options, evaluate
    from canthus.commands.splits import Split

    data = Split(dataset, root, split, scheme)
    options = Options(allow_scheme_mismatch, flip_test, backgrounds, threads, json, save_predictions)
    chosen = Boxes(boxes, detector, detector_size, box_kind)
    finish(lambda: evaluate(model, data, chosen, options))


@app.command()
def score(
    predictions: Annotated[Path, typer.Argument(help="A file of `evaluate --save-predictions`.")],
    dataset: Dataset,
    root: Root,
    split: SplitName = None,
    scheme: LabelScheme = None,
    allow_scheme_mismatch: Mismatch = False,
    json: Annotated[Path | None, typer.Option(help="Result file.")] = None,
) -> None:
    """Score kept predictions again, without the network."""
    from canthus.commands.score import score
    from canthus.commands.splits import Split

    finish(lambda: score(predictions, Split(dataset, root, split, scheme), allow_scheme_mismatch, json))


@app.command()
def doctor(
    dataset: Annotated[str | None, typer.Option(help="Look at a dataset too.")] = None,
    root: Annotated[Path | None, typer.Option(help="Its folder; default: here.")] = None,
    split: SplitName = None,
    scheme: LabelScheme = None,
) -> None:
    """Tell what is installed, and whether a dataset is whole."""
    from canthus.commands.doctor import doctor

    finish(lambda: doctor(dataset, root, split, scheme))


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A zoo row (`canthus zoo`) or a .yaml file.")],
    assignments: Annotated[
        list[str] | None, typer.Argument(metavar="[path=value]...", help="For example train.epochs=10.")
    ] = None,
    root: Annotated[Path, typer.Option(help="The dataset's folder; with several, their parent.")] = Path(),
    output: Annotated[
        Path | None, typer.Option(help="Folder for logs and weights; default runs/NAME.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the output folder stopped.")] = False,
    pack: Annotated[
        Path | None, typer.Option(help="File that keeps the cut pictures; made if absent.")
    ] = None,
) -> None:
    """Train a landmark system. Starts under torchrun or accelerate launch as it is."""
    from canthus.commands.train import train

    finish(lambda: train(recipe, assignments or [], root=root, output=output, resume=resume, pack=pack))


@app.command()
def export(
    checkpoint: Annotated[Path, typer.Argument(help="A .safetensors file.")],
    out: Annotated[Path, typer.Argument(help="The .onnx file to write.")],
    flip_test: Annotated[
        bool, typer.Option("--flip-test", help="Average with the mirrored picture, in the graph.")
    ] = False,
    image: Annotated[list[Path] | None, typer.Option(help="Pictures to check the export on.")] = None,
) -> None:
    """Write one self-contained ONNX file, checked against the network."""
    from canthus.commands.export import export

    finish(lambda: export(checkpoint, out, flip_test=flip_test, images=image))


@app.command()
def convert(
    checkpoint: Annotated[Path, typer.Argument(metavar="OFFICIAL", help="A published checkpoint (.pth).")],
    out: Annotated[Path, typer.Argument(help="The .safetensors file to write.")],
    recipe: Annotated[str, typer.Option(help="The zoo row (`canthus zoo`) or .yaml file it belongs to.")],
) -> None:
    """Write a published checkpoint as a weights file of ours."""
    from canthus.commands.convert import convert

    finish(lambda: convert(checkpoint, out, recipe))


@app.command()
def zoo(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a Markdown table.")] = False,
) -> None:
    """List the recipes."""
    from canthus.commands.zoo import zoo

    finish(lambda: zoo(markdown=markdown))


@app.command()
def train_detector(
    recipe: Annotated[
        Path | None, typer.Argument(help="YAML; default: the recipe of the bundled face detector.")
    ] = None,
    root: Annotated[Path, typer.Option(help="Folder with 300w, negatives, detection, ...")] = Path(),
    output: Annotated[Path, typer.Option(help="Folder for the log, the weights and the ONNX file.")] = Path(
        "runs/face_detector"
    ),
    init: Annotated[Path | None, typer.Option(help="Start from the weights of this checkpoint.")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes that compose pictures.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the training itself.")] = 1,
) -> None:
    """Train the face detector and export it."""
    from canthus.commands.train_detector import train_detector

    finish(lambda: train_detector(recipe, root, output, init=init, workers=workers, threads=threads))


@app.command()
def evaluate_detector(
    model: Annotated[Path | None, typer.Argument(help="An .onnx detector; default: the bundled one.")] = None,
    root: Annotated[Path, typer.Option(help="Folder with 300w, negatives, detection.")] = Path(),
    against: Annotated[Path | None, typer.Option(help="A YuNet .onnx file to measure beside it.")] = None,
    working_size: Annotated[int, typer.Option(min=32, help="Longest side in px that is searched.")] = 640,
    json: Annotated[Path | None, typer.Option(help="Figures.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Results page.")] = None,
    card: Annotated[Path | None, typer.Option(help="Model card.")] = None,
    save_pasted: Annotated[Path | None, typer.Option(help="Folder for the pasted test pictures.")] = None,
) -> None:
    """Measure a face detector on the held-out pictures."""
    from canthus.commands.evaluate_detector import Outputs, evaluate_detector

    outputs = Outputs(json, markdown, card, save_pasted)
    finish(lambda: evaluate_detector(model, root, against, working_size=working_size, outputs=outputs))


@app.command()
def results(
    root: Annotated[Path, typer.Option(help="Folder that holds 300w, aflw2000_merlrav and negatives.")],
    model: Annotated[list[str] | None, typer.Option(help="Default: the bundled one.")] = None,
    output: Annotated[Path, typer.Option(help="The page.")] = Path("docs/results.md"),
    json: Annotated[Path | None, typer.Option(help="Every report.")] = None,
    measured: Annotated[
        Path, typer.Option(help="Folder of designs.json, peers.json, results_detector.json, speed.json.")
    ] = Path("docs"),
    checkout: Annotated[
        Path | None, typer.Option(help="A clone whose README, licences page and model cards are refreshed.")
    ] = None,
) -> None:
    """Measure the bundled models and write the page of results."""
    from canthus.commands.results import Outputs, results

    finish(lambda: results(model or ["face68"], root, measured, Outputs(output, json, checkout)))


def main() -> None:
    """Entry point of the `canthus` command."""
    warnings.filterwarnings("ignore", module=r"PIL\.")  # about damaged files, which are reported in one line
    try:
        app()
    except ImportError as error:  # a verb whose extra is not installed
        sys.stderr.write(f"canthus: {error}; some verbs need more: pip install 'canthus[train]'\n")
        sys.exit(2)
