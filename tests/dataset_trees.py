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


def mmpose_json(path: Path, faces: list[dict[str, object]], sizes: dict[str, tuple[int, int]]) -> Path:
    """A file of annotations that name their file; `sizes` is file_name -> width, height."""
    names = list(sizes)
    images = [
        {"id": i, "file_name": name, "width": width, "height": height}
        for i, (name, (width, height)) in enumerate(sizes.items())
    ]
    annotations = [
        {"id": 10 + i, "iscrowd": 0, "image_id": names.index(str(face["file_name"])), **face}
        for i, face in enumerate(faces)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1}]}))
    return path


def flat(points: np.ndarray, v: float | np.ndarray = 1) -> list[float]:
    """Keypoints x, y, v, ... of points (K, 2)."""
    return [float(x) for x in np.column_stack([points, np.broadcast_to(v, len(points))]).ravel()]


#: Boxes x, y, width, height of the faces of `cofw`; the second reaches out of the picture.
COFW_BOXES = ([4, 5, 30, 38], [-3, 6, 80, 20])


def cofw(root: Path) -> Path:
    """The .mat files with HDF5's own writer, MATLAB's axes reversed; one colour and one grey picture each."""
    import h5py

    for name, ending in (("COFW_train_color.mat", "Tr"), ("COFW_test_color.mat", "T")):
        with h5py.File(root / name, "w") as file:
            cells = file.create_dataset(f"Is{ending}", (1, 2), h5py.ref_dtype)
            for i in range(2):
                pixels = np.full((HEIGHT, WIDTH, 3), (200, 100, 50), np.uint8)
                stored = pixels[:, :, 0].T if i else pixels.transpose(2, 1, 0)
                cells[0, i] = file.create_dataset(f"#refs#/{i}", data=stored).ref
            rows = [[*(face(i, 29) + 1).T.ravel(), *(np.arange(29) % 2)] for i in range(2)]
            file[f"phis{ending}"] = np.array(rows).T
            file[f"bboxes{ending}"] = np.array(COFW_BOXES, float).T
    return root


def cofw_json(root: Path) -> Path:
    """The same test faces as mmpose writes them."""
    names = ("001346.jpg", "001347.jpg")
    for name in names:
        picture(root / "images" / name)
    faces = [
        {"file_name": name, "keypoints": flat(face(i, 29), 2 - np.arange(29) % 2), "bbox": box}
        for i, (name, box) in enumerate(zip(names, COFW_BOXES, strict=True))
    ]
    mmpose_json(root / "annotations" / "cofw_test.json", faces, dict.fromkeys(names, (WIDTH, HEIGHT)))
    return root


#: Box (left, right, top, bottom) of the faces of `aflw`.
AFLW_BOX = (3, 43, 2, 42)


def aflw(root: Path, count: int = 20003) -> Path:
    """As many faces as it takes for a test part of three, one of them not all visible; two share a photo."""
    from scipy.io import savemat

    order = np.arange(count)[::-1]  # the test part is rows 2, 1, 0
    names = np.empty((count, 1), object)
    names[:, 0] = "0/none.jpg"
    for row, name in enumerate(("0/image00002.jpg", "2/image00004.jpg", "2/image00004.jpg")):
        picture(root / "data" / "flickr" / name)
        names[row, 0] = name
    mask = np.ones((count, 19))
    mask[1, 7] = 0
    data = np.zeros((count, 38))
    for row in range(3):
        data[row] = face(row, 19).T.ravel()
    content = {"nameList": names, "ra": order[None] + 1, "bbox": np.tile(AFLW_BOX, (count, 1))}
    savemat(str(root / "AFLWinfo_release.mat"), {**content, "data": data, "mask_new": mask})
    return root


def aflw_json(root: Path) -> Path:
    """The same three faces as mmpose writes them, those of the frontal list in another order."""
    names = ("image00004.jpg", "image00004.jpg", "image00002.jpg")
    left, right, top, bottom = AFLW_BOX
    faces: list[dict[str, object]] = []
    for row, name in zip((2, 1, 0), names, strict=True):
        picture(root / "images" / name)
        center = [(left + right) / 2, (top + bottom) / 2]
        box = {"center": center, "scale": (right - left) / 200, "box_size": right - left}
        faces.append({"file_name": name, "keypoints": flat(face(row, 19)), **box})
    sizes = dict.fromkeys(names, (WIDTH, HEIGHT))
    mmpose_json(root / "annotations" / "face_landmarks_aflw_test.json", faces, sizes)
    mmpose_json(root / "annotations" / "face_landmarks_aflw_test_frontal.json", [faces[2], faces[0]], sizes)
    return root


def coco_wholebody_face(root: Path) -> Path:
    """Three usable faces, one of them not wholly labelled; an invalid, an empty, a lost and a crowd one."""
    names = ("000000000001.jpg", "000000000002.jpg")
    for name in names:
        picture(root / "val2017" / name)

    def person(file: int, seed: int, **fields: object) -> dict[str, object]:
        box = [5.0, 6.0, 80.0, 30.0]  # reaches out of the picture
        labels = {"face_kpts": flat(face(seed)), "face_box": box, "face_valid": True}
        return {"file_name": names[file], "keypoints": [0] * 51, **labels, **fields}

    partial = face(1)
    partial[36] = 0
    people = [
        person(0, 0),
        person(0, 1, face_kpts=flat(partial, np.arange(68) != 36)),
        person(1, 2),
        person(1, 3, face_valid=False),
        person(1, 4, face_kpts=[0] * 204),
        person(1, 5, face_box=[100, 10, 20, 20]),
        person(1, 6, iscrowd=1),
    ]
    path = root / "annotations" / "coco_wholebody_val_v1.0.json"
    mmpose_json(path, people, dict.fromkeys(names, (WIDTH, HEIGHT)))
    return root


def w300_json(root: Path) -> Path:
    """Three faces as mmpose lists them: 1-based."""
    names = ("helen/testset/333_1.jpg", "helen/testset/444_1.png", "ibug/image_003_1.jpg")
    faces: list[dict[str, object]] = []
    for number, name in enumerate(names):
        picture(root / "images" / name)
        faces.append({"file_name": name, "keypoints": flat(face(number) + 1)})
    sizes = dict.fromkeys(names, (WIDTH, HEIGHT))
    mmpose_json(root / "annotations" / "face_landmarks_300w_valid.json", faces, sizes)
    mmpose_json(root / "annotations" / "face_landmarks_300w_valid_common.json", faces[:2], sizes)
    return root


def wflw_json(root: Path) -> Path:
    """The faces of `wflw`'s test list, and the list of one subset."""
    names = ("0--Parade/p.jpg", "0--Parade/p.jpg", "1--Run/r.jpg")
    faces: list[dict[str, object]] = []
    for number, name in enumerate(names):
        picture(root / "images" / name)
        faces.append({"file_name": name, "keypoints": flat(face(number, 98))})
    sizes = dict.fromkeys(names, (WIDTH, HEIGHT))
    mmpose_json(root / "annotations" / "face_landmarks_wflw_test.json", faces, sizes)
    mmpose_json(root / "annotations" / "face_landmarks_wflw_test_largepose.json", faces[1:2], sizes)
    return root


def merl_rav(root: Path) -> Path:
    """Two test faces: of the second, points 0 to 2 are behind the face, 3 to 5 hidden by something."""
    for pose in ("frontal", "lefthalf", "left", "righthalf", "right"):
        for part in ("trainset", "testset"):
            (root / "merl_rav_organized" / pose / part).mkdir(parents=True)
    for number, name in enumerate(("frontal/testset/image00021", "left/testset/image00022_1")):
        rows = face(number)
        if number:
            rows[:3] = -1
            rows[3:6] *= -1
        path = root / "merl_rav_organized" / f"{name}.pts"
        pts(path, rows - 1)  # as written: the release does not count from 1
        picture(path.with_suffix(".jpg"))
    return root


def lapa(root: Path) -> Path:
    for number in range(2):
        picture(root / "test" / "images" / f"100{number}_0.jpg")
        lines = ["106", *(f"{x} {y}" for x, y in face(number, 106))]
        path = root / "test" / "landmarks" / f"100{number}_0.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n")
    return root


def w300_lp(root: Path) -> Path:
    """One face and its mirrored version, their labels in both conventions; the other folders are empty."""
    from scipy.io import savemat

    for part in ("AFW", "HELEN", "IBUG", "LFPW"):
        (root / part).mkdir(parents=True)
        (root / f"{part}_Flip").mkdir()
    for number, part in enumerate(("HELEN", "HELEN_Flip")):
        name = "HELEN_10405146_1_0"
        picture(root / part / f"{name}.jpg")
        savemat(str(root / part / f"{name}.mat"), {"Pose_Para": [[0, np.pi / 6, 0, 0, 0, 0, 1]]})
        (root / "landmarks" / part).mkdir(parents=True)
        labels = {"pts_2d": face(number), "pts_3d": face(number) + 1}
        savemat(str(root / "landmarks" / part / f"{name}_pts.mat"), labels)
    return root


def tsv(root: Path) -> Path:
    """Two pictures, three faces, as ADNet's files have them: windows of 42 px about (20 + i, 21)."""
    picture(root / "a.jpg")
    picture(root / "images" / "b" / "c.png")
    head = ["image_path", "landmarks_5pts", "landmarks_68pts", "scale", "center_w", "center_h", "tags"]
    lines = [head]
    for number, name in enumerate(("a.jpg", "b/c.png", "b/c.png")):
        cells = [",".join(str(v) for v in face(number, count).ravel()) for count in (5, 68)]
        lines.append([name, *cells, "0.21", f"{20 + number}.0", "21.0", f"0,{number % 2},0,0,0,1"])
    (root / "test.tsv").write_text("\n".join("\t".join(line) for line in lines) + "\n")
    return root


#: Dataset -> its tree, and the split to read.
TREES = {
    "300w": (w300, "full"),
    "coco": (coco, "train"),
    "youtube_faces": (youtube_faces, "train"),
    "wflw": (wflw, "test"),
    "cofw": (cofw_json, "test"),
    "aflw": (aflw_json, "full"),
    "coco_wholebody_face": (coco_wholebody_face, "val"),
    "merl_rav": (merl_rav, "test"),
    "lapa": (lapa, "test"),
    "300w_lp": (w300_lp, "train"),
    "aflw2000_3d": (aflw2000_3d, "test"),
    "face_synthetics": (face_synthetics, "all"),
    "tsv": (tsv, "test"),
    "folder": (folder, "all"),
    "backgrounds": (backgrounds, "test"),
}
