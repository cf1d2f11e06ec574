"""Videos with known truth, made of labelled photographs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray, convert_boxes, landmark_boxes
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.stability.motion import TURN_RADIUS, placements, sweep, turns, wander
from canthus.stability.rendering import FPS, HEIGHT, WIDTH, Camera, Sheet, backdrop, film, shrunk

SECONDS = 3.0


@dataclass(frozen=True)
class Video:
    """T frames of F faces: `times` (T,) s, `truth` (T, F, K, 2) px, `covered` (T, F) the share of a face's
    points that something hides, `yaw` (T,) degrees of turning heads (else 0)."""

    kind: str
    name: str
    times: FloatArray
    truth: FloatArray
    covered: FloatArray
    yaw: FloatArray
    render: Callable[[], Iterator[NDArray[np.uint8]]]


@dataclass(frozen=True)
class Face:
    """A labelled photograph and its size: inter-ocular distance in px."""

    image: NDArray[np.uint8]
    points: FloatArray
    ocular: float

    @classmethod
    def of(cls, sample: Sample, scheme: Scheme, ocular: float) -> Face:
        """The face at about 1.2 times the size that is wanted, smaller where the photograph is."""
        own = float(scheme.normalizer("inter_ocular", sample.points))
        image, points = shrunk(sample.read(), np.asarray(sample.points, dtype=np.float64), 1.2 * ocular / own)
        return cls(image, points, float(scheme.normalizer("inter_ocular", points)))


def still(
    face: Face, rng: np.random.Generator, times: FloatArray, ocular: float
) -> tuple[list[Sheet], FloatArray]:
    """A head at rest before a camera held by hand."""
    shake = 0.03 * ocular * np.stack([wander(rng, times, (0.3, 3)) for _ in range(2)], -1)
    return [_photo(face, shake + _middle(rng), ocular / face.ocular)], np.zeros_like(times)


def moving(
    face: Face, rng: np.random.Generator, times: FloatArray, ocular: float
) -> tuple[list[Sheet], FloatArray]:
    """Translation, scale and roll all at once."""
    way = 1.2 * ocular * np.stack([wander(rng, times, (0.2, 1)) for _ in range(2)], -1)
    scales = ocular / face.ocular * np.exp(0.25 * wander(rng, times, (0.1, 0.6)))
    angles = 18 * wander(rng, times, (0.2, 0.8))
    return [_photo(face, way + _middle(rng), scales, angles)], np.zeros_like(times)


def turning(
    face: Face, rng: np.random.Generator, times: FloatArray, ocular: float
) -> tuple[list[Sheet], FloatArray]:
    """A plane in front of an axis, turning about it at 90 degrees a second: the points move as those of a
    head."""
    yaw = turns(times) * rng.choice([-1, 1])
    across = TURN_RADIUS * ocular * np.sin(np.radians(yaw))
    way = _middle(rng) + np.stack([across, np.zeros_like(across)], -1)
    squeeze = np.cos(np.radians(yaw))
    return [_photo(face, way, ocular / face.ocular, squeeze=squeeze)], yaw


def occluded(
    face: Face, rng: np.random.Generator, times: FloatArray, ocular: float
) -> tuple[list[Sheet], FloatArray]:
    """Something passes before the face and hides all of it for a moment."""
    sheets, yaw = moving(face, rng, times, ocular)
    side = int(4.0 * ocular)
    patch = cv2.resize(np.roll(face.image, face.image.shape[1] // 2, axis=1)[:40, :40], (side, side))
    mask = np.zeros((side, side), np.float32)
    cv2.ellipse(mask, ((side / 2, side / 2), (0.8 * side, 0.95 * side), 0.0), 1.0, -1)
    center = sheets[0].truth().mean(axis=1)
    direction = rng.uniform(0, 2 * np.pi)
    away = 5.0 * ocular * np.array([np.cos(direction), np.sin(direction)])
    way = center + sweep(-away, away, times, 0.8, 2.2)
    mine = np.asarray(patch, dtype=np.uint8)
    return [*sheets, Sheet(mine, mask, placements((side / 2, side / 2), way, 1.0))], yaw


SINGLE = {"still": still, "moving": moving, "turning": turning, "occluded": occluded}


def crossing(
    faces: Sequence[Face], rng: np.random.Generator, times: FloatArray, ocular: float
) -> list[Sheet]:
    """Faces that pass each other, the larger one in front; every third time they meet and turn back, and a
    third face rests in the middle behind them."""
    sides = [rng.uniform(0.75, 0.9), rng.uniform(0.95, 1.15)]
    back = rng.random() < 1 / 3
    sheets = []
    for number, face in enumerate(faces[:2]):
        left, right = np.array([130.0, 0.0]), np.array([WIDTH - 130.0, 0.0])
        start, stop = (left, right) if number else (right, left)
        way = sweep(start, stop, times, 0.4, 2.6)
        if back:
            turned = (
                sweep(start, (start + stop) / 2, times, 0.4, 1.5)
                + sweep(0, start - stop, times, 1.5, 2.6) / 2
            )
            way = turned
        height = HEIGHT / 2 + rng.uniform(-0.4, 0.4) * ocular
        way = way + [0.0, height] + 0.15 * ocular * np.stack([wander(rng, times, (0.3, 1)) for _ in "xy"], -1)
        sheets.append(_cut_out(face, way, sides[number] * ocular / face.ocular))
    if back and len(faces) > 2:
        middle = np.full((len(times), 2), [WIDTH / 2, HEIGHT / 2]) + 0.05 * ocular
        sheets.insert(0, _cut_out(faces[2], middle, 0.65 * ocular / faces[2].ocular))
    return sheets


def videos(samples: Sequence[Sample], scheme: Scheme, *, crossings: int, seed: int = 0) -> Iterator[Video]:
    """One video of one face of each sample, the kinds in turn, and `crossings` of several; the same for a
    seed."""
    times = np.arange(round(SECONDS * FPS)) / FPS
    for number, sample in enumerate(samples):
        rng = np.random.default_rng([seed, 0, number])
        kind = list(SINGLE)[number % len(SINGLE)]
        ocular = rng.uniform(50, 80)
        face = Face.of(sample, scheme, ocular)
        sheets, yaw = SINGLE[kind](face, rng, times, ocular)
        yield _video(kind, sample.id, times, (backdrop(face.image), sheets, _camera(rng)), yaw)
    for number in range(crossings):
        rng = np.random.default_rng([seed, 1, number])
        ocular = rng.uniform(50, 70)
        chosen = [samples[i] for i in rng.choice(len(samples), min(3, len(samples)), replace=False)]
        cast = [Face.of(sample, scheme, ocular) for sample in chosen]
        sheets = crossing(cast, rng, times, ocular)
        scene = (backdrop(cast[0].image), sheets, _camera(rng))
        yield _video("crossing", "+".join(s.id for s in chosen), times, scene, np.zeros_like(times))


def _video(
    kind: str,
    name: str,
    times: FloatArray,
    scene: tuple[NDArray[np.float32], list[Sheet], Camera],
    yaw: FloatArray,
) -> Video:
    sheets = scene[1]
    rows = [i for i, sheet in enumerate(sheets) if sheet.points is not None]
    truth = np.stack([sheets[i].truth() for i in rows], axis=1)  # (T, F, K, 2)
    covered = np.zeros(truth.shape[:2])
    for column, i in enumerate(rows):
        for frame in range(len(times)):
            points = truth[frame, column]
            hidden = [sheet.hides(points, frame) for sheet in sheets[i + 1 :]]
            covered[frame, column] = np.any(hidden, axis=0).mean() if hidden else 0.0
    return Video(kind, name, times, truth, covered, yaw, lambda: film(*scene))


def _camera(rng: np.random.Generator) -> Camera:
    return Camera(rng.uniform(2, 6), int(rng.integers(50, 91)), 0.01, int(rng.integers(1 << 31)))


def _middle(rng: np.random.Generator) -> FloatArray:
    return np.array([WIDTH / 2, HEIGHT / 2]) + rng.uniform(-30, 30, 2)


def _photo(
    face: Face, centers: FloatArray, scales: FloatArray | float, angles: FloatArray | float = 0.0,
    squeeze: FloatArray | float = 1.0,
) -> Sheet:  # fmt: skip
    """The whole photograph, fading at its edges, its face in the given places."""
    height, width = face.image.shape[:2]
    fade = 12
    edge = [np.minimum(np.arange(n), n - 1 - np.arange(n)) / fade for n in (height, width)]
    mask = np.clip(np.minimum.outer(*edge), 0, 1).astype(np.float32)
    maps = placements(face.points.mean(0), centers, scales, angles, squeeze)
    return Sheet(face.image, mask, maps, face.points)


def _cut_out(face: Face, centers: FloatArray, scale: float) -> Sheet:
    """An ellipse of the photograph around the head."""
    x1, y1, x2, y2 = convert_boxes(landmark_boxes(face.points), "landmarks", "face")
    mask = np.zeros(face.image.shape[:2], np.float32)
    box = (((x1 + x2) / 2, (y1 + y2) / 2), (1.35 * (x2 - x1), 1.25 * (y2 - y1)), 0.0)
    cv2.ellipse(mask, box, 1.0, -1)
    soft = np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.04 * face.ocular), dtype=np.float32)
    rows, columns = (np.flatnonzero(soft.max(axis=axis) > 0) for axis in (1, 0))
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    points = face.points - [columns[0], rows[0]]
    return Sheet(face.image[part], soft[part], placements(points.mean(0), centers, scale), points)
