"""Every recipe, backbone, neck, head, codec and loss keeps the promises of its folder."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from canthus.build import build_codec, build_landmarker, build_losses, build_pipeline
from canthus.codecs import CODECS, prediction
from canthus.config import ConfigError
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


#: Backbones that are large as published -> options that keep their parts and take little time.
SMALL: dict[str, dict[str, Any]] = {
    "adnet": {"width": 16},
    "fan": {"width": 16},
    "hourglass": {"stem": 8, "widths": [8] * 6, "depths": [1] * 6},
    "hrnetv2": {"width": 4},
    "mobilenetv1": {"width": 0.25},
    "mobilenetv2": {"width": 0.25},
    "mobilenetv3_act3": {"width": 0.25},
    "resnet": {"width": 8, "depths": [1] * 4},
    "scnet": {"width": 8, "depths": [1] * 4},
}


def reduced(recipe: Recipe) -> Recipe:
    """The recipe with a small network and, where the maps have the room, half the input."""
    content = recipe.model_dump()
    content["backbone"] |= SMALL.get(recipe.backbone.name, {})
    if "deconvolutions" in recipe.head.options:
        content["head"]["deconvolutions"] = [32] * len(recipe.head.options["deconvolutions"])
    if recipe.head.name == "slpt":
        content["head"] |= {"width": 32, "layers": 1}
        content["losses"][0]["stages"] = [0.2, 0.3, 0.5]
    side = build_codec(recipe).point_fields().get("heatmap", (0,))[-1]
    if recipe.neck is not None and recipe.neck.name == "pan":
        content["neck"] |= {"width": 16, "widths": [8] * len(recipe.neck.options.get("widths", []))}
        content["head"]["positions"] = min(32, recipe.head.options["positions"])
        content["size"] = 64
    elif recipe.size == 384:
        content["size"] = 192
        if "side" in recipe.codec.options:
            content["codec"]["side"] = recipe.codec.options["side"] // 2
    elif recipe.size == 256 and side != 4:
        content |= {"size": 128, "codec": content["codec"] | ({"side": side // 2} if side else {})}
    return Recipe.model_validate(content)


def systems() -> list[str]:
    """One recipe of each system; those that differ in their data alone stand for each other."""
    found: dict[str, str] = {}
    for name in recipe_names():
        recipe = load_recipe(name)
        network = (recipe.backbone, recipe.neck and recipe.neck.name, recipe.head.name)
        codec = (recipe.codec.name, recipe.codec.options.get("side"))
        parts = (*network, *codec, sorted({(loss.name, loss.weight) for loss in recipe.losses}))
        found.setdefault(repr(parts), name)
    return list(found.values())


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_names_what_exists(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.name == name
    build_losses(recipe)
    build_pipeline(recipe, training=True)
    with torch.device("meta"):
        landmarker = build_landmarker(reduced(recipe)).eval()
    images = torch.empty(1, 3, reduced(recipe).size, reduced(recipe).size, device="meta")
    outputs = landmarker.predict(images)
    assert {field: value.shape[1:] for field, value in outputs.items()} == landmarker.codec.fields


@pytest.mark.parametrize("name", systems())
def test_a_system_learns(name: str) -> None:
    torch.manual_seed(0)
    recipe = reduced(load_recipe(name))
    landmarker, losses = build_landmarker(recipe), build_losses(recipe)
    annotations = labels(recipe, 2)
    images = torch.randn(2, 3, recipe.size, recipe.size)
    optimizer = torch.optim.Adam(landmarker.parameters(), lr=1e-4)
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
        assert prediction(outputs)[field].shape == (2, *shape)


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


#: Heads of codecs of other names, without attributes.
PLAIN = ("adnet", "fan", "heatmap", "parameters", "pfld", "slpt")


@pytest.mark.parametrize("name", sorted(set(HEADS) - {*PLAIN, "deep3d", "landmark_encoder", "synergynet"}))
def test_every_head_has_a_codec_of_its_name(name: str, tiny_recipe: Recipe) -> None:
    codec = {"name": name, "attributes": ["visibility", "presence", "covariance"]}
    if name != "coordinates":
        codec["side"] = 4
    recipe = Recipe.model_validate({**tiny_recipe.model_dump(), "head": {"name": name}, "codec": codec})
    landmarker = build_landmarker(recipe).eval()
    outputs = landmarker(torch.randn(2, 3, 32, 32))
    assert {field: tuple(value.shape[1:]) for field, value in outputs.items()} == landmarker.codec.fields
    assert landmarker.codec.decode(outputs).points.shape == (2, 5, 2)


@pytest.mark.parametrize("name", PLAIN)
def test_other_heads_refuse_attributes(name: str, tiny_recipe: Recipe) -> None:
    codec = {"adnet": "soft_argmax", "fan": "heatmap", "heatmap": "heatmap", "pfld": "pfld"}
    content = tiny_recipe.model_dump()
    content |= {"head": {"name": name}, "neck": None}
    content["codec"] = {"name": codec.get(name, "coordinates"), "attributes": ["presence"]}
    with pytest.raises(ConfigError, match=f"head {name}: found a codec with the fields .*'presence'"):
        build_landmarker(Recipe.model_validate(content))


def test_tables_and_recipes_agree() -> None:
    used = [load_recipe(name) for name in recipe_names()]
    assert {recipe.codec.name for recipe in used} <= set(CODECS)
    assert {loss.name for recipe in used for loss in recipe.losses} <= set(LOSSES)
