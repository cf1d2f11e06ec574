"""What a score is measured at and written to, as several verbs have it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from canthus.formats import check_writable
from canthus.metrics.threshold import THRESHOLDS


@dataclass(frozen=True)
class Output:
    """`json` and `plot` are files to write; `thresholds` those of failure rate and AUC."""

    json: Path | None = None
    plot: Path | None = None
    thresholds: tuple[float, ...] = THRESHOLDS

    def check(self, *others: Path | None) -> None:
        """Raise, before any work, what would be raised after it: ValueError, OSError, ImportError."""
        check_writable(self.json, self.plot, *others)
        if not all(0 < threshold <= 1 for threshold in self.thresholds):
            raise ValueError(f"--threshold is a share of the denominator in (0, 1]; found {self.thresholds}")
        if self.plot is not None:
            from canthus.commands.curve_plot import check_format

            check_format(self.plot)
