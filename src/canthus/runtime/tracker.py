"""The faces of one stream of pictures, each with an id that stays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.detectors import Detector
from canthus.faces import Faces
from canthus.geometry import BoxKind, FloatArray, box_iou, convert_boxes, landmark_boxes
from canthus.runtime.assignment import assign
from canthus.runtime.head_pose import pose_of
from canthus.runtime.smoothing import Smoother
from canthus.runtime.tracks import STEADY, Sighting, Track, joined, sightings

#: A lost face gets its id back within so many seconds.
MEMORY = 3.0
#: For so many seconds it is looked for where it should be, and by the detector every so many.
PATIENCE, RETRY = 1.0, 0.1
#: Boxes that overlap more than this (intersection over union) show one face twice.
DUPLICATE = 0.5
#: From this overlap on, the points of one face may have slipped over to the other.
CONTACT = 0.05
#: A face in the place of a lost one overlaps no followed face by more than this.
APART = 0.2
#: A detection that overlaps a followed face by this is that face.
SAME = 0.3
#: A lost face is taken for found in its old place only from this presence on, and what is less sure tells
#: nothing of where a face is or what it looks like.
SURE = 0.8
#: ... nor does a face of whose points a smaller share is visible.
PLAIN = 0.6
#: A new face may be a lost one if its points are within so many face sizes of where they should be, plus so
#: many for each second since.
NEAR, NEAR_A_SECOND = 0.8, 2.0
#: ... and if it looks no more unlike than this, see `unlikeness`; a better place makes up for a worse look.
UNLIKE = 0.5

#: (picture, boxes (N, 4), their kind) -> the faces in these boxes.
FindPoints = Callable[[NDArray[np.uint8], ArrayLike, BoxKind], Faces]
Found: TypeAlias = dict[Track, Sighting]


class Tracker:
    """Finds faces once and follows each by the box of its own landmarks.

    `landmarker`: such as `OnnxLandmarker`. `detector`: asked every `detect_every` seconds, at once when a
    face gets lost, and in every picture while there is none. A face is lost below `min_presence`; where it
    turns up within three seconds, it has its id again. At most `max_faces` are followed, larger ones first,
    so that a crowd costs a bounded time. `smooth`: `off`, `low`, `medium` or `high`, see `Smoother`.

    One tracker a stream. Raises ValueError for options out of range.
    """

    def __init__(
        self,
        landmarker: FindPoints,
        detector: Detector,
        *,
        smooth: str = "medium",
        detect_every: float = 1.0,
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
        self._smooth, self._smoother = smooth, Smoother(smooth)
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
        found, again, lost = self._follow(image)
        fresh = []
        if lost or self._search_is_due(found):
            fresh = self._search(image, found)
            self._searched = timestamp
        if again or fresh:
            self._name(found, again, fresh)
        known = [track for track in self._tracks if timestamp - track.seen <= MEMORY]
        known.sort(key=lambda track: (-track.seen, track.id))
        self._tracks = known[: 2 * self._max_faces]
        return self._told(found) if found else self._smoother(self._nobody(image), timestamp)

    def _told(self, found: Found) -> Faces:
        """The faces in the order of their ids, smoothed, with the poses of their points."""
        tracks = sorted(found, key=lambda track: track.id)
        faces = joined([found[track] for track in tracks])
        points = faces.points
        if self._smooth == STEADY:  # what the crops are taken by
            points = np.stack([track.steady for track in tracks]).astype(np.float32)
        ids = np.array([track.id for track in tracks], dtype=np.int64)
        faces = replace(faces, points=points, track_ids=ids, pose=pose_of)
        return faces if self._smooth == STEADY else self._smoother(faces, self._now)

    def _nobody(self, image: NDArray[np.uint8]) -> Faces:
        empty = self._landmarker(image, np.zeros((0, 4)), "landmarks")
        return replace(empty, track_ids=np.zeros(0, dtype=np.int64))

    def _follow(self, image: NDArray[np.uint8]) -> tuple[Found, list[Sighting], bool]:
        """The faces that were seen in the last picture and still are; faces where lost ones should be; and
        whether one got lost."""
        tracks = self._expected()[: self._max_faces]
        if not tracks:
            return {}, [], False
        boxes = np.stack([track.window(self._now) for track in tracks])
        faces = self._landmarker(image, boxes, "landmarks")
        live = np.array([track.live for track in tracks])
        sound = _sound(faces, image, np.where(live, self._min_presence, max(SURE, self._min_presence)))
        seen = sightings(image, faces)
        overlap = np.zeros((len(seen), len(seen)))
        if len(seen) > 1:
            boxes = landmark_boxes(faces.points)
            overlap = box_iou(boxes, boxes) * (1 - np.eye(len(boxes)))
            for first, second in np.argwhere(np.triu(overlap > DUPLICATE)).tolist():
                if sound[first] and sound[second] and live[first] and live[second]:
                    doubt = [tracks[row].surprise(seen[row].points, self._now) + tracks[row].unlike(seen[row])
                             for row in (first, second)]  # fmt: skip
                    sound[first if doubt[0] > doubt[1] else second] = False
        held = np.flatnonzero(sound & live).tolist()
        for row in held:
            alone = not (overlap[row, held] > CONTACT).any()
            tracks[row].see(seen[row], self._now, trusted=alone and _plain(seen[row]))
        lost = np.flatnonzero(live & ~sound).tolist()
        for row in lost:
            tracks[row].lose()
        found = {tracks[row]: seen[row] for row in held}
        if live.all():
            return found, [], bool(lost)
        apart = ~(overlap[:, held] > APART).any(axis=1)
        return found, [seen[row] for row in np.flatnonzero(sound & ~live & apart)], bool(lost)

    def _expected(self) -> list[Track]:
        """The faces that should be in the picture, those seen last first."""
        return [track for track in self._tracks if self._now - track.seen <= PATIENCE or track.live]

    def _search_is_due(self, found: Found) -> bool:
        missing = any(not track.live for track in self._expected())
        wait = 0.0 if not found else min(RETRY, self._detect_every) if missing else self._detect_every
        return self._now - self._searched >= wait

    def _search(self, image: NDArray[np.uint8], found: Found) -> list[Sighting]:
        """The faces that only the detector finds, at most as many as may be followed."""
        boxes = np.asarray(self._detector(image).boxes, dtype=np.float64).reshape(-1, 4)
        known = _boxes(found.values())
        boxes = boxes[~(box_iou(boxes, convert_boxes(known, "landmarks", "face")) > SAME).any(axis=1)]
        largest = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), kind="stable")
        boxes = boxes[largest[: self._max_faces - len(found)]]
        if not len(boxes):
            return []
        faces = self._landmarker(image, boxes, "face")
        sound = _sound(faces, image, np.full(len(faces), self._min_presence))
        return [seen for seen, kept in zip(sightings(image, faces), sound, strict=True) if kept]

    def _name(self, found: Found, again: list[Sighting], fresh: list[Sighting]) -> None:
        """Give the faces in the places of lost ones (`again`) and those of the detector (`fresh`) the ids of
        lost faces, and new ids to what remains of the detector's. While somebody is missing, a face half
        hidden gets no new id: it may be the missing one, and looks like neither. Behind another face it waits
        while the missing one is looked for, behind anything else while that one is remembered."""
        boxes, known = _boxes([*again, *fresh]), _boxes(found.values())
        rows = _unseen(boxes, known)[: self._max_faces - len(found)].tolist()
        clear = np.logical_not((box_iou(boxes, known) > CONTACT).any(axis=1)).tolist()
        missing = any(not track.live for track in self._expected())
        seen = [[*again, *fresh][row] for row in rows]
        lost = [track for track in self._tracks if not track.live]
        costs = [[self._cost(track, sighting) for track in lost] for sighting in seen]
        owners = dict(assign(np.reshape(costs, (len(seen), len(lost))), 1.0))
        for number, (row, sighting) in enumerate(zip(rows, seen, strict=True)):
            plain = _plain(sighting)
            if number in owners:
                track = lost[owners[number]]
                track.see(sighting, self._now, trusted=plain)
            elif row >= len(again) and (plain or not lost) and (clear[row] or not missing):
                track = Track(self._next_id, sighting, self._now)
                self._tracks.append(track)
                self._next_id += 1
            else:
                continue
            found[track] = sighting

    def _cost(self, track: Track, seen: Sighting) -> float:
        """How unlikely it is that a face is this lost one, by its place and its look; above 1 it is not."""
        reach = NEAR + NEAR_A_SECOND * (self._now - track.state.time)
        place, unlike = track.surprise(seen.points, self._now) / reach, track.unlike(seen) / UNLIKE
        return (place + unlike) / 2


def _plain(seen: Sighting) -> bool:
    """Whether a face is sure and open enough to tell where it is and what it looks like."""
    presence = seen.faces.presence
    sure = presence is None or float(presence[seen.row]) >= SURE
    return sure and float(seen.visible.sum()) >= PLAIN * len(seen.visible)


def _sound(faces: Faces, image: NDArray[np.uint8], needed: FloatArray) -> NDArray[np.bool_]:
    """Which rows (N,) are faces: probable enough, `needed` (N,), with the middle of their points in the
    picture, and larger than a pixel."""
    certainty = faces.scores.mean(axis=1) if faces.presence is None else faces.presence
    low, high = faces.points.min(axis=1), faces.points.max(axis=1)
    middle = low + high  # twice as far
    fits = (high - low > 1) & (middle > -1) & (middle < [2 * image.shape[1] - 1, 2 * image.shape[0] - 1])
    return np.asarray((certainty >= needed) & fits.all(axis=1))


def _boxes(seen: Iterable[Sighting]) -> FloatArray:
    """The tight boxes (N, 4) of N sightings."""
    return np.concatenate([np.zeros((0, 4)), *(landmark_boxes(each.points)[None] for each in seen)])


def _unseen(boxes: FloatArray, known: FloatArray) -> NDArray[np.intp]:
    """The rows of `boxes` (N, 4) that are no duplicate of `known` ones (M, 4) nor of an earlier row."""
    kept: list[int] = []
    for row, box in enumerate(boxes):
        others = np.concatenate([known, boxes[kept]])
        if not (box_iou(box, others) > DUPLICATE).any():
            kept.append(row)
    return np.array(kept, dtype=np.intp)
