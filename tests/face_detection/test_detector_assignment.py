"""Which cells learn which face, against a loop that follows the rule word by word."""

import numpy as np
import torch

from canthus.face_detection import assignment
from canthus.face_detection.assignment import assign, candidates
from canthus.face_detection.cells import STRIDES, Cells
from canthus.geometry import box_iou

CELLS = Cells.of(128, 160, torch.device("cpu"))


def test_cells_lie_at_the_middle_of_their_squares():
    cells = Cells.of(64, 96, torch.device("cpu"))
    expected = []
    for stride in STRIDES:
        for row in range(-(-64 // stride)):
            for column in range(-(-96 // stride)):
                square = np.mgrid[row * stride : (row + 1) * stride, column * stride : (column + 1) * stride]
                expected.append((square[1].mean(), square[0].mean(), stride))
    found = np.concatenate([cells.centers.numpy(), cells.strides.numpy()[:, None]], axis=1)
    np.testing.assert_allclose(found, expected)


def random_faces(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    size = np.exp(rng.uniform(np.log(12), np.log(120), (count, 1))) * rng.uniform(0.8, 1.2, (count, 2))
    center = rng.uniform([10, 10], [150, 118], (count, 2))
    return np.concatenate([center - size / 2, center + size / 2], axis=1)


def naive_candidate(box: np.ndarray, center: np.ndarray, stride: float) -> bool:
    width, height = box[2] - box[0], box[3] - box[1]
    size = np.sqrt(width * height) / stride
    if stride != STRIDES[0] and size < assignment.SIZE_RANGE[0]:
        return False
    if stride != STRIDES[-1] and size > assignment.SIZE_RANGE[1]:
        return False
    away = np.abs(center - (box[:2] + box[2:]) / 2)
    return bool((away <= np.maximum(0.35 * np.array([width, height]), 0.75 * stride)).all())


def test_candidates_equal_the_naive_rule():
    boxes = random_faces(0, 12)
    found = candidates(torch.tensor(boxes)[None], CELLS)[0].numpy()
    centers, strides = CELLS.centers.numpy(), CELLS.strides.numpy()
    naive = [[naive_candidate(box, c, s) for c, s in zip(centers, strides, strict=True)] for box in boxes]
    np.testing.assert_array_equal(found, naive)


def test_every_face_has_a_candidate():
    boxes = random_faces(1, 300)
    assert candidates(torch.tensor(boxes)[None], CELLS)[0].any(-1).all()


def test_assignment_equals_the_naive_rule():
    boxes = random_faces(2, 5)
    rng = np.random.default_rng(3)
    count = len(CELLS.strides)
    predicted = np.concatenate([CELLS.centers.numpy() - 20, CELLS.centers.numpy() + 20], axis=1)
    predicted += rng.normal(0, 4, predicted.shape)
    scores = rng.uniform(0.05, 0.9, count)
    is_face = np.array([True, True, False, True, True])
    found = assign(
        torch.tensor(boxes)[None],
        torch.tensor(is_face)[None],
        torch.tensor(predicted)[None],
        torch.tensor(scores)[None],
        CELLS,
    )
    allowed = candidates(torch.tensor(boxes)[None], CELLS)[0].numpy() & is_face[:, None]
    iou = box_iou(boxes, predicted) * allowed
    measure = scores**0.5 * iou**4
    chosen: dict[int, list[int]] = {}
    for face in range(len(boxes)):
        ranked = sorted(np.flatnonzero(allowed[face]), key=lambda cell: -measure[face, cell])
        for cell in ranked[: assignment.TOP]:
            chosen.setdefault(int(cell), []).append(face)
    owner = np.full(count, -1)
    for cell, faces in chosen.items():
        owner[cell] = max(faces, key=lambda face: iou[face, cell])
    np.testing.assert_array_equal(found.face[0].numpy(), owner)
    for face in np.unique(owner[owner >= 0]):
        mine = np.flatnonzero(owner == face)
        expected = measure[face, mine] / measure[face, mine].max() * iou[face, mine].max()
        np.testing.assert_allclose(found.target[0, mine].numpy(), expected, rtol=1e-5, atol=1e-8)
    assert (found.target[0, owner < 0] == 0).all()


def test_no_faces_no_targets():
    shape = (2, len(CELLS.strides))
    found = assign(
        torch.zeros(2, 0, 4),
        torch.zeros(2, 0, dtype=torch.bool),
        torch.zeros(*shape, 4),
        torch.ones(shape),
        CELLS,
    )
    assert (found.face == -1).all() and (found.target == 0).all()
