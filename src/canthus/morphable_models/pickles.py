"""Pickles of plain values and numpy arrays, read without running anything that a file names."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

_ARRAY = np.zeros(1).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_BUFFER = np.zeros(1).__reduce_ex__(5)[0]


def _encode(text: str, encoding: str) -> bytes:
    """What old pickles build bytes with."""
    return text.encode(encoding)


#: The names that a pickle may use. numpy 2 moved its private modules: both places mean the same.
_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _ARRAY for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _SCALAR for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _BUFFER for core in ("core", "_core")},
}


class _Arrays(pickle.Unpickler):
    """Admits numpy arrays and plain values alone."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is not run")
        return _ADMITTED[module, name]


def read_pickle(path: Path) -> Any:
    """The content of a pickle of plain values and numpy arrays, also of Python 2.

    ValueError for a file that is none, or that names anything else.
    """
    try:
        with path.open("rb") as file:
            return _Arrays(file, encoding="latin1").load()
    except FileNotFoundError:
        raise
    except Exception as error:  # a damaged pickle fails in any way
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: not a pickle of numpy arrays and plain values ({reason})") from None
