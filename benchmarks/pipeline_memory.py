"""Memory of a training's pictures: how it grows with the number of faces. Linux only.

python benchmarks/pipeline_memory.py [--faces 250 1000 4000] [--page docs/benchmarks.md]

For each number of faces a process of its own cuts them from generated photos into a pack and goes through an
epoch with two workers, while the private memory of all three (`RssAnon`) is read from /proc.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import cv2
from page import markdown_table, write_section
from pipeline import BATCH, CONTEXT, RULE, SIZE, TRANSFORMS, Kind, generate

from canthus.schemes.ibug68 import IBUG68
from canthus.training.cutting import Cutter
from canthus.training.data import Batches, Views, loader
from canthus.training.packing import Coding, read_pack
from canthus.training.pictures import pack_photos
from canthus.transforms import Pipeline

WORKERS = 2
CODINGS: tuple[Coding, ...] = ("raw", "jpeg")
#: Sixteen faces a photo, so that decoding takes little of the time; most pictures come in full size.
CROWD = Kind(quality=80, progressive=False, faces=16, side=300, spread=0.2)


class Watch:
    """Reads the private memory of this process and of those it started, in MB; keeps the peaks."""

    def __init__(self) -> None:
        self.own, self.workers = 0.0, 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            self.own = max(self.own, private(Path("/proc/self")))
            children = Path(f"/proc/self/task/{threading.main_thread().native_id}/children").read_text()
            self.workers = max(
                self.workers, sum(private(Path("/proc") / child) for child in children.split())
            )


def private(process: Path) -> float:
    """Memory of a process that is not a file's, MB; 0 for one that has ended."""
    try:
        lines = (process / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1e3


def measure(count: int, coding: Coding, folder: Path) -> dict[str, float]:
    """Peaks in MB, and the size of the pack, of one training's pictures; in this process."""
    cv2.setNumThreads(0)
    samples = generate(folder / "photos", count, CROWD)
    before = private(Path("/proc/self"))
    with Watch() as watch:
        pack_photos(folder / "pack", samples, Cutter(RULE, SIZE, CONTEXT), {"coding": coding}, WORKERS)
        cutting, watch.workers = watch.workers, 0.0
        _, packed = read_pack(folder / "pack")
        views = Views(packed, Pipeline(RULE, SIZE, IBUG68, TRANSFORMS), seed=0)
        for _ in loader(views, Batches([1.0] * len(packed), BATCH, seed=0), WORKERS):
            pass
    size = (folder / "pack").stat().st_size / 1e6
    return {"size": size, "own": watch.own - before, "cutting": cutting, "epoch": watch.workers}


def main() -> None:
    """Measure and write what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, nargs="+", default=[256, 1024, 4096])
    parser.add_argument("--page", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("FACES", "CODING"), help="measure in this process")
    options = parser.parse_args()
    if options.one:
        with tempfile.TemporaryDirectory() as name:
            print(json.dumps(measure(int(options.one[0]), options.one[1], Path(name))))
        return
    rows = []
    for coding in CODINGS:
        for count in options.faces:
            command = [sys.executable, __file__, "--one", str(count), coding]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            cells = (f"{found[name]:.0f}" for name in ("size", "own", "cutting", "epoch"))
            rows.append(["as they are" if coding == "raw" else "JPEG", str(count), *cells])
    head = ["pictures kept", "faces", "pack", "training process", "two cutting", "two workers"]
    text = [
        f"Megabytes, {SIZE} px crops, {CONTEXT} times their surroundings, {CROWD.faces} faces a photo. The",
        "pack is a mapped file: what of it is in memory belongs to the system, which gives it up when",
        "others need it, and is there once for all processes. The other columns are private memory: what the",
        "training process takes more for its pictures, and all that two processes beside it take while",
        "photos are cut and in an epoch, counting what they share with it.",
        "",
        *markdown_table(head, rows),
    ]
    print("\n".join(text))
    if options.page:
        faces = " ".join(map(str, options.faces))
        command = f"python benchmarks/pipeline_memory.py --faces {faces} --page docs/benchmarks.md"
        write_section(options.page, "pipeline-memory", "Training pipeline: memory", command, text)


if __name__ == "__main__":
    main()
