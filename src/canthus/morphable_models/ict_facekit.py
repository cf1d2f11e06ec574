"""ICT-FaceKit (Li et al. 2020; USC Institute for Creative Technologies): a face as meshes of one topology.

Licence: MIT (github.com/ICT-VGL/ICT-FaceKit). It does not come with this package.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray
from canthus.morphable_models.morphable_model import MorphableModel, typical_noise

LICENCE = "MIT (ICT-FaceKit, USC Institute for Creative Technologies)"
SOURCE = "the folder FaceXModel of github.com/ICT-VGL/ICT-FaceKit (clone it with git lfs)"
#: Identity weights are drawn from a normal distribution; blend shapes lie in [0, 1], most of them near 0.
IDENTITY_DEVIATION, EXPRESSION_DEVIATION = 1.0, 0.3
_INDICES, _NEUTRAL = "vertex_indices.json", "generic_neutral_mesh.obj"


def is_ict(folder: Path) -> bool:
    """Whether a folder is one of ICT-FaceKit, or holds it."""
    return any((place / _INDICES).is_file() for place in (folder, folder / "FaceXModel"))


def read_ict(folder: Path) -> MorphableModel:
    """The neutral mesh, identities and expressions of a folder, in centimetres; faces of four are split.

    Raises FileNotFoundError and ValueError that say where the files are from.
    """
    folder = folder if (folder / _INDICES).is_file() else folder / "FaceXModel"
    if not (folder / _INDICES).is_file():
        raise FileNotFoundError(f"{folder.parent}: no {_INDICES} in it; expected {SOURCE}")
    try:
        indices = json.loads((folder / _INDICES).read_text(encoding="utf-8"))
        landmarks = np.asarray(indices["idx_to_landmark_verts"], dtype=np.int64)
        names = [str(name) for name in indices["expressions"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / _INDICES}: unusable ({error!r}); expected {SOURCE}") from None
    neutral, triangles = _mesh(folder / _NEUTRAL)
    if landmarks.shape != (68,) or not 0 <= landmarks.min() <= landmarks.max() < len(neutral):
        raise ValueError(f"{folder / _INDICES}: found {landmarks.shape} landmark vertices, expected (68,)")
    identities = sorted(folder.glob("identity[0-9]*.obj"))
    if not identities:
        raise FileNotFoundError(f"{folder}: no identity000.obj in it; expected {SOURCE}")
    return _model(
        neutral,
        _offsets(identities, neutral),
        _offsets([folder / f"{name}.obj" for name in names], neutral),
        f"ICT-FaceKit, {len(identities)} identities and {len(names)} expressions",
        landmarks,
        triangles,
    )


def read_ict_landmarks(path: Path) -> MorphableModel:
    """The landmarks of such a folder alone: an .npz of `mean` (68, 3), `identity` (I, 68, 3) and `expression`
    (E, 68, 3), offsets from the mean."""
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, identity, expression = (file[name] for name in ("mean", "identity", "expression"))
        return _model(mean, identity, expression, f"ICT-FaceKit, landmarks, {path.name}")
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"{path}: not the landmarks of ICT-FaceKit ({error})") from None


def _model(
    mean: FloatArray,
    identity: FloatArray,
    expression: FloatArray,
    source: str,
    landmarks: NDArray[np.int64] | None = None,
    triangles: NDArray[np.int64] | None = None,
) -> MorphableModel:
    deviations = [IDENTITY_DEVIATION] * len(identity) + [EXPRESSION_DEVIATION] * len(expression)
    return MorphableModel(
        mean=mean,
        identity=identity,
        expression=expression,
        deviations=np.array(deviations),
        scheme="ibug68_3d",
        noise=typical_noise(np.asarray(mean if landmarks is None else mean[landmarks], dtype=np.float64)),
        source=source,
        licence=LICENCE,
        landmarks=landmarks,
        triangles=triangles,
    )


def _offsets(paths: list[Path], neutral: FloatArray) -> FloatArray:
    """(N, V, 3) of the meshes, minus the neutral one."""
    out = np.empty((len(paths), *neutral.shape))
    for row, path in zip(out, paths, strict=True):
        vertices = _mesh(path)[0]
        if vertices.shape != neutral.shape:
            raise ValueError(
                f"{path}: found {len(vertices)} vertices, expected the {len(neutral)} of {_NEUTRAL}"
            )
        row[:] = vertices - neutral
    return out


def _mesh(path: Path) -> tuple[FloatArray, NDArray[np.int64]]:
    """Vertices (V, 3) and triangles (T, 3) of a Wavefront .obj file."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such mesh; expected {SOURCE}")
    vertices, triangles = list[list[str]](), list[list[int]]()
    try:
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("v "):
                vertices.append(line.split()[1:4])
            elif line.startswith("f "):
                corners = [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
                triangles += [[corners[0], *corners[i : i + 2]] for i in range(1, len(corners) - 1)]
        found = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a Wavefront .obj file ({error}); expected {SOURCE}") from None
    if not len(found):
        raise ValueError(f"{path}: found no vertices (a git lfs pointer?); expected {SOURCE}")
    return found, np.array(triangles, dtype=np.int64).reshape(-1, 3)
