"""The 257 coefficients of Deep3DFaceRecon (Deng et al. 2019): a shape before a pinhole camera."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.codecs.shape_model import ShapeModelCodec
from canthus.sample import Annotations
from canthus.schemes import Scheme

#: Numbers of a texture, of the angles, of the light (nine a colour) and of the place.
TEXTURE, ANGLES, LIGHT, PLACE = 80, 3, 27, 3


class MorphablePerspective(ShapeModelCodec):
    """Field `parameters` (B, I + E + 80 + 3 + 27 + 3): identity, expression, texture, angles, light, place.

    The shape (in decimetres, its mean in the middle) is turned by Rz Ry Rx of the angles in radians about x,
    y and z, moved by the place, and seen by a camera at z = `distance` of the focal length `focal` px, whose
    axis meets the middle of the crop, size / 2; picture y is size - 1 - v. Texture and light move no point.
    """

    own_unit = 0.62  # the package's model spans 2.35 units from ear to ear, a head 1.45 decimetres

    def __init__(
        self,
        scheme: Scheme,
        size: int,
        *,
        model: str | None = None,
        identity: int = 80,
        expression: int = 64,
        focal: float = 1015.0,
        distance: float = 10.0,
    ) -> None:
        super().__init__(scheme, size, model, (identity, expression))
        self.focal, self.distance = focal, distance

    @property
    def groups(self) -> tuple[int, ...]:
        """Identity, expression, texture, angles, light, and the place's x and y apart from its z."""
        return (*self.counts, TEXTURE, ANGLES, LIGHT, PLACE - 1, 1)

    def space(self, parameters: Tensor) -> Tensor:
        """Points (B, K, 3) in crop px; the depth counts from the shape's middle, in px of its distance."""
        identity, expression, _, angles, _, across, along = parameters.split_with_sizes(self.groups, 1)
        turned = self.vertices(torch.cat([identity, expression], 1)) @ rotation(angles).transpose(1, 2)
        x, y, z = (turned + torch.cat([across, along], 1)[:, None]).unbind(-1)
        ratio = self.focal / (self.distance - z)
        middle = self.size / 2
        scale = self.focal / (self.distance - along)
        return torch.stack(
            [ratio * x + middle, self.size - 1 - (ratio * y + middle), scale * turned[..., 2]], -1
        )

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """`crop_points` (B, K, 2) px; and `parameters`, zeros that nothing but their weight is read of."""
        points = annotations.points
        known = torch.isfinite(points).all(-1) * annotations.weight[:, None]
        zeros = points.new_zeros(len(points), sum(self.groups))
        return {
            "crop_points": Target(torch.nan_to_num(points), known),
            "parameters": Target(zeros, annotations.weight),
        }

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """Turned and moved the other way; u = size / 2 + a becomes size - 1 - u, a pixel less, by moving the
        place. Texture and light stay as they are."""
        parts = list(outputs["parameters"].split_with_sizes(self.groups, 1))
        coefficients = self.mirrored(torch.cat(parts[:2], 1))
        parts[:2] = coefficients.split_with_sizes(self.groups[:2], 1)
        parts[3] = parts[3] * parts[3].new_tensor([1.0, -1.0, -1.0])
        pixel = (self.distance - parts[6]) / self.focal
        parts[5] = parts[5] * parts[5].new_tensor([-1.0, 1.0]) - torch.cat([pixel, 0 * pixel], 1)
        return {"parameters": torch.cat(parts, 1)}


def rotation(angles: Tensor) -> Tensor:
    """Rz Ry Rx (B, 3, 3) of angles (B, 3) in radians about x, y and z."""
    (a, b, c), (d, e, f) = torch.cos(angles).unbind(-1), torch.sin(angles).unbind(-1)
    rows = [
        *(c * b, c * e * d - f * a, c * e * a + f * d),
        *(f * b, f * e * d + c * a, f * e * a - c * d),
        *(-e, b * d, b * a),
    ]
    return torch.stack(rows, -1).reshape(-1, 3, 3)
