"""The page on tracking and smoothing in figures."""

from __future__ import annotations

from typing import Any

from canthus.stability.measures import FOUND, VISIBLE
from canthus.stability.motion import TURN_RADIUS, TURN_REACH, TURN_SPEED
from canthus.stability.presence import HALF, HELD, LOST
from canthus.stability.rendering import FPS, HEIGHT, WIDTH
from canthus.stability.run import ALONE, POOLED, RAW, WAYS
from canthus.stability.sequences import SECONDS

KINDS = {
    "still": "a head at rest, the camera held by hand",
    "moving": "translation, scale and roll at once",
    "turning": "turning from side to side at 90 degrees a second",
    "occluded": "moving, and hidden for a moment by something that passes",
    "crossing": "two or three faces that pass behind each other",
}
_COLUMNS = {
    "nme": ("NME, %", 2),
    "jitter": ("jitter, %", 3),
    "second_difference": ("second difference, %", 3),
    "lag": ("lag, frames", 2),
    "lost": ("lost, % of frames", 2),
    "switches": ("id switches", 0),
    "twice": ("faces seen twice, frames", 0),
}


def results_page(result: dict[str, Any]) -> str:
    """The page that `canthus evaluate-video --markdown` writes."""
    figures = result["figures"]
    sections = [line for kind in KINDS if kind in figures for line in _kind(kind, figures[kind])]
    return "\n".join(
        [
            "# Tracking and smoothing, measured",
            "",
            f"Written by `{result['command']}` on {result['date']} (canthus {result['versions']['canthus']}, "
            f"ONNX Runtime {result['versions']['onnxruntime']}; model {result['model']}).",
            "",
            *_how(result),
            "",
            f"## One face: {', '.join(kind for kind in KINDS if kind in figures and kind != 'crossing')}",
            "",
            *_table(figures[POOLED]),
            "",
            *_verdict(figures[POOLED]),
            *sections,
            "",
            *_presence(result["presence"]),
            "",
        ]
    )


def _how(result: dict[str, Any]) -> list[str]:
    return [
        f"{result['videos']} videos of {SECONDS:g} s at {FPS:g} pictures a second, "
        f"{WIDTH}x{HEIGHT}, rendered from {result['photos']} photographs of {result['data']} with "
        f"seed {result['seed']}: the labelled points move with the photograph, so their place in "
        "each picture is known. Every picture has the motion blur of a shutter that is open half "
        "of the time, noise of 2 to 6 grey levels, a flicker of 1 % and JPEG compression of "
        "quality 50 to 90. Inter-ocular distance in the picture: 50 to 80 px.",
        "",
        "* NME and jitter are in per cent of the inter-ocular distance. **Jitter** is the root "
        "mean square of the second difference of a point's error from picture to picture, over "
        "faces followed without a gap; *second difference* is that of the point itself, which "
        "holds the true motion too.",
        f"* **Lag** is measured where the head turns at {TURN_SPEED:g} degrees a second. A still "
        "photograph cannot turn: it is narrowed and shifted like a plane in front of a vertical "
        f"axis, {TURN_RADIUS:g} inter-ocular distances (about 10 cm) away from it, that turns by "
        f"{TURN_REACH:g} degrees to either side. Its points move as fast as those of a head, 1.7 "
        "inter-ocular distances a second. The lag is the delay that explains the errors best "
        "(least squares).",
        f"* A face counts while less than {VISIBLE:.0%} of its points are hidden, as found where "
        f"its mean error is below {FOUND:.0%}, as **lost** otherwise. An **id switch** is a change "
        "of the id of a true face.",
        f"* *{ALONE}* asks the detector in every picture; all other rows follow with one `Tracker` "
        "and differ in the smoothing only. Settings were chosen on photographs of the training "
        "split.",
    ]


def _table(rows: dict[str, dict[str, float | None]]) -> list[str]:
    shown = {
        key: column for key, column in _COLUMNS.items() if any(row[key] is not None for row in rows.values())
    }
    lines = [
        f"| points | {' | '.join(title for title, _ in shown.values())} |",
        "|---|" + "---|" * len(shown),
    ]
    for way in WAYS:
        cells = [_cell(rows[way][key], digits) for key, (_, digits) in shown.items()]
        if way == ALONE and "switches" in shown:
            cells[list(shown).index("switches")] = "-"  # it has no ids
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return lines


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _verdict(rows: dict[str, dict[str, float | None]]) -> list[str]:
    medium = rows["causal, medium"]
    lines = []
    for way in (RAW, ALONE):
        row = rows[way]
        if row["jitter"] and medium["jitter"] and row["nme"] and medium["nme"]:
            lines.append(
                f"* Against *{way}*: jitter at medium is {medium['jitter'] / row['jitter']:.2f} times as "
                f"large, the NME {medium['nme'] / row['nme']:.3f} times."
            )
    return lines


def _kind(kind: str, rows: dict[str, dict[str, float | None]]) -> list[str]:
    return ["", f"## {kind.capitalize()}: {KINDS[kind]}", "", *_table(rows)]


def _presence(found: dict[str, Any]) -> list[str]:
    limits = list(next(iter(found["above"].values())))
    lines = [
        "## Does presence tell a lost face?",
        "",
        f"`presence` of {found['faces']} faces in crops that are off by a share of the side of the face's "
        f"box, in a random direction, and of {found['backgrounds']} crops of pictures without faces. AUC of "
        f"crops off by at most {HELD:g} against backgrounds: {found['auc_background']:.4f}; against crops "
        f"off by {HALF:g}, which hold about half of the landmarks: {found['auc_half']:.4f}; against crops "
        f"off by {LOST:g} or more: {found['auc_lost']:.4f} (some show another face of the photograph). "
        "Share of the crops, in %, above a threshold:",
        "",
        f"| crop | {' | '.join(limits)} |",
        "|---|" + "---|" * len(limits),
    ]
    for name, row in found["above"].items():
        lines.append(f"| {name} | {' | '.join(f'{row[limit]:.1f}' for limit in limits)} |")
    return lines
