"""Whether `canthus predict CLIP --save --json` grows with the length of a clip.

    python benchmarks/video_memory.py [--frames 20000] [--json F]

A camera moves over the sample photograph for as many frames; the memory of the process that follows the face
is read while it works.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from canthus.commands.moving_clip import moving_clip

SAMPLE = Path(__file__).parents[1] / "samples" / "astronaut.jpg"
SIDE = 192


def resident(process: int) -> float:
    """MB of memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(frames: int, folder: Path) -> list[dict[str, float]]:
    """Memory in MB at each tenth of the clip."""
    clip, report = folder / "clip.mp4", folder / "out" / "faces.jsonl"
    moving_clip(SAMPLE, clip, frames=frames, width=SIDE, height=SIDE)
    command = [sys.executable, "-m", "canthus", "predict", str(clip), "--save", str(folder / "out")]
    child = subprocess.Popen([*command, "--json", str(report), "--threads", "1"])
    rows: list[dict[str, float]] = []
    done, read = 0, 0
    part = report.with_name(f".{report.stem}.{child.pid}.part{report.suffix}")
    while child.poll() is None:
        time.sleep(0.05)
        if not part.exists():
            continue
        with part.open("rb") as lines:
            lines.seek(read)
            content = lines.read()
        read += len(content)
        done += content.count(b"\n")  # a face a frame
        if done >= (len(rows) + 1) * frames / 10 and child.poll() is None:
            rows.append({"frames": done, "resident_mb": round(resident(child.pid), 1)})
    if child.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    return rows


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(options.frames, Path(folder))
    print("\n".join(f"{row['frames']:8} frames {row['resident_mb']:8.1f} MB" for row in rows))
    if options.json:
        options.json.write_text(json.dumps({"frames": options.frames, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
