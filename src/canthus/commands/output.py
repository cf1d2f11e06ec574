"""What a score is measured at and written to, as several verbs have it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from canthus.formats import check_writable
from canthus.metrics.threshold import THRESHOLDS
from canthus.schemes import Scheme
from canthus.scoring import Measure


@dataclass(frozen=True)
class Output:
    """`json` and `plot` are files to write; `thresholds` (None: 0.08 and 0.10) and `normalizer` (None: the
    scheme's own) are those of failure rate and AUC; `yaw_bins` as in `canthus.scoring.Measure`."""

    json: Path | None = None
    plot: Path | None = None
    thresholds: Sequence[float] | None = None
    normalizer: str | None = None
    yaw_bins: bool = False

    def check(self, *others: Path | None) -> None:
        """Raise, before any work, what would be raised after it: ValueError, OSError, ImportError."""
        check_writable(self.json, self.plot, *others)
        if self.plot is not None:
            from canthus.commands.curve_plot import check_format

            check_format(self.plot)

    def measure(self, scheme: Scheme) -> Measure:
        """What labels of a scheme are measured by; ValueError for what cannot be."""
        return Measure(scheme, self.normalizer, tuple(self.thresholds or THRESHOLDS), self.yaw_bins)
