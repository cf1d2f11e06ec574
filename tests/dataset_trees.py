"""Small trees of every dataset's layout, with labels one can check by hand."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT = 60, 48


def face(seed: int = 0, count: int = 68) -> np.ndarray:
    """Points (count, 2) in px, one decimal, inside the picture."""
    random = np.random.default_rng(seed)
    return np.round(random.uniform(5, 40, (count, 2)), 1)


def picture(path: Path, value: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((HEIGHT, WIDTH, 3), value, np.uint8))
    return path


def pts(path: Path, points: np.ndarray, *, header: bool = True) -> None:
    """Written with an independent formatter, 1-based as iBUG does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{x + 1} {y + 1}" for x, y in points]
    if header:
        lines = ["version: 1", f"n_points:  {len(points)}", "{", *lines, "}"]
    path.write_text("\n".join(lines) + "\n")


def w300(root: Path) -> Path:
    names = {
        "afw": ("111_1", "111_2"),
        "helen/trainset": ("222_1",),
        "lfpw/trainset": ("image_0001", "image_0002"),
        "helen/testset": ("333_1", "444_1"),
        "lfpw/testset": ("image_0003",),
        "ibug": ("image_003_1",),
        "Test/01_Indoor": ("indoor_001",),
        "Test/02_Outdoor": ("outdoor_001",),
    }
    for part, stems in names.items():
        for number, stem in enumerate(stems):
            picture(root / part / f"{stem}.{'png' if number % 2 else 'jpg'}")
            pts(root / part / f"{stem}.pts", face(number), header=number % 2 == 0)
    return root


def coco(root: Path, *, count: int = 68, info: dict[str, str] | None = None, split: str = "train") -> Path:
    """Two pictures, three faces: the second picture's under images/; v cycles through 2, 1, 0."""
    picture(root / "image00007.jpg")
    picture(root / "images" / "b.png")
    annotations = []
    for number in range(3):
        rows = [
            [*point, 2 - i % 3] if i % 3 < 2 else [0, 0, 0] for i, point in enumerate(face(number, count))
        ]
        item = {
            "id": number,
            "image_id": min(number, 1),
            "keypoints": [float(v) for row in rows for v in row],
        }
        item |= {"yaw_abs": 20.0 * number, "reg_offset": None, "note": "x"}
        annotations.append(item)
    annotations[0]["bbox"] = [1.0, 2.0, 30.0, 40.0]
    content = {
        "info": {"scheme": "ibug68", **(info or {})},
        "images": [{"id": 0, "file_name": "image00007.jpg"}, {"id": 1, "file_name": "b.png"}],
        "categories": [{"id": 1, "keypoints": [f"kp_{i}" for i in range(count)]}],
        "annotations": annotations,
    }
    (root / f"{split}.json").write_text(json.dumps(content))
    return root


def youtube_faces(root: Path) -> Path:
    with (root / "training_frames_keypoints.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["", *range(136)])
        for number, name in enumerate(("Ann_Lee_00.jpg", "Ann_Lee_12.jpg", "Bo_Z_00.jpg")):
            picture(root / "training" / name)
            writer.writerow([name, *face(number).ravel()])
    return root


def backgrounds(root: Path) -> Path:
    for number in range(7):
        picture(root / f"{number}.jpg")
    for number in range(6):
        picture(root / "gray" / f"g{number}.jpg")
    return root


def folder(root: Path) -> Path:
    for number, name in enumerate("ab"):
        picture(root / f"{name}.jpg")
        (root / f"{name}.json").write_text(json.dumps({"points": face(number).tolist(), "scheme": "ibug68"}))
    picture(root / "z.png")
    pts(root / "z.pts", face(2))
    return root


def face_synthetics(root: Path) -> Path:
    for number in range(2):
        picture(root / f"00000{number}.png")
        lines = [f"{x} {y}" for x, y in face(number, 70)]
        (root / f"00000{number}_ldmks.txt").write_text("\n".join(lines) + "\n")
    return root


def aflw2000_3d(root: Path) -> Path:
    from scipy.io import savemat

    picture(root / "image00002.jpg")
    points = np.vstack([face(0).T, np.zeros(68)])
    savemat(
        str(root / "image00002.mat"), {"pt3d_68": points, "Pose_Para": [[0.1, -np.pi / 4, 0.2, 0, 0, 0, 1]]}
    )
    return root


def wflw(root: Path) -> Path:
    lines = []
    for number, name in enumerate(("0--Parade/p.jpg", "0--Parade/p.jpg", "1--Run/r.jpg")):
        picture(root / "WFLW_images" / name)
        values = [*face(number, 98).ravel(), 1, 2, 50, 45, int(number == 1), 0, 0, 0, 1, 0]
        lines.append(" ".join(str(value) for value in (*values, name)))
    folder = root / "WFLW_annotations"
    for path in (
        "list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt",
        "list_98pt_test/list_98pt_test_blur.txt",
    ):
        (folder / path).parent.mkdir(parents=True)
    (folder / "list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt").write_text(
        "\n".join(lines) + "\n"
    )
    plain = " ".join(str(value) for value in (*face(5, 98).ravel(), "1--Run/r.jpg"))
    (folder / "list_98pt_test/list_98pt_test_blur.txt").write_text(plain + "\n")
    return root


#: Dataset -> its tree, and the split to read.
TREES = {
    "300w": (w300, "full"),
    "coco": (coco, "train"),
    "youtube_faces": (youtube_faces, "train"),
    "wflw": (wflw, "test"),
    "aflw2000_3d": (aflw2000_3d, "test"),
    "face_synthetics": (face_synthetics, "all"),
    "folder": (folder, "all"),
    "backgrounds": (backgrounds, "test"),
}
