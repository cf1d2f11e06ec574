"""The recipes that come with the package: their names, that they fit together, and the published facts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published_samples import SAMPLES, published

from canthus.build import (
    build_codec,
    build_landmarker,
    build_losses,
    build_pipeline,
    build_sources,
    scheme_of,
)
from canthus.codecs import CODECS
from canthus.codecs.keyposs import KeyPosSTopK
from canthus.config import override
from canthus.datasets import DATASETS as READERS
from canthus.recipe import Recipe, load_recipe, recipe_names
from canthus.sample import Annotations
from canthus.training.schedules import build_schedule

ZOO = [
    "300w-hrnetv2_w18",
    *(f"wflw-hrnetv2_w18{ending}" for ending in ("", "-dark", "-awing")),
    "cofw-hrnetv2_w18",
    *(f"aflw-hrnetv2_w18{ending}" for ending in ("", "-dark")),
    *(f"coco_wholebody_face-hrnetv2_w18{ending}" for ending in ("", "-dark")),
    *(f"coco_wholebody_face-{net}" for net in ("hourglass52", "resnet50", "mobilenetv2", "scnet50")),
]
DATASETS = ("300w", "wflw", "cofw", "aflw", "coco_wholebody_face")
KEYPOSS = {f"{name}-hrnetv2_w18-keyposs_{side}": side for name in DATASETS for side in (64, 32, 16, 8, 4)}
HELEN = [
    f"300w-{net}-helen"
    for net in (
        *("hrnetv2_w18", "resnet50", "mobilenetv2", "scnet50", "hourglass52"),
        *("hrnetv2_w18-keyposs_64", "hrnetv2_w18-keyposs_16"),
    )
]
#: Row -> published NMEs in per cent, their denominator, the beginning of the checkpoint's sha256.
PUBLISHED: dict[str, tuple[dict[str, float], str, str]] = {
    "300w-hrnetv2_w18": (
        {"common": 2.92, "challenge": 5.64, "full": 3.45, "test": 4.10},
        "inter_ocular",
        "eea53406",
    ),
    "cofw-hrnetv2_w18": ({"test": 3.48}, "inter_ocular", "49243ab8"),
    "aflw-hrnetv2_w18": ({"full": 1.41, "frontal": 1.27}, "annotation_box_max", "f2bbc62b"),
    "aflw-hrnetv2_w18-dark": ({"full": 1.35, "frontal": 1.19}, "annotation_box_max", "219606c0"),
    "coco_wholebody_face-hrnetv2_w18": ({"val": 5.69}, "inter_ocular", "c1ca469b"),
    "coco_wholebody_face-hrnetv2_w18-dark": ({"val": 5.13}, "inter_ocular", "3d9a334e"),
    "coco_wholebody_face-hourglass52": ({"val": 5.87}, "inter_ocular", "6994cf2e"),
    "coco_wholebody_face-resnet50": ({"val": 5.82}, "inter_ocular", "5128edf5"),
    "coco_wholebody_face-mobilenetv2": ({"val": 6.11}, "inter_ocular", "4a3f096e"),
    "coco_wholebody_face-scnet50": ({"val": 5.67}, "inter_ocular", "a0183f5f"),
}
SUBSETS = ("test", "largepose", "illumination", "occlusion", "blur", "makeup", "expression")
for row, digest, errors in (
    ("wflw-hrnetv2_w18", "2bf032a6", (4.06, 6.97, 3.99, 4.83, 4.58, 3.94, 4.33)),
    ("wflw-hrnetv2_w18-dark", "3f8e0c2c", (3.98, 6.98, 3.96, 4.78, 4.56, 3.89, 4.29)),
    ("wflw-hrnetv2_w18-awing", "5af5055c", (4.02, 6.94, 3.97, 4.78, 4.59, 3.87, 4.28)),
):
    PUBLISHED[row] = (dict(zip(SUBSETS, errors, strict=True)), "inter_ocular", digest)
KEYPOSS_ERRORS = {
    "wflw": (3.98, 4.27, 4.94, 7.68, 12.04),
    "aflw": (1.35, 1.43, 1.73, 3.34, 4.54),
    "coco_wholebody_face": (5.17, 5.80, 6.19, 10.37, 27.59),
}


def network(name: str) -> tuple[Any, ...]:
    """What two rows share that have the same network, whatever their points."""
    recipe = load_recipe(name)
    return (recipe.backbone, recipe.neck, recipe.head, recipe.size, recipe.codec.options.get("side"))


#: Rows of a published size are built by its test.
UNSIZED = [name for name in recipe_names() if load_recipe(name).reference.size is None]
NETWORKS = {repr(network(name)): name for name in UNSIZED}


def test_the_rows_have_the_names_of_the_plan() -> None:
    assert {*ZOO, *KEYPOSS, *HELEN} <= set(recipe_names())
    assert len(ZOO) == 13 and len(KEYPOSS) == 25


@pytest.mark.parametrize("name", recipe_names())
def test_the_parts_of_every_recipe_are_known(name: str) -> None:
    recipe = load_recipe(name)
    codec = build_codec(recipe)
    assert CODECS[recipe.codec.name] is type(codec)
    assert {loss.options.get("field", "heatmap") for loss in recipe.losses} <= {*codec.fields, "heatmap"}
    for part in recipe.datasets:
        splits = READERS[part.name].splits
        assert not splits or part.split in splits  # a reader without a list takes any name
    build_losses(recipe)
    build_pipeline(recipe, training=True)
    build_schedule(recipe.train.schedule, recipe.train.warmup, recipe.train.epochs, 10)
    if recipe.reference.nme is not None:
        allowed = (*scheme_of(recipe).normalizers, "annotation_box_max", "landmark_box_sqrt_wh", "crop_side")
        assert recipe.reference.nme.normalizer in allowed


@pytest.mark.parametrize("name", NETWORKS.values())
def test_every_network_gives_what_its_codec_reads(name: str) -> None:
    recipe = load_recipe(name)
    with torch.device("meta"):
        landmarker = build_landmarker(recipe).eval()
        outputs = landmarker.predict(torch.empty(1, 3, recipe.size, recipe.size))
    assert {field: outputs[field].shape[1:] for field in landmarker.codec.fields} == {
        field: torch.Size(shape) for field, shape in landmarker.codec.fields.items()
    }


@pytest.mark.parametrize("name", [*ZOO, *KEYPOSS, *HELEN])
def test_what_all_rows_of_the_heatmap_zoo_share(name: str) -> None:
    recipe = load_recipe(name)
    assert (recipe.size, recipe.crop.side, recipe.crop.scale, recipe.crop.aspect) == (256, "max", 1.25, 1)
    assert recipe.normalization.mean == (123.675, 116.28, 103.53)
    assert recipe.normalization.std == (58.395, 57.12, 57.375)
    assert recipe.test.flip and recipe.train.clip is None
    flip, jitter = recipe.transforms
    assert (flip.name, flip.options) == ("flip", {"probability": 0.5})
    expected = {"rotate": 30, "rotate_probability": 0.6, "scale": 0.25}
    if name.startswith("coco"):
        expected |= {"shift": 0.16, "shift_probability": 0.3}
    assert (jitter.name, jitter.options) == ("box_jitter", expected)
    pretrained = recipe.reference.pretrained
    assert (pretrained is None) == ("hourglass" in name)
    assert pretrained is None or re.search(rf"-{pretrained.sha256}\.pth$", pretrained.address)


@pytest.mark.parametrize("name", [*ZOO, *KEYPOSS])
def test_what_published_rows_share(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.validation.fraction == 0 and recipe.datasets[0].split == "train"
    assert (recipe.crop.center, recipe.crop.antialias) == ("pixel", False)
    assert recipe.crop.box_kind == ("face" if name.startswith("aflw") else "landmarks")
    made = name.startswith(("300w", "wflw"))  # boxes made from the landmarks
    assert recipe.crop.rounding == ("outward" if made else "none")
    assert recipe.datasets[0].boxes == ("landmarks" if made else "dataset")
    assert recipe.crop.label_offset_px == (-1 if name.startswith("300w") else 0)
    codec = recipe.codec.options
    assert {"frame", "patch"} <= set(codec["published"]) and codec["flip_shift"] == "cell"
    train = recipe.train
    assert (train.optimizer.name, train.optimizer.options) == ("adam", {})
    assert (train.learning_rate, train.ema, train.precision) == (2e-3, 0, "no")
    training = recipe.reference.training
    assert training is not None and not recipe.reference.unpublished
    assert (training.batch, training.epochs) == (train.batch, train.epochs)
    assert training.warmup_steps == train.warmup.steps and train.warmup.start == 0.001


@pytest.mark.parametrize("name", ZOO)
def test_published_facts(name: str) -> None:
    recipe = load_recipe(name)
    reference, train = recipe.reference, recipe.train
    errors, normalizer, digest = PUBLISHED[name]
    assert reference.nme is not None and reference.training is not None
    assert (reference.nme.subsets, reference.nme.normalizer) == (errors, normalizer)
    assert reference.nme.images == "pooled"
    assert reference.sha256 == digest and f"-{digest}_20" in str(reference.checkpoint)
    assert (train.batch, train.epochs) == (32 if name.startswith("coco") else 64, 60)
    assert reference.training.processes == 8
    codec = recipe.codec.options
    assert codec["sigma"] == (1.5 if name.startswith(("300w", "cofw")) else 2)
    dark = name.endswith("-dark")
    assert (recipe.codec.name, codec["unbiased"]) == (("dark", True) if dark else ("heatmap", False))
    assert codec.get("kernel") == (11 if dark else None)
    assert [loss.name for loss in recipe.losses] == ["adaptive_wing" if "awing" in name else "mse"]
    factor = build_schedule(train.schedule, train.warmup, train.epochs, steps_per_epoch=49)
    rates = [train.learning_rate * factor(step) for step in (0, 499, 40 * 49 - 1, 40 * 49, 55 * 49)]
    assert rates == pytest.approx([2e-6, 2e-3, 2e-3, 2e-4, 2e-5])


@pytest.mark.parametrize(("name", "side"), KEYPOSS.items())
def test_keyposs_rows(name: str, side: int) -> None:
    recipe = load_recipe(name)
    codec = build_codec(recipe)
    assert isinstance(codec, KeyPosSTopK)
    assert (codec.side, codec.sigma, codec.range_sigma, codec.unbiased) == (side, 2, 2, True)
    assert codec.measuring == {8: 15, 4: 10}.get(side, 30)
    dataset = name.partition("-")[0]
    epochs = {"300w": 100, "aflw": 100, "cofw": 210}.get(dataset, 1000)
    assert (recipe.train.epochs, recipe.train.batch) == (epochs, 64)
    assert recipe.reference.training is not None and recipe.reference.training.processes == 4
    huber = dataset in ("cofw", "coco_wholebody_face")
    assert recipe.losses[0].name == ("huber" if huber else "mse")
    assert not huber or recipe.losses[0].options["delta"] == 0.6
    published = recipe.reference.nme
    if dataset in KEYPOSS_ERRORS:
        assert published is not None
        assert list(published.subsets.values()) == [KEYPOSS_ERRORS[dataset][(64, 32, 16, 8, 4).index(side)]]
    else:
        assert published is None


def test_keyposs_learns_narrow_biased_targets_with_its_own_ranges() -> None:
    changes = ["codec.sigma=1.5", "codec.unbiased=false"]  # the other released configuration of 300-W
    codec = build_codec(load_recipe("300w-hrnetv2_w18-keyposs_64", changes))
    assert isinstance(codec, KeyPosSTopK)
    assert (codec.sigma, codec.range_sigma, codec.unbiased) == (1.5, 2.0, False)


@pytest.mark.parametrize("name", HELEN)
def test_rows_of_this_project_say_so(name: str) -> None:
    recipe = load_recipe(name)
    assert recipe.reference.unpublished and recipe.reference.nme is None
    assert recipe.datasets[0].allow_missing and recipe.crop.label_offset_px == 0
    assert recipe.train.warmup.length(71) <= recipe.train.epochs * 71 / 10
    assert "published" not in recipe.codec.options and recipe.train.precision == "bf16"


@pytest.mark.parametrize("name", [f"{name}-hrnetv2_w18" for name in DATASETS])
def test_real_faces_are_taught_as_published(data: Path, tmp_path: Path, name: str) -> None:
    """The published labels, as their files count them, and the published matrix of the crop."""
    dataset = name.partition("-")[0]
    stated = published(data, tmp_path, dataset)
    split = SAMPLES[dataset][2]
    recipe = load_recipe(name, [f"datasets.0.split={split}", "datasets.0.allow_missing=true"])
    (source,), _ = build_sources(recipe, tmp_path)
    pipeline = build_pipeline(recipe, training=False)
    for sample, (ours, item) in zip(source.samples, stated, strict=True):
        if "center" in item:
            center, side = np.array(item["center"]), 200 * item["scale"]
        else:
            center, side = (ours.box[:2] + ours.box[2:]) / 2, (ours.box[2:] - ours.box[:2]).max()
        labels = np.array(item.get("face_kpts") or item["keypoints"], np.float64).reshape(-1, 3)
        scale = 256 / (1.25 * side)
        view = pipeline(sample, np.random.default_rng(0))
        matrix = np.column_stack([scale * np.eye(2), 128 - scale * center])
        np.testing.assert_allclose(view.matrix, matrix, rtol=1e-5, atol=2e-3)
        known = np.isfinite(view.points).all(-1)
        assert (known == (labels[:, 2] > 0)).all()
        expected = scale * (labels[:, :2] - center) + 128
        np.testing.assert_allclose(view.points[known], expected[known], atol=0.01)


SIXTEEN = ["size=64", "codec.side=16"]
STACKS = [
    "backbone.width=16",
    "head={name: adnet, stacks: 2, depth: 2}",
    *SIXTEEN,
    *(f"losses.{i}.stages=[0.5, 1]" for i in range(3)),
]
DECONVOLUTIONS = "head.deconvolutions=[24, 24, 24]"
#: Row -> what makes its network and crops small: each architecture once, with one of its codecs and losses.
SMALL: dict[str, list[str]] = {
    "wflw-hrnetv2_w18-awing": [
        "backbone={name: hrnetv2, width: 6, exchanges: [1, 1, 1]}",
        "head.convolutions=[16]",
        "size=64",
        "codec.side=16",
    ],
    "300w-hrnetv2_w18-keyposs_16": [
        "backbone={name: hrnetv2, strides: [4, 4], width: 6, exchanges: [1, 1, 1]}",
        "head.convolutions=[16]",
        "size=128",
        "codec={name: keyposs_topk, side: 8}",
    ],
    "cofw-hrnetv2_w18-keyposs_4": ["backbone.width=12", "head.convolutions=[24]"],
    "coco_wholebody_face-hourglass52": [
        "backbone={name: hourglass, stem: 4, widths: [8, 8, 8], depths: [1, 1, 1]}",
        "size=64",
        "codec.side=16",
    ],
    "coco_wholebody_face-resnet50": [
        "backbone={name: resnet, width: 8, depths: [1, 1, 1, 1]}",
        DECONVOLUTIONS,
        "size=64",
        "codec.side=16",
    ],
    "coco_wholebody_face-mobilenetv2": ["backbone.width=0.125", DECONVOLUTIONS, "size=64", "codec.side=16"],
    "coco_wholebody_face-scnet50": [
        "backbone={name: scnet, width: 8, depths: [1, 1, 1, 1]}",
        DECONVOLUTIONS,
        "size=128",
        "codec.side=32",
        "codec.sigma=4",
    ],
    "wflw-pfld_025x": ["backbone.width=0.125", "head={name: pfld, pooled: true}"],
    "300w-slpt6": [
        "backbone={name: hrnetv2, width: 6, exchanges: [1]}",
        "head={name: slpt, width: 16, layers: 1, heads: 2, cells: 3, dropout: 0}",
        "size=64",
        "losses.0.stages=[0.2, 0.3, 0.5]",
    ],
    "300w-adnet": STACKS,
    "cofw-star": [*STACKS, "codec.edges=[[0, 1], [0, 2, 3, 4]]"],
    "300w_lp-fan1": ["backbone.width=16", "head={name: fan, stacks: 2, depth: 2}", *SIXTEEN],
}


@pytest.mark.parametrize("name", SMALL)
def test_a_row_learns_a_batch_by_heart(name: str) -> None:
    """Two pictures whose points differ: maps that are the same for both leave half of the loss."""
    torch.manual_seed(0)
    content = override(load_recipe(name).model_dump(mode="json"), [*SMALL[name], "scheme=five"])
    recipe = Recipe.model_validate(content)
    landmarker, losses = build_landmarker(recipe), build_losses(recipe)
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, 8, 8, generator=generator)
    images = torch.nn.functional.interpolate(images, (recipe.size, recipe.size))
    points = (0.25 + 0.5 * torch.rand(2, 5, 2, generator=generator)) * recipe.size
    labels = Annotations(points, torch.ones(2, 5), torch.ones(2), torch.ones(2))
    landmarker.learn_labels(labels)
    targets = landmarker.codec.encode(labels)
    optimizer = torch.optim.Adam(landmarker.parameters(), lr=2e-2)
    values = []
    for _ in range(100):
        optimizer.zero_grad()
        loss, _ = losses(landmarker(images), targets)
        loss.backward()
        optimizer.step()
        values.append(loss.item())
        if values[-1] < 0.35 * values[0]:
            return
    raise AssertionError(values[::10])
