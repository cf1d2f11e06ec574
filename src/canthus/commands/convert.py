"""`canthus convert`."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from canthus.formats import check_writable
from canthus.recipe import load_recipe


def convert(checkpoint: Path, out: Path, recipe: str) -> int:
    """Write a published checkpoint as .safetensors with its recipe and print what was taken and dropped."""
    if out.suffix != ".safetensors":
        raise ValueError(f"{out}: expected a name that ends in .safetensors")
    row = load_recipe(recipe)
    try:
        from canthus.checkpoints import load_official, native
    except ModuleNotFoundError as error:
        raise ImportError(f"converting needs {error.name}: pip install 'canthus[train]'") from None
    check_writable(out)
    landmarker, conversion = load_official(checkpoint, row)
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    facts = {
        "training_data": ", ".join(f"{part.name} {part.split}" for part in row.datasets),
        "source": checkpoint.name,
        "source_sha256": digest,
    }
    native.save(out, landmarker, row, facts)
    parameters = sum(parameter.numel() for parameter in landmarker.parameters())
    dropped = conversion.dropped
    lines = [
        f"{out}: {row.name}, {parameters} parameters from {len(conversion.state)} tensors",
        f"dropped {len(dropped)} tensors that the published network never uses"
        + (f": {', '.join(dropped)}" if dropped else ""),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
