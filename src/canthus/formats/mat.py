"""MATLAB files, in both of their formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_mat(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Those of these variables that a file of MATLAB 5 to 7.2 has; needs scipy.

    Raises ValueError that names the file where it is none.
    """
    try:
        from scipy.io import loadmat
    except ImportError:
        raise ImportError("reading .mat files needs scipy: pip install 'canthus[mat]'") from None
    try:
        content: dict[str, Any] = loadmat(str(path), variable_names=list(names))
    except Exception as error:  # scipy raises many kinds for files that are no .mat
        raise ValueError(f"{path}: not a readable .mat file ({_line(error)})") from error
    return content


def numbers(content: dict[str, Any], name: str) -> NDArray[np.float64]:
    """A variable of `read_mat` as numbers, empty where it is not there; ValueError for texts and cells."""
    try:
        return np.asarray(content.get(name, ()), dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"found a {name} of texts or cells, expected numbers") from None


def read_variables(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """All of these arrays of a file of MATLAB 5 to 7.2.

    Raises FileNotFoundError, and ValueError for a file that is none or lacks one of them.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    content = read_mat(path, names)
    lacking = [name for name in names if name not in content]
    if lacking:
        raise ValueError(f"{path}: found no {', '.join(lacking)}")
    return {name: content[name] for name in names}


def open_mat73(path: Path) -> Any:
    """An open file of MATLAB 7.3 (HDF5), a context manager; needs h5py. ValueError that names it else.

    Its arrays have their axes in MATLAB's order reversed.
    """
    try:
        import h5py
    except ImportError:
        raise ImportError("reading MATLAB 7.3 files needs h5py: pip install 'canthus[mat]'") from None
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: not a readable MATLAB 7.3 file ({_line(error)})") from error


def columns(array: Any, count: int) -> NDArray[np.float64]:
    """A table (N, count), whichever of its two axes has `count` entries; ValueError for neither."""
    table = np.asarray(array, dtype=np.float64)
    if table.ndim == 2 and table.shape[1] != count and table.shape[0] == count:
        table = table.T
    if table.ndim != 2 or table.shape[1] != count:
        raise ValueError(f"found shape {table.shape}, expected {count} columns")
    return table


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
