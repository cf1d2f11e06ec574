"""What a training's weights say of it."""

from __future__ import annotations

from canthus.recipe import load_recipe
from canthus.training.history import changes


def test_changes_are_the_paths_that_differ_from_the_row() -> None:
    assert changes(load_recipe("300w-adnet")) == {}
    own = load_recipe(
        "300w-adnet",
        [
            *("head.stacks=1", "losses.0.stages=[1]", "train.epochs=12", "train.schedule={name: cosine}"),
            *("train.workers=0", "codec.attributes=[covariance]"),
        ],
    )
    assert changes(own) == {
        "head.stacks": 1,
        "losses.0.stages": [1.0],
        "train.epochs": 12,
        "train.schedule": {"name": "cosine"},
        "codec.attributes": ["covariance"],
    }


def test_recipes_of_one_s_own_have_no_row_to_differ_from() -> None:
    row = load_recipe("300w-adnet", ["head.stacks=1"])
    assert changes(row.model_copy(update={"name": "own"})) == {}
