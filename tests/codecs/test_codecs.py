from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from canthus.codecs import CODECS
from canthus.codecs.codec import SPREAD, Target, covariance_of, triangle
from canthus.codecs.integral import Integral
from canthus.codecs.pip import Pip
from canthus.sample import Annotations
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["five"]
SIZE = 64
#: Codecs of a shape model have points of their own, and tests.
NAMES = [name for name in CODECS if not name.startswith("morphable_")]
ALL = ("covariance", "visibility", "presence")
#: Fields that hold logarithms of the values of their targets.
LOGARITHMS = {"integral": ("heatmap",), "pip": ("cells",)}
#: Largest error in px of decoding what was encoded, at one cell a px, the border cells among them.
TOLERANCES = {"heatmap": 0.5, "dark": 0.5}


def annotations(points: Tensor) -> Annotations:
    """Labels of faces whose every point is visible."""
    batch = len(points)
    return Annotations(points, torch.ones(points.shape[:2]), torch.ones(batch), torch.ones(batch))


def perfect_outputs(name: str, targets: dict[str, Target]) -> dict[str, Tensor]:
    """What a network that has learnt the targets of the codec `name` would give."""
    outputs = {field: target.value.clone() for field, target in targets.items()}
    for field in LOGARITHMS.get(name, ()):
        outputs[field] = torch.log(outputs[field].clamp(min=1e-12))
    if "point_maps" in outputs:
        outputs["heatmap"] = outputs["point_maps"].clone()
    outputs["cholesky"] = torch.zeros(*outputs["points"].shape[:2], 3)
    return outputs


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_what_is_encoded_is_decoded(name: str, seed: int) -> None:
    codec = CODECS[name](SCHEME, SIZE, attributes=ALL)
    points = torch.rand(3, 5, 2, generator=torch.Generator().manual_seed(seed)) * (SIZE - 2) + 0.5
    decoded = codec.decode(perfect_outputs(name, codec.encode(annotations(points))))
    torch.testing.assert_close(decoded.points, points, atol=TOLERANCES.get(name, 1e-3), rtol=0)
    assert decoded.scores.shape == (3, 5)
    assert decoded.visibility is not None
    assert decoded.presence is not None
    assert decoded.presence.shape == (3,)


@pytest.mark.parametrize("name", NAMES)
def test_mirroring_outputs_mirrors_points(name: str) -> None:
    codec = CODECS[name](SCHEME, SIZE, attributes=ALL)
    points = torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(3)) * (SIZE - 2) + 0.5
    outputs = perfect_outputs(name, codec.encode(annotations(points)))
    outputs["cholesky"] = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(4))
    outputs["visibility"] = torch.randn(2, 5, generator=torch.Generator().manual_seed(5))
    straight, mirrored = codec.decode(outputs), codec.decode(codec.mirror(outputs, SCHEME))
    order = list(SCHEME.flip)
    expected = straight.points[:, order] * torch.tensor([-1.0, 1.0]) + torch.tensor([SIZE - 1.0, 0.0])
    torch.testing.assert_close(mirrored.points, expected, atol=1e-3, rtol=0)
    mirror = torch.diag(torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(mirrored.covariance, mirror @ straight.covariance[:, order] @ mirror)
    torch.testing.assert_close(mirrored.visibility, straight.visibility[:, order])
    twice = codec.mirror(codec.mirror(outputs, SCHEME), SCHEME)
    for field in codec.fields:
        torch.testing.assert_close(twice[field], outputs[field])


def test_deviations_in_place_of_a_triangle() -> None:
    codec = CODECS["coordinates"](SCHEME, SIZE, spread="sigma", attributes=("covariance",))  # type: ignore[call-arg]
    assert codec.fields == {"points": (5, 2), "sigma": (5, 2)}
    raw = torch.randn(2, 5, 2, generator=torch.Generator().manual_seed(1))
    outputs = {"points": torch.rand(2, 5, 2, generator=torch.Generator().manual_seed(2)), "sigma": raw}
    covariance = codec.decode(outputs).covariance
    assert covariance is not None
    assert covariance[1, 3, 0, 0].item() == pytest.approx((64 / (1 + math.exp(-raw[1, 3, 0]))) ** 2, rel=1e-5)
    assert covariance[..., 0, 1].abs().max() == covariance[..., 1, 0].abs().max() == 0
    mirrored = codec.decode(codec.mirror(outputs, SCHEME))
    torch.testing.assert_close(mirrored.covariance, covariance[:, list(SCHEME.flip)])
    with pytest.raises(ValueError, match="spread: found 'sigmoid', expected cholesky or sigma"):
        CODECS["coordinates"](SCHEME, SIZE, spread="sigmoid")  # type: ignore[call-arg]


@pytest.mark.parametrize("name", NAMES)
def test_unlabelled_points_have_no_weight(name: str) -> None:
    codec = CODECS[name](SCHEME, SIZE, attributes=ALL)
    points = torch.full((1, 5, 2), 20.0)
    points[0, 2] = torch.nan
    labels = Annotations(
        points,
        torch.tensor([[1.0, 0.0, torch.nan, 1.0, 1.0]]),
        torch.tensor([torch.nan]),
        torch.tensor([0.5]),
    )
    targets = codec.encode(labels)
    for target in targets.values():
        assert torch.isfinite(target.value).all()
    assert targets["points"].weight.tolist() == [[0.5, 0.5, 0.0, 0.5, 0.5]]
    assert targets["visibility"].weight.tolist() == [[0.5, 0.5, 0.0, 0.5, 0.5]]
    assert targets["presence"].weight.tolist() == [0.0]
    for field in ("heatmap", "cells"):
        if field in targets:
            assert targets[field].weight[0, 2] == 0


def test_target_mean_divides_by_the_given_total() -> None:
    losses = torch.tensor([1.0, 2.0, 4.0])
    weight = torch.tensor([1.0, 0.0, 0.5])
    assert Target(losses, weight).mean(losses).item() == pytest.approx(3.0 / 1.5)
    assert Target(losses, weight, torch.tensor(6.0)).mean(losses).item() == pytest.approx(0.5)
    assert Target(losses, weight * 0).mean(losses).item() == 0.0


def test_integral_maps_by_hand() -> None:
    codec = Integral(SCHEME, SIZE, side=8, sigma=1.0)
    points = torch.full((1, 5, 2), 27.5)
    points[..., 1] = 35.5
    value = codec.encode(annotations(points))["heatmap"].value[0, 0]
    assert value.sum().item() == pytest.approx(1.0)
    weights = [math.exp(-((column + 0.5 - 3.5) ** 2) / 2) for column in range(8)]
    assert value.sum(0)[2].item() == pytest.approx(weights[2] / sum(weights), rel=1e-5)
    assert divmod(int(value.argmax()), 8) == (4, 3)


def test_pip_offsets_teach_the_true_cell_alone() -> None:
    codec = Pip(SCHEME, SIZE, side=8)
    points = torch.full((1, 5, 2), 27.5)
    points[..., 1] = 33.5
    targets = codec.encode(annotations(points))
    assert targets["offsets"].weight[0, 0, 0].sum() == 1
    assert targets["offsets"].weight[0, 0, 0, 4, 3] == 1
    assert targets["offsets"].value[0, 0, :, 4, 3].tolist() == pytest.approx([0.5, 0.25])


def test_pip_margin_is_the_lead_of_the_best_cell() -> None:
    cells = torch.full((1, 5, 8, 8), -9.0)
    cells[0, :, 2, 2], cells[0, :, 5, 5] = -0.5, -0.75
    margin = Pip(SCHEME, SIZE, side=8).margin({"cells": cells})
    torch.testing.assert_close(margin, torch.full((1, 5), 0.25))


def test_points_out_of_the_crop_teach_no_map() -> None:
    points = torch.tensor([[[-3.0, 10.0], [10.0, 10.0], [70.0, 5.0], [63.4, 63.4], [5.0, -0.6]]])
    for codec, field in ((Integral(SCHEME, SIZE), "heatmap"), (Pip(SCHEME, SIZE), "cells")):
        targets = codec.encode(annotations(points))
        assert targets[field].weight.tolist() == [[0.0, 1.0, 0.0, 1.0, 0.0]]
        assert targets["points"].weight.tolist() == [[1.0] * 5]


def test_covariance_is_the_product_of_the_triangle() -> None:
    field = torch.tensor([[0.3, -0.7, 1.1]])
    l11, l21, l22 = (float(value) for value in triangle(field))
    assert l11 == pytest.approx(SPREAD * (math.log1p(math.exp(0.3)) + 0.05))
    expected = torch.tensor([[l11 * l11, l11 * l21], [l11 * l21, l21 * l21 + l22 * l22]])
    torch.testing.assert_close(covariance_of(field)[0], expected)


def test_scores_are_the_chance_of_lying_close() -> None:
    codec = CODECS["coordinates"](SCHEME, SIZE, attributes=("covariance",))
    outputs = {"points": torch.full((1, 5, 2), 0.5), "cholesky": torch.zeros(1, 5, 3)}
    decoded = codec.decode(outputs)
    sigma = SPREAD * (math.log(2) + 0.05)
    assert decoded.scores[0, 0].item() == pytest.approx(1 - math.exp(-(0.05**2) / (2 * sigma**2)), rel=1e-5)
    codec.covariance_scale.fill_(4.0)
    torch.testing.assert_close(codec.decode(outputs).covariance, 4 * decoded.covariance)


def test_unknown_attributes_are_named() -> None:
    with pytest.raises(ValueError, match="found \\['pose'\\]"):
        CODECS["integral"](SCHEME, SIZE, attributes=("pose",))
