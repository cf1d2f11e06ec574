"""`canthus challenge check`: each rule broken once, the solution's lines, both denominators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dataset_trees
import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from canthus.build import build_landmarker, build_sources
from canthus.checkpoints import native
from canthus.cli import app
from canthus.commands import challenge, challenge_rules
from canthus.datasets.aflw2000_3d import Aflw2000In3d
from canthus.datasets.coco import Coco
from canthus.datasets.fitted_pose import measure_angles
from canthus.evaluation import PictureBoxes, predict_split
from canthus.faces import Faces
from canthus.geometry import CropRule
from canthus.recipe import Recipe, load_recipe
from canthus.sample import Sample
from canthus.schemes import IBUG68_3D
from canthus.scoring import score


@pytest.fixture
def recipe(tiny_recipe: Recipe) -> Recipe:
    content = tiny_recipe.model_dump()
    content["datasets"] = [{"name": "coco", "split": "train_3d", "boxes": "picture"}]
    return Recipe.model_validate(content | {"scheme": "ibug68_3d"})


def weights(path: Path, recipe: Recipe, facts: dict[str, str] | None = None) -> Path:
    native.save(path, build_landmarker(recipe), recipe, facts or {"initial_weights": "scratch"})
    return path


def broken(path: Path) -> dict[str, str]:
    return {rule.name: rule.found for rule in challenge_rules.check(path) if not rule.kept}


def test_a_model_that_keeps_the_rules(recipe: Recipe, tmp_path: Path) -> None:
    path = weights(tmp_path / "a.safetensors", recipe)
    assert broken(path) == {}
    result = CliRunner().invoke(app, ["challenge", "check", str(path)])
    assert result.exit_code == 0 and result.stdout.count("kept") == 5, result.output


def change(recipe: Recipe, **values: Any) -> Recipe:
    part = recipe.datasets[0].model_dump() | values
    return Recipe.model_validate(recipe.model_dump() | {"datasets": [part]})


def test_each_rule_is_held_to(recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    stated = broken(weights(path, change(recipe, boxes="dataset")))
    assert list(stated) == ["no face detector"] and "may be a detector's" in stated["no face detector"]
    tagged = broken(weights(path, change(recipe, filter={"reg_offset": (0, 0.2)})))
    assert "filtered by reg_offset" in tagged["no face detector"]
    flipped = Recipe.model_validate(recipe.model_dump() | {"test": {"flip": True}})
    assert list(broken(weights(path, flipped))) == ["no other model"]
    begun = broken(weights(path, recipe, {"initial_weights": "resnet.pth"}))
    assert begun == {"no other model": "the training began with resnet.pth"}

    weights(path, recipe)
    header, state = native.read_header(path), load_file(path)
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file(half, path, metadata=header)
    assert broken(path) == {"float32": "values of F16"}
    count = next(name for name, value in state.items() if value.ndim == 1 and value.is_floating_point())
    save_file({**state, count: state[count].long()}, path, metadata=header)
    assert broken(path) == {"float32": "values of I64"}
    save_file({**state, "second.weight": torch.zeros(1)}, path, metadata=header)
    assert broken(path) == {"one network": "second.weight and 0 more are not as the recipe has them"}
    save_file(state, path, metadata=header)
    monkeypatch.setattr(challenge_rules, "LIMIT", path.stat().st_size)
    assert broken(path) == {}
    monkeypatch.setattr(challenge_rules, "LIMIT", path.stat().st_size - 1)
    assert list(broken(path)) == ["at most 15 MB"]
    result = CliRunner().invoke(app, ["challenge", "check", str(path)])
    assert result.exit_code == 1 and "BROKEN  at most 15 MB" in result.stdout


def graph(path: Path, recipe: Recipe | None, **changes: Any) -> Path:
    """An ONNX file of one product; `kind` of its values, `inputs`, `beside` a file of values, `facts`."""
    kind, names = changes.get("kind", onnx.TensorProto.FLOAT), changes.get("inputs", ("images",))
    shape = [1, 4]
    values = onnx.helper.make_tensor("w", kind, [4], [1, 2, 3, 4])
    nodes = [onnx.helper.make_node("Cast", ["w"], ["v"], to=onnx.TensorProto.FLOAT)]
    nodes += [onnx.helper.make_node(*changes["node"])] if "node" in changes else []
    nodes.append(onnx.helper.make_node("Sum", [*names, "v"], ["points"]))
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in (*names, "points")
    ]
    counts = onnx.helper.make_tensor("n", onnx.TensorProto.INT64, [1], [3])
    model = onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", ends[:-1], ends[-1:], [values, counts]))
    if "beside" in changes:
        values = model.graph.initializer[0]
        values.ClearField("raw_data")
        values.data_location = onnx.TensorProto.EXTERNAL
        values.external_data.add(key="location", value=changes["beside"].name)
    facts = {"initial_weights": "scratch", **changes.get("facts", {})}
    if recipe is not None:
        facts["recipe_content"] = recipe.model_dump_json()
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_the_rules_for_exported_files(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    assert broken(graph(path, recipe)) == {}
    result = CliRunner().invoke(app, ["challenge", "check", str(path)])
    assert result.exit_code == 0 and result.stdout.count("kept") == 5, result.output
    for kind in ("FLOAT16", "INT8", "DOUBLE"):
        made = graph(path, recipe, kind=getattr(onnx.TensorProto, kind))
        assert broken(made) == {"float32": f"values of {kind}"}
    quantized = ("DequantizeLinear", ["w", "n"], ["q"])
    assert broken(graph(path, recipe, node=quantized)) == {"float32": "values of DequantizeLinear"}
    two = broken(graph(path, recipe, inputs=("images", "heatmaps")))
    assert two == {"one network": "the inputs images, heatmaps"}
    assert list(broken(graph(path, recipe, facts={"flip_test": "true"}))) == ["no other model"]
    assert list(broken(graph(path, change(recipe, boxes="dataset")))) == ["no face detector"]
    unknown = broken(graph(path, None))
    assert list(unknown) == ["no face detector", "no other model"]
    assert "does not hold the recipe" in unknown["no face detector"]
    beside = tmp_path / "a.data"
    beside.write_bytes(bytes(challenge_rules.LIMIT))
    assert broken(graph(path, recipe, beside=beside)) == {"at most 15 MB": "15.00 MB"}
    face68 = CliRunner().invoke(app, ["challenge", "check", "face68"])
    assert face68.exit_code == 1 and "kept    float32" in face68.stdout, face68.output


def test_one_line_for_bad_input(recipe: Recipe, tmp_path: Path) -> None:
    path = weights(tmp_path / "a.safetensors", recipe)
    plain, empty = tmp_path / "plain.safetensors", tmp_path / "empty.safetensors"
    save_file({"a": torch.zeros(1)}, plain)
    empty.write_bytes(b"")
    labels = dataset_trees.aflw2000_3d(tmp_path / "labels")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"no graph")
    solution = ["--solution", str(tmp_path / "out.txt")]
    for arguments, said in (
        ([str(plain)], "found no recipe in the header"),
        ([str(empty)], "not a safetensors file"),
        ([str(tmp_path / "none.safetensors")], "no such model file"),
        ([str(tmp_path / "none.onnx")], "no such model file"),
        ([str(damaged)], "not an ONNX file"),
        ([str(path), *solution], "--solution needs pictures"),
        ([str(path), "--root", str(tmp_path / "no"), "--split", "test_3d", *solution], "coco: no file"),
        (["face68", "--dataset", "aflw2000_3d", "--root", str(labels), *solution], "expected the same"),
    ):
        result = CliRunner().invoke(app, ["challenge", "check", *arguments])
        assert result.exit_code == 2, result.output
        assert said in result.stderr and len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert not (tmp_path / "out.txt").exists()


class Shifted:
    """A model that knows the labels, and answers (3, 4) px beside them."""

    scheme = IBUG68_3D
    crop_rule = CropRule(box_kind="landmarks", scale=1.9, offset=(0, -0.16))

    def __init__(self, labels: list[np.ndarray]) -> None:
        self.labels = iter(labels)

    def __call__(self, image: np.ndarray, boxes: np.ndarray, box_kind: str) -> Faces:
        assert box_kind == "landmarks"
        window = self.crop_rule.window(boxes[0], "landmarks")
        assert window[::2] == pytest.approx([-0.5, image.shape[1] - 0.5], abs=1e-3)
        points = np.stack([next(self.labels) for _ in boxes]) + np.array([3, 4])
        return Faces(points, np.ones(points.shape[:2]), boxes, self.scheme)


def test_errors_and_solution_by_hand(tmp_path: Path) -> None:
    dataset_trees.aflw2000_3d(tmp_path)
    dataset = Aflw2000In3d(tmp_path, "test")
    samples = [dataset[i] for i in range(len(dataset))]
    model = Shifted([sample.points for sample in samples])
    predictions = predict_split(model, dataset, PictureBoxes(model.crop_rule))
    metrics = score(predictions, dataset)["metrics"]
    sides = np.array([max(sample.size) for sample in samples])
    assert metrics["nme/crop_side"] == pytest.approx(np.mean(500 / sides), rel=1e-5)
    boxes = np.array([np.nanmax(s.points, 0) - np.nanmin(s.points, 0) for s in samples])
    expected = np.mean(500 / np.sqrt(boxes.prod(-1)))
    assert metrics["nme/landmark_box_sqrt_wh"] == pytest.approx(expected, rel=1e-5)
    said = challenge.errors(metrics)
    assert said[0] == f"NME {metrics['nme/crop_side']:.3f} % of the side of the picture"
    lines = list(challenge.solution(predictions, dataset))
    name, *values = lines[0].split()
    assert len(lines) == len(samples) and name == Path(str(samples[0].image)).name and len(values) == 136
    found = np.array(values, dtype=float).reshape(68, 2)
    np.testing.assert_allclose(found, samples[0].points + np.array([3, 4]), atol=1e-3)


def test_a_picture_with_two_faces_has_no_line(tmp_path: Path) -> None:
    dataset_trees.coco(tmp_path, info={"scheme": "ibug68_3d"}, split="test_3d")
    dataset = Coco(tmp_path, "test_3d")
    model = Shifted([dataset[i].points for i in range(len(dataset))])
    predictions = predict_split(model, dataset, PictureBoxes(model.crop_rule))
    with pytest.raises(ValueError, match="appears twice, expected one face a picture"):
        list(challenge.solution(predictions, dataset))


def test_the_mean_over_yaw() -> None:
    metrics: dict[str, float | None] = {"nme/crop_side": 2.0, "nme/landmark_box_sqrt_wh": 3.5}
    for name, value in (("yaw_0_30", 3.0), ("yaw_30_60", 4.0), ("yaw_60", 8.0)):
        metrics |= {f"{name}/faces": 5.0, f"{name}/nme/landmark_box_sqrt_wh": value}
    assert challenge.errors(metrics)[2:] == [
        "    yaw 0 to 30 degrees: 3.000 %, 5 faces",
        "    yaw 30 to 60 degrees: 4.000 %, 5 faces",
        "    yaw 60 to 90 degrees: 8.000 %, 5 faces",
        "    mean of the three: 5.000 %",
    ]


@pytest.mark.parametrize(("width", "height"), [(320, 320), (100, 60), (7, 31)])
def test_whole_pictures_as_crops(width: int, height: int) -> None:
    for rule in (CropRule(scale=1.0), CropRule(box_kind="landmarks", scale=1.9, offset=(0.1, -0.16))):
        x1, y1, x2, y2 = rule.window(rule.whole(width, height), rule.box_kind)
        side = max(width, height)
        assert [x2 - x1, y2 - y1] == pytest.approx([side, side])
        assert [(x1 + x2) / 2, (y1 + y2) / 2] == pytest.approx([(width - 1) / 2, (height - 1) / 2])
    with pytest.raises(ValueError, match="no box makes that crop a whole picture"):
        CropRule(aspect=0.8).whole(width, height)


def test_our_entry_sees_no_test_picture_and_only_frontal_contours(data: Path) -> None:
    recipe = load_recipe("aflw2000_3d-shufflenetv2_light")
    (faces, photos), _ = build_sources(recipe, data)
    held = json.loads((data / "aflw2000_merlrav" / "test_3d.json").read_text())
    tested = {Path(image["file_name"]).stem for image in held["images"]}
    assert faces.samples and not tested & {Path(str(sample.image)).stem for sample in faces.samples}
    assert photos.samples and not any("testset" in str(sample.image) for sample in photos.samples)
    for sample in photos.samples:
        assert sample.tags["yaw_abs"] <= 15
        assert np.isnan(sample.points[:17]).all() and np.isfinite(sample.points[17:]).all()
    for sample in faces.samples[:20]:
        assert recipe.crop.window(sample.box, sample.box_kind) == pytest.approx(
            [-0.5, -0.5, 319.5, 319.5], abs=1e-3
        )


def test_stated_angles_are_not_measured_again() -> None:
    points = dataset_trees.face()
    nothing = np.full(68, np.nan, np.float32)
    box = np.zeros(4, np.float32)
    plain = Sample(Path("a.png"), points, nothing, box, "landmarks", "a", "a")
    stated = Sample(Path("b.png"), points, nothing, box, "landmarks", "b", "b", tags={"yaw_abs": 77.0})
    first, second = measure_angles([plain, stated], IBUG68_3D)
    assert second.tags == {"yaw_abs": 77.0} and first.tags["yaw_abs"] == abs(first.tags["yaw"])
