from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from canthus.build import build_landmarker
from canthus.config import ConfigError
from canthus.geometry import CropRule
from canthus.recipe import Part, Recipe, Warmup
from canthus.sample import Sample
from canthus.training.cutting import Cutter
from canthus.training.data import Batches
from canthus.training.ema import Ema
from canthus.training.optimizers import OPTIMIZERS, build_optimizer
from canthus.training.schedules import SCHEDULES, build_schedule


def test_batches_deal_one_order_to_all_processes() -> None:
    repeats = [1.0] * 10 + [2.0] * 5 + [0.5] * 8
    whole = Batches(repeats, 6, seed=3)
    assert len(whole) == (10 + 10 + 4) // 6
    parts = [Batches(repeats, 3, seed=3, rank=rank, processes=2) for rank in range(2)]
    for batches in (whole, *parts):
        batches.epoch = 2
    for all_of_it, first, second in zip(whole, *parts, strict=True):
        assert all_of_it == first + second
    shown = [index for batch in whole for _, index in batch]
    assert all(shown.count(index) <= 1 for index in [*range(10), *range(15, 23)])
    whole.epoch = 3
    assert [index for batch in whole for _, index in batch] != shown


def test_repeats_count_exactly() -> None:
    batches = Batches([2.5] * 4, 10, seed=0)
    (batch,) = list(batches)
    counts = np.bincount([index for _, index in batch], minlength=4)
    assert sorted(counts.tolist()) == [2, 2, 3, 3]


def test_impossible_batches_are_named() -> None:
    with pytest.raises(ValueError, match="found 5 for each of 2 processes, but only 9 samples"):
        Batches([1.0] * 9, 5, seed=0, processes=2)
    with pytest.raises(ValueError, match="only 3 samples"):
        Batches([1.0] * 3, 4, seed=0)


def test_cutting_keeps_the_crop() -> None:
    rng = np.random.default_rng(0)
    image = np.kron(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8), np.ones((10, 10, 1), np.uint8))
    points = np.array([[150, 120], [250, 118], [200, 210]], np.float32)
    box = np.array([150, 118, 250, 210], np.float32)
    sample = Sample(image, points, np.ones(3, np.float32), box, "landmarks", "a", "a")
    rule = CropRule(box_kind="landmarks", scale=1.25)
    (small,) = Cutter(rule, 100, 1.8)([sample])
    assert small.image.shape[0] == round(1.8 * 125)
    whole, part = (rule.crop(item.box, item.box_kind, 100) for item in (sample, small))
    np.testing.assert_allclose(part.to_crop(small.points), whole.to_crop(points), atol=1e-3)
    difference = np.abs(part.warp(small.image).astype(int) - whole.warp(image)).mean()
    assert difference < 1.0


def test_the_average_follows_the_formula(tiny_recipe: Recipe) -> None:
    model = build_landmarker(tiny_recipe)
    ema = Ema(model, 0.9)
    name = "codec.covariance_scale"
    expected = 1.0
    for step in range(200):
        model.codec.covariance_scale.fill_(float(step))
        ema.update(model, step)
        keep = min(0.9, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * step
    assert ema.model.state_dict()[name].item() == pytest.approx(expected, rel=1e-5)
    assert not any(parameter.requires_grad for parameter in ema.model.parameters())


def test_warmup_then_cosine_by_hand() -> None:
    factor = build_schedule(Part(name="cosine", floor=0.1), Warmup(epochs=1), epochs=11, steps_per_epoch=10)
    assert factor(0) == pytest.approx(0.1)
    assert factor(9) == pytest.approx(1.0)
    assert factor(10) == pytest.approx(1.0)
    assert factor(60) == pytest.approx(0.55)
    assert factor(110) == pytest.approx(0.1)
    assert build_schedule(Part(name="constant"), Warmup(steps=0), 1, 9)(5) == 1


def test_the_published_schedule_by_hand() -> None:
    part = Part(name="steps", epochs=[40, 55], factor=0.1)
    factor = build_schedule(part, Warmup(steps=500, start=0.001), epochs=60, steps_per_epoch=49)
    expected = {
        0: 0.001,
        1: 0.001 + 0.999 / 499,
        250: 0.001 + 0.999 * 250 / 499,
        499: 1,
        500: 1,
        40 * 49 - 1: 1,
        40 * 49: 0.1,
        55 * 49 - 1: 0.1,
        55 * 49: 0.01,
    }
    for step, value in expected.items():
        assert factor(step) == pytest.approx(value), step


def test_steps_fall_during_the_warmup_too() -> None:
    factor = build_schedule(Part(name="steps", epochs=[1]), Warmup(steps=20, start=0), 4, steps_per_epoch=10)
    assert factor(9) == pytest.approx(9 / 19)
    assert factor(10) == pytest.approx(0.1 * 10 / 19)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_start_at_one_and_never_rise(name: str) -> None:
    factor = build_schedule(Part(name=name), Warmup(steps=0), 60, 2)
    values = [factor(step) for step in range(121)]
    assert values[0] == 1
    assert all(later <= earlier + 1e-12 for earlier, later in pairwise(values))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_decay_matrices_alone(name: str) -> None:
    model = nn.Linear(3, 3)
    nn.init.ones_(model.bias)
    nn.init.constant_(model.weight, -0.5)
    before = model.weight.detach().clone()
    optimizer = build_optimizer([model], Part(name=name, weight_decay=0.1), 0.01)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    assert (model.weight.abs() < before.abs()).all()
    assert torch.equal(model.bias, torch.ones(3))


def test_unknown_parts_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'sgd'"):
        build_optimizer([nn.Linear(2, 2)], Part(name="sdg"), 0.1)
    with pytest.raises(ConfigError, match="did you mean 'cosine'"):
        build_schedule(Part(name="cosin"), Warmup(steps=0), 1, 10)
    with pytest.raises(ConfigError, match=r"schedule steps: found \{'epochs': 3\}, cannot be used"):
        build_schedule(Part(name="steps", epochs=3), Warmup(steps=0), 1, 10)
    with pytest.raises(ConfigError, match="unknown option 'flor', did you mean 'floor'"):
        build_schedule(Part(name="cosine", flor=0.1), Warmup(steps=0), 1, 10)
    with pytest.raises(ConfigError, match="sgd: unknown option 'momentun', did you mean 'momentum'"):
        build_optimizer([nn.Linear(2, 2)], Part(name="sgd", momentun=0.9), 0.1)
    with pytest.raises(ConfigError, match="optimizer adam: Invalid beta"):
        build_optimizer([nn.Linear(2, 2)], Part(name="adam", betas=[2.0, 0.9]), 0.1)


def test_warmup_of_zero_steps_starts_at_the_full_rate() -> None:
    factor = build_schedule(Part(name="cosine"), Warmup(steps=0, start=0.5), epochs=1, steps_per_epoch=10)
    assert factor(0) == 1
    assert math.isclose(factor(10), 0, abs_tol=1e-12)
