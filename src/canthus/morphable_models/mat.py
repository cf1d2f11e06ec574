"""Variables of a MATLAB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray


def read_variables(path: Path, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """These arrays of a file of MATLAB 5 to 7.2; needs scipy.

    Raises FileNotFoundError, and ValueError for a file that is none or lacks one of them.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        from scipy.io import loadmat
    except ImportError:
        raise ImportError("reading .mat files needs scipy: pip install 'canthus[mat]'") from None
    try:
        content: dict[str, Any] = loadmat(str(path), variable_names=list(names))
    except Exception as error:  # scipy raises many kinds for files that are no .mat
        raise ValueError(f"{path}: not a readable .mat file ({' '.join(str(error).split())[:200]})") from None
    lacking = [name for name in names if name not in content]
    if lacking:
        raise ValueError(f"{path}: found no {', '.join(lacking)}")
    return {name: content[name] for name in names}
