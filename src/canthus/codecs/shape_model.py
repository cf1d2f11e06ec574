"""What the codecs of morphable models share: a linear shape of the scheme's points, kept with the weights."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from canthus.codecs.codec import Codec, Outputs
from canthus.geometry import FloatArray
from canthus.morphable_models import MorphableModel, sparse_model
from canthus.morphable_models.morphable_model import typical_noise
from canthus.morphable_models.readers import read_whitened
from canthus.morphable_models.tddfa import LICENCE
from canthus.schemes import Scheme


class ShapeModelCodec(Codec):
    """A network regresses the coefficients of a shape model and a pose; decoding makes points of them.

    The shape is that of `model`, the path of a file or folder that `read_model` reads, or the package's own,
    cut to `identity` and `expression` coefficients (None: all); what a model has not is there and moves
    nothing. Mean and basis are kept in the weights, so the path is needed only once.
    """

    mean_shape: Tensor
    basis: Tensor
    mirror_matrix: Tensor
    mirror_shift: Tensor
    further: ClassVar[tuple[str, ...]] = ("points3d", "coefficients")
    #: Units of this codec's shapes in one unit of the package's own model.
    own_unit: ClassVar[float] = 1.0

    def __init__(
        self, scheme: Scheme, size: int, model: str | None, counts: tuple[int | None, int | None]
    ) -> None:
        super().__init__(scheme, size)
        found, self.whitening = (sparse_model(), None) if model is None else read_whitened(model)
        if found.scheme != scheme.name:
            raise ValueError(
                f"found a shape model of the scheme {found.scheme}, the recipe's is {scheme.name}"
            )
        found = found.at_landmarks()
        unit = self.own_unit if model is None else 1.0
        self.built = unit * found.mean
        self.counts = tuple(
            len(bases) if count is None else count
            for bases, count in zip((found.identity, found.expression), counts, strict=True)
        )
        self.origin_of_shape = {"shape_model": found.source, "shape_model_licence": found.licence}
        basis, deviations = _of_size(found, self.counts)
        self.deviations = deviations
        matrix, shift = _mirroring(self.built, unit * basis, scheme)
        for name, value in {
            "mean_shape": self.built,
            "basis": unit * basis,
            "mirror_matrix": matrix,
            "mirror_shift": shift,
        }.items():
            self.register_buffer(name, torch.tensor(np.asarray(value, dtype=np.float32)))

    def settle(self) -> None:
        """Bring what follows from the shape in line with it, after it was loaded from a published file; only
        SynergyNet's holds one."""
        arrays = (self.mean_shape.double().cpu().numpy(), self.basis.double().cpu().numpy())
        if not np.array_equal(arrays[0], self.built.astype(np.float32)):
            self.origin_of_shape = {
                "shape_model": "landmarks of 3DDFA's shape model, from the published weights",
                "shape_model_licence": LICENCE,
            }
        matrix, shift = _mirroring(*arrays, self.scheme)
        self.mirror_matrix.copy_(torch.from_numpy(matrix))
        self.mirror_shift.copy_(torch.from_numpy(shift))

    def stored_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options without the path, and with the numbers of coefficients."""
        kept = {name: value for name, value in options.items() if name != "model"}
        return {**kept, "identity": self.counts[0], "expression": self.counts[1]}

    def facts(self) -> dict[str, str]:
        """Where the shape is from, and its terms."""
        return self.origin_of_shape

    def vertices(self, coefficients: Tensor) -> Tensor:
        """Points of the shape (B, K, 3) of coefficients (B, I + E)."""
        offsets = coefficients @ self.basis.flatten(1)
        return self.mean_shape + offsets.reshape(-1, *self.mean_shape.shape)

    def mirrored(self, coefficients: Tensor) -> Tensor:
        """Coefficients (B, I + E) of the mirrored faces, as well as the basis has them."""
        return coefficients @ self.mirror_matrix + self.mirror_shift

    @abstractmethod
    def space(self, parameters: Tensor) -> Tensor:
        """Points (B, K, 3) of parameters (B, P): x and y in crop px, z in crop px toward the viewer."""

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """`parameters` (P,)."""
        return {"parameters": (sum(self.groups),)}

    @property
    @abstractmethod
    def groups(self) -> tuple[int, ...]:
        """How many numbers of each kind the parameters are, in their order."""

    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Crop px; nothing speaks for a point, and its score is 1."""
        points = self.space(outputs["parameters"])[..., :2]
        return points, torch.ones_like(points[..., 0])

    def decode_further(self, outputs: Outputs) -> dict[str, Tensor]:
        """`points3d` (B, K, 3) and `coefficients` (B, P), the parameters as the network gives them."""
        return {"points3d": self.space(outputs["parameters"]), "coefficients": outputs["parameters"]}

    def model(self, deviations: FloatArray) -> MorphableModel:
        """The shape as data, for fits; `deviations` (I + E,) of its coefficients."""
        mean, basis = self.mean_shape.double().cpu().numpy(), self.basis.double().cpu().numpy()
        identity = self.counts[0]
        return MorphableModel(
            mean=mean,
            identity=basis[:identity],
            expression=basis[identity:],
            deviations=deviations,
            scheme=self.scheme.name,
            noise=typical_noise(mean),
            source="weights",
            licence="that of the weights",
        )


def _of_size(model: MorphableModel, counts: tuple[int, ...]) -> tuple[FloatArray, FloatArray]:
    """Basis (I + E, K, 3) and deviations (I + E,) of that many coefficients."""
    bases, deviations = list[FloatArray](), list[FloatArray]()
    start = 0
    for part, count in zip((model.identity, model.expression), counts, strict=True):
        basis, spread = np.zeros((count, *model.mean.shape)), np.ones(count)
        kept = min(count, len(part))
        basis[:kept], spread[:kept] = part[:kept], model.deviations[start : start + kept]
        start += len(part)
        bases.append(basis)
        deviations.append(spread)
    return np.concatenate(bases), np.concatenate(deviations)


def _mirroring(mean: FloatArray, basis: FloatArray, scheme: Scheme) -> tuple[FloatArray, FloatArray]:
    """The matrix (C, C) and shift (C,) from coefficients to those of the mirrored face, by least squares."""
    order, sign = list(scheme.flip), np.array([-1.0, 1.0, 1.0])
    flat = basis.reshape(len(basis), -1)
    inverse = np.linalg.pinv(flat, rcond=1e-6)  # (3 K, C)
    turned = (basis[:, order] * sign).reshape(flat.shape)
    return turned @ inverse, ((mean[order] * sign - mean).reshape(1, -1) @ inverse)[0]
