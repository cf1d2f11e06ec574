"""The detector's two verbs end in one line where the data is not there."""

import pytest
from typer.testing import CliRunner

from canthus.cli import app


@pytest.mark.parametrize("verb", ["train-detector", "evaluate-detector"])
def test_missing_data_is_one_line(verb, tmp_path):
    extra = ["--output", str(tmp_path / "out")] if verb == "train-detector" else []
    result = CliRunner().invoke(app, [verb, "--root", str(tmp_path), *extra])
    assert result.exit_code == 2
    assert "Traceback" not in result.output and str(tmp_path) in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_unknown_recipe_key_is_named(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("composition:\n  layers: 3\n")
    result = CliRunner().invoke(app, ["train-detector", str(recipe), "--root", str(tmp_path)])
    assert result.exit_code == 2 and "composition.layers" in result.output
