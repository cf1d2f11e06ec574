"""The mean of a heat map, with maps of points and edges beside it (ADNet, STAR).

Huang et al. 2021, "ADNet: leveraging error-bias towards normal direction in face alignment"; Zhou et al.
2023, "STAR loss: reducing semantic ambiguity in facial landmark detection".
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Codec, Outputs, Target
from canthus.codecs.edges import Edges, edge_maps, normals_of
from canthus.codecs.gaussian import published_patches
from canthus.geometry import from_unit, to_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme

#: Point maps are drawn at this many px a cell and then reduced.
DENSITY = 4


class SoftArgmax(Codec):
    """Fields `heatmap` (B, K, side, side) >= 0, `points` (B, K, 2), its mean, `point_maps`, `edge_maps`.

    The cells of the map reach from edge to edge of the crop: the middles of the outer ones lie on 0 and 1.
    `edges` are polylines over landmark indices, closed where the first index comes again at the end; without
    them, the parts of the scheme. The target of a point map is a Gaussian of `sigma` px of a picture of 4
    px a cell, that of an edge map a thin line; `normals` (B, K, 2) are the edges' at the points. The score
    is the point map's maximum. The attribute `covariance` is that of the heat map itself.
    """

    def __init__(
        self,
        scheme: Scheme,
        size: int,
        *,
        side: int = 64,
        sigma: float = 1.5,
        edges: Edges = (),
        attributes: tuple[Attribute, ...] = (),
    ) -> None:
        super().__init__(scheme, size, attributes)
        self.side, self.sigma = side, sigma
        self.edges = tuple(tuple(edge) for edge in edges) or scheme_edges(scheme)
        wrong = sorted({i for edge in self.edges for i in edge if not 0 <= i < len(scheme)})
        if wrong or any(len(edge) < 2 for edge in self.edges):
            raise ValueError(
                f"edges: found indices {wrong} or an edge of one point, expected two or more indices an "
                f"edge, each below {len(scheme)}"
            )

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """The maps of landmarks (K), edges (E) and points (K), and `points`."""
        k, cells = len(self.scheme), (self.side, self.side)
        return {
            "heatmap": (k, *cells),
            "points": (k, 2),
            "edge_maps": (len(self.edges), *cells),
            "point_maps": (k, *cells),
        }

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """Maps of points and edges; a line with a missing point has no weight. Points out of the crop are
        moved to its border, as published."""
        known = torch.isfinite(annotations.points).all(-1)
        points = torch.nan_to_num(annotations.points)
        weight = annotations.weight[:, None]
        cells = to_unit(points, self.size).clamp(0, 1) * (DENSITY * self.side) - 0.5
        columns, rows, _ = published_patches(
            cells.clamp(max=DENSITY * self.side - 1), DENSITY * self.side, self.sigma
        )
        maps = _reduced(rows)[..., :, None] * _reduced(columns)[..., None, :]
        crops = annotations.points.detach().cpu().numpy()
        lines = np.stack([edge_maps(crop, self.edges, self.size, self.side) for crop in crops])
        complete = torch.stack([known[:, list(edge)].all(-1) for edge in self.edges], 1)
        return {
            "point_maps": Target(maps, known * weight),
            "edge_maps": Target(torch.from_numpy(lines).to(points), complete * weight),
            "normals": Target(normals_of(points, self.edges), known * weight),
        }

    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """The means that the head has formed, in crop px."""
        return from_unit(outputs["points"], self.size), outputs["point_maps"].flatten(2).amax(-1)

    def covariance_fields(self) -> dict[str, tuple[int, ...]]:
        """None beside the heat map."""
        return {}

    def covariance(self, outputs: Outputs) -> Tensor:
        """That of the heat map."""
        return covariance_of_map(outputs["heatmap"])

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """Maps mirrored and reordered, x -> 1 - x; edges by the permutation of their points."""
        points = outputs["points"][:, order]
        edges = torch.tensor(self._mirrored_edges(order.tolist()), device=order.device)
        return {
            "heatmap": outputs["heatmap"][:, order].flip(-1),
            "points": torch.stack([1 - points[..., 0], points[..., 1]], -1),
            "edge_maps": outputs["edge_maps"][:, edges].flip(-1),
            "point_maps": outputs["point_maps"][:, order].flip(-1),
        }

    def _mirrored_edges(self, order: list[int]) -> list[int]:
        """The edge that has the mirrored points of each edge; by points, as one published list closes an eye
        on one side alone."""
        members = [frozenset(edge) for edge in self.edges]
        mirrored = [frozenset(order[point] for point in edge) for edge in self.edges]
        return [members.index(edge) if edge in members else i for i, edge in enumerate(mirrored)]


def mean_of(maps: Tensor) -> Tensor:
    """The means (B, K, 2) of maps (B, K, side, side) >= 0, shares of the crop side."""
    grid = torch.linspace(0, 1, maps.shape[-1], device=maps.device, dtype=maps.dtype)
    total = maps.sum((-2, -1)).clamp(min=1e-6)
    return torch.stack([maps.sum(-2) @ grid, maps.sum(-1) @ grid], -1) / total[..., None]


def covariance_of_map(maps: Tensor) -> Tensor:
    """The covariances (B, K, 2, 2) of maps (B, K, side, side) >= 0, share of the crop side squared.

    Unbiased for weights h of sum 1: E[(x - mean)(x - mean)^T] / (1 - sum of h²) (Zhou et al. 2023).
    """
    shares = maps / maps.sum((-2, -1), keepdim=True).clamp(min=1e-6)
    grid = torch.linspace(0, 1, maps.shape[-1], device=maps.device, dtype=maps.dtype)
    mean = mean_of(maps)[..., None]
    x, y = grid - mean[..., 0, :], grid - mean[..., 1, :]  # (B, K, side) each
    xx, yy = (shares.sum(-2) * x * x).sum(-1), (shares.sum(-1) * y * y).sum(-1)
    xy = torch.einsum("bkij,bki,bkj->bk", shares, y, x)
    total, squares = shares.sum((-2, -1)) + 1e-5, shares.square().sum((-2, -1)) + 1e-5
    rows = torch.stack([torch.stack([xx, xy], -1), torch.stack([xy, yy], -1)], -2)
    return rows / (total - squares / total)[..., None, None]


def scheme_edges(scheme: Scheme) -> Edges:
    """The parts of a scheme that have more than one point, closed ones with their first index at the end."""
    parts = [part for part in scheme.parts.values() if len(part.indices) > 1]
    return tuple(part.indices + part.indices[:1] * part.closed for part in parts)


def _reduced(bells: Tensor) -> Tensor:
    """(..., 4 side) -> (..., side): the mean of the two middle px of every cell."""
    return (bells[..., 1::DENSITY] + bells[..., 2::DENSITY]) / 2
