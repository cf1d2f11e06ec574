"""What `canthus predict` costs: import time, peak memory, pictures per second. Each figure is a process of
its own.

    python benchmarks/predict.py [--model M] [--detector D] [--photo FILE] [--json F]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).parents[1] / "samples" / "astronaut.jpg"


def run(*command: str) -> tuple[float, float]:
    """Seconds and peak memory in MB of a Python command; its output is dropped."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.execv(sys.executable, [sys.executable, *command])
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    scale = 1024 if sys.platform == "darwin" else 1
    return time.perf_counter() - start, usage.ru_maxrss / scale / 1024


def measure(options: argparse.Namespace, folder: Path) -> dict[str, float]:
    """All figures; seconds are medians of nine runs."""
    models = [
        word
        for name in ("model", "detector")
        if (value := getattr(options, name))
        for word in (f"--{name}", value)
    ]
    predict = ("-m", "canthus", "predict", *models)
    bare = statistics.median(run("-c", "pass")[0] for _ in range(9))
    imported = statistics.median(run("-c", "import canthus")[0] for _ in range(9))
    result = {"import_s": round(imported - bare, 3)}
    for name, size in (
        ("photo", None),
        ("photo_12_megapixels", (4000, 3000)),
        ("photo_108_megapixels", (12000, 9000)),
    ):
        photo = options.photo
        if size is not None:
            photo = folder / f"{name}.jpg"
            with Image.open(options.photo) as picture:
                picture.convert("RGB").resize(size).save(photo, quality=90)
        seconds, peak = run(
            *predict, str(photo), "--save", str(folder / "out"), "--json", str(folder / "out.json")
        )
        result |= {f"{name}_s": round(seconds, 2), f"{name}_peak_mb": round(peak)}
    many = folder / "many"
    many.mkdir()
    for i in range(100):
        (many / f"{i}.jpg").write_bytes(options.photo.read_bytes())
    one = run(*predict, str(options.photo), "--json", str(folder / "a.json"))[0]
    hundred, peak = run(*predict, str(many), "--json", str(folder / "a.json"))
    return result | {"pictures_per_s": round(99 / (hundred - one), 1), "folder_peak_mb": round(peak)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model")
    parser.add_argument("--detector")
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = measure(options, Path(folder))
    print("\n".join(f"{name:30} {value}" for name, value in result.items()))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
