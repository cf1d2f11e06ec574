"""The shape model of 3DDFA (Zhu et al. 2016) as SynergyNet and 3DDFA_V2 keep it: Basel Face Model 2009 for
identity, FaceWarehouse for expression.

Licence: the Basel Face Model is for academic use after registration (faces.dmi.unibas.ch), not to be passed
on; FaceWarehouse is for research. Nothing of them comes with this package.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray
from canthus.morphable_models.morphable_model import MorphableModel, typical_noise
from canthus.morphable_models.pickles import read_pickle

LICENCE = (
    "Basel Face Model 2009 (academic use after registration) and FaceWarehouse (research): not to be passed "
    "on"
)
SOURCE = (
    "the folder 3dmm_data of choyingw/SynergyNet (its README links it), or configs/bfm_noneck_v3.pkl and "
    "param_mean_std_62d_120x120.pkl of cleardusk/3DDFA_V2"
)
#: Numbers of a pose, identity and expression in the published layout.
POSE, IDENTITY, EXPRESSION = 12, 40, 10
#: Files of a SynergyNet folder: what is read, by the names that are tried.
_ARRAYS = {
    "u_shp": ("u_shp.npy",),
    "u_exp": ("u_exp.npy",),
    "w_shp": ("w_shp_sim.npy", "w_shp.npy"),
    "w_exp": ("w_exp_sim.npy", "w_exp.npy"),
    "keypoints": ("keypoints_sim.npy", "keypoints.npy"),
}
_WHITENING = ("param_whitening.pkl", "param_mean_std_62d_120x120.pkl")
_TRIANGLES = ("tri.mat", "tri.pkl")


@dataclass(frozen=True, eq=False)
class Whitening:
    """Parameters = mean + std * what a network regresses; `mean` and `std` (12 + I + E,): a 3x4 matrix from
    the model to the crop, row by row, then identity and expression."""

    mean: FloatArray
    std: FloatArray


def is_tddfa(path: Path) -> bool:
    """Whether a path looks like these files: a folder with their names, or a .pkl."""
    if path.is_dir():
        return any((path / name).is_file() for name in ("w_shp_sim.npy", "w_shp.npy", "bfm_noneck_v3.pkl"))
    return path.suffix == ".pkl"


def read_tddfa(path: Path) -> tuple[MorphableModel, Whitening | None]:
    """The shape model in SynergyNet's folder of arrays or 3DDFA_V2's pickle (or the folder that holds it), in
    micrometres, and the whitening that lies beside it, if it does.

    The deviations are those of the whitening, about zero. Raises FileNotFoundError and ValueError that say
    where the files are from.
    """
    if path.is_dir() and (path / "bfm_noneck_v3.pkl").is_file():
        path = path / "bfm_noneck_v3.pkl"
    arrays = _of_folder(path) if path.is_dir() else _of_pickle(path)
    folder = path if path.is_dir() else path.parent
    try:
        mean = _vertices(arrays["u"])[:, :, 0]
        identity = _vertices(arrays["w_shp"]).transpose(2, 0, 1)
        expression = _vertices(arrays["w_exp"]).transpose(2, 0, 1)
        landmarks = _landmarks(arrays["keypoints"], len(mean))
        whitening = read_whitening(folder)
        return MorphableModel(
            mean=mean,
            identity=identity,
            expression=expression,
            deviations=_deviations(whitening, len(identity), len(expression)),
            scheme="ibug68_3d",
            noise=typical_noise(mean[landmarks]),
            source=f"3DDFA's shape model, {path.name}",
            licence=LICENCE,
            landmarks=landmarks,
            triangles=_triangles(folder),
        ), whitening
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: not 3DDFA's shape model ({error}); it is {SOURCE}") from None


def read_whitening(folder: Path) -> Whitening | None:
    """The mean and standard deviation of the 62 parameters in a folder; None where it has no such file.

    A file with more numbers than 62 keeps them behind those that are used.
    """
    path = next((folder / name for name in _WHITENING if (folder / name).is_file()), None)
    if path is None:
        return None
    content = read_pickle(path)
    names = ("param_mean", "param_std"), ("mean", "std")
    found = [pair for pair in names if isinstance(content, Mapping) and set(pair) <= set(content)]
    if not found:
        raise ValueError(f"{path}: found no mean and std of parameters; expected {SOURCE}")
    size = POSE + IDENTITY + EXPRESSION
    mean, std = (np.asarray(content[name], dtype=np.float64).ravel()[:size] for name in found[0])
    if len(mean) != size or len(std) != size or not (std > 0).all():
        raise ValueError(f"{path}: found {len(mean)} and {len(std)} numbers, expected {size} positive std")
    return Whitening(mean, std)


def _of_folder(folder: Path) -> dict[str, NDArray[Any]]:
    out = {}
    for name, files in _ARRAYS.items():
        path = next((folder / file for file in files if (folder / file).is_file()), None)
        if path is None:
            raise FileNotFoundError(f"{folder}: no {files[0]} in it; expected {SOURCE}")
        try:
            out[name] = np.load(path, allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise ValueError(f"{path}: not a numpy array ({error}); expected {SOURCE}") from None
    if out["u_shp"].shape != out["u_exp"].shape:
        raise ValueError(
            f"{folder}: not 3DDFA's shape model (u_shp {out['u_shp'].shape} and u_exp {out['u_exp'].shape} "
            f"differ); it is {SOURCE}"
        )
    return {**out, "u": out["u_shp"] + out["u_exp"]}


def _of_pickle(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected {SOURCE}")
    content = read_pickle(path)
    needed = ("u", "w_shp", "w_exp", "keypoints")
    if not isinstance(content, Mapping) or not set(needed) <= set(content):
        raise ValueError(f"{path}: found no {', '.join(needed)}; expected {SOURCE}")
    counts = {"w_shp": IDENTITY, "w_exp": EXPRESSION}  # the file has more directions than networks use
    return {name: np.asarray(content[name])[..., : counts.get(name)] for name in needed}


def _vertices(array: NDArray[Any]) -> FloatArray:
    """(V, 3, C) of an array (3 V, C) or (3 V,) whose rows are x, y, z of one vertex after another."""
    table = np.asarray(array, dtype=np.float64)
    return table.reshape(-1, 3, table.shape[1] if table.ndim > 1 else 1)


def _landmarks(array: NDArray[Any], vertices: int) -> NDArray[np.int64]:
    """Vertex numbers (68,) of the rows x, y, z (204,) of the points."""
    rows = np.asarray(array).ravel().astype(np.int64)
    numbers = rows[::3] // 3
    if len(rows) != 204 or (rows != (3 * numbers[:, None] + np.arange(3)).ravel()).any():
        raise ValueError(f"found {len(rows)} keypoint rows, expected x, y, z of 68 vertices")
    if numbers.min() < 0 or numbers.max() >= vertices:
        raise ValueError(f"found keypoint vertex {numbers.max()} of {vertices}")
    return numbers


def _deviations(whitening: Whitening | None, identity: int, expression: int) -> FloatArray:
    """Root mean squares of the coefficients; without the whitening all alike."""
    if whitening is None or (identity, expression) != (IDENTITY, EXPRESSION):
        return np.ones(identity + expression)
    return np.sqrt(whitening.mean[POSE:] ** 2 + whitening.std[POSE:] ** 2)


def _triangles(folder: Path) -> NDArray[np.int64] | None:
    path = next((folder / name for name in _TRIANGLES if (folder / name).is_file()), None)
    if path is None:
        return None
    if path.suffix == ".pkl":
        return np.asarray(read_pickle(path), dtype=np.int64).reshape(-1, 3)
    from canthus.formats.mat import read_variables

    numbers = np.asarray(read_variables(path, ("tri",))["tri"], dtype=np.int64)
    return (numbers.T if numbers.shape[0] == 3 else numbers) - 1  # MATLAB counts from 1
