"""What the pages say is true: links, options, defaults, hashes; every Python block compiles."""

from __future__ import annotations

import hashlib
import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import BaseModel

from canthus import recipe
from canthus.cli import app
from canthus.codecs import CODECS
from canthus.geometry import CropRule
from canthus.losses import LOSSES
from canthus.models.backbones import BACKBONES
from canthus.models.heads import HEADS
from canthus.models.necks import NECKS
from canthus.training.schedules import SCHEDULES
from canthus.transforms import TRANSFORMS

ROOT = Path(__file__).resolve().parent.parent
ASSETS = ROOT / "src" / "canthus" / "assets"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "samples/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ASSETS.glob("*.md")),
]
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
VERBS = {verb: command for verb, command in COMMANDS.items() if not hasattr(command, "commands")}
VERBS |= {
    f"{first} {second}": command
    for first, group in COMMANDS.items()
    for second, command in getattr(group, "commands", {}).items()
}
OPTIONS = {verb: {o for p in command.params for o in p.opts} for verb, command in VERBS.items()}
per_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def split(page: Path) -> tuple[list[tuple[str, str]], str]:
    """The code blocks of a page, (language, content) each, and the text outside them."""
    blocks, outside = [], []
    inside: list[str] | None = None
    language = ""
    for line in page.read_text(encoding="utf-8").splitlines():
        if not line.startswith("```"):
            (outside if inside is None else inside).append(line)
        elif inside is None:
            inside, language = [], line[3:].strip()
        else:
            blocks.append((language, "\n".join(inside) + "\n"))
            inside = None
    assert inside is None, f"{page}: a code block is not closed"
    return blocks, "\n".join(outside)


def fenced(page: Path, language: str) -> list[str]:
    """The contents of a page's code blocks of one language; "" for blocks that name none."""
    return [content for name, content in split(page)[0] if name == language]


def commands(page: Path) -> Iterator[str]:
    """Every `canthus VERB ...` of a page, in blocks (one a line) and in running text (code spans)."""
    blocks, text = split(page)
    lines = [line for _, block in blocks for line in block.replace("\\\n", " ").splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", text)]:
        found = re.search(r"(?:^|\s|-m )canthus ([a-z][a-z-]*(?: .*)?)$", line.split("#")[0].rstrip())
        if found and not re.match(r"\s*(from|import)\b", line):
            yield found.group(1)


def slug(heading: str) -> str:
    """A heading's anchor, as code hosts make it."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


@per_page
def test_links_lead_somewhere(page: Path) -> None:
    _, text = split(page)
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
        if re.match(r"\w+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name} links to {target}"
        assert file.is_relative_to(ROOT), f"{page.name} links out of the project: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.M)
            assert anchor in {slug(heading) for heading in headings}, f"{page.name} links to {target}"


@per_page
def test_commands_and_options_exist(page: Path) -> None:
    for command in commands(page):
        words = command.split()
        verb = " ".join(words[:2]) if " ".join(words[:2]) in OPTIONS else words[0]
        assert verb in OPTIONS, f"{page.name}: canthus {command}"
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", command):
            assert option in OPTIONS[verb] | {"--help"}, f"{page.name}: canthus {verb} has no {option}"


@per_page
def test_options_in_running_text_exist(page: Path) -> None:
    known = set.union(*OPTIONS.values())
    for span in re.findall(r"`(--[a-z][a-z-]*)[^`\n]*`", page.read_text(encoding="utf-8")):
        assert span in known, f"{page.name}: no verb has {span}"


@per_page
def test_python_blocks_compile(page: Path) -> None:
    for number, block in enumerate(fenced(page, "python")):
        compile(block, f"{page.name}, block {number}", "exec")


@per_page
def test_no_path_of_a_machine(page: Path) -> None:
    found = re.findall(
        r"(?<![\w.~])/(?:home|root|opt|tmp|work|mnt|Users|usr)\b[^\s`)]*", page.read_text("utf-8")
    )
    assert not found


@per_page
def test_named_files_exist(page: Path) -> None:
    for name in re.findall(r"\b((?:benchmarks|examples|tests|samples)/[\w/]+\.\w+)", page.read_text("utf-8")):
        assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_the_page_parser_sees_what_it_should(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "`canthus doctor`, `import canthus x`\n```\ncanthus a --b \\\n --c  # d\nx -m canthus train\n```\n"
    )
    assert [re.sub(r"\s+", " ", command) for command in commands(page)] == ["a --b --c", "train", "doctor"]


# Recipes: every key and option with its default.


def written(value: Any) -> str:
    """A default as the pages write it: YAML on one line."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    value = list(value) if isinstance(value, tuple) else value
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=1000)
    return text.removesuffix("\n").removesuffix("\n...").strip()


def rows(heading: str) -> dict[str, list[str]]:
    """First cell -> the other cells of the table below a heading of `docs/recipes.md`."""
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text, flags=re.M)
    mine = next(part for part in section if part.startswith(f"{heading}\n"))
    lines = re.findall(r"^\| `(\w+)` \| (.*) \|$", mine, re.M)
    return {name: rest.split(" | ") for name, rest in lines}


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("Recipe", recipe.Recipe),
        ("Datasets", recipe.DatasetPart),
        ("Validation", recipe.Validation),
        ("Crop", CropRule),
        ("Normalization", recipe.Normalization),
        ("Train", recipe.Train),
        ("Warm-up", recipe.Warmup),
        ("Reference", recipe.Reference),
    ],
)
def test_every_key_of_a_recipe_is_described(heading: str, model: type[BaseModel]) -> None:
    table = rows(heading)
    assert list(table) == list(model.model_fields)
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        nested = {recipe.Train: "all defaults", recipe.Reference: "nothing"}.get(type(default))
        expected = "required" if field.is_required() else f"`{written(default)}`"
        assert table[name][0] == (nested or expected), f"{heading}.{name}"


@pytest.mark.parametrize(
    ("heading", "parts"),
    [
        ("Transforms", TRANSFORMS),
        ("Backbones", BACKBONES),
        ("Necks", NECKS),
        ("Heads", HEADS),
        ("Codecs", CODECS),
        ("Losses", LOSSES),
        ("Schedules", SCHEDULES),
    ],
)
def test_every_option_of_a_part_is_described(heading: str, parts: Mapping[str, Any]) -> None:
    table = rows(heading)
    assert sorted(table) == sorted(parts)
    for name, part in parts.items():
        options = [p for p in inspect.signature(part).parameters.values() if p.kind is p.KEYWORD_ONLY]
        expected = [
            f"`{p.name}` (required)" if p.default is p.empty else f"`{p.name}: {written(p.default)}`"
            for p in options
        ]
        assert table[name][0] == (", ".join(expected) or "-"), f"{heading}: {name}"


# What was measured belongs to the files that are bundled.


@pytest.mark.parametrize("model", sorted(ASSETS.glob("*.onnx")), ids=lambda path: path.stem)
def test_cards_and_pages_speak_of_the_bundled_file(model: Path) -> None:
    digest = hashlib.sha256(model.read_bytes()).hexdigest()
    card = model.with_suffix(".md").read_text(encoding="utf-8")
    assert digest in card, "make the card anew: see CONTRIBUTING, Refreshing the measured figures"
    assert digest in (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    page = "results_detector.json" if model.stem == "face_detector" else "results.md"
    assert digest in (ROOT / "docs" / page).read_text(encoding="utf-8")


def test_the_licence_of_every_dependency_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    section = text.partition("## What is installed with it")[2].partition("\n## ")[0]
    base = {re.split(r"[<>=\[ ]", name)[0] for name in project["dependencies"]}
    assert set(re.findall(r"^\| ([\w-]+)[^|]* \| [\d.]+ \|", section, re.M)) == base
    for extra in set(project["optional-dependencies"]) - {"dev"}:
        assert f"`[{extra}]`" in section
        for name in project["optional-dependencies"][extra]:
            assert re.split(r"[<>=]", name)[0] in section, f"{extra}: {name}"


def test_readme_shows_figures_and_small_pictures() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.partition("<!-- results:start -->")[2].partition("<!-- results:end -->")[0]
    assert "| face68 |" in table and "canthus results" in table
    pictures = [ROOT / name for name in re.findall(r'src="([^"]+)"', text)]
    assert pictures and all(picture.stat().st_size < 300_000 for picture in pictures)
