"""The page of measured results, from reports to Markdown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Report = dict[str, Any]
CURVE = (0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.10)
YAW = (("< 30", "yaw_0_30"), ("30-60", "yaw_30_60"), (">= 60", "yaw_60"))


def page(reports: Sequence[Report], others: dict[str, Any], day: str) -> str:
    """The whole page: `reports` of the bundled models, and what `others` measured (`results.MEASURED`)."""
    peers = others.get("peers", [])
    sections = [_head(reports, day), _landmarks([*reports, *peers]), _yaw([*reports, *peers])]
    sections += [_parts(reports), _probabilities(reports), _curve(reports)]
    sections += [_commands([*reports, *peers])]
    known: dict[str, Callable[[Any], str]] = {
        "speed": _speed,
        "designs": _designs,
        "detector": _detector,
        "challenge": _challenge,
    }
    sections += [write(others[name]) for name, write in known.items() if name in others]
    return "\n\n".join(section for section in sections if section) + "\n"


def table(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; numbers are right-aligned by their column."""
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join('---' for _ in heads)}|"]
    return "\n".join([*lines, *(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)])


def _head(reports: Sequence[Report], day: str) -> str:
    models = {report["model"]: report["sha256"] for report in reports}
    versions = reports[0]["versions"] if reports else {}
    lines = [
        "# Results",
        "",
        f"Measured and written by `canthus results --root DATA` on {day}; not edited by hand. DATA is the "
        "folder that holds `300w`, `aflw2000_merlrav` and `negatives`. What each number means: "
        "[protocols](protocols.md).",
        "",
        "Versions: " + ", ".join(f"{name} {value}" for name, value in versions.items()) + ".",
        "",
        table(["model", "sha256"], [[name, f"`{digest}`"] for name, digest in models.items()]),
    ]
    return "\n".join(lines)


def _number(report: Report, name: str, digits: int = 2) -> str:
    value = report["metrics"].get(name)
    return "-" if value is None else f"{value:.{digits}f}"


def _label(report: Report) -> list[str]:
    return [report["model"], report["title"], report["boxes"]]


def _landmarks(reports: Sequence[Report]) -> str:
    columns: tuple[tuple[str, Callable[[Report], str]], ...] = (
        ("faces", lambda r: str(r["faces"])),
        ("missed", lambda r: str(r["missed"])),
        ("without an eye corner", lambda r: _number(r, "left_out/inter_ocular", 0)),
        ("NME inter-ocular", lambda r: _number(r, "nme/inter_ocular")),
        ("NME inter-pupil", lambda r: _number(r, "nme/inter_pupil")),
        ("NME sqrt(w h)", lambda r: _number(r, "nme/landmark_box_sqrt_wh")),
        ("FR@0.08 %", lambda r: _number(r, "failure_rate/inter_ocular@0.08")),
        ("FR@0.10 %", lambda r: _number(r, "failure_rate/inter_ocular@0.10")),
        ("AUC@0.08", lambda r: _number(r, "auc/inter_ocular@0.08", 3)),
        ("AUC@0.10", lambda r: _number(r, "auc/inter_ocular@0.10", 3)),
    )
    rows = [[*_label(report), *(get(report) for _, get in columns)] for report in reports]
    text = (
        "NME in per cent of the named denominator over the faces found; FR and AUC count missed as failures."
    )
    outside = (
        "Rows marked `outside` are other people's models, measured here by the same code on the same data."
    )
    note = f"{text} {outside}" if any(report.get("outside") for report in reports) else text
    return (
        f"## Landmarks\n\n{note}\n\n{table(['model', 'data', 'boxes', *(name for name, _ in columns)], rows)}"
    )


def _yaw(reports: Sequence[Report]) -> str:
    chosen = [report for report in reports if any(f"{key}/faces" in report["metrics"] for _, key in YAW)]
    rows = [
        [*_label(report), *(_number(report, f"{key}/nme/landmark_box_sqrt_wh") for _, key in YAW)]
        for report in chosen
    ]
    text = "NME / sqrt(w h) of the labelled points' tight box, labelled points only, in per cent."
    heads = ["model", "data", "boxes", *(f"|yaw| {name}".replace("|", "") for name, _ in YAW)]
    return f"## By head pose\n\n{text}\n\n{table(heads, rows)}" if rows else ""


def _parts(reports: Sequence[Report]) -> str:
    chosen = [report for report in reports if report["boxes"] == "landmarks"]
    names = sorted({name for report in chosen for name in report["metrics"] if name.startswith("part/")})
    names = [name for name in names if name.endswith("/inter_ocular")]
    heads = ["part", *(f"{report['model']}, {report['title']}" for report in chosen)]
    rows = [[name.split("/")[1], *(_number(report, name) for report in chosen)] for name in names]
    return (
        f"## Parts\n\nNME inter-ocular in per cent, landmark boxes.\n\n{table(heads, rows)}" if rows else ""
    )


def _probabilities(reports: Sequence[Report]) -> str:
    columns = (
        ("inside the 50 % ellipse, %", "calibration/inside_50", 1),
        ("inside the 90 % ellipse, %", "calibration/inside_90", 1),
        ("visibility AUC", "visibility_auc", 3),
        ("presence AUC", "presence_auc", 4),
    )
    rows = [
        [*_label(report), *(_number(report, name, digits) for _, name, digits in columns)]
        for report in reports
        if any(name in report["metrics"] for _, name, _ in columns)
    ]
    text = "Points inside their predicted ellipses; visible against hidden points; faces against backgrounds."
    heads = ["model", "data", "boxes", *(head for head, _, _ in columns)]
    return f"## Covariance, visibility, presence\n\n{text}\n\n{table(heads, rows)}" if rows else ""


def _curve(reports: Sequence[Report]) -> str:
    rows = []
    for report in reports:
        curve = dict(zip(report["ced"]["error"], report["ced"]["share"], strict=True))
        shares = ["-" if curve.get(error) is None else f"{100 * curve[error]:.1f}" for error in CURVE]
        rows.append([*_label(report), *shares])
    heads = ["model", "data", "boxes", *(f"{error:.2f}" for error in CURVE)]
    text = "Share of the faces, in per cent, with an inter-ocular NME of at most the column's."
    return f"## Cumulative errors\n\n{text}\n\n{table(heads, rows)}"


def _commands(reports: Sequence[Report]) -> str:
    commands = list(dict.fromkeys(report["command"] for report in reports))
    return "## Commands\n\n```\n" + "\n".join(commands) + "\n```"


def _speed(content: Report) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in content["settings"].items())
    rows = [
        [row["model"], row["what"], row["median_ms"], row["p10_ms"], row["p90_ms"]]
        for row in content["times"]
    ]
    ratios = [
        f"{what}: {ratio} times the second" for what, ratio in content.get("ratio_to_second", {}).items()
    ]
    text = (
        f"`canthus benchmark` ({settings}), milliseconds. The first takes, {'; '.join(ratios)}."
        if ratios
        else settings
    )
    return f"## Speed\n\n{text}\n\n{table(['model', 'timed', 'median', '10 %', '90 %'], rows)}"


def _designs(rows: Sequence[Report]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row["validation"]))
    heads = ["design", "parameters", "MACs", "epochs", *names]
    body = [
        [
            row["design"],
            f"{row['params']:,}",
            f"{row['macs']:,}",
            row["epochs"],
            *(_cell(row["validation"], name) for name in names),
        ]
        for row in rows
    ]
    commands = "\n".join(dict.fromkeys(row["command"] for row in rows))
    text = "Designs compared on the validation slice of the training data; the test sets were not touched."
    return f"## Designs\n\n{text}\n\n{table(heads, body)}\n\n```\n{commands}\n```"


def _cell(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value if value is not None else "-")


def _detector(content: Report) -> str:
    from canthus.face_detection.report import results_page

    return "## Face detector\n\n" + results_page(content).partition("\n")[2].strip()


def _challenge(content: Report) -> str:
    from canthus.commands.challenge import errors

    kept = all(rule["kept"] for rule in content["rules"])
    rules = ", ".join(rule["name"] for rule in content["rules"])
    command = (
        f"canthus challenge check {content['model']} --dataset {content['dataset']} "
        f"--root DATA/aflw2000_merlrav --split {content['split']} --json docs/challenge.json"
    )
    lines = [
        f"`{command}`, {content['faces']} whole pictures. Rules ({rules}): "
        + ("all kept." if kept else "not all kept."),
        "\n".join(f"* {line.strip()}" for line in errors(content["metrics"])),
        "[What they mean](challenge.md); published errors of the challenge are of other pictures.",
    ]
    return "\n\n".join(["## The light-weight challenge", *lines])
