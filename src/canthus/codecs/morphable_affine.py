"""The 62 parameters of 3DDFA, SynergyNet and 3DDFA_V2: an affine camera and the coefficients of a shape."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.codecs.shape_model import ShapeModelCodec
from canthus.geometry import FloatArray
from canthus.morphable_models import fit
from canthus.morphable_models.tddfa import POSE, Whitening
from canthus.sample import Annotations
from canthus.schemes import Scheme

#: Without a published whitening: the face covers this share of the crop, entries of the matrix vary by this
#: share of its scale, and its place by this share of the crop.
COVERED, TURNED, MOVED = 0.7, 0.5, 0.08


class MorphableAffine(ShapeModelCodec):
    """Field `parameters` (B, 12 + I + E), whitened: (value - mean) / std, both kept in the weights.

    The values are a 3x4 matrix row by row (Zhu et al. 2016), then identity and expression. It takes the shape
    to x, y (up) and z in px of the crop; picture y is size + 1 - y, and `origin` is taken from x and y: 1
    where pixels were counted from 1. The targets are the parameters of the shape fitted to the labels, and
    `points3d` (B, K, 3): the labels with the depth of that fit.
    """

    parameter_mean: Tensor
    parameter_std: Tensor

    def __init__(
        self,
        scheme: Scheme,
        size: int,
        *,
        model: str | None = None,
        identity: int | None = None,
        expression: int | None = None,
        origin: float = 0.0,
    ) -> None:
        super().__init__(scheme, size, model, (identity, expression))
        self.origin = origin
        total = POSE + sum(self.counts)
        whitening = self.whitening
        if whitening is None or len(whitening.mean) != total:
            whitening = self._plain()
        self.register_buffer("parameter_mean", torch.tensor(whitening.mean.astype(np.float32)))
        self.register_buffer("parameter_std", torch.tensor(whitening.std.astype(np.float32)))

    @property
    def groups(self) -> tuple[int, ...]:
        """Pose, identity, expression."""
        return (POSE, *self.counts)

    def space(self, parameters: Tensor) -> Tensor:
        """Points (B, K, 3) in crop px, z toward the viewer."""
        real = parameters * self.parameter_std + self.parameter_mean
        matrix = real[:, :POSE].reshape(-1, 3, 4)
        placed = self.vertices(real[:, POSE:]) @ matrix[..., :3].transpose(1, 2) + matrix[:, None, :, 3]
        x, y, z = placed.unbind(-1)
        return torch.stack([x - self.origin, self.size + 1 - self.origin - y, z], -1)

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """`parameters` (B, P) and `points3d` (B, K, 3) crop px; a face that has no fit counts nothing."""
        points = annotations.points
        labels = points.detach().double().cpu().numpy()
        real, depth = self._fitted(labels)
        mean, std = (value.double().cpu().numpy() for value in (self.parameter_mean, self.parameter_std))
        whitened = torch.from_numpy((real - mean) / std).to(points)
        fitted = torch.isfinite(whitened).all(-1)
        weight = fitted * annotations.weight
        space = torch.cat([points, torch.from_numpy(depth[..., None]).to(points)], -1)
        known = torch.isfinite(space).all(-1)
        return {
            "parameters": Target(torch.nan_to_num(whitened), weight),
            "points3d": Target(torch.nan_to_num(space), known * weight[:, None]),
        }

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """The matrix mirrored in the model and in the crop, the coefficients by least squares."""
        real = outputs["parameters"] * self.parameter_std + self.parameter_mean
        matrix = real[:, :POSE].reshape(-1, 3, 4)
        sign = matrix.new_tensor([-1.0, 1.0, 1.0])
        linear = matrix[..., :3] * sign[:, None] * sign
        shift = matrix[..., 3] * sign + matrix.new_tensor([self.size - 1 + 2 * self.origin, 0.0, 0.0])
        pose = torch.cat([linear, shift[..., None]], -1).flatten(1)
        values = torch.cat([pose, self.mirrored(real[:, POSE:])], -1)
        return {"parameters": (values - self.parameter_mean) / self.parameter_std}

    def _fitted(self, labels: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Parameters (B, P), not whitened, and depths (B, K) of the shape fitted to labels (B, K, 2) in crop
        px; NaN where they do not determine a pose."""
        mean, std = (value.double().cpu().numpy() for value in (self.parameter_mean, self.parameter_std))
        found = fit(self.model(np.sqrt(mean[POSE:] ** 2 + std[POSE:] ** 2)), labels)
        scale, x, y = found.parameters.T
        matrix = np.zeros((len(labels), 3, 4))
        matrix[..., :3] = scale[:, None, None] * found.rotation
        matrix[:, 0, 3] = x + self.origin
        matrix[:, 1, 3] = y + self.size + 1 - self.origin
        real = np.concatenate([matrix.reshape(-1, POSE), found.coefficients], axis=1)
        spans = np.ptp(np.nan_to_num(labels), axis=1).max(1) > 0
        return np.where(spans[:, None], real, np.nan), found.points3d[..., 2]

    def _plain(self) -> Whitening:
        """About a face from the front that fills the middle of the crop."""
        total = POSE + sum(self.counts)
        low, high = self.built.min(0), self.built.max(0)
        scale = COVERED * self.size / float((high - low)[:2].max())
        middle = (self.size + 1) / 2 - scale * (low + high)[:2] / 2
        mean, std = np.zeros((3, 4)), np.full((3, 4), TURNED * scale)
        mean[:, :3] = scale * np.eye(3)
        mean[:2, 3] = middle
        std[:, 3] = (MOVED * self.size, MOVED * self.size, 1.0)
        return Whitening(
            np.concatenate([mean.ravel(), np.zeros(total - POSE)]),
            np.concatenate([std.ravel(), self.deviations]),
        )
