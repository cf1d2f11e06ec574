"""`canthus evaluate-video`: how steady, how late and how faithful followed faces are."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from canthus.commands.benchmark import versions
from canthus.commands.progress import Progress
from canthus.datasets import DATASETS
from canthus.formats import aside, check_writable
from canthus.runtime.predictor import Predictor
from canthus.stability.presence import background_presence, presence_figures, slid_presence
from canthus.stability.report import results_page
from canthus.stability.run import measure
from canthus.stability.sequences import videos

THRESHOLDS = (0.2, 0.5, 0.8, 0.95)


@dataclass(frozen=True)
class Material:
    """What the videos are made of: `photos` photographs of a split of 300-W below `root`, evenly spread over
    it, `crossings` videos of several faces, and their seed."""

    root: Path
    split: str = "helen_test"
    photos: int = 60
    crossings: int = 20
    seed: int = 0


def evaluate_video(
    material: Material,
    *,
    model: str | None = None,
    json_file: Path | None = None,
    markdown: Path | None = None,
) -> int:
    """Render, follow, smooth, measure; prints the results page. Returns the exit code 0.

    Raises FileNotFoundError where `root` lacks 300w or negatives, ValueError for a split or a model that
    is none.
    """
    check_writable(json_file, markdown)
    predictor = Predictor(model, threads=1)
    labelled = DATASETS["300w"](material.root / "300w", material.split, allow_missing=True)
    backgrounds = DATASETS["backgrounds"](material.root / "negatives", "test")
    chosen = np.unique(np.linspace(0, len(labelled) - 1, material.photos).round().astype(int))
    samples = [labelled[int(i)] for i in chosen]
    made = videos(samples, labelled.scheme, crossings=material.crossings, seed=material.seed)
    with Progress("videos", len(samples) + material.crossings) as progress:
        figures = measure(predictor, made, progress=progress.advance)
    with Progress("presence", len(labelled)) as progress:
        slid = slid_presence(predictor.landmarker, list(labelled), progress=progress.advance)
    background = background_presence(predictor.landmarker, backgrounds)
    result: dict[str, Any] = {
        "command": _command(material, model),
        "date": datetime.now(UTC).date().isoformat(),
        "versions": versions(),
        "model": f"{model or 'face68'}, sha256 {predictor.card['sha256'][:12]}",
        "data": f"300w {material.split}",
        "photos": len(samples),
        "videos": len(samples) + material.crossings,
        "seed": material.seed,
        "figures": figures,
        "presence": presence_figures(slid, background, THRESHOLDS),
    }
    page = results_page(result)
    sys.stdout.write(page)
    for target, text in {json_file: json.dumps(result, indent=1) + "\n", markdown: page}.items():
        if target is not None:
            with aside(target) as part:
                part.write_text(text, encoding="utf-8")
    return 0


def _command(material: Material, model: str | None) -> str:
    words = ["canthus evaluate-video", *([model] if model else []), "--root DATA"]
    words += [f"--split {material.split}", f"--photos {material.photos}"]
    return " ".join([*words, f"--crossings {material.crossings}", f"--seed {material.seed}"])
