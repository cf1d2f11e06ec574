"""`canthus export`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.formats import check_writable
from canthus.geometry import Crop
from canthus.images import read_image
from canthus.runtime.models import BUNDLED, model_file, weights_file


def export(
    checkpoint: str,
    out: Path,
    assignments: Sequence[str] = (),
    *,
    flip_test: bool = False,
    images: list[Path] | None = None,
) -> int:
    """Write an ONNX file after checking it against the network and print what was compared.

    `checkpoint` is a .safetensors file or a zoo row; `assignments` such as `codec.kernel=17` decode its
    outputs in another way. `images` are pictures whose middle squares the check
    runs on; without them it uses smooth random pictures.
    """
    if out.suffix != ".onnx":
        raise ValueError(f"{out}: expected a name that ends in .onnx")
    try:
        from canthus.checkpoints import native
        from canthus.export import export as write
        from canthus.export import facts_of
    except ModuleNotFoundError as error:
        raise ImportError(f"exporting needs {error.name}: pip install 'canthus[train]'") from None
    if checkpoint in BUNDLED:
        raise ValueError(f"{checkpoint}: is an ONNX file already; copy {model_file(checkpoint)}")
    check_writable(out)
    weights = weights_file(checkpoint)
    landmarker, recipe = native.load(weights, assignments)
    crops = np.stack([_square(path, recipe.size) for path in images]) if images else None
    parity = write(landmarker, recipe, out, flip_test=flip_test, crops=crops, facts=facts_of(weights))
    lines = [
        f"{out}: {out.stat().st_size / 1e6:.2f} MB",
        f"parity: raw outputs within {parity.raw:.1e} standard deviations, points {parity.points:.1e} px",
    ]
    if parity.ill_conditioned:
        pairs = ", ".join(f"crop {crop} point {point}" for crop, point in parity.ill_conditioned)
        lines.append(f"not judged, peak margin below noise: {pairs}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _square(path: Path, size: int) -> NDArray[np.uint8]:
    image = read_image(path)
    height, width = image.shape[:2]
    scale = size / min(height, width)
    middle = (size - 1) / 2
    shift = [middle - scale * (width - 1) / 2, middle - scale * (height - 1) / 2]
    return Crop(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), size).warp(image)
