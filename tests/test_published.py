"""Names and places of published files."""

from __future__ import annotations

from pathlib import Path

import pytest

from canthus.published import PublishedFile, checkpoint_of, digits_in_name
from canthus.recipe import load_recipe, recipe_names


@pytest.mark.parametrize(
    ("name", "digits"),
    [
        ("hrnetv2_w18_wflw_256x256-2bf032a6_20210125.pth", "2bf032a6"),
        ("hrnetv2_w18-00eb2006.pth", "00eb2006"),
        ("mobilenet_v2_batch256_imagenet_20200708-3b2dc3af.pth", "3b2dc3af"),
        ("run-20240131.pth", ""),
        ("epoch_60.pth", ""),
        ("own-deadbee.pth", ""),
    ],
)
def test_digits_in_names(name: str, digits: str) -> None:
    assert digits_in_name(name) == digits


def test_places_in_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path))
    here = tmp_path / "downloads"
    assert PublishedFile("https://a/b/x-2bf032a6.pth?v=1", "").path == here / "x-2bf032a6.pth"
    first, second = (PublishedFile(f"https://a/{name}/best.pth", "").path for name in "bc")
    assert first.parent == here and first.name.endswith("-best.pth") and first != second


def test_the_rows_know_their_files() -> None:
    found = {row: checkpoint_of(load_recipe(row)) for row in recipe_names()}
    published = {row: file for row, file in found.items() if file is not None}
    assert "wflw-hrnetv2_w18" in published and "face68" not in published
    for row, file in published.items():
        assert file.address.startswith("https://"), row
        assert digits_in_name(file.path.name) in ("", file.sha256), row
    assert len({file.address for file in published.values()}) == len(published)
