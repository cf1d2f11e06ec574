"""SynergyNet and 3DDFA_V2: the originals' answers, their files, what only training has, the exported file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from system_rows import Systems, converted
from typer.testing import CliRunner

from canthus.build import build_landmarker
from canthus.checkpoints import load_official, native
from canthus.cli import app
from canthus.export import export, random_crops
from canthus.geometry import CropRule
from canthus.models.backbones.mobilenetv1 import MobileNetV1
from canthus.models.heads.synergynet import SynergyNetHead
from canthus.recipe import Recipe, load_recipe
from canthus.runtime.landmarker import OnnxLandmarker

SHAPE = ("param_mean", "param_std", "u_base", "w_shp_base", "w_exp_base")


def official(systems: Systems, path: Path) -> Path:
    """A checkpoint as it is published."""
    state = systems.weights("synergynet")
    made = systems.answers("synergynet/reconstruct.npz")
    state |= {name: torch.from_numpy(made[name]) for name in SHAPE}
    state["param_mean"] = torch.cat([state["param_mean"], torch.zeros(40)])  # longer than what is used
    state["w_shp"] = torch.zeros(9, 40)
    torch.save({"epoch": 80, "state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    return path


def test_the_originals_answers(shared: Path, tmp_path: Path) -> None:
    systems = Systems(shared)
    row = load_recipe("300w_lp-synergynet")
    landmarker, conversion = load_official(official(systems, tmp_path / "official.pth"), row)
    assert conversion.dropped == ("w_shp",) and not conversion.kept
    answers, made = (systems.answers(f"synergynet/{name}.npz") for name in ("synergynet", "reconstruct"))
    normal = systems.draw.D.normal
    with torch.no_grad():
        found = landmarker(systems.images("synergynet"))
        np.testing.assert_allclose(found["parameters"].numpy(), answers["params"], atol=6e-5)
        decoded = landmarker.codec.decode({"parameters": torch.from_numpy(made["params"])})
        assert decoded.points3d is not None
        space = decoded.points3d.numpy().transpose(0, 2, 1)
        np.testing.assert_allclose(space, made["vertices_crop"], atol=1e-3)
        inputs = [
            normal(f"input.synergynet.{n}", s) for n, s in (("landmarks", (2, 3, 68)), ("pool", (2, 1280)))
        ]
        more = [normal(f"input.synergynet.{n}", (2, c)) for n, c in (("shape", 40), ("exp", 10))]
        points = torch.from_numpy(inputs[0].astype(np.float32))
        attributes = np.concatenate([np.abs(inputs[1]), *more], 1).astype(np.float32)
        head = landmarker.head
        assert isinstance(head, SynergyNetHead)
        refined = head.refine(points, torch.from_numpy(attributes)).numpy()
        np.testing.assert_allclose(refined, answers["mafa_residual"], atol=5e-5)
        np.testing.assert_allclose(head.recover(points).numpy(), answers["mafa_reverse"], atol=3e-5)
    # In the picture: the crop's px are those of the region, and the depth is scaled alike.
    for box, space, expected in zip(made["roi"], made["vertices_crop"], made["vertices_image"], strict=True):
        rule = CropRule(side="height", scale=1.0, center="pixel")
        crop = rule.crop(box[:4], "face", 120)
        np.testing.assert_allclose(crop.to_image(space[:2].T).T, expected[:2], atol=1e-3)
    with_one = build_landmarker(load_recipe("300w_lp-tddfa_v2_mb1")).codec
    with_one.load_state_dict(landmarker.codec.state_dict())
    found68 = with_one.decode({"parameters": torch.from_numpy(made["params"])}).points.numpy()
    for box, points68, expected in zip(made["roi"], found68, made["tddfa_v2_vertices_image"], strict=True):
        scale = (box[2:4] - box[:2]) / 120
        np.testing.assert_allclose(points68 * scale + box[:2], expected[:2].T, atol=1e-2)


@pytest.mark.parametrize("name", ["mb1", "mb05"])
def test_tddfa_v2(name: str, shared: Path) -> None:
    systems = Systems(shared)
    state = systems.weights(f"tddfa_v2_{name}")
    for entry in ("weight", "bias"):
        state[f"fc_param.{entry}"] = state.pop(f"fc.{entry}")
    landmarker = converted(f"300w_lp-tddfa_v2_{name}", {**state, "fc_other.weight": torch.zeros(3)})
    with torch.no_grad():
        found = landmarker(systems.images("mb1"))["parameters"].numpy()
    assert found.shape == (2, 62)
    if name == "mb1":
        np.testing.assert_allclose(found, systems.answers("tddfa_v2/mb1.npz")["params"], atol=2e-4)


def test_regions_of_the_originals(shared: Path) -> None:
    made = Systems(shared).answers("preprocess/preprocess.npz")
    for name, key in (
        ("300w_lp-synergynet", "synergynet.roi"),
        ("300w_lp-tddfa_v2_mb1", "tddfa.roi_from_box"),
    ):
        rule = load_recipe(name).crop
        for box, expected in zip(made["box_xyxy"], made[key], strict=True):
            np.testing.assert_allclose(rule.window(box, "face"), expected, atol=1e-3)


def test_sizes_are_the_published_ones() -> None:
    for width, millions in ((1.0, 3.27), (0.5, 0.85)):
        network = MobileNetV1(width=width)
        count = sum(p.numel() for p in network.parameters()) + 62 * (network.channels[-1] + 1)
        assert count / 1e6 == pytest.approx(millions, abs=0.006)


def small(**changes: object) -> Recipe:
    content = load_recipe("aflw2000_3d-synergynet-sparse").model_dump()
    content |= {"size": 64, "backbone": {"name": "mobilenetv2", "width": 0.25}, **changes}
    return Recipe.model_validate(content)


def test_branches_are_of_training_alone_and_follow_the_layout() -> None:
    torch.manual_seed(0)
    landmarker = build_landmarker(small())
    images = torch.randn(3, 3, 64, 64)
    outputs = landmarker.train()(images)
    shapes = {name: tuple(value.shape[1:]) for name, value in outputs.items()}
    assert shapes == {"parameters": (36,), "points3d": (68, 3), "refined": (68, 3), "recovered": (36,)}
    space = landmarker.codec.decode(outputs).points3d
    torch.testing.assert_close(outputs["points3d"], space)
    assert (outputs["refined"] >= outputs["points3d"] - 1e-4).all()
    assert set(landmarker.eval()(images)) == {"parameters"}


def test_the_exported_file_gives_points_in_space(tmp_path: Path) -> None:
    torch.manual_seed(1)
    backbone = {"name": "thin_resnet", "stem": 4, "widths": [4, 8], "depths": [0, 1]}
    recipe, path = small(backbone=backbone, head={"name": "parameters"}), tmp_path / "x.onnx"
    landmarker = build_landmarker(recipe).eval()
    export(landmarker, recipe, path)
    model = OnnxLandmarker(path)
    assert model.session.outputs == ("points", "scores", "points3d", "coefficients")
    picture = random_crops(90, 1)[0]
    faces = model(picture, [[20.0, 10.0, 70.0, 60.0]], "landmarks")
    assert faces.points3d is not None and faces.points3d.shape == (1, 68, 3)
    np.testing.assert_allclose(faces.points3d[..., :2], faces.points, atol=1e-4)
    crop = model.crop_rule.crop([20.0, 10.0, 70.0, 60.0], "landmarks", 64)
    out = model.session.run(images=crop.warp(picture)[None])
    np.testing.assert_allclose(faces.points3d[..., 2], out["points3d"][..., 2] * 70 / 64, rtol=1e-4)
    assert out["coefficients"].shape == (1, 36)


def test_converting_keeps_the_shape_and_says_where_it_is_missing(shared: Path, tmp_path: Path) -> None:
    systems, out = Systems(shared), tmp_path / "out.safetensors"
    arguments = [str(out), "--recipe", "300w_lp-synergynet"]
    whole = official(systems, tmp_path / "whole.pth")
    result = CliRunner().invoke(app, ["convert", str(whole), *arguments])
    assert result.exit_code == 0 and "warning" not in result.stderr
    landmarker, _ = native.load(out)
    made = systems.answers("synergynet/reconstruct.npz")
    np.testing.assert_array_equal(
        landmarker.codec.state_dict()["mean_shape"].numpy().ravel(), made["u_base"].ravel()
    )
    header = native.read_header(out)
    assert header["shape_model_licence"].startswith("Basel Face Model 2009")
    assert header["shape_model"].endswith("from the published weights")
    bare_network = tmp_path / "mb05.pth"
    torch.save(systems.weights("tddfa_v2_mb05"), bare_network)
    small_row = [str(out), "--recipe", "300w_lp-tddfa_v2_mb05"]
    result = CliRunner().invoke(app, ["convert", str(bare_network), *small_row])
    assert result.exit_code == 0 and "has no 3D shape" in result.stderr and "--shape-model" in result.stderr
    assert native.read_header(out)["shape_model"].startswith("learnt by `canthus learn-shape`")
    model = str(shared / "data" / "ict_facekit_68.npz")
    result = CliRunner().invoke(app, ["convert", str(bare_network), *small_row, "--shape-model", model])
    assert result.exit_code == 0 and "warning" not in result.stderr
    landmarker, recipe = native.load(out)
    assert "model" not in recipe.codec.options and native.read_header(out)["shape_model_licence"].startswith(
        "MIT"
    )
    assert float(landmarker.codec.state_dict()["mean_shape"][30, 2]) == pytest.approx(13.0691)
