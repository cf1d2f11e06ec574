from __future__ import annotations

import json
from pathlib import Path

import dataset_trees
import numpy as np
import pytest
from staged_parts import staged

from canthus.build import (
    build_landmarker,
    build_losses,
    build_pipeline,
    build_sources,
    check_recipe,
    convert,
    find,
)
from canthus.config import ConfigError
from canthus.losses import LOSSES
from canthus.losses.wing import Wing
from canthus.recipe import DatasetPart, Recipe, Validation
from canthus.sample import Sample
from canthus.schemes import SCHEMES


def changed(recipe: Recipe, **values: object) -> Recipe:
    return Recipe.model_validate({**recipe.model_dump(), **values})


def test_groups_are_never_split(tiny_recipe: Recipe, tiny_data: Path) -> None:
    training, validation = build_sources(tiny_recipe, tiny_data)
    groups = [
        {sample.group for source in part for sample in source.samples} for part in (training, validation)
    ]
    assert not groups[0] & groups[1]
    assert len(groups[0]) + len(groups[1]) == 24
    assert 1 <= len(groups[1]) <= 12
    again = build_sources(tiny_recipe, tiny_data)[1]
    assert [sample.id for sample in again[0].samples] == [sample.id for sample in validation[0].samples]
    other = changed(tiny_recipe, validation={"fraction": 0.25, "seed": 2})
    assert {sample.group for sample in build_sources(other, tiny_data)[1][0].samples} != groups[1]


def test_no_validation_slice(tiny_recipe: Recipe, tiny_data: Path) -> None:
    training, validation = build_sources(changed(tiny_recipe, validation={"fraction": 0}), tiny_data)
    assert len(training[0].samples) == 24
    assert len(validation[0].samples) == 0


def test_weights_multiply_and_filters_spare_untagged_samples(tiny_recipe: Recipe, tiny_data: Path) -> None:
    part = {"name": "folder", "split": "all", "weight": 0.25, "filter": {"yaw": (0, 10)}}
    training, _ = build_sources(changed(tiny_recipe, datasets=[part]), tiny_data)
    assert {sample.weight for source in training for sample in source.samples} == {0.25}


def test_factors_of_stages_are_checked(tiny_recipe: Recipe) -> None:
    assert check_recipe(staged(tiny_recipe)).training
    for stages, complaint in ([1], "stages: found 1 factors, expected 2"), ([0, 0], "found zeros alone"):
        losses = [{"name": "distance", "stages": stages}]
        with pytest.raises(ValueError, match=complaint):
            check_recipe(changed(staged(tiny_recipe), losses=losses))


def test_a_loss_of_a_nested_module(tiny_recipe: Recipe) -> None:
    losses = [{"name": "canthus.losses.wing:Wing"}]
    assert list(build_losses(changed(tiny_recipe, losses=losses)).weights) == ["canthus_losses_wing:Wing"]


def test_options_are_checked_against_the_constructor(tiny_recipe: Recipe) -> None:
    head = {"name": "integral", "widht": 8}
    with pytest.raises(ConfigError, match="head integral: unknown option 'widht', did you mean 'width'"):
        build_landmarker(changed(tiny_recipe, head=head))
    with pytest.raises(ConfigError, match="no backbone 'thin_resnt'; did you mean 'thin_resnet'"):
        build_landmarker(changed(tiny_recipe, backbone={"name": "thin_resnt"}))
    with pytest.raises(ConfigError, match="no scheme 'ibug86'"):
        build_landmarker(changed(tiny_recipe, scheme="ibug86"))
    with pytest.raises(ConfigError, match="2 widths and 1 depths"):
        build_landmarker(
            changed(tiny_recipe, backbone={"name": "thin_resnet", "widths": [4, 8], "depths": [1]})
        )
    with pytest.raises(ConfigError, match="appears twice"):
        build_losses(changed(tiny_recipe, losses=[{"name": "wing"}, {"name": "wing"}]))


def test_a_part_of_ones_own_needs_no_edit() -> None:
    assert find("canthus.losses.wing:Wing", LOSSES, "loss") is Wing
    with pytest.raises(ConfigError, match="cannot be imported"):
        find("canthus.losses.wing:Wong", LOSSES, "loss")
    with pytest.raises(ConfigError, match="no loss 'wong'; did you mean 'wing'"):
        find("wong", LOSSES, "loss")


def test_the_plain_pipeline_has_no_transforms(tiny_recipe: Recipe) -> None:
    assert len(build_pipeline(tiny_recipe, training=True).transforms) == 3
    assert build_pipeline(tiny_recipe, training=False).transforms == ()


def test_converted_samples_keep_visibility_where_a_point_stands_for_a_point() -> None:
    source, target = SCHEMES["face_synthetics70"], SCHEMES["ibug68_3d"]
    points = np.arange(140, dtype=np.float32).reshape(70, 2)
    visibility = np.arange(70, dtype=np.float32) % 2
    box = np.array([0, 0, 9, 9], np.float32)
    sample = Sample(np.zeros((9, 9, 3), np.uint8), points, visibility, box, "landmarks", "a", "a")
    converted = convert(sample, source, target)
    np.testing.assert_array_equal(converted.points, points[:68])
    np.testing.assert_array_equal(converted.visibility, visibility[:68])
    assert convert(sample, source, source) is sample


def test_a_recipe_is_checked_without_data(tiny_recipe: Recipe) -> None:
    landmarker = check_recipe(tiny_recipe)
    assert landmarker.training
    assert landmarker.codec.scheme.name == "five"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"losses": [{"name": "distance", "field": "point"}]}, "no field 'point'; it has .*points"),
        ({"codec": {"name": "integral", "side": 4}}, "loss ellipse: codec integral has no field 'cholesky'"),
        ({"datasets": [{"name": "foldr"}]}, "no dataset 'foldr'; did you mean 'folder'"),
        ({"datasets": [{"name": "folder", "scheme": "fiv"}]}, "no scheme 'fiv'; did you mean 'five'"),
        ({"head": {"name": "integral", "width": -3}}, "head integral: .*negative dimension"),
        ({"transforms": [{"name": "flp"}]}, "no transform 'flp'; did you mean 'flip'"),
    ],
)
def test_parts_that_do_not_fit_are_named(
    tiny_recipe: Recipe, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        check_recipe(changed(tiny_recipe, **change))


def test_boxes_of_the_landmarks_when_asked(tiny_recipe: Recipe, tiny_data: Path) -> None:
    for label in tiny_data.glob("*.json"):
        content = json.loads(label.read_text())
        label.write_text(json.dumps({**content, "box": [2, 3, 40, 44]}))
    for boxes in ("dataset", "landmarks"):
        part = {"name": "folder", "split": "all", "boxes": boxes}
        samples = build_sources(changed(tiny_recipe, datasets=[part]), tiny_data)[0][0].samples
        for sample in samples:
            tight = [*sample.points.min(0), *sample.points.max(0)]
            np.testing.assert_allclose(sample.box, [2, 3, 40, 44] if boxes == "dataset" else tight)


def test_shifted_labels_are_taught_shifted(tiny_recipe: Recipe, tiny_data: Path) -> None:
    rule = {**tiny_recipe.crop.model_dump(), "label_offset_px": -1.0}
    plain, shifted = (
        build_sources(changed(tiny_recipe, crop=crop), tiny_data)[0][0].samples
        for crop in (tiny_recipe.crop.model_dump(), rule)
    )
    for ours, taught in zip(plain, shifted, strict=True):
        np.testing.assert_allclose(taught.points, ours.points + 1, atol=1e-5)
        np.testing.assert_allclose(taught.box, ours.box + 1, atol=1e-5)


def test_a_subset_of_a_dataset_is_a_filter(tiny_recipe: Recipe, tmp_path: Path) -> None:
    dataset_trees.wflw(tmp_path)
    for share, expected in (((1, 1), ["0--Parade/p.jpg#1"]), ((0, 0), ["0--Parade/p.jpg", "1--Run/r.jpg"])):
        part = DatasetPart(name="wflw", split="test", filter={"subset/largepose": share})
        recipe = tiny_recipe.model_copy(update={"datasets": (part,), "validation": Validation(fraction=0)})
        (training,), _ = build_sources(recipe, tmp_path)
        assert [sample.id for sample in training.samples] == expected
