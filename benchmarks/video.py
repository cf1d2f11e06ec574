"""What a frame of a clip costs, part by part, and whether memory grows with the length of a clip.

    python benchmarks/video.py [--frames 20000] [--page docs/benchmarks.md]

A camera moves over the sample photograph. Memory is that of the process that follows the face, read while it
works.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from page import markdown_table, write_section

from canthus.commands.benchmark_video import measure, opencv_threads
from canthus.commands.moving_clip import moving_clip

SAMPLE = Path(__file__).parents[1] / "samples" / "astronaut.jpg"
SIDE = 192


def resident(process: int) -> float:
    """MB of memory that a process holds."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def grown(frames: int, folder: Path) -> list[dict[str, float]]:
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


def memory_lines(rows: list[dict[str, float]]) -> list[str]:
    """The section about memory."""
    half = [row["resident_mb"] for row in rows[len(rows) // 2 :]]
    text = [
        f"`canthus predict CLIP --save DIR --json FILE` on a clip of {SIDE} x {SIDE} px with a face in every",
        "frame. The containers' own tables, of the clip that is read and of the one that is written, grow by",
        f"some bytes a frame. In the second half of the clip memory grew by {half[-1] - half[0]:.1f} MB.",
        "",
    ]
    table = [[f"{row['frames']:.0f}", f"{row['resident_mb']:.1f}"] for row in rows]
    return [*text, *markdown_table(["frames done", "resident memory, MB"], table)]


def speed_lines(result: dict[str, Any]) -> list[str]:
    """The section about speed."""
    parts = result["parts"]
    network = parts["network"]["mean_ms"]
    text = [
        f"{result['frames']} frames of {result['width']} x {result['height']} px with one face, `face68`,",
        "smoothing `medium`; milliseconds of processor time of one thread, as `canthus benchmark face68",
        "--video PHOTO` takes them. `detect` is spread over all frames. `total` is what the points cost",
        "beyond decoding, without `pose`, which is solved for when it is read. Where other programs share",
        "the caches all times grow, those of many small steps most: the last column is the share of the",
        "network's.",
        "",
    ]
    rows = [
        [name, f"{times['mean_ms']:.2f}", f"{times['median_ms']:.2f}", f"{times['mean_ms'] / network:.2f}"]
        for name, times in parts.items()
    ]
    return [*text, *markdown_table(["part", "mean", "median", "mean / network"], rows)]


def main() -> None:
    """Measure, print, and put both sections into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=20_000, help="of the long clip; 0: speed only")
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "speed.mp4"
        moving_clip(SAMPLE, clip, frames=500)
        with opencv_threads(1):
            speed = speed_lines(measure(clip, "face68", 1))
        memory = memory_lines(grown(options.frames, Path(folder))) if options.frames else []
    print("\n".join([*speed, *memory]))
    if options.page:
        command = f"python benchmarks/video.py --frames {options.frames} --page {options.page}"
        write_section(options.page, "video", "Video: a frame, part by part", command, speed)
        if memory:
            write_section(options.page, "video-memory", "Video: memory", command, memory)


if __name__ == "__main__":
    main()
