"""SLPT (Xia et al. 2022). The mean face is not in the published weights: it is a file beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from canthus.checkpoints.mmpose import HRNETV2
from canthus.checkpoints.official import Converter

#: Under this name the mean face joins the published tensors.
MEAN_FACE = "mean_face"

#: The published file counts px of a crop of this side.
SIDE = 256


def read_mean_face(path: Path) -> Tensor:
    """The mean face (K, 2), shares of the crop side, of a .npy or .npz file in px of a 256 px crop.

    ValueError for a file that holds anything else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of a mean face")
    try:
        content = np.load(path, allow_pickle=False)
        arrays = [content] if isinstance(content, np.ndarray) else [content[name] for name in content.files]
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not a readable .npy or .npz file ({error})") from None
    faces = [np.squeeze(array) for array in arrays]
    faces = [face for face in faces if face.ndim == 2 and face.shape[1] == 2 and np.isfinite(face).all()]
    if len(faces) != 1:
        shapes = ", ".join(str(array.shape) for array in arrays) or "nothing"
        raise ValueError(f"{path}: found {shapes}, expected one array (K, 2) in px of a {SIDE} px crop")
    return torch.from_numpy(faces[0].astype(np.float32) / SIDE)


SLPT = Converter(
    renames=(
        (r"^mean_face$", "head.mean_face"),
        (r"^feature_extractor\.", "head.embed."),
        (r"^Transformer\.structure_encoding$", "head.structure"),
        (r"^Transformer\.landmark_query$", "head.queries"),
        (r"^Transformer\.Transformer_block\.norm\.", "head.norm."),
        (r"^Transformer\.Transformer_block\.", "head."),
        (r"^out_layer\.", "head.place."),
        (r"^(head\.layers\.\d+)\.self_attn\.", r"\1.to_points."),
        (r"^(head\.layers\.\d+)\.multihead_attn\.", r"\1.to_patches."),
        (r"^(head\.layers\.\d+)\.linear1\.", r"\1.wide."),
        (r"^(head\.layers\.\d+)\.linear2\.", r"\1.narrow."),
        (r"^(head\.layers\.\d+)\.norm([123])\.", lambda match: f"{match[1]}.norms.{int(match[2]) - 1}."),
        (r"^backbone\.head\.", "head.reduce."),
        *HRNETV2.renames,
    ),
    sign=r"Transformer_block\.layers\.",
    dead=(r"feature_norm\.",),
)
