"""PFLD, SLPT, ADNet, STAR and FAN: names, sizes and outputs of the original implementations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import system_rows
import torch
from system_rows import ROWS, Systems
from torch import nn

from canthus.build import build_landmarker
from canthus.checkpoints import CONVERTERS, architecture, architecture_of
from canthus.models.backbones.adnet import Adnet, coordinates
from canthus.models.backbones.fan import Block, Fan
from canthus.models.backbones.pfld import Pfld
from canthus.models.heads.fan import FanHead
from canthus.models.heads.pfld import PfldHead, PoseBranch
from canthus.models.heads.slpt import SlptHead
from canthus.recipe import load_recipe


def parameters(*networks: nn.Module) -> int:
    return sum(p.numel() for network in networks for p in network.parameters())


@pytest.mark.parametrize("keys", ROWS)
def test_every_tensor_finds_its_place(keys: str, shared: Path) -> None:
    state = {name: torch.empty(s, device="meta") for name, s in Systems(shared).shapes(keys).items()}
    row = load_recipe(ROWS[keys])
    converter = CONVERTERS[architecture_of(row)]
    assert architecture(state) == architecture_of(row)
    with torch.device("meta"):
        own = system_rows.own_tensors(build_landmarker(converter.fit(row, state)))
    if "slpt" in keys:
        state["mean_face"] = own["head.mean_face"]
    conversion = converter.convert(state, own, keys)
    kept = {name for name in own if name.startswith("head.pose.")}
    assert set(conversion.state) == set(own) - kept == set(own) - set(conversion.kept)
    parts = {name.rsplit(".", 1)[0].rsplit(".", 1)[-1] for name in conversion.dropped}
    assert parts <= {"bn8", "feature_norm", "conv"} and len(conversion.dropped) in (0, 2, 5, 114)


def test_sizes_of_the_paper_tables() -> None:
    for k, width, depthwise, pooled, expected in (
        (98, 1.0, False, True, 1_264_548),  # 5.06 MB: the public version
        (68, 1.0, False, False, 1_887_144),  # 7.5 MB: the other one
        (68, 1.0, True, False, 1_850_856),  # 7.4 MB: the paper's 1X
        (68, 0.25, True, False, 624_528),  # 2.5 MB: the paper's 0.25X
    ):
        backbone = Pfld(width=width, depthwise=depthwise)
        assert (
            parameters(backbone, PfldHead(backbone.channels, {"points": (k, 2)}, pooled=pooled)) == expected
        )
    assert parameters(PoseBranch(64)) == 463_811
    sizes = {"wflw-slpt6": 13.194, "wflw-slpt12": 19.515, "300w-star": 13.369, "300w_lp-fan1": 6.250}
    for row, millions in {**sizes, "300w_lp-fan4": 23.820}.items():
        with torch.device("meta"):
            assert parameters(build_landmarker(load_recipe(row))) / 1e6 == pytest.approx(millions, abs=5e-4)


@torch.no_grad()
def test_pfld_as_the_original(shared: Path) -> None:
    systems = Systems(shared)
    state = systems.weights("pfld_polaris_98")
    state |= {f"auxiliarynet.{k}": v for k, v in systems.weights("pfld_polaris_auxiliary").items()}
    landmarker, images = system_rows.converted("wflw-pfld_1x", state), systems.images("polaris")
    outputs, answers = landmarker(images), systems.answers("pfld/polaris98.npz")
    assert set(outputs) == {"points"}, "a prediction does without the pose branch"
    np.testing.assert_allclose(outputs["points"].numpy(), answers["landmarks"], atol=5e-4, rtol=0)
    angles = landmarker.head.pose(landmarker.backbone(images)[0])
    np.testing.assert_allclose(angles.numpy(), answers["angles"], atol=2e-4, rtol=0)


@torch.no_grad()
def test_slpt_as_the_original(shared: Path) -> None:
    systems, answers = Systems(shared), Systems(shared).answers("slpt/slpt6.npz")
    state = systems.weights("slpt_6layers_98")
    state["mean_face"] = torch.from_numpy(answers["mean_face_px256"].astype(np.float32) / 256)
    stages = system_rows.converted("wflw-slpt6", state)(systems.images("slpt")[:1])
    points = torch.stack([stage["points"] for stage in stages], 1).numpy()
    np.testing.assert_allclose(points[:, :6], answers["stage1_all_layers"][:1], atol=3e-5, rtol=0)
    np.testing.assert_allclose(points[:, 11], answers["stage2"][:1], atol=3e-4, rtol=0)
    np.testing.assert_allclose(points[:, 17], answers["stage3"][:1], atol=7e-4, rtol=0)


@torch.no_grad()
def test_adnet_and_star_as_the_original(shared: Path) -> None:
    systems, answers = Systems(shared), Systems(shared).answers("adnet_star/adnet98.npz")
    landmarker = system_rows.converted("wflw-star", systems.weights("adnet_star_98"))
    stages = landmarker(systems.images("adnet")[:1])
    for stage, expected in zip(stages, answers["landmarks_per_stack"], strict=True):
        np.testing.assert_allclose(2 * stage["points"].numpy() - 1, expected[:1], atol=9e-6, rtol=0)
    last = {name: value[0].numpy() for name, value in stages[-1].items()}
    np.testing.assert_allclose(
        last["heatmap"][answers["channels"]], answers["fusion_channels"], atol=8e-5, rtol=0
    )
    np.testing.assert_allclose(last["edge_maps"][:3], answers["edgemap_0"], atol=2e-5, rtol=0)
    assert (landmarker.head.edge_weight[..., 0, 0].numpy() == answers["e2h_weight"]).all()
    assert (landmarker.head.edge_bias.numpy() == answers["e2h_bias"]).all()


@torch.no_grad()
def test_fan_as_the_original(shared: Path) -> None:
    systems, answers = Systems(shared), Systems(shared).answers("fan/fan1.npz")
    landmarker = system_rows.converted("300w_lp-fan1", systems.weights("fan1"))
    (outputs,) = landmarker(systems.images("fan"))
    maps = outputs["heatmap"][0, answers["channels"]].numpy()
    np.testing.assert_allclose(maps, answers["heatmap_channels"], atol=3e-4, rtol=0)
    decoded = landmarker.codec.decode(outputs)
    cells = (decoded.points.numpy() + 0.5) / 4  # from the crop's edge, as the original counts
    np.testing.assert_allclose(cells, answers["points_heatmap"], atol=1e-5)
    np.testing.assert_allclose(decoded.scores.numpy(), answers["scores"], atol=3e-4)


def test_coordinate_channels_by_hand() -> None:
    row, column, distance = coordinates(torch.zeros(2, 7, 3, 5))[1]
    assert row[:, 0].tolist() == [-1, 0, 1] and column[0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert distance[1].tolist() == pytest.approx([2**-0.5, 0.5 * 2**-0.5, 0, 0.5 * 2**-0.5, 2**-0.5])


def test_the_block_of_fan_by_hand() -> None:
    """Norms the identity, each convolution its centre weight alone: halves and quarters add up."""
    block = Block(4, 4).eval()
    for layer in block.layers:
        nn.init.zeros_(layer[2].weight)
        layer[0].eps = 0.0
        layer[2].weight.data[:, :, 1, 1] = 1.0
    x = torch.tensor([1.0, -2.0, 3.0, -4.0]).reshape(1, 4, 1, 1)
    # ReLU 1 + 3 = 4 twice; 4 + 4 = 8; 8
    assert block(x).flatten().tolist() == [1 + 4, -2 + 4, 3 + 8, -4 + 8]


def test_stacks_see_what_the_ones_before_said() -> None:
    torch.manual_seed(0)
    head = FanHead((16,), {"heatmap": (3, 16, 16)}, stacks=2, depth=2).eval()
    x = torch.randn(1, 16, 16, 16)
    first, second = head([x])
    assert set(first) == {"heatmap"} and first["heatmap"].shape == (1, 3, 16, 16)
    nn.init.constant_(head.from_heatmaps[0].bias, 3.0)
    again = head([x])
    torch.testing.assert_close(again[0]["heatmap"], first["heatmap"])
    assert (again[1]["heatmap"] - second["heatmap"]).abs().max() > 1e-3
    with pytest.raises(ValueError, match=r"found maps \(8, 8\), codec expects \(16, 16\)"):
        head([x[..., ::2, ::2]])


def test_patches_are_samples_of_the_map() -> None:
    """A map whose channels are the column and row of its cells, 0 to 1: a patch holds its own places."""
    head = SlptHead((2,), {"points": (1, 2)}, width=2, layers=1, heads=1, cells=3)
    nn.init.zeros_(head.embed.weight)
    head.embed.weight.data[0, 0, 2, 1] = 1.0  # x of the sample in the last row and the middle column
    head.embed.weight.data[1, 1, 2, 1] = 1.0  # y of it
    steps = torch.linspace(0, 1, 64)
    features = torch.stack([steps[None].expand(64, 64), steps[:, None].expand(64, 64)])[None]
    low, size = torch.tensor([[[0.25, 0.5]]]), torch.tensor([[[0.125, 0.25]]])
    assert head.patches(features, low, size).flatten().tolist() == pytest.approx([0.3125, 0.75], abs=1e-6)


def test_points_leave_from_the_mean_face() -> None:
    head = SlptHead((4,), {"points": (2, 2)}, width=8, layers=2, heads=2, reaches=(0.125, 0.25)).eval()
    nn.init.zeros_(head.place.weight)
    head.place.bias.data[:] = torch.tensor([0.5, 1.0])
    labels = torch.tensor([[[0.5, 0.25], [0.1, 0.8]], [[0.7, 0.25], [torch.nan, torch.nan]]])
    head.learn_mean_face(labels)
    stages = head([torch.randn(3, 4, 16, 16)])
    assert len(stages) == 4
    # 0.6 stays; 0.25 + 0.125, then the box 0.125 to 0.625 about it. 0.1: the box is cut at 0.
    expected = [[[0.6, 0.375], [0.1125, 0.925]], [[0.6, 0.625], [0.18125, 1.0]]]
    for stage, points in zip(stages[1::2], expected, strict=True):
        torch.testing.assert_close(stage["points"], torch.tensor(points).expand(3, 2, 2))


def test_wrong_sizes_are_told() -> None:
    with pytest.raises(ValueError, match="expected a multiple of 16"):
        Fan(width=20)
    with pytest.raises(ValueError, match="expected a multiple of 8"):
        Adnet(width=12)
    backbone = Pfld(width=0.25)
    head = PfldHead(backbone.channels, {"points": (5, 2)}, pooled=False)
    with pytest.raises(ValueError, match=r"pfld head: found .* values, expected"):
        head(backbone(torch.zeros(1, 3, 128, 128)))
