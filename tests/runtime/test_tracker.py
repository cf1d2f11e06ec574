"""Faces keep their ids: a painted world with a detector and a landmarker that one can follow by hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from canthus.detectors import Detections
from canthus.faces import Faces
from canthus.geometry import box_iou, convert_boxes, landmark_boxes
from canthus.runtime.smoothing import Smoother
from canthus.runtime.tracker import Tracker
from canthus.schemes import SCHEMES

FIVE = SCHEMES["five"]
SHAPE = np.array([[0.2, 0.3], [0.8, 0.3], [0.5, 0.6], [0.25, 0.9], [0.75, 0.9]])
PICTURE = np.zeros((300, 400, 3), np.uint8)
FPS = 30.0


def corners(center: tuple[float, float], side: float = 40.0) -> np.ndarray:
    """The five points of a face of this size: its tight box is 0.6 sides wide and high."""
    return np.asarray(center) + (SHAPE - [0.5, 0.6]) * side


@dataclass
class World:
    """Faces in front of each other: the landmarker sees the frontmost one that fills its window."""

    faces: list[np.ndarray] = field(default_factory=list)  # front to back, points (5, 2)
    hidden: set[int] = field(default_factory=set)
    searches: int = 0
    crops: list[int] = field(default_factory=list)

    def visible(self) -> list[np.ndarray]:
        """Those that nothing in front covers by a third."""
        boxes = landmark_boxes(np.stack(self.faces)) if self.faces else np.zeros((0, 4))
        overlap = np.tril(box_iou(boxes, boxes), -1)  # with those in front
        shown = (overlap < 0.33).all(axis=1)
        return [points for row, points in enumerate(self.faces) if shown[row] and row not in self.hidden]

    def detect(self, image: np.ndarray) -> Detections:
        self.searches += 1
        boxes = [convert_boxes(landmark_boxes(points), "landmarks", "face") for points in self.visible()]
        return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.ones(len(boxes), np.float32))

    def find(self, image: np.ndarray, boxes: np.ndarray, kind: str) -> Faces:
        if not len(boxes):
            return Faces.empty(FIVE)
        self.crops.append(len(boxes))
        rows, presence = [], []
        for box in convert_boxes(boxes, kind, "landmarks"):
            seen = self.visible()
            overlap = box_iou(box, landmark_boxes(np.stack(seen)))[0] if seen else np.zeros(0)
            best = int(np.argmax(overlap)) if seen else -1
            sound = best >= 0 and overlap[best] > 0.25
            rows.append(seen[best] if sound else np.tile((box[:2] + box[2:]) / 2, (5, 1)) + SHAPE)
            presence.append(1.0 if sound else 0.01)
        points = np.array(rows, np.float32)
        return Faces(points, np.ones(points.shape[:2]), convert_boxes(boxes, kind, "face"), FIVE,
                     presence=np.array(presence))  # fmt: skip


def tracker(world: World, **options: object) -> Tracker:
    return Tracker(world.find, world.detect, **{"smooth": "off", **options})  # type: ignore[arg-type]


def nearest(faces: Faces, points: np.ndarray) -> int | None:
    """The id of the face that lies on these points."""
    on = [i for i in range(len(faces)) if np.abs(faces.points[i] - points).max() < 2]
    return int(faces.track_ids[on[0]]) if on else None


def test_a_moving_face_is_detected_once_and_followed() -> None:
    world = World()
    track = tracker(world, detect_every=100.0)
    for frame in range(60):
        world.faces = [corners((60 + 4 * frame, 100))]
        faces = track(PICTURE, frame / FPS)
        assert faces.track_ids.tolist() == [0]
        np.testing.assert_allclose(faces.points[0], world.faces[0], atol=1e-3)
    assert world.searches == 1
    assert max(world.crops) == 1


def test_the_detector_is_asked_on_its_schedule_and_finds_who_comes_in() -> None:
    world = World([corners((100, 100))])
    track = tracker(world, detect_every=0.5)
    for frame in range(31):
        if frame == 20:
            world.faces.append(corners((300, 100)))
        faces = track(PICTURE, frame / FPS)
    assert world.searches == 3  # at 0, 0.5 and 1 s
    assert faces.track_ids.tolist() == [0, 1]
    world.searches = 0
    world.faces = []
    for frame in range(31, 41):
        assert len(track(PICTURE, frame / FPS)) == 0
    assert world.searches == 10  # nobody is left: in every picture


def test_id_survives_an_occlusion_but_not_a_long_one() -> None:
    world = World()
    track = tracker(world)
    for frame in range(160):
        world.faces = [corners((60 + 1.5 * frame, 100))]
        world.hidden = {0} if 20 <= frame < 38 or 60 <= frame < 152 else set()
        faces = track(PICTURE, frame / FPS)
        assert (len(faces) == 0) == bool(world.hidden)
        if len(faces):
            assert faces.track_ids.tolist() == [0 if frame < 152 else 1]


@pytest.mark.parametrize("speed", [1.5, 3.0, 6.0])
def test_ids_through_a_crossing(speed: float) -> None:
    """The second face passes behind the first, which is larger."""
    world = World()
    track = tracker(world)
    frames = int(280 / speed)
    for frame in range(frames):
        world.faces = [
            corners((60 + speed * frame, 100), 46),
            corners((340 - speed * frame, 104)),
        ]
        faces = track(PICTURE, frame / FPS)
        assert len(set(faces.track_ids.tolist())) == len(faces) <= 2
        overlaps = box_iou(landmark_boxes(faces.points), landmark_boxes(faces.points)) - np.eye(len(faces))
        assert (overlaps < 0.5).all(), "one face twice"
        if frame == 0:
            first, second = (nearest(faces, points) for points in world.faces)
    assert (first, second) == tuple(nearest(faces, points) for points in world.faces)


def painted(world: World, colours: list[tuple[int, int, int]]) -> np.ndarray:
    """The picture with each face's left half in its own colour, the frontmost on top."""
    image = np.full((300, 400, 3), 90, np.uint8)
    for points, colour in reversed(list(zip(world.faces, colours, strict=True))):
        x1, y1, x2, y2 = np.rint(landmark_boxes(points)).astype(int)
        image[y1 : y2 + 1, x1 : x2 + 1] = 200
        image[y1 : y2 + 1, x1 : (x1 + x2) // 2] = colour
    return image


def test_two_that_vanish_behind_a_third_are_told_apart_by_their_looks() -> None:
    """Both go behind the one in the middle, trade places there and come out again."""
    world = World()
    track = tracker(world)
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    for frame in range(90):
        step = 3 * min(frame, 30)
        left, right = (
            (110 + step, 290 - step) if frame < 45 else (200 + 3 * (frame - 45), 200 - 3 * (frame - 45))
        )
        world.faces = [corners((200, 100), 60), corners((left, 100)), corners((right, 100))]
        faces = track(painted(world, colours), frame / FPS)
        ids = [nearest(faces, points) for points in world.faces]
        if frame == 0:
            first = ids
    assert ids == first and sorted(first) == [0, 1, 2]


@dataclass
class Shade(World):
    """A world in which the points left of `edge` px are hidden; a face is found while two of five are not.
    Its colours are those of what hides it."""

    edge: float = -1.0

    def find(self, image: np.ndarray, boxes: np.ndarray, kind: str) -> Faces:
        faces = super().find(image, boxes, kind)
        if not len(faces):
            return faces
        open_ = faces.points[..., 0] > self.edge
        presence = np.where(open_.sum(1) >= 2, faces.presence, 0.01)
        return replace(faces, visibility=open_.astype(np.float32), presence=presence.astype(np.float32))


def test_a_face_that_something_passes_before_comes_back_as_itself() -> None:
    """What hides its left side looks like nothing of it: neither its look nor its place may be learnt from
    that, and no new face is made of what comes into sight first."""
    world = Shade([corners((200, 100))])
    track = tracker(world, detect_every=0.1)
    mine = np.random.default_rng(0).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    ids = []
    for frame in range(80):
        world.edge = float(170 + 4 * frame if frame < 30 else max(290 - 3 * (frame - 30), 150))
        image = mine.copy()
        image[:, : int(world.edge)] = 255 - mine[:, : int(world.edge)]
        ids.append(track(image, frame / FPS).track_ids.tolist())
    assert [] in ids
    assert ids[0] == ids[-1] == [0]
    assert all(each in ([], [0]) for each in ids)


def test_smoothing_at_the_crops_level_is_that_of_the_smoother() -> None:
    """The filter that steadies the crop is not run twice."""
    world, other = World(), World()
    smooth, raw = tracker(world, smooth="medium"), tracker(other)
    smoother, random = Smoother("medium"), np.random.default_rng(0)
    for frame in range(40):
        world.faces = [corners((60 + 3 * frame, 100)) + random.normal(size=(5, 2)) for _ in range(1)]
        world.faces += [corners((300, 200)) + random.normal(size=(5, 2))]
        other.faces, hidden = world.faces, {0} if 10 <= frame < 14 else set()
        world.hidden = other.hidden = hidden
        found, expected = smooth(PICTURE, frame / FPS), smoother(raw(PICTURE, frame / FPS), frame / FPS)
        assert found.track_ids.tolist() == expected.track_ids.tolist()
        np.testing.assert_allclose(found.points, expected.points, atol=1e-4)


def test_two_detections_of_one_face_give_one_track() -> None:
    world = World([corners((100, 100))])

    def twice(image: np.ndarray) -> Detections:
        found = world.detect(image)
        return Detections(np.concatenate([found.boxes, found.boxes + 3]), np.ones(2, np.float32))

    track = Tracker(world.find, twice, smooth="off", detect_every=0.0)
    for frame in range(5):
        assert track(PICTURE, frame / FPS).track_ids.tolist() == [0]


def test_a_crowd_costs_a_bounded_number_of_crops() -> None:
    grid = [corners((20 + 12 * i, 20 + 12 * j), 9 + 0.01 * i) for i in range(20) for j in range(10)]
    world = World(grid)
    track = tracker(world, max_faces=10, detect_every=0.0)
    for frame in range(4):
        faces = track(PICTURE, frame / FPS)
        assert len(faces) == 10
        assert np.ptp(faces.points[:, 0, 0]) < 12  # the largest column of all
    assert max(world.crops) == 10
    assert faces.track_ids.tolist() == list(range(10))


@pytest.mark.parametrize("seconds", [0.001, 1.0, 5.0])
def test_very_fast_and_very_slow_pictures(seconds: float) -> None:
    """A face that grows and wanders stays one face, whatever the time between the pictures."""
    world = World()
    track = tracker(world)
    for number in range(20):
        world.faces = [corners((150 + 20 * np.sin(number / 3), 120), 60 * 1.05 ** (number % 8))]
        faces = track(PICTURE, seconds * number)
        assert faces.track_ids.tolist() == [0]
        np.testing.assert_allclose(faces.points[0], world.faces[0], atol=1e-3)


def test_points_without_size_are_no_face() -> None:
    def collapsed(image: np.ndarray, boxes: np.ndarray, kind: str) -> Faces:
        count = len(boxes)
        points = np.full((count, 5, 2), 50.0)
        return Faces(points, np.ones((count, 5)), np.zeros((count, 4)), FIVE, presence=np.ones(count))

    track = Tracker(collapsed, World([corners((50, 50))]).detect)
    assert [len(track(PICTURE, time)) for time in (0.0, 0.1)] == [0, 0]


def test_false_alarms_of_the_detector_get_no_track() -> None:
    world = World([corners((100, 100))])
    boxes = np.array([[200, 200, 240, 250]], np.float32)
    track = Tracker(world.find, lambda image: Detections(boxes, np.ones(1, np.float32)))
    assert len(track(PICTURE, 0.0)) == 0
    assert track(PICTURE, 0.1).track_ids.tolist() == []


def test_reset_forgets_faces_and_time_but_gives_no_id_twice() -> None:
    world = World([corners((100, 100))])
    track = tracker(world)
    assert track(PICTURE, 5.0).track_ids.tolist() == [0]
    with pytest.raises(ValueError, match=r"found 5\.0 after 5\.0.*reset"):
        track(PICTURE, 5.0)
    with pytest.raises(ValueError, match="timestamp: found nan"):
        track(PICTURE, float("nan"))
    track.reset()
    assert track(PICTURE, 0.0).track_ids.tolist() == [1]


def test_trackers_share_nothing() -> None:
    world = World([corners((100, 100))])
    first, second = tracker(world), tracker(world)
    first(PICTURE, 0.0)
    world.faces = [corners((300, 200))]
    assert second(PICTURE, 0.0).track_ids.tolist() == [0]
    np.testing.assert_allclose(second(PICTURE, 0.1).points[0], world.faces[0])


@pytest.mark.parametrize(
    ("option", "value"),
    [("detect_every", -1.0), ("min_presence", 1.5), ("max_faces", 0), ("smooth", "strong")],
)
def test_options_out_of_range(option: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{option}: found"):
        tracker(World(), **{option: value})
