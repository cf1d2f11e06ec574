"""Reading and writing weights."""

from pathlib import Path

from canthus.checkpoints import native
from canthus.models.landmarker import Landmarker

__all__ = ["load", "native"]


def load(path: str | Path) -> Landmarker:
    """The network of a .safetensors file in evaluation mode, with its weights; see `native.load`."""
    return native.load(Path(path))[0]
