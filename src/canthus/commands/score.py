"""`canthus score`: score kept predictions again, without the network."""

from __future__ import annotations

from pathlib import Path

from canthus.commands.output import Output
from canthus.commands.report import deliver
from canthus.commands.splits import Split, check_schemes
from canthus.formats.predictions import Predictions
from canthus.scoring import score as score_predictions


def score(path: Path, data: Split, allow_scheme_mismatch: bool, output: Output) -> int:
    """Print the report of a predictions file on a split; the exit code."""
    output.check()
    predictions = Predictions.load(path)
    dataset = data.open()
    predicted = str(predictions.provenance.get("scheme", dataset.scheme.name))
    mismatch = check_schemes(predicted, dataset.scheme.name, allow_scheme_mismatch)
    report = score_predictions(predictions, dataset, output.measure(dataset.scheme))
    deliver(report, output, [mismatch] if mismatch else [])
    return 0
