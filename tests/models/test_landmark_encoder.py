"""The landmark tokens of face_key_points: its parts against the originals and by hand, and as a whole."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from canthus.build import build_landmarker, build_losses
from canthus.complexity import count
from canthus.config import ConfigError
from canthus.export import export, random_crops
from canthus.models.backbones.mobilenetv3_act3 import Block as MobileBlock
from canthus.models.backbones.mobilenetv3_act3 import Gate, MobileNetV3Act3
from canthus.models.heads.landmark_encoder import LandmarkEncoder, logit, sample
from canthus.models.necks.pan import MapAttention, Pan
from canthus.models.transformer import Attention, index_sinusoid, position_map
from canthus.recipe import Recipe
from canthus.sample import Annotations
from canthus.session import Session


def small(tiny: Recipe, **changes: Any) -> Recipe:
    """The system at a tenth of its width, for five points at 64 px."""
    return Recipe.model_validate(
        {
            **tiny.model_dump(),
            "size": 64,
            "backbone": {"name": "mobilenetv3_act3", "width": 0.25},
            "neck": {"name": "pan", "width": 32, "finest": True, "deepest": True},
            "head": {"name": "landmark_encoder", "encoder": 1, "decoder": 2, "positions": 32, "maps": 3},
            "codec": {"name": "coordinates", "spread": "sigma", "attributes": ["covariance"]},
            "losses": [
                {"name": "rle", "stages": [1, 0, 0]},
                {"name": "rle", "stages": [0, 1, 1]},
                {"name": "auxiliary_maps", "stages": [1, 0, 0]},
            ],
            **changes,
        }
    )


def faces(count: int) -> tuple[Tensor, Annotations]:
    points = torch.rand(count, 5, 2, generator=torch.Generator().manual_seed(3)) * 40 + 12
    images = torch.randn(count, 3, 64, 64, generator=torch.Generator().manual_seed(4))
    return images, Annotations(points, torch.ones(count, 5), torch.ones(count), torch.ones(count))


def light(tiny: Recipe, **changes: Any) -> Recipe:
    """The same on a backbone of few layers, which costs less time."""
    backbone = {"name": "resnet", "block": "basic", "width": 8, "depths": [1, 1, 1, 1]}
    neck = {"name": "pan", "width": 32, "block": "plain"}
    head = {"name": "landmark_encoder", "encoder": 1, "decoder": 1, "positions": 16}
    losses = [{"name": "rle"}]
    return small(tiny, **{"backbone": backbone, "neck": neck, "head": head, "losses": losses, **changes})


@pytest.mark.parametrize("loss", ["rle", "wing", "smooth_l1"])
def test_one_batch_is_learnt_by_heart(tiny_recipe: Recipe, loss: str) -> None:
    torch.manual_seed(0)
    part: dict[str, Any] = {"name": loss, "weight": 1 if loss == "rle" else 20}
    codec = small(tiny_recipe).codec.model_dump() if loss == "rle" else {"name": "coordinates"}
    if loss == "smooth_l1":
        part |= {"field": "points", "beta": 0}
    recipe = light(tiny_recipe, losses=[part], codec=codec)
    landmarker, criterion = build_landmarker(recipe), build_losses(recipe)
    images, annotations = faces(4)
    parameters = [*landmarker.parameters(), *criterion.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=3e-3)

    @torch.no_grad()
    def state() -> tuple[float, Tensor | None]:
        decoded = landmarker.locate(images)
        return float((decoded.points - annotations.points).norm(dim=-1).mean()), decoded.covariance

    before, first = state()
    for _ in range(60):
        total, _ = criterion(landmarker(images), landmarker.codec.encode(annotations))
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(parameters, 5.0)
        optimizer.step()
    after, last = state()
    assert after < 0.35 * before
    if loss == "rle":
        assert first is not None and last is not None and last.shape == (4, 5, 2, 2)
        assert last.diagonal(dim1=-2, dim2=-1).mean() < 0.5 * first.diagonal(dim1=-2, dim2=-1).mean()


def test_the_exported_graph_says_the_same(tiny_recipe: Recipe, tmp_path: Path) -> None:
    torch.manual_seed(0)
    recipe = light(tiny_recipe)
    landmarker = build_landmarker(recipe).eval()
    for level in landmarker.head.decoder:
        nn.init.normal_(level.move[-1].weight, std=0.1)
        nn.init.normal_(level.correct[-1].weight, std=0.01)
    parity = export(landmarker, recipe, tmp_path / "model.onnx")
    assert parity.raw < 1e-4 and parity.points < 1e-3
    crops = random_crops(64, 3, seed=5)
    found = Session(tmp_path / "model.onnx").run(images=crops)
    with torch.no_grad():
        expected = landmarker.locate(landmarker.normalize(torch.from_numpy(crops)))
    np.testing.assert_allclose(found["points"], expected.points.numpy(), atol=2e-3)
    assert expected.covariance is not None
    np.testing.assert_allclose(found["covariance"], expected.covariance.numpy(), rtol=1e-3, atol=1e-4)


def test_a_fresh_network_does_not_move_its_first_points(tiny_recipe: Recipe) -> None:
    landmarker = build_landmarker(small(tiny_recipe)).eval()
    first, *levels = landmarker(faces(2)[0])
    assert set(first) == {"points", "sigma", "maps"} and first["maps"].shape == (2, 3, 2, 2)
    assert len(levels) == 2 and all(set(level) == {"points", "sigma"} for level in levels)
    for level in levels:
        torch.testing.assert_close(level["points"], first["points"].clamp(0, 1), atol=2e-5, rtol=0)


def test_levels_do_not_teach_the_first_points(tiny_recipe: Recipe) -> None:
    landmarker = build_landmarker(small(tiny_recipe)).eval()
    sums = [stage["points"].sum() for stage in landmarker(faces(2)[0])]
    last = landmarker.head.first[-1].weight
    assert torch.autograd.grad(sums[-1], last, allow_unused=True, retain_graph=True)[0] is None
    assert torch.autograd.grad(sums[0], last, retain_graph=True)[0].abs().max() > 0
    early = landmarker.head.decoder[0].move[-1].bias
    assert torch.autograd.grad(sums[-1], early)[0].abs().max() > 0, "levels teach earlier ones"


def test_half_precision_stops_at_the_head() -> None:
    torch.manual_seed(0)
    head = LandmarkEncoder((16, 16, 16), {"points": (5, 2), "sigma": (5, 2)}, encoder=1, decoder=1).eval()
    maps = [torch.randn(1, 16, side, side).bfloat16() for side in (8, 4, 2)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = head(maps)
    for stage, expected in zip(found, head([x.float() for x in maps]), strict=True):
        for name, value in expected.items():
            assert value.dtype == torch.float32 and torch.equal(stage[name], value)


def test_landmarks_know_their_number(tiny_recipe: Recipe) -> None:
    """All tokens start alike; without their index they would all be one point."""
    landmarker = build_landmarker(small(tiny_recipe)).eval()
    points = landmarker.predict(faces(1)[0])["points"][0]
    assert (points[1:] - points[:1]).abs().amax(-1).min() > 1e-4
    landmarker.head.index.zero_()
    points = landmarker.predict(faces(1)[0])["points"][0]
    torch.testing.assert_close(points[1:], points[:1].expand(4, 2))


def test_samples_against_a_loop() -> None:
    x = torch.arange(2 * 3 * 4, dtype=torch.float32).reshape(1, 2, 3, 4).sin()
    points = torch.tensor([[[0.3, 0.45], [0.5, 0.5], [0.02, 0.9], [1.7, 0.5]]])
    found = sample(x, points)
    for k, (px, py) in enumerate(points[0].clamp(0, 1).tolist()):
        column, row = px * 4 - 0.5, py * 3 - 0.5
        total = torch.zeros(2)
        for i in (math.floor(row), math.floor(row) + 1):
            for j in (math.floor(column), math.floor(column) + 1):
                if 0 <= i < 3 and 0 <= j < 4:
                    total += x[0, :, i, j] * (1 - abs(row - i)) * (1 - abs(column - j))
        torch.testing.assert_close(found[0, k], total, atol=1e-5, rtol=1e-4)


def test_attention_against_a_loop() -> None:
    torch.manual_seed(0)
    layer, x = Attention(6, 2), torch.randn(1, 4, 6)
    q, k, v = layer.qkv(x)[0].reshape(4, 3, 2, 3).permute(1, 2, 0, 3)  # (heads, tokens, 3)
    out = torch.zeros(4, 2, 3)
    for head in range(2):
        for token in range(4):
            weight = torch.softmax(q[head, token] @ k[head].T / math.sqrt(3), -1)
            out[token, head] = weight @ v[head]
    torch.testing.assert_close(layer(x)[0], layer.out(out.reshape(4, 6)))


def test_position_codes_by_hand() -> None:
    code = position_map(3, 5, 8)
    for row in range(3):
        for column in range(5):
            expected = [
                *(math.sin(column), math.sin(column / 100), math.cos(column), math.cos(column / 100)),
                *(math.sin(row), math.sin(row / 100), math.cos(row), math.cos(row / 100)),
            ]
            assert code[:, row, column].tolist() == pytest.approx(expected, abs=1e-6)
    assert index_sinusoid(3, 4)[2].tolist() == pytest.approx(
        [math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)], abs=1e-6
    )


def test_parts_of_the_original(shared: Path) -> None:
    path = shared / "oracles" / "other_systems" / "encoder_parts" / "parts.npz"
    if not path.is_file():
        pytest.skip(f"no oracle at {path}")
    parts = np.load(path)
    for name, (width, height, channels) in {
        "position2d_grid8_dim128": (8, 8, 128),
        "position2d_grid16_dim64": (16, 16, 64),
        "position2d_grid_w6_h4_dim16": (6, 4, 16),
    }.items():
        code = position_map(height, width, channels).flatten(1).T.numpy()
        np.testing.assert_allclose(code, parts[name], atol=1e-5)
    np.testing.assert_allclose(index_sinusoid(98, 96).numpy(), parts["index_sinusoid_98x96"], atol=1e-5)
    shares = torch.from_numpy(parts["inverse_sigmoid.in"])
    np.testing.assert_allclose(logit(shares).numpy(), parts["inverse_sigmoid.out"], rtol=1e-5, atol=1e-6)
    maps = [torch.from_numpy(parts[f"sample.map{i}"]) for i in (3, 0, 1, 2)]
    points, weights = (
        torch.from_numpy(parts[f"sample.{n}"]) for n in ("points01", "weights_last_first_second_third")
    )
    found = sum((w * sample(x, points) for w, x in zip(weights, maps, strict=True)), start=torch.zeros(()))
    np.testing.assert_allclose(found.numpy(), parts["sample.out"], atol=1e-5)


def test_map_attention_is_a_post_norm_layer() -> None:
    torch.manual_seed(0)
    layer, x = MapAttention(16, 24).eval(), torch.randn(2, 16, 3, 5)
    out = layer(x)
    assert out.shape == x.shape
    torch.testing.assert_close(out.mean(1), torch.zeros(2, 3, 5), atol=1e-5, rtol=0)
    mirrored = layer(x.flip(-1)).flip(-1)
    assert (mirrored - out).abs().max() > 1e-2, "cells know where they are"


def test_pan_sees_every_map_at_every_place() -> None:
    torch.manual_seed(0)
    channels = (4, 8, 16, 8)
    neck = Pan(
        channels, width=12, widths=(4, 8, 16), activated=True, finest=True, deepest=True, attention=16
    ).eval()
    maps = [
        torch.randn(1, c, 64 // s, 64 // s, requires_grad=True)
        for c, s in zip(channels, (4, 8, 16, 32), strict=True)
    ]
    out = neck(maps)
    assert neck.channels == (12, 12, 12, 12, 8)
    assert [tuple(x.shape[1:]) for x in out] == [(12, 16, 16), (12, 8, 8), (12, 4, 4), (12, 2, 2), (8, 2, 2)]
    assert out[-1] is maps[-1]
    for x in out[1:4]:
        grads = torch.autograd.grad(x.square().sum(), maps[1:], retain_graph=True)
        assert all(grad.abs().max() > 0 for grad in grads)


def test_mobile_blocks_add_before_they_activate() -> None:
    torch.manual_seed(0)
    block = MobileBlock(8, 16, 8, kernel=3, stride=1, activation=nn.ReLU, gated=True).eval()
    x = torch.randn(1, 8, 5, 5)
    torch.testing.assert_close(block(x), torch.relu(block.layers(x) + x))
    for outputs in (8, 12):
        strided = MobileBlock(8, 16, outputs, kernel=5, stride=2, activation=nn.Hardswish, gated=False)
        assert tuple(strided.eval()(x).shape[1:]) == (outputs, 3, 3)
    gate = Gate(4).eval()
    nn.init.zeros_(gate.layers[-2].weight)
    torch.testing.assert_close(gate(x[:, :4]), 0.5 * x[:, :4])


def test_the_trunk_has_its_published_size() -> None:
    with torch.device("meta"):
        counts = count(MobileNetV3Act3().eval(), torch.empty(1, 3, 256, 256))
    assert counts["params"] / 1e6 == pytest.approx(2.511, abs=6e-4)
    assert counts["macs_thop"] / 1e9 == pytest.approx(0.3003, abs=6e-5)


def test_what_does_not_fit_is_named(tiny_recipe: Recipe) -> None:
    fields = {"points": (5, 2)}
    with pytest.raises(ValueError, match=r"maps of \(8, 16\) channels .* expected one width"):
        LandmarkEncoder((8, 16), fields)
    with pytest.raises(ValueError, match=r"0 encoder and 1 decoder blocks and 9 maps, expected 1 or more"):
        LandmarkEncoder((8, 8, 8), fields, encoder=0, decoder=1, maps=9)
    with pytest.raises(ValueError, match="pan: found 3 maps and 2 widths, expected 4 maps or more"):
        Pan((8, 8, 8), finest=True, widths=(1, 2))
    with pytest.raises(ConfigError, match="losses: rle_from_1 appears twice"):
        twice = [{"name": "rle", "stages": stages} for stages in ([1, 0, 0], [0, 1, 1], [0, 1, 0])]
        build_losses(small(tiny_recipe, losses=twice))
