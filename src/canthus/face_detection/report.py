"""The measured figures of the detector as Markdown: the results page and the model card."""

from __future__ import annotations

from typing import Any

SETS = {
    "helen_test": "HELEN test",
    "afw_every_5th": "AFW, every 5th photo",
    "pasted_20_40px": "HELEN-test faces pasted at 20-40 px",
}
ROWS = {
    "canthus": "canthus face_detector",
    "yunet": "YuNet-n, boxes adjusted",
    "yunet_raw_boxes": "YuNet-n, its own boxes",
}


def results_page(result: dict[str, Any]) -> str:
    """The page that `canthus evaluate-detector --markdown` writes."""
    return "\n".join(
        [
            "# The face detector, measured",
            "",
            f"Written by `{result['command']}` (canthus {result['versions']['canthus']}, ONNX Runtime "
            f"{result['versions']['onnxruntime']}).",
            "",
            *_how(result),
            "",
            *_table(result),
            "",
            *_times(result),
            "",
        ]
    )


def model_card(result: dict[str, Any]) -> str:
    """The card `face_detector.md` that lies beside the ONNX file."""
    model = result["model"]
    return "\n".join(
        [
            "# Model card: face_detector",
            "",
            "Anchor-free convolutional face detector with five points (eye centres, nose tip, mouth "
            "corners), trained in this project from scratch.",
            "",
            f"* file: `face_detector.onnx`, {model['bytes'] / 1e6:.2f} MB, "
            f"{model['parameters']:,} parameters, sha256 `{model['sha256']}`",
            "* input: `image` uint8 (1, H, W, 3) RGB, H and W multiples of 32; outputs `boxes` (N, 4) "
            "xyxy px of the `face` kind, `scores` (N,), `five_points` (N, 5, 2), before non-maximum "
            "suppression",
            f"* score threshold {model['metadata']['score_threshold']}, IoU of the suppression "
            f"{model['metadata']['nms_iou']}",
            f"* training data: {model['metadata']['training_data']}",
            f"* terms: {model['metadata']['licence']} The training sets are research data (300-W, AFLW2000 "
            "and YouTube Faces exclude commercial use). Automatic YuNet boxes marked the unlabelled faces "
            "of the training photos.",
            "",
            "## Measured",
            "",
            *_how(result),
            "",
            *_table(result),
            "",
            *_times(result),
            "",
            "## Limits",
            "",
            "* Trained on about 1,000 photos and 3,700 face pictures only. Heads upside down, faces below "
            "about 16 px, masks and strong occlusion are rare or absent in the training data: expect misses.",
            "* The false-positive figures come from few pictures that were chosen with YuNet's help (no "
            "region it scores above 0.25): they flatter YuNet, and say little about drawings and statues.",
            "* Scores rank candidates; they are not calibrated probabilities.",
            "",
        ]
    )


def _how(result: dict[str, Any]) -> list[str]:
    return [
        "Recall in per cent (a face counts as found at IoU >= 0.5 with its `face` box, both cut at the "
        "picture's border), each detector at its own threshold: at most "
        f"{result['allowed']} false positives on the {result['negatives']} held-out negatives. "
        f"Longest side searched: {result['working_size']} px, never enlarged. "
        "The negatives were chosen with YuNet's help.",
    ]


def _table(result: dict[str, Any]) -> list[str]:
    counts = result["faces"]
    heads = [f"{title} ({counts[name]} faces)" for name, title in SETS.items()]
    lines = [
        f"| detector | threshold | false positives | {' | '.join(heads)} |",
        "|---|---|---|" + "---|" * len(heads),
    ]
    for key, title in ROWS.items():
        if key in result["figures"]:
            lines.append(_row(title, result["figures"][key]["operating_point"]))
    shipped = result["figures"]["canthus"]["shipped"]
    return [*lines, _row("canthus face_detector, default threshold", shipped)]


def _row(title: str, figures: dict[str, Any]) -> str:
    recalls = " | ".join(f"{figures['recall'][name]:.1f}" for name in SETS)
    return f"| {title} | {figures['threshold']:.3f} | {figures['false_positives']} | {recalls} |"


def _times(result: dict[str, Any]) -> list[str]:
    times = result["milliseconds"]
    ours = f"One picture of 320 x 320 px on one thread of ONNX Runtime: {times['canthus']:.2f} ms"
    if "yunet" not in times:
        return [f"{ours} (median)."]
    return [
        f"{ours}, YuNet-n {times['yunet']:.2f} ms "
        f"(medians, the two taking turns; ours over theirs, median of the pairs: {times['ratio']:.2f})."
    ]
