"""canthus: facial landmarks, found, trained, scored, exported. Importing it imports no torch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from canthus.faces import Faces
    from canthus.runtime.predictor import Predictor
    from canthus.schemes import SCHEMES, Scheme

__version__ = "0.1.0"
__all__ = ["SCHEMES", "Faces", "Predictor", "Scheme", "__version__"]

_HOMES = {
    "Faces": "canthus.faces",
    "Predictor": "canthus.runtime.predictor",
    "SCHEMES": "canthus.schemes",
    "Scheme": "canthus.schemes",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'canthus' has no attribute {name!r}; it has {', '.join(__all__)}")
