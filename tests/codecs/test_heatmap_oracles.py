"""The answers of the published implementations, where the research data is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.codecs.dark import Dark
from canthus.codecs.gaussian import gaussian_maps
from canthus.codecs.heatmap import Heatmap
from canthus.codecs.keyposs import KeyPosSBlock, KeyPosSTopK
from canthus.sample import Annotations
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["five"]
PUBLISHED = ("frame", "patch", "borders")
CASES = ("ideal", "noisy", "peak07", "edge")
TARGETS = {"biased_s2": (2.0, False), "biased_s15": (1.5, False), "unbiased_s2": (2.0, True)}


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    folder = shared / "oracles" / "heatmap_zoo" / "fixtures"
    if not folder.is_dir():
        pytest.skip(f"no oracles at {folder}")
    return folder


@pytest.mark.parametrize("side", [64, 16])
@pytest.mark.parametrize("name", TARGETS)
def test_targets(fixtures: Path, side: int, name: str) -> None:
    answers = np.load(fixtures / "codec_encode.npz")
    sigma, unbiased = TARGETS[name]
    points, visible = (torch.from_numpy(answers[key])[None] for key in ("keypoints", "visible"))
    maps, weight = gaussian_maps(
        points * (side / 256), visible, side, sigma=sigma, unbiased=unbiased, published=True
    )
    np.testing.assert_allclose(maps[0].numpy(), answers[f"heatmap{side}_{name}"], atol=1e-6)
    np.testing.assert_array_equal(weight[0].numpy(), answers[f"weight{side}_{name}"])
    codec = Heatmap(SCHEME, 256, side=side, sigma=sigma, unbiased=unbiased, published=PUBLISHED)
    labels = Annotations(points, visible, torch.ones(1), torch.ones(1))
    target = codec.encode(labels)["heatmap"]
    seen = answers["visible"] == 1  # the codec's labels have a position or none
    np.testing.assert_allclose(target.value[0].numpy()[seen], maps[0].numpy()[seen], atol=1e-6)
    np.testing.assert_array_equal(target.weight[0].numpy()[seen], weight[0].numpy()[seen])


@pytest.mark.parametrize(
    ("name", "kernel", "tolerance"),
    [("biased", None, 0.0), ("dark", 11, 1e-3), ("dark17", 17, 1e-3), ("dark7", 7, 1e-3)],
)
def test_decoding(fixtures: Path, name: str, kernel: int | None, tolerance: float) -> None:
    answers = np.load(fixtures / "codec_decode.npz")
    heatmap = torch.from_numpy(answers["heatmap"].astype(np.float32))[None]
    codec = (
        Heatmap(SCHEME, 256, published=PUBLISHED)
        if kernel is None
        else Dark(SCHEME, 256, kernel=kernel, published=PUBLISHED)
    )
    decoded = codec.decode({"heatmap": heatmap})
    np.testing.assert_allclose(decoded.points[0].numpy(), answers[f"kpt_{name}"], atol=tolerance, rtol=0)
    np.testing.assert_array_equal(decoded.scores[0].numpy(), answers["score"])


@pytest.mark.parametrize("side", [64, 32, 16, 8, 4])
@pytest.mark.parametrize("case", CASES)
def test_keyposs(fixtures: Path, side: int, case: str) -> None:
    path = fixtures / f"keyposs_{side}.npz"
    if not path.is_file():
        pytest.skip(f"no {path.name}")
    answers = np.load(path)
    heatmap = torch.from_numpy(answers[f"{case}_heatmap"].astype(np.float32))[None]
    for name, kind, tolerance in (("lls", KeyPosSBlock, 1e-3), ("gn", KeyPosSTopK, 1e-4)):
        codec = kind(SCHEME, side, side=side, published=("frame",))
        found = codec.decode({"heatmap": heatmap}).points[0].numpy()
        firm = answers[f"{case}_{name}_spread"] < tolerance
        assert firm.mean() > 0.9
        np.testing.assert_allclose(found[firm], answers[f"{case}_{name}"][firm], atol=tolerance)


@pytest.mark.parametrize("network", ["hrnetv2_w18_98", "res50_68", "mobilenetv2_68"])
@pytest.mark.parametrize("flip", ["", "_flip"])
def test_decoding_of_network_outputs(fixtures: Path, network: str, flip: str) -> None:
    answers = np.load(fixtures / f"forward_{network}.npz")
    heatmap = torch.from_numpy(answers[f"heatmap{flip}"])[None]
    channels = answers["channels"]
    for name, kind in (("biased", Heatmap), ("dark", Dark)):
        codec = kind(SCHEME, 256, published=PUBLISHED)
        decoded = codec.decode({"heatmap": heatmap})
        firm = answers[f"spread_{name}{flip}"][0, channels] < 0.01
        found, expected = decoded.points[0].numpy(), answers[f"kpt_{name}{flip}"][0, channels]
        np.testing.assert_allclose(found[firm], expected[firm], atol=0.05)
        np.testing.assert_allclose(decoded.scores[0].numpy(), answers[f"score{flip}"][0, channels], rtol=1e-6)
