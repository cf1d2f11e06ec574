"""The training pictures: which files are used, which are kept for validation, and what is labelled in them.

The held-out test material is never opened here: HELEN's testset, AFLW2000's test lists, every 5th AFW photo
and every 5th negative of each folder (sorted by name).
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from canthus.face_detection.adjustment import apply_adjustment, best_matches, measure_adjustment
from canthus.face_detection.labels import Labels, join, labels_from_landmarks
from canthus.face_detection.scenes import Scene, make_scene
from canthus.geometry import FloatArray, box_iou, convert_boxes
from canthus.images import read_image
from canthus.schemes.five import FIVE
from canthus.schemes.ibug68 import IBUG68

#: Every 5th AFW photo and negative is a test picture.
HELD_OUT = 5
#: Of what remains, every 10th is for validation.
VALIDATION = 10
#: Automatic boxes at least this sure are taught; less sure ones are ignored.
SURE = 0.7


@dataclass(frozen=True)
class HardPlace:
    """A place of a scene without a face, where a network has seen one: `box` (4,) xyxy px."""

    scene: Scene
    box: FloatArray


@dataclass(frozen=True)
class Pools:
    """`photos`: whole photographs; `faces`: pictures around one face; `negatives`: pictures without a
    face; `hard`: places where an earlier network saw a face that is none.
    """

    photos: list[Scene]
    faces: list[Scene]
    negatives: list[Scene]
    hard: tuple[HardPlace, ...] = ()


def parts(paths: list[Path], *, held_out: bool = True) -> dict[str, list[Path]]:
    """Sorted `paths` as test (every 5th, where `held_out`), validation (every 10th of the rest) and train."""
    paths = sorted(paths, key=lambda path: path.name)
    test = paths[::HELD_OUT] if held_out else []
    rest = [path for path in paths if path not in set(test)]
    validation = rest[::VALIDATION]
    return {"test": test, "validation": validation, "train": [p for p in rest if p not in set(validation)]}


def negative_paths(root: Path, part: str) -> list[Path]:
    """The negatives of one part, from both folders."""
    folders = (root / "negatives", root / "negatives" / "gray")
    return [path for folder in folders for path in parts(_pictures(folder))[part]]


def afw_photos(root: Path, part: str) -> list[Path]:
    """The AFW photos (the first file of each photo) of one part."""
    listed = _read_json(root / "detection" / "afw_photos.json")["images"]
    return parts([root / "detection" / row["file_name"] for row in listed])[part]


def afw_boxes(root: Path) -> dict[str, FloatArray]:
    """The labelled `face` boxes (N, 4) of every AFW photo, by file name; the top is not cut at the border."""
    rows = _by_photo(root / "detection" / "afw_photos.json")
    tight = {
        name: np.array([_xyxy(r["landmark_bbox"]) for r in found]).reshape(-1, 4)
        for name, found in rows.items()
    }
    return {name: convert_boxes(boxes, "landmarks", "face") for name, boxes in tight.items()}


def helen_photos(root: Path, part: str) -> list[Path]:
    """HELEN photos: parts `train` and `validation` of its training set, or its `test` set."""
    folder = root / "300w" / "helen"
    if part == "test":
        return _pictures(folder / "testset")
    return parts(_pictures(folder / "trainset"), held_out=False)[part]


def read_pts(path: Path) -> FloatArray:
    """The points (68, 2) of a .pts file, 0-based px."""
    body = path.read_text().split("{")[1].split("}")[0]
    return np.array(body.split(), dtype=float).reshape(-1, 2) - 1.0


def five_points(landmarks: FloatArray) -> FloatArray:
    """Eye centres, nose tip and mouth corners (..., 5, 2) of 68 landmarks (..., 68, 2)."""
    return np.asarray(IBUG68.convert(landmarks, FIVE))


def _pictures(folder: Path) -> list[Path]:
    found = sorted(folder.glob("*.jpg"))
    if not found:
        raise FileNotFoundError(
            f"{folder}: no .jpg files; the detector data tree has 300w, negatives, detection, ..."
        )
    return found


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found; expected the detection data beside 300w and negatives")
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _xyxy(box: list[float]) -> list[float]:
    return [box[0], box[1], box[0] + box[2], box[1] + box[3]]


def _by_photo(path: Path) -> dict[str, list[dict[str, Any]]]:
    content = _read_json(path)
    names = {row["id"]: Path(row["file_name"]).name for row in content["images"]}
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names.values()}
    for row in content["annotations"]:
        rows[names[row["image_id"]]].append(row)
    return rows


def _automatic(rows: list[dict[str, Any]], shares: FloatArray) -> Labels:
    boxes = apply_adjustment(np.array([_xyxy(r["bbox"]) for r in rows]), shares)
    five = np.array([r["five_points"] for r in rows], float).reshape(-1, 5, 2)
    scores = np.array([r["score"] for r in rows], float)
    return Labels(boxes, five, np.full((len(rows), 68, 2), np.nan), scores < SURE)


def photo_labels(path: Path, boxes: FloatArray, automatic: Labels) -> Labels:
    """The labelled faces of a photo, by its .pts file and the `face` boxes (N, 4), and the automatic ones
    beside them.
    """
    own = [
        labels_from_landmarks(points[None], five_points(points)[None])
        for points in [read_pts(path.with_suffix(".pts"))]
    ]
    for box in boxes:
        if box_iou(box, join(own).boxes).max() < 0.8:
            near = box_iou(box, automatic.boxes)[0] if len(automatic) else np.zeros(1)
            five = automatic.five[near.argmax()] if near.max() > 0.4 else np.full((5, 2), np.nan)
            own.append(Labels(box[None], five[None], np.full((1, 68, 2), np.nan), np.zeros(1, dtype=bool)))
    labelled = join(own)
    if len(automatic) == 0:
        return labelled
    return join([labelled, automatic.select(box_iou(automatic.boxes, labelled.boxes).max(1) < 0.3)])


def photo_scenes(root: Path, part: str) -> list[Scene]:
    """The AFW and HELEN photos of `train` or `validation` with every face in them."""
    if part not in ("train", "validation"):
        raise ValueError(f"photo scenes are for train and validation; found {part!r}")
    automatic = _by_photo(root / "detection" / "yunet_train_boxes.json")
    afw = afw_boxes(root)
    paths = [*afw_photos(root, part), *helen_photos(root, part)]
    shares = automatic_adjustment(root)
    scenes = []
    for path in paths:
        labels = photo_labels(
            path, afw.get(path.name, np.zeros((0, 4))), _automatic(automatic.get(path.name, []), shares)
        )
        scenes.append(make_scene(path.name, read_image(path), labels))
    return scenes


def automatic_adjustment(root: Path) -> FloatArray:
    """The shifts (4,) from the automatic boxes to the `face` boxes, measured on the training photos."""
    automatic = _by_photo(root / "detection" / "yunet_train_boxes.json")
    found, truth = [], []
    for path in [*afw_photos(root, "train"), *helen_photos(root, "train")]:
        points = read_pts(path.with_suffix(".pts"))[None]
        boxes = np.array([_xyxy(row["bbox"]) for row in automatic.get(path.name, [])])
        pair = best_matches(boxes, labels_from_landmarks(points, five_points(points)).boxes, 0.4)
        found.append(pair[0])
        truth.append(pair[1])
    return measure_adjustment(np.concatenate(found), np.concatenate(truth))


def coco_faces(path: Path, *, max_offset: float = 0.15, max_yaw: float = 180.0) -> list[Scene]:
    """Face pictures of a COCO-keypoints file, without those whose labels are probably misplaced."""
    content = _read_json(path)
    names = {row["id"]: row["file_name"] for row in content["images"]}
    scenes = []
    for row in content["annotations"]:
        doubtful = (row.get("reg_offset") or 0.0) > max_offset or (row.get("crop_margin") or 9.0) < 0.5
        if doubtful or abs(row.get("yaw_abs") or 0.0) > max_yaw:
            continue
        keypoints = np.array(row["keypoints"], float).reshape(68, 3)
        points = np.where(keypoints[:, 2:] > 0, keypoints[:, :2], np.nan)[None]
        labels = labels_from_landmarks(points, five_points(points))
        scenes.append(
            make_scene(names[row["image_id"]], read_image(path.parent / names[row["image_id"]]), labels)
        )
    return scenes


def csv_faces(folder: Path) -> list[Scene]:
    """Face pictures of a folder in the Udacity layout, two of every person's four frames."""
    scenes = []
    with (folder / "training_frames_keypoints.csv").open(newline="") as stream:
        rows = sorted(list(csv.reader(stream))[1:])
    for row in rows[::2]:
        points = np.array(row[1:], float).reshape(1, 68, 2)
        image = read_image(folder / "training" / row[0])[..., :3]
        scenes.append(make_scene(row[0], image, labels_from_landmarks(points, five_points(points))))
    return scenes


def negative_scenes(root: Path, part: str) -> list[Scene]:
    """The negatives of one part."""
    return [make_scene(path.name, read_image(path), Labels.empty()) for path in negative_paths(root, part)]


def training_pools(root: Path) -> Pools:
    """Everything the detector is trained on."""
    faces = [
        *coco_faces(root / "aflw2000_merlrav" / "train_3d.json"),
        *coco_faces(root / "mtfl80_merlrav" / "train.json", max_yaw=35.0),
        *csv_faces(root / "youtube_faces"),
    ]
    return Pools(photo_scenes(root, "train"), faces, negative_scenes(root, "train"))
