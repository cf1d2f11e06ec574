"""`canthus zoo`: the rows and their published errors."""

from pathlib import Path

from typer.testing import CliRunner

from canthus.cli import app
from canthus.recipe import recipe_names

ROOT = Path(__file__).resolve().parent.parent.parent


def zoo(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["zoo", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_row_is_listed_with_its_published_errors() -> None:
    lines = {line.split()[0]: line for line in zoo().splitlines()}
    assert set(recipe_names()) == set(lines) - {"recipe"}
    row = " ".join(lines["aflw-hrnetv2_w18-dark"].split())
    assert row.endswith("dark mse public full 1.35, frontal 1.19 annotation_box_max, pooled")
    assert " ".join(lines["face68"].split()[-3:]) == "bundled - -"
    assert " ".join(lines["300w-scnet50-helen"].split()[-4:]) == "mse own - -"


def test_the_page_is_what_the_command_writes() -> None:
    page = (ROOT / "docs" / "zoo.md").read_text(encoding="utf-8")
    assert page == zoo("--markdown"), "write it anew: canthus zoo --markdown > docs/zoo.md"
