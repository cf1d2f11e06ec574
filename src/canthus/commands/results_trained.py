"""The section of the results page about rows that were trained here, from reports of `canthus evaluate`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canthus.commands.results_page import Report, table
from canthus.recipe import load_recipe, recipe_names
from canthus.schemes import SCHEMES


def read_trained(folder: Path) -> list[Report]:
    """The reports NAME.json in a folder, by recipe and name; ValueError for a file that is none."""
    reports = []
    for path in sorted(folder.glob("*.json")):
        try:
            report = json.loads(path.read_text())
        except ValueError as error:
            raise ValueError(f"{path}: not a JSON file ({error})") from None
        if not isinstance(report, dict) or not report.get("training") or "metrics" not in report:
            raise ValueError(
                f"{path}: not a report of a model trained here; expected the file of `canthus evaluate "
                "WEIGHTS --json`, of weights that `canthus train` wrote"
            )
        reports.append({"name": path.stem, **report})
    return sorted(reports, key=lambda report: (report["recipe"], report["name"]))


def trained_section(reports: Sequence[Report]) -> str:
    """The rows, how each was trained, and what was published for the same recipe, in a table of its own."""
    measured = [
        [
            report["recipe"] + (" (changed)" if report["training"]["changes"] else ""),
            _words(report["codec"]),
            f"{report['dataset']} {report['split']}",
            "yes" if report["flip_test"] else "no",
            report["faces"],
            *_errors(report),
        ]
        for report in reports
    ]
    heads = [
        "recipe",
        "decoded by",
        "data",
        "flip test",
        "faces",
        "denominator",
        "NME %",
        "95 %",
        "FR@0.08 %",
    ]
    runs = {(report["recipe"], json.dumps(report["training"])): report for report in reports}
    trainings = [_training(report) for report in runs.values()]
    names = [
        "recipe",
        "epochs",
        "steps",
        "batch",
        "learning rate",
        "precision",
        "seed",
        "minutes",
        "hardware",
    ]
    names += ["start", "faces", "set otherwise than in the recipe"]
    published = [row for name in dict.fromkeys(r["recipe"] for r in reports) if (row := _published(name))]
    parts = [
        "## Rows trained here",
        "Measured with labelled boxes; `canthus evaluate WEIGHTS --dataset NAME --root DATA/FOLDER --split "
        "SPLIT --json docs/trained/NAME.json`. Rows with another decoder are the same weights. `changed`: "
        "the training, or the network, was not quite the recipe's; the next table's last column says how.",
        table(heads, measured),
        "How they were trained (`canthus train RECIPE --root DATA/FOLDER`, with what the last column says):",
        table(names, trainings),
    ]
    if published:
        parts += [
            "What was published for the same recipes, on their data:",
            table(["recipe", "NME %"], published),
        ]
    return "\n\n".join(parts)


def _errors(report: Report) -> list[str]:
    metrics = report["metrics"]
    name = SCHEMES[report["labels"]].default_normalizer
    interval = report["intervals"]["metrics"].get(f"nme/{name}")
    failures = metrics.get(f"failure_rate/{name}@0.08")
    return [
        name,
        f"{metrics[f'nme/{name}']:.2f}",
        "-" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}",
        "-" if failures is None else f"{failures:.1f}",
    ]


def _training(report: Report) -> list[Any]:
    run = report["training"]
    batch = f"{run['batch']} x {run['processes']}" if run["processes"] > 1 else run["batch"]
    return [
        report["recipe"],
        *(run["epochs"], run["steps"], batch, run["learning_rate"], run["precision"], run["seed"]),
        round(run["seconds"] / 60),
        run["hardware"],
        report["initial_weights"],
        report["training_data"].replace(";", ","),
        ", ".join(f"{path}={_value(value)}" for path, value in run["changes"].items()) or "-",
    ]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _published(name: str) -> list[str] | None:
    if name not in recipe_names():
        return None
    reference = load_recipe(name).reference
    if reference.unpublished or reference.nme is None:
        return None
    return [name, _words(reference.nme.model_dump(exclude_none=True))]


def _words(values: dict[str, Any]) -> str:
    return ", ".join(str(value) if key == "name" else f"{key} {value}" for key, value in values.items())
