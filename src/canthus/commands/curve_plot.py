"""The cumulative error distribution of a report as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canthus.formats import aside


def check_format(path: Path) -> None:
    """Raise ImportError without matplotlib, ValueError for a kind of file that it does not write."""
    try:
        from matplotlib.backend_bases import FigureCanvasBase
    except ImportError:
        raise ImportError("--plot needs matplotlib: pip install 'canthus[plot]'") from None
    known = sorted(FigureCanvasBase.filetypes)
    if path.suffix.lower().removeprefix(".") not in known:
        raise ValueError(
            f"--plot {path}: found the ending {path.suffix!r}, expected one of {', '.join(known)}"
        )


def plot_curves(report: dict[str, Any], path: Path) -> None:
    """Write the curves of a report (`canthus.scoring.score`), whole split and subsets, up to its largest
    threshold, with AUC and failure rate there; aside, then renamed."""
    from matplotlib.figure import Figure

    check_format(path)
    curve, metrics = report["ced"], report["metrics"]
    name = curve["normalizer"]
    ends = {
        float(key.rpartition("@")[2]): key.rpartition("@")[2] for key in metrics if key.startswith("auc/")
    }
    last = max(ends)
    figure = Figure(figsize=(6.4, 4.4), dpi=150, layout="constrained")
    axes = figure.add_subplot()
    errors = [100 * error for error in curve["error"]]
    for title, shares in {"": curve["share"], **curve["subsets"]}.items():
        if None in shares:
            continue
        start = f"{title}/" if title else ""
        area, failures = (metrics[f"{start}{kind}/{name}@{ends[last]}"] for kind in ("auc", "failure_rate"))
        label = f"{title or 'all'}: AUC {area:.3f}, FR {failures:.1f} %"
        axes.plot(errors, [100 * share for share in shares], label=label, linewidth=1 if title else 2)
    axes.set(
        xlim=(0, 100 * last),
        ylim=(0, 100),
        xlabel=f"error of a face, % ({name})",
        ylabel="faces up to that error, %",
        title=" ".join(str(report.get(key, "")) for key in ("model", "dataset", "split")).strip(),
    )
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower right")
    with aside(path) as part:
        figure.savefig(part, format=path.suffix.lower().removeprefix("."))
