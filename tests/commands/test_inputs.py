"""Which pictures a command line names, and where their copies go."""

from pathlib import Path

import pytest

from canthus.commands.inputs import find_inputs, output_paths


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "a/x.jpg",
        "a/deep/y.PNG",
        "a/notes.txt",
        "a/.hidden.jpg",
        "a/.cache/z.jpg",
        "b/x.jpg",
        "b/x.gif",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def paths(*names: str, exclude: Path | None = None) -> list[str]:
    return [item.path.as_posix() for item in find_inputs(names, exclude)[0]]


def test_files_folders_and_globs(tree: Path) -> None:
    assert paths("a") == ["a/deep/y.PNG", "a/x.jpg"]
    assert paths("a/notes.txt") == ["a/notes.txt"]  # a named file is taken whatever its name
    assert paths("*/x.*") == ["a/x.jpg", "b/x.gif", "b/x.jpg"]
    assert paths("**/*.PNG") == ["a/deep/y.PNG"]


def test_each_picture_once(tree: Path) -> None:
    assert paths("a/x.jpg", "a", str(tree / "a")) == ["a/x.jpg", "a/deep/y.PNG"]


def test_names_without_pictures(tree: Path) -> None:
    (tree / "empty").mkdir()
    found, unmatched = find_inputs(["a/x.jpg", "no.jpg", "empty", "*.zzz"])
    assert len(found) == 1
    assert unmatched == ["no.jpg", "empty", "*.zzz"]


def test_own_output_is_not_read_again(tree: Path) -> None:
    assert paths(".", exclude=Path("b")) == ["a/deep/y.PNG", "a/x.jpg"]


def test_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "a [1].jpg"
    path.touch()
    assert paths(str(path)) == [path.as_posix()]


def test_output_names_never_collide(tree: Path) -> None:
    inputs = find_inputs(["a", "b"])[0]
    out = output_paths(inputs, Path("out"))
    assert [path.as_posix() for path in out] == ["out/deep/y.PNG", "out/x.jpg", "out/x.png", "out/x-2.jpg"]


def test_an_input_is_never_overwritten(tree: Path) -> None:
    with pytest.raises(ValueError, match="overwrite the input"):
        output_paths(find_inputs(["a"])[0], Path("a"))
