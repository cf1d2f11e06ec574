"""Every recipe, backbone, neck, head, codec and loss keeps the promises of its folder."""

from __future__ import annotations

import pytest
import torch

from canthus.build import build_codec, build_landmarker, build_losses, build_pipeline
from canthus.codecs import CODECS
from canthus.losses import LOSSES
from canthus.models.backbones import BACKBONES
from canthus.models.heads import HEADS
from canthus.models.necks import NECKS
from canthus.recipe import Recipe, load_recipe, recipe_names
from canthus.sample import Annotations


def labels(recipe: Recipe, batch: int) -> Annotations:
    codec = build_codec(recipe)
    points = torch.rand(batch, len(codec.scheme), 2) * (recipe.size - 8) + 4
    return Annotations(points, torch.ones(points.shape[:2]), torch.ones(batch), torch.ones(batch))


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_builds_and_its_losses_fall(name: str) -> None:
    torch.manual_seed(0)
    recipe = load_recipe(name)
    landmarker, losses = build_landmarker(recipe), build_losses(recipe)
    build_pipeline(recipe, training=True)
    annotations = labels(recipe, 2)
    images = torch.randn(2, 3, recipe.size, recipe.size)
    optimizer = torch.optim.Adam(landmarker.parameters(), lr=1e-3)
    history = []
    for _ in range(6):
        outputs = landmarker(images)
        loss, terms = losses(outputs, landmarker.codec.encode(annotations))
        assert all(torch.isfinite(term) for term in terms.values())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        history.append(loss.item())
    assert history[-1] < history[0]
    without = [n for n, p in landmarker.named_parameters() if p.grad is None]
    assert not without, "parameters that no loss teaches"
    for field, shape in landmarker.codec.fields.items():
        assert outputs[field].shape == (2, *shape)


@pytest.mark.parametrize("name", BACKBONES)
def test_backbones_state_their_channels(name: str) -> None:
    backbone = BACKBONES[name]().eval()
    maps = backbone(torch.zeros(1, 3, 128, 128))
    assert tuple(x.shape[1] for x in maps) == tuple(backbone.channels)
    sides = [x.shape[-1] for x in maps]
    assert sides == sorted(sides, reverse=True)


@pytest.mark.parametrize("name", NECKS)
def test_necks_state_their_channels(name: str) -> None:
    neck = NECKS[name]((8, 16, 24)).eval()
    maps = neck([torch.zeros(1, 8, 16, 16), torch.zeros(1, 16, 8, 8), torch.zeros(1, 24, 4, 4)])
    assert tuple(x.shape[1] for x in maps) == tuple(neck.channels)


@pytest.mark.parametrize("name", sorted(set(HEADS) - {"heatmap"}))  # that one carries no attributes
def test_every_head_has_a_codec_of_its_name(name: str, tiny_recipe: Recipe) -> None:
    codec = {"name": name, "attributes": ["visibility", "presence", "covariance"]}
    if name != "coordinates":
        codec["side"] = 4
    recipe = Recipe.model_validate({**tiny_recipe.model_dump(), "head": {"name": name}, "codec": codec})
    landmarker = build_landmarker(recipe).eval()
    outputs = landmarker(torch.randn(2, 3, 32, 32))
    assert {field: tuple(value.shape[1:]) for field, value in outputs.items()} == landmarker.codec.fields
    assert landmarker.codec.decode(outputs).points.shape == (2, 5, 2)


def test_tables_and_recipes_agree() -> None:
    used = [load_recipe(name) for name in recipe_names()]
    assert {recipe.codec.name for recipe in used} <= set(CODECS)
    assert {loss.name for recipe in used for loss in recipe.losses} <= set(LOSSES)
