"""`canthus train`: what is wrong is told in one line, before any picture is read."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from canthus.cli import app
from canthus.recipe import Recipe


@pytest.fixture
def recipe(tiny_recipe: Recipe, tmp_path: Path) -> Path:
    path = tmp_path / "tiny.yaml"
    path.write_text(tiny_recipe.model_dump_json())
    return path


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *(str(argument) for argument in arguments)])


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.epoch=3", "train.epoch: unknown key, did you mean 'epochs'"),
        ("train.optimizer.name=adamx", "no optimizer 'adamx'; did you mean 'adam"),
        ("train.schedule.name=cosin", "no schedule 'cosin'; did you mean 'cosine'"),
        ("backbone.depth=3", "unknown option 'depth', did you mean 'depths'"),
        ("losses.0.field=foo", "codec integral has no field 'foo'"),
        ("train.epochs=[", "train.epochs: '[' is not YAML"),
        ("epochs", "found 'epochs', expected path=value"),
    ],
)
def test_wrong_assignments(recipe: Path, tmp_path: Path, assignment: str, message: str) -> None:
    result = train(recipe, assignment, "--root", tmp_path / "no data", "--output", tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_nothing_to_resume(recipe: Path, tmp_path: Path) -> None:
    result = train(recipe, "--root", tmp_path, "--output", tmp_path / "out", "--resume")
    assert result.exit_code == 2
    assert (
        result.stderr
        == f"canthus: {tmp_path / 'out' / 'state.pt'}: nothing to resume; start without --resume\n"
    )
    assert not (tmp_path / "out").exists()


def test_the_path_of_the_weights_is_the_result(recipe: Path, tiny_data: Path, tmp_path: Path) -> None:
    result = train(recipe, "train.epochs=1", "--root", tiny_data, "--output", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'out' / 'tiny.safetensors'}\n"
    assert json.loads((tmp_path / "out" / "log.jsonl").read_text())["epoch"] == 1


def test_a_folder_that_holds_a_training_is_not_overwritten(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "state.pt").write_bytes(b"")
    result = train(recipe, "--root", tmp_path, "--output", tmp_path / "out")
    assert result.exit_code == 2
    assert "go on with --resume or choose another --output" in result.stderr
