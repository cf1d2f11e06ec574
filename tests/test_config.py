from pathlib import Path

import pytest

from canthus.config import ConfigError, override, read_yaml, validate
from canthus.recipe import Recipe, Warmup, load_recipe, recipe_names


def test_override_sets_nested_values_and_list_items() -> None:
    content = {"train": {"epochs": 3}, "losses": [{"name": "wing"}, {"name": "distance"}]}
    changed = override(content, ["train.epochs=7", "losses.1.weight=2.5", "neck=null", "test.flip=true"])
    assert changed["train"] == {"epochs": 7}
    assert changed["losses"][1] == {"name": "distance", "weight": 2.5}
    assert changed["neck"] is None
    assert changed["test"] == {"flip": True}
    assert content["train"]["epochs"] == 3


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.epochs", "expected path=value"),
        ("losses.4.weight=1", "expected an index below 1"),
        ("losses.first.weight=1", "expected an index below 1"),
        ("name.sub=1", "plain value"),
        ("name.sub.deep=1", "plain value"),
        ("name=[", r"name: '\[' is not YAML"),
        ("=3", "expected path=value"),
        ("losses..weight=3", "expected path=value"),
    ],
)
def test_override_names_what_is_wrong(assignment: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        override({"name": "x", "losses": [{"name": "wing"}]}, [assignment])


def test_unknown_keys_name_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match=r"train\.epoch: unknown key, did you mean 'epochs'"):
        load_recipe("face68", ["train.epoch=3"])
    with pytest.raises(ConfigError, match=r"crop\.scal: unknown key, did you mean 'scale'"):
        load_recipe("face68", ["crop.scal=3"])
    with pytest.raises(ConfigError, match=r"datasets\.0\.spit: unknown key, did you mean 'split'"):
        load_recipe("face68", ["datasets.0.spit=test"])


@pytest.mark.parametrize("part", ["datasets", "losses"])
def test_a_recipe_needs_data_and_losses(part: str) -> None:
    with pytest.raises(ConfigError, match=f"{part}: .*at least 1 item"):
        load_recipe("face68", [f"{part}=[]"])


def test_what_follows_from_another_error_is_not_told() -> None:
    with pytest.raises(ConfigError) as error:
        load_recipe("face68", ["datasets=[{name: folder, boxes: tight}]"])
    assert str(error.value).startswith("face68: datasets.0.boxes: Input should be 'dataset', ")
    assert ";" not in str(error.value)


def test_wrong_values_are_shown() -> None:
    with pytest.raises(ConfigError, match=r"train\.epochs.*found 0"):
        load_recipe("face68", ["train.epochs=0"])


def test_unknown_recipes_and_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'face68'"):
        load_recipe("face86")
    with pytest.raises(ConfigError, match="no such recipe file"):
        load_recipe(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [1")
    with pytest.raises(ConfigError, match="not readable as YAML"):
        read_yaml(broken)
    broken.write_text("- 1")
    with pytest.raises(ConfigError, match="found list"):
        read_yaml(broken)


def test_a_recipe_survives_its_own_json() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        assert recipe.name == name
        again = Recipe.model_validate_json(recipe.model_dump_json())
        assert again == recipe
        assert [loss.options for loss in again.losses] == [loss.options for loss in recipe.losses]


def test_validate_lists_every_problem() -> None:
    with pytest.raises(ConfigError, match=r"here: .*name: missing.*;.*scheme: missing"):
        validate(Recipe, {}, "here")


def test_a_warmup_is_epochs_or_steps() -> None:
    assert load_recipe("face68", ["train.warmup=2"]).train.warmup == Warmup(epochs=2)
    published = load_recipe("300w-hrnetv2_w18").train.warmup
    assert published == Warmup(steps=500, start=0.001)
    assert (published.length(49), Warmup(epochs=1.5).length(49)) == (500, 74)
    with pytest.raises(ConfigError, match="expected either epochs or steps"):
        load_recipe("face68", ["train.warmup={epochs: 1, steps: 500}"])
    with pytest.raises(ConfigError, match=r"train\.warmup\.step: unknown key, did you mean 'steps'"):
        load_recipe("face68", ["train.warmup={step: 500}"])


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{sourse: paper}", r"reference\.sourse: unknown key, did you mean 'source'"),
        ("{nme: {normalizer: inter_ocular, images: mean, test: 4}}", r"reference\.nme\.test: unknown key"),
        ("{checkpoint: 'https://x.org/y.pth'}", "expected checkpoint and sha256 together"),
        ("{checkpoint: 'https://x.org/y.pth', sha256: 0badx}", r"reference\.sha256.*pattern"),
        ("{unpublished: true, training: {processes: 1, batch: 8, epochs: 9}}", "no published training"),
    ],
)
def test_references_are_checked(reference: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_recipe("face68", [f"reference={reference}"])
