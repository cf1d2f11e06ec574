from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch

from canthus.build import build_landmarker, build_pipeline, build_sources
from canthus.codecs import Decoded
from canthus.geometry import CropRule
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe
from canthus.sample import Sample
from canthus.schemes import SCHEMES
from canthus.training.validation import Validator
from canthus.transforms import Pipeline


class Oracle(Landmarker):
    """Answers with the true points plus normal noise whose covariance it overstates fourfold."""

    sigma = 0.5

    def locate(self, images: torch.Tensor) -> Decoded:
        truth = self.truth[: len(images)]
        self.truth = self.truth[len(images) :]
        noise = torch.randn(truth.shape, generator=self.generator)
        covariance = torch.eye(2) * 4 * self.sigma**2 * self.codec.covariance_scale
        return Decoded(
            truth + self.sigma * noise, torch.ones(truth.shape[:2]), covariance.expand(*truth.shape, 2)
        )


@pytest.fixture
def validator(tiny_recipe: Recipe, tiny_data: Path) -> Validator:
    training, _ = build_sources(tiny_recipe, tiny_data)
    samples = list(training[0].samples) * 30
    plain = build_pipeline(tiny_recipe, training=False)
    return Validator(samples, ["."] * len(samples), [True] * len(samples), plain, 16)


def oracle(validator: Validator, recipe: Recipe) -> Oracle:
    base = build_landmarker(recipe)
    network = Oracle(base.backbone, base.neck, base.head, base.codec)
    rng = np.random.default_rng(0)
    views = [validator.pipeline(sample, rng) for sample in validator.samples]
    network.truth = torch.tensor(np.stack([view.points for view in views]), dtype=torch.float32)
    network.generator = torch.Generator().manual_seed(0)
    return network


def test_scores_are_means_of_per_face_means(validator: Validator, tiny_recipe: Recipe) -> None:
    network = oracle(validator, tiny_recipe)
    truth = network.truth.numpy()
    size = validator.pipeline.scheme.normalizer("inter_pupil", truth)
    generator = torch.Generator().manual_seed(0)
    chunks = [torch.randn(part.shape, generator=generator) for part in network.truth.split(16)]
    distance = 0.5 * torch.cat(chunks).norm(dim=-1).mean(-1).numpy()
    found = validator.score(network)
    assert found["nme/./inter_pupil"] == pytest.approx(100 * (distance / size).mean(), rel=1e-4)
    assert found["nme"] == found["nme/./landmark_box_sqrt_wh"]


class Shifted:
    """Answers with the true points, one px to the right."""

    def __init__(self, truth: np.ndarray) -> None:
        self.mean = torch.zeros(1)
        self.points = torch.tensor(truth, dtype=torch.float32) + torch.tensor([1.0, 0.0])

    def normalize(self, crops: torch.Tensor) -> torch.Tensor:
        return crops

    def locate(self, images: torch.Tensor) -> Decoded:
        return Decoded(self.points, torch.ones(self.points.shape[:2]))


def test_errors_by_the_stated_box_are_by_that_box() -> None:
    """AFLW's: 40 px of the picture, of which 50 fill the crop of 64."""
    scheme = SCHEMES["aflw19"]
    points = np.random.default_rng(0).uniform(20, 30, (19, 2)).astype(np.float32)  # fill a part of it
    box = np.array([5, 5, 45, 45], np.float32)
    image = np.zeros((60, 60, 3), np.uint8)
    sample = Sample(image, points, np.full(19, np.nan, np.float32), box, "face", "a", "a")
    pipeline = Pipeline(CropRule(box_kind="face", scale=1.25), 64, scheme)
    truth = pipeline(sample, np.random.default_rng(0)).points
    network = cast(Landmarker, Shifted(truth[None]))
    found = Validator([sample], ["aflw"], [False], pipeline, 4).score(network)
    assert found["nme/aflw/annotation_box_max"] == pytest.approx(100 * (50 / 64) / 40)


def test_an_overstated_covariance_is_scaled_down(validator: Validator, tiny_recipe: Recipe) -> None:
    network = oracle(validator, tiny_recipe)
    factor = validator.fit_covariance(network)
    assert factor == pytest.approx(0.25, rel=0.08)
    assert network.codec.covariance_scale.item() == pytest.approx(factor)


def test_only_samples_that_calibrate_count(validator: Validator, tiny_recipe: Recipe) -> None:
    half = replace(validator, calibrates=[row % 2 == 0 for row in range(len(validator.samples))])
    factors = []
    for chosen in (half, validator, replace(validator, calibrates=[False] * len(validator.samples))):
        network = oracle(validator, tiny_recipe)
        original = network.locate

        def spoil_odd_rows(
            images: torch.Tensor, original: Callable[[torch.Tensor], Decoded] = original
        ) -> Decoded:
            decoded = original(images)
            decoded.points[1::2] += 50
            return decoded

        network.locate = spoil_odd_rows  # type: ignore[method-assign]
        factors.append(chosen.fit_covariance(network))
    assert factors[0] == pytest.approx(0.25, rel=0.1)
    assert factors[1] > 5
    assert factors[2] == 1.0
