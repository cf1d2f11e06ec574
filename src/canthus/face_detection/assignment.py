"""Which cells learn which face: task-aligned assignment (Feng et al., TOOD, 2021, eq. 1-2) with a scale
prior.

Candidates of a face are the cells near its centre, on the strides that suit its size. Among them, the `TOP`
whose score^SCORE_POWER * IoU^IOU_POWER is largest are taught the face. The score target is that measure,
scaled so that the best cell of each face is taught the face's best IoU: scores learn to rank cells by how
well they locate.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from canthus.face_detection.cells import Cells

TOP = 6
SCORE_POWER = 0.5
IOU_POWER = 4.0

#: Face sizes in strides that the smallest, the middle and the largest strides may take.
SIZE_RANGE = (1.75, 7.0)

#: How far a candidate may lie from the face's centre: in shares of the box, and at least this many strides.
CENTER_SHARE = 0.35
CENTER_STRIDES = 0.75


@dataclass(frozen=True)
class Assignment:
    """`face` (B, N): index of the face each cell is taught, -1 for none; `target` (B, N): its score
    target.
    """

    face: Tensor
    target: Tensor


def pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union (..., N, M) of boxes (..., N, 4) and (..., M, 4) xyxy."""
    ax1, ay1, ax2, ay2 = a[..., :, None, :].unbind(-1)  # each (..., N, 1)
    bx1, by1, bx2, by2 = b[..., None, :, :].unbind(-1)  # each (..., 1, M)
    width = (torch.minimum(ax2, bx2) - torch.maximum(ax1, bx1)).clamp_min_(0)
    height = (torch.minimum(ay2, by2) - torch.maximum(ay1, by1)).clamp_min_(0)
    inter = width * height
    area_a = (ax2 - ax1).clamp_min(0) * (ay2 - ay1).clamp_min(0)
    area_b = (bx2 - bx1).clamp_min(0) * (by2 - by1).clamp_min(0)
    return inter / (area_a + area_b - inter).clamp_min_(1e-9)


def candidates(boxes: Tensor, cells: Cells) -> Tensor:
    """Which cells may be taught which face: bool (B, M, N) for boxes (B, M, 4)."""
    edges = boxes[..., 2:] - boxes[..., :2]  # (B, M, 2)
    center = (boxes[..., 2:] + boxes[..., :2]) / 2
    least = CENTER_STRIDES * cells.strides
    near = torch.ones((*boxes.shape[:2], len(cells.strides)), dtype=torch.bool, device=boxes.device)
    for axis in range(2):
        reach = torch.maximum(CENTER_SHARE * edges[..., axis, None], least)
        near &= (center[..., axis, None] - cells.centers[:, axis]).abs() <= reach
    size = edges.clamp_min(0).prod(-1).sqrt()[..., None] / cells.strides  # (B, M, N)
    low = torch.where(cells.strides == cells.strides.min(), 0.0, SIZE_RANGE[0])
    high = torch.where(cells.strides == cells.strides.max(), torch.inf, SIZE_RANGE[1])
    return near & (size >= low) & (size <= high)


@torch.no_grad()
def assign(boxes: Tensor, is_face: Tensor, predicted: Tensor, scores: Tensor, cells: Cells) -> Assignment:
    """Assign faces `boxes` (B, M, 4), `is_face` (B, M), to cells by the `predicted` boxes (B, N, 4) and
    `scores` (B, N).
    """
    batch, count = scores.shape
    if boxes.shape[1] == 0:
        none = torch.full((batch, count), -1, dtype=torch.long, device=scores.device)
        return Assignment(none, torch.zeros_like(scores))
    allowed = candidates(boxes, cells) & is_face[..., None]  # (B, M, N)
    iou = pairwise_iou(boxes, predicted) * allowed
    measure = scores[:, None].pow(SCORE_POWER) * iou.pow(IOU_POWER) + 1e-12 * allowed
    best = measure.topk(min(TOP, count), dim=-1)
    chosen = torch.zeros_like(allowed).scatter_(-1, best.indices, best.values > 0)
    # A cell that several faces chose keeps the one it overlaps most.
    overlap, face = torch.where(chosen, iou + 1e-9, torch.zeros_like(iou)).max(dim=1)  # (B, N)
    taken = overlap > 0
    kept = chosen & (torch.arange(boxes.shape[1], device=face.device)[:, None] == face[:, None])
    top_measure = (measure * kept).amax(-1, keepdim=True).clamp_min(1e-12)
    top_iou = (iou * kept).amax(-1, keepdim=True)
    target = (measure / top_measure * top_iou * kept).amax(1)
    return Assignment(torch.where(taken, face, -1), target)
