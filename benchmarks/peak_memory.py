"""Peak resident memory of loading a model and one prediction, in a process of its own (Linux).

python benchmarks/peak_memory.py [MODEL.onnx]

Prints MB; without a model what Python and the packages take before any is loaded.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
SIZE = 480  # px: the picture, of which the middle half is the box of the face


def of_a_new_process(model: Path | None = None) -> float | None:
    """MB, measured in a fresh process; None where the system does not say."""
    if not STATUS.is_file():
        return None
    words = [] if model is None else [str(model)]
    command = [sys.executable, str(Path(__file__).resolve()), *words]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Predict once where a model is named, and print this process's own high-water mark."""
    import numpy as np

    from canthus import Predictor

    picture = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    if sys.argv[1:]:
        Predictor(sys.argv[1], threads=1)(picture, [[SIZE / 4, SIZE / 4, SIZE * 3 / 4, SIZE * 3 / 4]])
    # getrusage would give the parent's size where that is larger: the mark of before exec is kept.
    peak = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    sys.stdout.write(f"{int(peak.split()[1]) * 1024 / 1e6:.1f}\n")


if __name__ == "__main__":
    main()
