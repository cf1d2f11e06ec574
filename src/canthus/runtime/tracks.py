"""One followed face: where it was, how it moves, and where it should be next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.geometry import FloatArray, landmark_boxes
from canthus.runtime.appearance import look, unlikeness
from canthus.runtime.smoothing import LEVELS, FaceFilter, relative_certainty

#: The level at which a face is filtered that its crop is taken by.
STEADY = "medium"

#: Time constant in s of the velocity's low pass.
_STEADY = 0.1
#: A face is taken to go on moving as it did for so many seconds while it is hidden.
_COAST = 0.5
#: ... and for so many until the next picture: what it does in longer ones is anybody's guess.
_NEXT = 0.1
#: How much of the present look goes into the remembered one.
_LEARN = 0.1
#: After so many seconds beside another face a sighting is trusted all the same.
_TRUST = 1.0


@dataclass(frozen=True)
class State:
    """A face at `time` s: `points` (K, 2) px and the velocity of its centre (2,) px/s."""

    time: float
    points: FloatArray
    velocity: FloatArray

    def at(self, time: float) -> FloatArray:
        """The points (K, 2) moved on to `time`."""
        return np.asarray(self.points + self.velocity * min(time - self.time, _COAST))

    def next(self, points: FloatArray, time: float) -> State:
        """The state after the face was seen again."""
        seconds = time - self.time
        moved = (points - self.points).sum(axis=0) / (len(points) * seconds)
        share = 1 - math.exp(-seconds / _STEADY)
        return State(time, points, self.velocity + share * (moved - self.velocity))


@dataclass(frozen=True, eq=False)
class Sighting:
    """One of the faces found in a picture: its row in `faces`, its points (K, 2) px, what it looks like,
    how visible each point is (K,) and how much each is to be trusted by the filter (K,)."""

    faces: Faces
    row: int
    points: FloatArray
    look: FloatArray
    visible: FloatArray
    trust: FloatArray


def sightings(image: NDArray[np.uint8], faces: Faces) -> list[Sighting]:
    """Each of the faces found in a picture (H, W, 3)."""
    points, trust = faces.points.astype(np.float64), relative_certainty(faces)
    visible = np.ones_like(trust) if faces.visibility is None else faces.visibility
    return [
        Sighting(faces, row, points[row], look(image, points[row]), visible[row], trust[row])
        for row in range(len(faces))
    ]


def joined(seen: Sequence[Sighting]) -> Faces:
    """The faces of one or more sightings, in their order."""
    faces, rows = seen[0].faces, [each.row for each in seen]
    if any(each.faces is not faces for each in seen):
        return Faces.joined([each.faces[each.row] for each in seen])
    return faces if rows == list(range(len(faces))) else faces[rows]


class Track:
    """A face with its id.

    `live`: it was seen in the last picture. `state`: its last sighting that can be trusted; one beside or
    behind another face cannot, since its points may have slipped over to the other.
    """

    def __init__(self, id: int, seen: Sighting, time: float) -> None:
        self.id = id
        self.live = True
        self.seen = time
        self.last = self.state = State(time, seen.points, np.zeros(2))
        self._look = seen.look
        self._filter = FaceFilter(LEVELS[STEADY], seen.points)

    @property
    def steady(self) -> FloatArray:
        """Its filtered points (K, 2) in the last picture that it was seen in."""
        return self._filter.points

    def surprise(self, points: FloatArray, time: float) -> float:
        """Mean distance of points (K, 2) from where the last trusted sighting puts them, in face sizes."""
        return distance(self.state.at(time), points)

    def unlike(self, seen: Sighting) -> float:
        """How little a face looks like it where it is visible, 0 to about 1."""
        return unlikeness(self._look, seen.look, seen.visible)

    def see(self, seen: Sighting, time: float, *, trusted: bool) -> None:
        """It is in the picture at `time`."""
        if self.live:
            self._filter(seen.points, time - self.last.time, trust=seen.trust)
        else:
            self._filter = FaceFilter(LEVELS[STEADY], seen.points)
        before = self.last if self.live else self.state
        self.last = before.next(seen.points, time)
        self.live, self.seen = True, time
        if trusted or time - self.state.time > _TRUST:
            self.state = self.last
            self._look = self._look + _LEARN * seen.visible[:, None] * (seen.look - self._look)

    def lose(self) -> None:
        """It is not in this picture."""
        self.live = False

    def window(self, time: float) -> FloatArray:
        """The box (4,) of kind `landmarks` to look for it in: that of the filtered points, moved on as the
        face moves, since a crop that shakes makes points that shake."""
        if not self.live:
            return landmark_boxes(self.state.at(time))
        return landmark_boxes(self._filter.ahead(min(time - self.last.time, _NEXT)))


def distance(first: FloatArray, second: FloatArray) -> float:
    """Mean distance of the points (K, 2) of two faces, in units of their mean size."""
    boxes = landmark_boxes(np.stack([first, second]))
    size = float(np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6), axis=-1)).mean())
    return float(np.linalg.norm(first - second, axis=-1).mean()) / size
