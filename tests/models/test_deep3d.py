"""Deep3DFaceRecon: projection and losses by hand, alignment by five points, the published layout."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from system_rows import Systems, converted

from canthus.build import build_landmarker, build_sources, with_standard_face
from canthus.checkpoints import Conversion
from canthus.codecs import Target
from canthus.codecs.morphable_perspective import MorphablePerspective, rotation
from canthus.commands.convert import convert
from canthus.geometry import FIVE_POINTS, convert_boxes, head_boxes
from canthus.losses.deep3d import Deep3dLoss
from canthus.models.heads.deep3d import Deep3dHead
from canthus.morphable_models import rotation_matrix, sparse_model
from canthus.morphable_models.basel import read_standard_face
from canthus.recipe import Recipe, load_recipe
from canthus.schemes import SCHEMES
from canthus.schemes.alignment import alignment_points

SCHEME = SCHEMES["ibug68_3d"]


def coefficients(**parts: list[float]) -> torch.Tensor:
    starts = {"identity": 0, "expression": 80, "texture": 144, "angles": 224, "light": 227, "place": 254}
    out = torch.zeros(1, 257)
    for name, values in parts.items():
        out[0, starts[name] : starts[name] + len(values)] = torch.tensor(values)
    return out


def test_the_projection_by_hand() -> None:
    """Every point alone, as the published formulas say: turn, move, project, count y from the bottom."""
    codec = MorphablePerspective(SCHEME, 224)
    assert codec.fields == {"parameters": (257,)}
    angles, place = (0.2, -0.5, 0.1), (0.3, -0.1, 0.6)
    found = coefficients(
        identity=[1.5], expression=[0.0, -1.0], angles=list(angles), place=list(place), texture=[9.0]
    )
    (sx, sy, sz), (cx, cy, cz) = np.sin(angles), np.cos(angles)
    turn = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    turn = turn @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    np.testing.assert_allclose(rotation(torch.tensor([angles]))[0].numpy(), turn, atol=1e-6)
    model = sparse_model()
    shape = 0.62 * (model.mean + 1.5 * model.identity[0] - model.expression[1])
    decoded = codec.decode({"parameters": found})
    assert decoded.points3d is not None and decoded.coefficients is not None
    for k in (0, 8, 30, 45, 67):
        x, y, z = turn @ shape[k] + place
        u, v = 1015 * x / (10 - z) + 112, 1015 * y / (10 - z) + 112
        assert decoded.points[0, k].tolist() == pytest.approx([u, 223 - v], abs=1e-3)
        depth = 1015 / (10 - 0.6) * (turn @ shape[k])[2]
        assert decoded.points3d[0, k].tolist() == pytest.approx([u, 223 - v, depth], abs=1e-3)


def test_mirroring_nearly_mirrors_points() -> None:
    codec = MorphablePerspective(SCHEME, 224)
    found = {"parameters": coefficients(angles=[0.1, 0.4, -0.2], place=[0.2, 0.1, 0.3], identity=[0.5, 1.0])}
    straight, mirrored = codec.decode(found).points, codec.decode(codec.mirror(found, SCHEME)).points
    expected = straight[:, list(SCHEME.flip)] * torch.tensor([-1.0, 1.0]) + torch.tensor([223.0, 0.0])
    assert (mirrored - expected).abs().mean() < 0.5 and (mirrored - straight).abs().mean() > 10


def test_losses_by_hand() -> None:
    factors = {"landmarks": 1.0, "coefficients": 1.0, "light": 100.0}
    loss = Deep3dLoss(**factors)
    found = coefficients(identity=[2.0], expression=[3.0], texture=[10.0], light=[0.3])
    weight = torch.ones(1, 68)
    weight[0, 1] = 0
    targets = {
        "crop_points": Target(torch.zeros(1, 68, 2), weight),
        "parameters": Target(torch.zeros(1, 257), torch.ones(1)),
    }
    size = 4 + 0.8 * 9 + 0.017 * 100
    light = 100 * (0.2**2 + 2 * 0.1**2) / 27
    assert loss({"parameters": found}, targets).item() == pytest.approx(size + light, rel=1e-5)
    points = torch.zeros(1, 68, 2)
    points[0, 0], points[0, 28], points[0, 1] = torch.tensor([3.0, 4.0]), 1.0, 99.0
    expected = size + light + (25 + 20 * 2) / 67
    assert loss({"parameters": found, "crop_points": points}, targets).item() == pytest.approx(expected)


def test_five_points_give_place_and_size_of_a_head() -> None:
    standard = np.array(FIVE_POINTS)
    scale, turn = 51.0, math.radians(40)
    seen = standard @ np.array([[math.cos(turn), 0, math.sin(turn)], [0, 1, 0], [0, 0, 0]]).T
    points = seen[:, :2] * (scale, -scale) + (130.0, 90.0)
    box = head_boxes(points[None])[0]
    np.testing.assert_allclose(box, [130 - scale, 90 - scale, 130 + scale, 90 + scale], atol=1e-6)
    assert load_recipe("deep3dfacerecon").crop.window(box, "head")[2] - 130 == pytest.approx(
        112 * scale / 102, rel=1e-3
    )
    front = 0.62 * sparse_model().mean[:, :2] * (scale, -scale) + (130.0, 90.0)
    tight = np.concatenate([front.min(0), front.max(0)])
    np.testing.assert_allclose(convert_boxes(tight, "landmarks", "head"), box, atol=0.5)
    np.testing.assert_allclose(convert_boxes(box, "head", "landmarks"), tight, atol=0.5)
    face = convert_boxes(box, "head", "face")
    np.testing.assert_allclose(convert_boxes(face, "face", "head"), box, atol=1e-6)


def test_the_standard_face_is_that_of_the_shape_model() -> None:
    shape = 0.62 * sparse_model().mean
    expected = [shape[[36, 39]].mean(0), shape[[42, 45]].mean(0), shape[30], shape[48], shape[54]]
    np.testing.assert_allclose(FIVE_POINTS, expected, atol=2e-3)


def published_crop(points: np.ndarray, lm3d: np.ndarray, width: int, height: int) -> tuple[np.ndarray, float]:
    """The steps of the publication on labels (68, 2) with y down: five points from 68, y from the bottom,
    eight unknowns by least squares, 102 px a unit, the middle of the resized picture on 112; y down.
    Also the factor from picture to crop."""
    up = points * (1, -1) + (0, height - 1)

    def five(of: np.ndarray) -> np.ndarray:
        return np.stack([(of[36] + of[39]) / 2, (of[42] + of[45]) / 2, of[30], of[48], of[54]])

    rows, seen = np.zeros((10, 8)), five(up)
    rows[0::2, :3], rows[0::2, 3] = five(lm3d), 1
    rows[1::2, 4:7], rows[1::2, 7] = five(lm3d), 1
    k = np.linalg.lstsq(rows, seen.reshape(-1), rcond=None)[0]
    scale = 102 / ((np.linalg.norm(k[:3]) + np.linalg.norm(k[4:7])) / 2)
    middle = np.array([k[3], k[7]])
    whole = np.array([int(width * scale), int(height * scale)])
    placed = (up - middle + np.array([width, height]) / 2) * scale - (whole / 2 - 112)
    return placed * (1, -1) + (0, 223), scale


def test_alignment_as_published() -> None:
    """Within a pixel of the published crop, which cuts whole ones, for heads in any pose; the middle of its
    standard face may be anywhere."""
    random = np.random.default_rng(3)
    for _ in range(10):
        yaw, pitch, roll = random.uniform((-60, -25, -40), (60, 25, 40))
        lm3d = 0.62 * sparse_model().mean * random.uniform(0.95, 1.05, (1, 3)) + (0.0, 0.1, 0.2)
        seen = lm3d @ rotation_matrix([yaw, pitch, roll]).T
        points = 150 + random.uniform(60, 160) * seen[:, :2] * (1, -1) + random.normal(0, 2, (68, 2))
        expected, scale = published_crop(points, lm3d, 640, 480)
        standard = tuple(tuple(row) for row in alignment_face(lm3d))
        rule = load_recipe("deep3dfacerecon").crop.model_copy(update={"standard_face": standard})
        crop = rule.crop(rule.head_boxes(alignment_points(points, SCHEME))[0], "head", 224)
        assert crop.matrix[0, 0] == pytest.approx(scale, rel=1e-4)
        assert np.abs(crop.to_crop(points) - expected).max() < 1.01


def alignment_face(lm3d: np.ndarray) -> list[list[float]]:
    groups = ((36, 39), (42, 45), (30,), (48,), (54,))
    return [lm3d[list(group)].mean(0).tolist() for group in groups]


def test_five_points_of_other_schemes() -> None:
    points = np.random.default_rng(0).random((3, 68, 2))
    found = alignment_points(points, SCHEMES["ibug68"])
    np.testing.assert_allclose(found[:, 0], (points[:, 36] + points[:, 39]) / 2)
    np.testing.assert_array_equal(found[:, 2:], points[:, [30, 48, 54]])
    wflw = np.random.default_rng(1).random((98, 2))
    np.testing.assert_allclose(alignment_points(wflw, SCHEMES["wflw98"])[1], (wflw[68] + wflw[72]) / 2)
    points[:, 36] = np.nan  # then the middle of the points that `five` takes, which are NaN here, too
    assert np.isnan(alignment_points(points, SCHEMES["ibug68"])[:, 0]).all()
    aflw = np.random.default_rng(2).random((19, 2))
    aflw[6] = np.nan  # a corner of the right eye: its labelled centre stands for the middle
    np.testing.assert_array_equal(alignment_points(aflw, SCHEMES["aflw19"])[0], aflw[7])
    five = np.random.default_rng(3).random((5, 2))
    np.testing.assert_array_equal(alignment_points(five, SCHEMES["five"]), five)


@pytest.fixture
def basel_folder(tmp_path: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Files of the published names and shapes: 90 vertices, of which 68 are landmarks, counted from 1."""
    savemat = pytest.importorskip("scipy.io").savemat
    random = np.random.default_rng(5)
    arrays = {
        "meanshape": random.normal(0, 0.7, (1, 270)),
        "idBase": random.normal(0, 0.02, (270, 80)),
        "exBase": random.normal(0, 0.02, (270, 64)),
        "keypoints": (random.permutation(90)[:68] + 1)[None].astype(float),
        "tri": np.array([[1.0, 2.0, 3.0]]),
    }
    savemat(tmp_path / "BFM_model_front.mat", arrays)
    lm = random.normal(0, 0.5, (68, 3))
    savemat(tmp_path / "similarity_Lm3D_all.mat", {"lm": lm})
    return tmp_path, {**arrays, "lm": lm}


def test_points_of_the_published_shape_model(basel_folder: tuple[Path, dict[str, np.ndarray]]) -> None:
    """The published formulas in float64, row by row, on files of the published layout."""
    folder, arrays = basel_folder
    codec = MorphablePerspective(SCHEME, 224, model=str(folder / "BFM_model_front.mat"))
    random = np.random.default_rng(6)
    found = random.normal(0, 1, (4, 257))
    found[:, 224:227], found[:, 254:] = random.uniform(-0.6, 0.6, (4, 3)), random.normal(0, 0.3, (4, 3))
    points = codec.decode({"parameters": torch.tensor(found, dtype=torch.float32)}).points
    mean = arrays["meanshape"].reshape(-1, 3)
    mean = (mean - mean.mean(0)).reshape(-1)
    for row, got in zip(found, points.numpy(), strict=True):
        shape = (mean + arrays["idBase"] @ row[:80] + arrays["exBase"] @ row[80:144]).reshape(-1, 3)
        x, y, z = row[224:227]
        rx = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
        ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
        rz = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
        camera = shape @ (rz @ ry @ rx).T + row[254:]
        camera[:, 2] = 10 - camera[:, 2]
        image = camera @ np.array([[1015, 0, 112], [0, 1015, 112], [0, 0, 1.0]]).T
        image = (image[:, :2] / image[:, 2:])[arrays["keypoints"][0].astype(int) - 1]
        np.testing.assert_allclose(got, image * (1, -1) + (0, 223), atol=2e-3)


def test_the_published_standard_face_is_taken_where_it_lies(
    basel_folder: tuple[Path, dict[str, np.ndarray]],
) -> None:
    folder, arrays = basel_folder
    face = read_standard_face(folder / "similarity_Lm3D_all.mat")
    np.testing.assert_allclose(face, alignment_face(arrays["lm"]))
    row = load_recipe("deep3dfacerecon")
    assert with_standard_face(row) is row  # the package's own shape has no file beside it
    model = f"codec.model={folder / 'BFM_model_front.mat'}"
    aligned = with_standard_face(load_recipe("deep3dfacerecon", [model]))
    assert aligned.crop.standard_face == face
    again = type(aligned.crop).model_validate_json(aligned.crop.model_dump_json(exclude_none=True))
    five = np.random.default_rng(0).random((1, 5, 2)) * 100
    np.testing.assert_array_equal(again.head_boxes(five), head_boxes(five, face))
    assert not np.allclose(again.head_boxes(five), head_boxes(five))
    (folder / "similarity_Lm3D_all.mat").unlink()
    assert with_standard_face(load_recipe("deep3dfacerecon", [model])).crop.standard_face is None
    pytest.importorskip("scipy.io").savemat(folder / "similarity_Lm3D_all.mat", {"lm": np.zeros((5, 3))})
    with pytest.raises(ValueError, match=r"Lm3D_all\.mat: found lm of shape \(5, 3\), expected 68"):
        with_standard_face(load_recipe("deep3dfacerecon", [model]))


def test_converting_takes_the_standard_face(
    basel_folder: tuple[Path, dict[str, np.ndarray]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, arrays = basel_folder
    taken: list[Recipe] = []

    def record(path: Path, recipe: Recipe, out: Path, *, mean_face: Path | None) -> tuple[object, object]:
        taken.append(recipe)
        network = SimpleNamespace(parameters=lambda: [torch.zeros(3)], codec=SimpleNamespace(further=()))
        return network, Conversion({}, ())

    monkeypatch.setattr("canthus.checkpoints.convert_checkpoint", record)
    paths = (folder / "epoch_20.pth", folder / "out.safetensors", "deep3dfacerecon")
    assert convert(*paths, shape_model=folder / "BFM_model_front.mat") == 0
    assert "aligned to the standard face beside the shape model" in capsys.readouterr().out
    np.testing.assert_allclose(np.array(taken[0].crop.standard_face), alignment_face(arrays["lm"]))
    assert convert(*paths) == 0
    assert "aligned to the standard face of the package's shape model" in capsys.readouterr().out
    assert taken[1].crop.standard_face is None


def test_training_boxes_from_five_points_and_the_heads_outputs(data: Path) -> None:
    content = load_recipe("deep3dfacerecon").model_dump()
    content["datasets"] = [
        {"name": "aflw2000_3d", "path": ".", "split": "test", "boxes": "five_points"},
    ]
    content |= {
        "backbone": {"name": "resnet", "width": 8, "depths": [1] * 4},
        "size": 64,
        "validation": {"fraction": 0},
    }
    recipe = Recipe.model_validate(content)
    training, _ = build_sources(recipe, data / "aflw2000_3d_original")
    sample = training[0].samples[0]
    five = alignment_points(sample.points, SCHEME)
    assert sample.box_kind == "head"
    np.testing.assert_allclose(sample.box, head_boxes(five)[0], atol=1e-3)
    landmarker = build_landmarker(recipe).train()
    assert isinstance(landmarker.head, Deep3dHead)
    outputs = landmarker(torch.randn(2, 3, 64, 64))
    assert set(outputs) == {"parameters", "crop_points"} and (outputs["parameters"] == 0).all()
    torch.testing.assert_close(outputs["crop_points"], landmarker.codec.decode(outputs).points)
    assert set(landmarker.eval()(torch.randn(2, 3, 64, 64))) == {"parameters"}


def test_the_published_layout(shared: Path) -> None:
    systems = Systems(shared)
    state = systems.weights("deep3dfacerecon_r50")
    landmarker = converted("deep3dfacerecon", state)
    with torch.no_grad():
        images = systems.images("r50")[:1]
        maps = landmarker.backbone(images)[-1].mean((2, 3), keepdim=True)
        parts = [
            torch.nn.functional.conv2d(
                maps, state[f"final_layers.{i}.weight"], state[f"final_layers.{i}.bias"]
            )
            for i in range(7)
        ]
        expected = torch.cat(parts, 1).flatten(1)
        torch.testing.assert_close(landmarker(images)["parameters"], expected)
    assert expected.shape == (1, 257)
