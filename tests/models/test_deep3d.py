"""Deep3DFaceRecon: projection and losses by hand, alignment by five points, the published layout."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from system_rows import Systems, converted

from canthus.build import build_landmarker, build_sources
from canthus.codecs import Target
from canthus.codecs.morphable_perspective import MorphablePerspective, rotation
from canthus.geometry import FIVE_POINTS, convert_boxes, head_boxes
from canthus.losses.deep3d import Deep3dLoss
from canthus.models.heads.deep3d import Deep3dHead
from canthus.morphable_models import sparse_model
from canthus.recipe import Recipe, load_recipe
from canthus.schemes import SCHEMES

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
    five = SCHEME.convert(sample.points, "five")
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
