"""The faces of one stream of pictures, each with an id that stays."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.detectors import Detector
from canthus.faces import Faces
from canthus.geometry import BoxKind, FloatArray, box_iou, convert_boxes, landmark_boxes
from canthus.runtime.assignment import assign
from canthus.runtime.smoothing import Smoother
from canthus.runtime.tracks import Track

#: A lost face gets its id back within so many seconds.
MEMORY = 1.0
#: While a face is lost, the detector is asked every so many seconds.
RETRY = 0.1
#: Boxes that overlap more than this (intersection over union) show one face twice.
DUPLICATE = 0.5
#: From this overlap on, the points of one face may have slipped over to the other.
CONTACT = 0.05
#: A detection that overlaps a followed face by this is that face.
SAME = 0.3
#: A lost face is taken for found in its old place only from this presence on.
SURE = 0.8
#: A new face is a lost one if its points are at most so many face sizes from where they should be, plus so
#: many for each second since.
NEAR, NEAR_A_SECOND = 0.6, 2.0

#: (picture, boxes (N, 4), their kind) -> the faces in these boxes.
FindPoints = Callable[[NDArray[np.uint8], ArrayLike, BoxKind], Faces]


class Tracker:
    """Finds faces once and follows each by the box of its own landmarks.

    `landmarker`: such as `OnnxLandmarker`. `detector`: asked every `detect_every` seconds, at once when a
    face gets lost, and in every picture while there is none. A face is lost below `min_presence`; where it
    turns up within a second, it has its id again. At most `max_faces` are followed, larger ones first, so
    that a crowd costs a bounded time. `smooth`: `off`, `low`, `medium` or `high`, see `Smoother`.

    One tracker a stream. Raises ValueError for options out of range.
    """

    def __init__(
        self,
        landmarker: FindPoints,
        detector: Detector,
        *,
        smooth: str = "medium",
        detect_every: float = 0.5,
        min_presence: float = 0.5,
        max_faces: int = 32,
    ) -> None:
        if not detect_every >= 0:
            raise ValueError(f"detect_every: found {detect_every}, expected seconds, 0 or more")
        if not 0 <= min_presence <= 1:
            raise ValueError(f"min_presence: found {min_presence}, expected a probability, 0 to 1")
        if max_faces < 1:
            raise ValueError(f"max_faces: found {max_faces}, expected at least 1")
        self._landmarker, self._detector = landmarker, detector
        self._detect_every, self._min_presence, self._max_faces = detect_every, min_presence, max_faces
        self._smoother = Smoother(smooth)
        self._next_id = 0
        self.reset()

    def reset(self) -> None:
        """Forget every face, before another stream or scene; ids go on, none is given twice."""
        self._tracks: list[Track] = []
        self._now = self._searched = -math.inf
        self._smoother.reset()

    def __call__(self, image: NDArray[np.uint8], timestamp: float) -> Faces:
        """The faces of the next picture, RGB uint8 (H, W, 3), at `timestamp` seconds; in the order of their
        `track_ids`.

        Raises ValueError for a timestamp that is not later than the last one.
        """
        if not (math.isfinite(timestamp) and timestamp > self._now):
            raise ValueError(
                f"timestamp: found {timestamp} after {self._now}, expected more seconds; "
                "call reset() before another stream"
            )
        self._now = timestamp
        found, lost = self._follow(image)
        if lost or self._search_is_due(found):
            found = self._search(image, found)
            self._searched = timestamp
        known = [track for track in self._tracks if timestamp - track.seen <= MEMORY]
        known.sort(key=lambda track: (-track.seen, track.id))
        self._tracks = known[: 2 * self._max_faces]
        order = sorted(found)
        if not order:
            return self._smoother(self._nobody(image), timestamp)
        rows = [found[id] for id in order]
        return self._smoother(_joined(rows, order), timestamp)

    def _nobody(self, image: NDArray[np.uint8]) -> Faces:
        empty = self._landmarker(image, np.zeros((0, 4)), "landmarks")
        return replace(empty, track_ids=np.zeros(0, dtype=np.int64))

    def _follow(self, image: NDArray[np.uint8]) -> tuple[dict[int, Faces], bool]:
        """The faces (id -> one face) seen where they should be, and whether one that was seen in the last
        picture is not."""
        tracks = self._tracks[: self._max_faces]
        if not tracks:
            return {}, False
        boxes = np.stack([track.window(self._now) for track in tracks])
        faces = self._landmarker(image, boxes, "landmarks")
        needed = np.array([self._min_presence if track.live else SURE for track in tracks])
        sound = _sound(faces, image, np.maximum(needed, self._min_presence))
        points = faces.points.astype(np.float64)
        overlap = _overlaps(points, sound)
        for first, second in zip(*np.nonzero(np.triu(overlap > DUPLICATE)), strict=True):
            if sound[first] and sound[second]:
                sound[self._less_likely(tracks, points, first, second)] = False
        found, lost = {}, False
        for row, track in enumerate(tracks):
            if sound[row]:
                track.see(points[row], self._now, trusted=not (overlap[row] > CONTACT).any())
                found[track.id] = faces[row]
            else:
                lost |= track.live
                track.lose()
        return found, lost

    def _less_likely(self, tracks: list[Track], points: FloatArray, first: int, second: int) -> int:
        """Which of two tracks (their rows) that hold one face should not: a lost one, else the one that the
        face surprises more."""
        if tracks[first].live != tracks[second].live:
            return second if tracks[first].live else first
        surprise = [tracks[row].surprise(points[row], self._now) for row in (first, second)]
        return first if surprise[0] > surprise[1] else second

    def _search_is_due(self, found: dict[int, Faces]) -> bool:
        missing = any(not track.live for track in self._tracks)
        wait = 0.0 if not found else min(RETRY, self._detect_every) if missing else self._detect_every
        return self._now - self._searched >= wait

    def _search(self, image: NDArray[np.uint8], found: dict[int, Faces]) -> dict[int, Faces]:
        """The faces found so far, and those that only the detector finds."""
        boxes = np.asarray(self._detector(image).boxes, dtype=np.float64).reshape(-1, 4)
        known = np.concatenate([np.zeros((0, 4)), *(landmark_boxes(face.points) for face in found.values())])
        boxes = boxes[~(box_iou(boxes, convert_boxes(known, "landmarks", "face")) > SAME).any(axis=1)]
        largest = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")
        boxes = boxes[largest[: self._max_faces - len(found)]]
        if not len(boxes):
            return found
        faces = self._landmarker(image, boxes, "face")
        faces = faces[_sound(faces, image, np.full(len(faces), self._min_presence))]
        faces = faces[_unseen(landmark_boxes(faces.points), known)]
        points = faces.points.astype(np.float64)
        lost = [track for track in self._tracks if not track.live]
        again = dict(assign(self._costs(points, lost), 1.0))
        for row in range(len(faces)):
            if row in again:
                track = lost[again[row]]
                track.see(points[row], self._now, trusted=True)
            else:
                track = Track(self._next_id, points[row], self._now)
                self._tracks.append(track)
                self._next_id += 1
            found[track.id] = faces[row]
        return found

    def _costs(self, points: FloatArray, lost: list[Track]) -> FloatArray:
        """How far new faces (N, K, 2) are from where lost ones (M) should be: (N, M), 1 at the limit."""
        limits = [NEAR + NEAR_A_SECOND * (self._now - track.state.time) for track in lost]
        rows = [
            [track.surprise(face, self._now) / limit for track, limit in zip(lost, limits, strict=True)]
            for face in points
        ]
        return np.array(rows).reshape(len(points), len(lost))


def _sound(faces: Faces, image: NDArray[np.uint8], needed: FloatArray) -> NDArray[np.bool_]:
    """Which rows (N,) are faces: probable enough, `needed` (N,), and with their centre in the picture."""
    certainty = faces.scores.mean(axis=1) if faces.presence is None else faces.presence
    centers = faces.points.mean(axis=1)
    height, width = image.shape[:2]
    inside = ((centers > -0.5) & (centers < [width - 0.5, height - 0.5])).all(axis=1)
    return np.asarray((certainty >= needed) & inside)


def _overlaps(points: FloatArray, sound: NDArray[np.bool_]) -> FloatArray:
    """Intersection over union (N, N) of different sound faces' boxes; 0 elsewhere."""
    boxes = landmark_boxes(points)
    return np.asarray(box_iou(boxes, boxes) * np.outer(sound, sound) * (1 - np.eye(len(points))))


def _unseen(boxes: FloatArray, known: FloatArray) -> NDArray[np.intp]:
    """The rows of `boxes` (N, 4) that are no duplicate of `known` ones (M, 4) nor of an earlier row."""
    kept: list[int] = []
    for row, box in enumerate(boxes):
        others = np.concatenate([known, boxes[kept]])
        if not (box_iou(box, others) > DUPLICATE).any():
            kept.append(row)
    return np.array(kept, dtype=np.intp)


def _joined(rows: list[Faces], ids: list[int]) -> Faces:
    """One face each as one result with these ids."""
    names = [item.name for item in fields(Faces) if isinstance(getattr(rows[0], item.name), np.ndarray)]
    columns: dict[str, Any] = {name: np.concatenate([getattr(face, name) for face in rows]) for name in names}
    return replace(rows[0], **{**columns, "track_ids": np.array(ids, dtype=np.int64)})
