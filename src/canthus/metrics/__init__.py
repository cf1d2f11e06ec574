"""What is measured. Adding a metric: a file with a class (see `metric.Metric`) and a row here."""

from collections.abc import Callable

from canthus.metrics.auc import AUC
from canthus.metrics.calibration import Calibration
from canthus.metrics.ced import CED
from canthus.metrics.failure_rate import FailureRate
from canthus.metrics.metric import Comparison, Metric
from canthus.metrics.nme import NME
from canthus.metrics.per_part import PerPart
from canthus.metrics.ranking import PresenceAUC, VisibilityAUC
from canthus.schemes import Scheme

METRICS: dict[str, Callable[[Scheme], Metric]] = {
    "nme": NME,
    "failure_rate": FailureRate,
    "auc": AUC,
    "ced": CED,
    "per_part": PerPart,
    "calibration": Calibration,
    "visibility_auc": VisibilityAUC,
    "presence_auc": PresenceAUC,
}

__all__ = ["METRICS", "Comparison", "Metric"]
