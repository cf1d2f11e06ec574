"""The few measured figures that README shows, and putting a text between the markers of a page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from canthus.commands.results_page import YAW, table
from canthus.formats import aside

Report = dict[str, Any]


def summary(reports: Sequence[Report], others: dict[str, Any], day: str) -> str:
    """A table of the bundled models and the best outside one, and the figures that are no NME, with the
    commands that made them."""
    heads = [
        "NME, %",
        "HELEN test",
        "HELEN test, detected faces",
        *(f"AFLW2000 test, yaw {n}" for n, _ in YAW),
    ]
    rows = [_row(name, reports) for name in dict.fromkeys(report["model"] for report in reports)]
    peers = others.get("peers", [])
    best = min(peers, key=lambda report: _helen(report) or float("inf"), default=None)
    if best is not None:
        rows.append(_row(best["model"], peers))
    lines = [
        "HELEN: 330 faces, NME inter-ocular, landmark boxes unless it says detected. AFLW2000: 150 faces by "
        "yaw in degrees, labelled points alone, NME over sqrt(w h) of their tight box.",
        "",
        table(heads, rows),
        "",
        f"Measured on {day} by `canthus results --root DATA`"
        + (", the `outside` row by `benchmarks/peers.py`." if best is not None else "."),
    ]
    found = [
        _probabilities(reports),
        _missed(reports),
        _speed(others.get("speed")),
        _detector(others.get("detector")),
    ]
    return "\n".join([*lines, "", *(f"* {text}" for text in found if text)]).rstrip()


def fill(path: Path, marker: str, text: str) -> None:
    """Put `text` between `<!-- MARKER:start -->` and `<!-- MARKER:end -->`; ValueError without them."""
    start, end = f"<!-- {marker}:start -->", f"<!-- {marker}:end -->"
    before, found, rest = path.read_text(encoding="utf-8").partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{path}: found no {start} ... {end}, expected both on lines of their own")
    with aside(path) as part:
        part.write_text(f"{before}{start}\n{text}\n{end}{after}", encoding="utf-8")


def _row(model: str, reports: Sequence[Report]) -> list[str]:
    mine = [report for report in reports if report["model"] == model]
    helen = [report for report in mine if report["title"].startswith("HELEN")]
    landmarks = _first(helen, lambda report: report["boxes"] == "landmarks", "nme/inter_ocular")
    detected = [report for report in helen if report["boxes"].startswith("detector")]
    shown = _first(detected, lambda report: True, "nme/inter_ocular")
    missed = f" ({detected[0]['missed']} missed)" if detected else ""
    names = [f"{key}/nme/landmark_box_sqrt_wh" for _, key in YAW]
    turned = [_first(mine, lambda report: report["boxes"] == "landmarks", name) for name in names]
    return [model, landmarks, shown + missed, *turned]


def _first(reports: Sequence[Report], fits: Callable[[Report], bool], name: str) -> str:
    values = [report["metrics"].get(name) for report in reports if fits(report)]
    known = [value for value in values if value is not None]
    return f"{known[0]:.2f}" if known else "-"


def _helen(report: Report) -> float | None:
    value = report["metrics"].get("nme/inter_ocular") if report["title"].startswith("HELEN") else None
    return None if value is None else float(value)


def _probabilities(reports: Sequence[Report]) -> str:
    model = reports[0]["model"] if reports else ""
    mine = [r["metrics"] for r in reports if r["boxes"] == "landmarks" and r["model"] == model]
    shown = []
    for label, name, digits, unit in (
        ("HELEN points inside their 50 % ellipse", "calibration/inside_50", 0, " %"),
        ("inside their 90 % ellipse", "calibration/inside_90", 0, " %"),
        ("presence, AUC", "presence_auc", 3, ""),
        ("visibility, AUC (AFLW2000)", "visibility_auc", 3, ""),
    ):
        values = [metrics[name] for metrics in mine if metrics.get(name) is not None]
        if values:
            shown.append(f"{label}: {values[0]:.{digits}f}{unit}")
    return f"{model}: {'; '.join(shown)}" if shown else ""


def _missed(reports: Sequence[Report]) -> str:
    detected = [report for report in reports if report["boxes"].startswith("detector")]
    shown = [f"{report['missed']} of {report['faces']} on {report['title']}" for report in detected]
    return f"Faces that our detector does not find: {', '.join(shown)}" if shown else ""


def _speed(content: Report | None) -> str:
    rows = [row for row in (content or {}).get("times", []) if row["what"] == "network"]
    if content is None or not rows:
        return ""
    times = ", ".join(f"{row['model']} {row['median_ms']:.2f} ms" for row in rows)
    threads, batch = content["settings"]["threads"], content["settings"]["batch"]
    return f"Crop to points, {threads} thread, batch {batch}, median: {times} (`canthus benchmark`)"


def _detector(content: Report | None) -> str:
    if content is None:
        return ""
    figures = content["figures"]
    shares = {}
    for name in ("canthus", "yunet"):
        if name in figures:
            recall = figures[name]["operating_point"]["recall"].values()
            shares[name] = " / ".join(f"{value:.1f}" for value in recall)
    beside = f" (YuNet-n: {shares['yunet']})" if "yunet" in shares else ""
    return (
        f"Faces found, %: {shares['canthus']}{beside} on HELEN test / every 5th AFW photo / faces pasted at "
        f"20-40 px, with at most {content['allowed']} false positives on {content['negatives']} pictures "
        "without faces, which were chosen with YuNet's help (`canthus evaluate-detector`)"
    )
