"""MERL-RAV, LaPa and 300W-LP."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import dataset_trees
import numpy as np
import pytest
from scipy.io import savemat

from canthus.datasets.lapa import LaPa
from canthus.datasets.merl_rav import MerlRav
from canthus.datasets.w300_lp import W300LP
from canthus.schemes import IBUG68, SCHEMES
from canthus.schemes.lapa106 import LAPA106


def test_merl_rav_signs_are_visibility(tmp_path: Path) -> None:
    whole, turned = MerlRav(dataset_trees.merl_rav(tmp_path), "test")
    np.testing.assert_allclose(whole.points, dataset_trees.face(0), atol=1e-5)
    assert (whole.visibility == 1).all()
    assert np.isnan(turned.points[:3]).all()
    np.testing.assert_allclose(turned.points[3:], dataset_trees.face(1)[3:], atol=1e-5)
    assert (turned.visibility[:6] == 0).all() and (turned.visibility[6:] == 1).all()
    assert turned.tags == {"subset/left": 1.0} and turned.group == "image00022"
    tight = turned.points[3:]
    np.testing.assert_allclose(turned.box, [*tight.min(0), *tight.max(0)])


def test_merl_rav_points_beside_the_picture_are_no_hidden_ones(tmp_path: Path) -> None:
    dataset_trees.merl_rav(tmp_path)
    path = tmp_path / "merl_rav_organized" / "frontal" / "testset" / "image00021.pts"
    rows = [*["-3.5 20", "12 -2.25", "-10 -20", "-1 -1"], *[f"{i} {i + 1}" for i in range(64)]]
    path.write_text("version: 1\nn_points: 68\n{\n" + "\n".join(rows) + "\n}\n")
    sample = MerlRav(tmp_path, "test")[0]
    np.testing.assert_array_equal(sample.points[:4], [[-3.5, 20], [12, -2.25], [10, 20], [np.nan, np.nan]])
    np.testing.assert_array_equal(sample.visibility[:5], [1, 1, 0, 0, 1])


def test_merl_rav_labels_with_the_pictures_of_aflw(tmp_path: Path) -> None:
    dataset_trees.merl_rav(tmp_path)
    (tmp_path / "merl_rav_organized").rename(tmp_path / "merl_rav_labels")
    for number, name in enumerate(("frontal/testset/image00021", "left/testset/image00022_1")):
        (tmp_path / "merl_rav_labels" / f"{name}.jpg").unlink()
        dataset_trees.picture(tmp_path / "aflw" / "flickr" / "02"[number] / f"image0002{number + 1}.jpg")
    assert [Path(str(s.image)).name for s in MerlRav(tmp_path, "test")] == [
        "image00021.jpg",
        "image00022.jpg",
    ]
    shutil.rmtree(tmp_path / "merl_rav_labels" / "right")
    with pytest.raises(FileNotFoundError, match="right/testset"):
        MerlRav(tmp_path, "test")
    assert MerlRav(tmp_path, "test", allow_missing=True).missing == ("right/testset",)


def test_lapa_text_and_json(tmp_path: Path) -> None:
    text = list(LaPa(dataset_trees.lapa(tmp_path), "test"))
    np.testing.assert_allclose(text[1].points, dataset_trees.face(1, 106), atol=1e-5)
    faces = [
        {"file_name": f"100{i}_0.jpg", "keypoints": dataset_trees.flat(dataset_trees.face(i, 106), 2)}
        for i in range(2)
    ]
    sizes = {str(face["file_name"]): (dataset_trees.WIDTH, dataset_trees.HEIGHT) for face in faces}
    dataset_trees.mmpose_json(tmp_path / "annotations" / "lapa_test.json", faces, sizes)
    shutil.rmtree(tmp_path / "test" / "landmarks")
    for a, b in zip(text, LaPa(tmp_path, "test"), strict=True):
        np.testing.assert_allclose(a.points, b.points, atol=1e-5)
        assert a.id == b.id and a.group == b.group


def test_lapa_short_file(tmp_path: Path) -> None:
    path = dataset_trees.lapa(tmp_path) / "test" / "landmarks" / "1001_0.txt"
    path.write_text(path.read_text().rstrip().rpartition("\n")[0] + "\n")
    with pytest.raises(ValueError, match=r"1001_0\.txt: found shape \(105, 2\), expected a line `106`"):
        LaPa(tmp_path, "test")


def test_lapa_real_samples_are_in_the_order_of_the_scheme(data: Path, tmp_path: Path) -> None:
    """Mirrored points lie on the other side; the pupils lie between the corners of their eyes."""
    (tmp_path / "annotations").mkdir()
    (tmp_path / "test").mkdir()
    source = data / "mmpose_samples" / "lapa"
    shutil.copy(source / "test_lapa.json", tmp_path / "annotations" / "lapa_test.json")
    (tmp_path / "test" / "images").symlink_to(source)
    samples = list(LaPa(tmp_path, "test"))
    annotations = json.loads((source / "test_lapa.json").read_text())["annotations"]
    for sample, item in zip(samples, annotations, strict=True):
        x, y, width, height = item["bbox"]
        np.testing.assert_allclose(sample.box, [x, y, x + width, y + height], atol=1)
        points = sample.points
        axis = points[79] - points[66]  # from the person's right to their left
        for a, b in enumerate(LAPA106.flip):
            if a < b:
                order = -1 if a in (91, 92, 101) else 1  # lower lips run from the left corner back
                assert order * (points[b] - points[a]) @ axis > 0, (a, b)
        for pupil, eye in ((104, points[66:74]), (105, points[75:83])):
            assert (points[pupil] > eye.min(0) - 1).all() and (points[pupil] < eye.max(0) + 1).all()


def test_300w_lp_in_both_conventions(tmp_path: Path) -> None:
    dataset_trees.w300_lp(tmp_path)
    first, mirrored = W300LP(tmp_path, "train")
    np.testing.assert_allclose(first.points, dataset_trees.face(0) + 1, atol=1e-5)
    assert first.tags["yaw"] == pytest.approx(30) and first.tags["yaw_abs"] == pytest.approx(30)
    assert first.group == mirrored.group == "HELEN/HELEN_10405146" and first.id != mirrored.id
    contour = W300LP(tmp_path, "train", scheme=IBUG68)
    assert contour.scheme is IBUG68
    np.testing.assert_allclose(contour[1].points, dataset_trees.face(1), atol=1e-5)
    with pytest.raises(ValueError, match="cannot be read as wflw98"):
        W300LP(tmp_path, "train", scheme=SCHEMES["wflw98"])


def test_300w_lp_without_the_folder_of_landmarks(tmp_path: Path) -> None:
    dataset_trees.w300_lp(tmp_path)
    shutil.rmtree(tmp_path / "landmarks")
    for part in ("HELEN", "HELEN_Flip"):
        points = np.vstack([dataset_trees.face(3).T, np.zeros(68)])
        savemat(str(tmp_path / part / "HELEN_10405146_1_0.mat"), {"pt3d_68": points})
    sample = W300LP(tmp_path, "train")[0]
    np.testing.assert_allclose(sample.points, dataset_trees.face(3), atol=1e-5)
    assert sample.tags == {}
    with pytest.raises(FileNotFoundError, match=r"landmarks.*_pts\.mat"):
        W300LP(tmp_path, "train", scheme=IBUG68)
    for part in ("HELEN", "HELEN_Flip"):
        savemat(
            str(tmp_path / part / "HELEN_10405146_1_0.mat"),
            {"pt2d": dataset_trees.face(4).T, "pt3d_68": points},
        )
    np.testing.assert_allclose(
        W300LP(tmp_path, "train", scheme=IBUG68)[0].points, dataset_trees.face(4), atol=1e-5
    )
    shutil.rmtree(tmp_path / "IBUG_Flip")
    with pytest.raises(FileNotFoundError, match="IBUG_Flip"):
        W300LP(tmp_path, "train")
    assert W300LP(tmp_path, "train", allow_missing=True).missing == ("IBUG_Flip",)
