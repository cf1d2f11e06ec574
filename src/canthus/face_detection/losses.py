"""The three losses of the detector: score, box and five points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from canthus.face_detection.assignment import assign
from canthus.face_detection.cells import Cells, decode

#: A taught cell counts at least this much in the box loss, however badly it locates so far.
LEAST_WEIGHT = 0.1


@dataclass(frozen=True)
class Truth:
    """A batch of labels, padded: `boxes` (B, M, 4), `five` (B, M, 5, 2) with NaN, `is_face`, `ignore` (B, M)
    bool.
    """

    boxes: Tensor
    five: Tensor
    is_face: Tensor
    ignore: Tensor


def complete_iou(a: Tensor, b: Tensor) -> Tensor:
    """Complete IoU (...,) of boxes (..., 4): IoU less centre distance and aspect terms (Zheng et al. 2020,
    eq. 10).
    """
    size_a, size_b = (a[..., 2:] - a[..., :2]).clamp_min(1e-6), (b[..., 2:] - b[..., :2]).clamp_min(1e-6)
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp_min(0)
    inter = overlap.prod(-1)
    iou = inter / (size_a.prod(-1) + size_b.prod(-1) - inter)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    distance = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2).square().sum(-1)
    angle = torch.atan(size_b[..., 0] / size_b[..., 1]) - torch.atan(size_a[..., 0] / size_a[..., 1])
    aspect = (2 / math.pi * angle).square()
    with torch.no_grad():
        weight = aspect / (1 - iou + aspect).clamp_min(1e-9)
    return iou - distance / hull.square().sum(-1).clamp_min(1e-9) - weight * aspect


def quality_focal(logits: Tensor, target: Tensor) -> Tensor:
    """Quality focal loss (Li et al. 2020, eq. 3, beta = 2), element by element: |target - p|^2 *
    cross-entropy.
    """
    error = (target - logits.sigmoid()).abs().square()
    return error * functional.binary_cross_entropy_with_logits(logits, target, reduction="none")


def ignored_cells(truth: Truth, cells: Cells) -> Tensor:
    """Cells (B, N) whose centre lies in a box that is to be ignored."""
    x, y = cells.centers[:, 0], cells.centers[:, 1]
    left, top, right, bottom = truth.boxes[..., None].unbind(-2)  # each (B, M, 1)
    inside = (x >= left) & (x <= right) & (y >= top) & (y <= bottom)
    return (inside & truth.ignore[..., None]).any(1)


def detection_losses(raw: Tensor, truth: Truth, cells: Cells) -> dict[str, Tensor]:
    """Score, box and five-point losses of raw predictions (B, N, 15), each divided by the sum of score
    targets.
    """
    boxes, five = decode(raw, cells)
    logits = raw[..., 0]
    found = assign(truth.boxes, truth.is_face, boxes.detach(), logits.detach().sigmoid(), cells)
    taught = found.face >= 0
    weight = (taught | ~ignored_cells(truth, cells)).to(logits.dtype)
    total = found.target.sum().clamp_min(1.0)
    losses = {"score": (quality_focal(logits, found.target) * weight).sum() / total}
    rows, columns = taught.nonzero(as_tuple=True)
    chosen = found.face[rows, columns]
    share = found.target[rows, columns].clamp_min(LEAST_WEIGHT)
    true_boxes, true_five = truth.boxes[rows, chosen], truth.five[rows, chosen]
    losses["box"] = ((1 - complete_iou(boxes[rows, columns], true_boxes)) * share).sum() / total
    size = (true_boxes[:, 2:] - true_boxes[:, :2]).prod(-1).sqrt()[:, None, None]
    known = ~true_five.isnan()
    error = (five[rows, columns] - torch.where(known, true_five, 0.0)) / size * known
    losses["points"] = (
        functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.05, reduction="none").mean((1, 2))
        * share
    ).sum() / total
    return losses
