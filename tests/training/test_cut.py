"""What a training keeps of a photo."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from canthus.geometry import CropRule
from canthus.images import ImageError, read_image
from canthus.sample import Sample
from canthus.training import cutting
from canthus.training.cutting import Cutter, exact
from canthus.training.photo import Planes, open_photo

#: How a photo is stored: suffix and Pillow's options.
KINDS = {
    "baseline": (".jpg", {"quality": 95}),
    "progressive 4:2:0": (".jpg", {"quality": 95, "progressive": True, "subsampling": "4:2:0"}),
    "progressive 4:2:2": (".jpg", {"quality": 95, "progressive": True, "subsampling": "4:2:2"}),
    "progressive 4:4:4": (".jpg", {"quality": 95, "progressive": True, "subsampling": "4:4:4"}),
    "png": (".png", {}),
}
BOX = np.array([150, 120, 560, 530], np.float32)
POINTS = np.random.default_rng(1).uniform(200, 500, (5, 2)).astype(np.float32)


def photo(folder: Path, kind: str) -> Path:
    """A colourful photo of 803 x 601 px."""
    rng = np.random.default_rng(0)
    pixels = cv2.resize(
        rng.integers(0, 256, (30, 40, 3), np.uint8), (803, 601), interpolation=cv2.INTER_CUBIC
    )
    suffix, options = KINDS[kind]
    path = folder / f"photo{suffix}"
    Image.fromarray(pixels).save(path, **options)
    return path


def face(path: Path, box: np.ndarray = BOX) -> Sample:
    return Sample(path, POINTS, np.ones(5, np.float32), box, "face", "a", "a")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [64, 100, 128, 256, 400])
@pytest.mark.parametrize("box", [BOX, np.array([-60, 380, 180, 640], np.float32)], ids=["inside", "border"])
def test_the_crop_of_a_cut_is_that_of_the_photo(
    tmp_path: Path, kind: str, size: int, box: np.ndarray
) -> None:
    sample, rule = face(photo(tmp_path, kind), box), CropRule()
    (kept,) = Cutter(rule, size, 1.5)([sample])
    whole, part = (rule.crop(item.box, item.box_kind, size) for item in (sample, kept))
    np.testing.assert_allclose(part.to_crop(kept.points), whole.to_crop(sample.points), atol=1e-3 * size)
    direct = whole.warp(sample.read()).astype(float)
    shown = part.warp(kept.read()).astype(float)
    difference = np.abs(shown - direct).mean()
    assert difference < 4  # grey levels; the photo's own spread is about 70
    for a, b in ((shown, direct), (direct, shown)):
        assert np.abs(a[:, 1:] - b[:, :-1]).mean() > 3 * difference  # a pixel to either side
        assert np.abs(a[1:] - b[:-1]).mean() > 3 * difference


@pytest.mark.parametrize("rounding", ["outward", "side", "even_side", "integer"])
@pytest.mark.parametrize("size", [64, 256])
def test_rounding_is_that_of_the_photo(tmp_path: Path, rounding: str, size: int) -> None:
    """Not once more in the px of the cut picture, whose scale is another."""
    rule = CropRule(
        box_kind="landmarks", side="height", scale=1.3, offset=(0.1, -0.05), rounding=rounding, center="pixel"
    )
    sample = face(photo(tmp_path, "baseline"), np.array([150.3, 120.6, 480.2, 441.7], np.float32))
    (kept,) = Cutter(rule, size, 1.5)([sample])
    expected = rule.crop(sample.box, sample.box_kind, size).to_crop(sample.points)
    found = exact(rule).crop(kept.box, kept.box_kind, size).to_crop(kept.points)
    np.testing.assert_allclose(found, expected, atol=0.5 * size / 400 if rounding == "integer" else 1e-3)
    if rounding == "outward":
        twice = rule.crop(kept.box, kept.box_kind, size).to_crop(kept.points)
        assert np.abs(twice - expected).max() > 0.02


def test_no_more_is_kept_than_is_needed(tmp_path: Path) -> None:
    path = photo(tmp_path, "baseline")
    for size in (24, 64, 128, 256, 400):
        cutter = Cutter(CropRule(), size, 1.5)
        for box in (BOX, BOX + 300):
            sample = face(path, box)
            image = cutter([sample])[0].read()
            assert image.nbytes <= cutter.bytes_at_most(sample)
        side = 1.25 * 410 / size  # photo px a crop px
        density = 1 / max(side * min(1, 1.25 / side), 1)
        whole = 1.5 * size * 1.25 * (1 + 1 / 9) ** 2
        assert max(cutter([face(path)])[0].read().shape) <= max(whole, density * 1.5 * side * size) + 2


def test_a_box_outside_of_the_photo_gives_black(tmp_path: Path) -> None:
    path = photo(tmp_path, "progressive 4:2:0")
    for box in ([2000, 100, 2300, 400], [-900, -900, -600, -600]):
        sample = face(path, np.array(box, np.float32))
        (kept,) = Cutter(CropRule(), 64, 1.5)([sample])
        assert not CropRule().crop(kept.box, "face", 64).warp(kept.read()).any()


def test_the_faces_of_a_photo_share_one_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = photo(tmp_path, "baseline"), []
    monkeypatch.setattr(
        cutting, "open_photo", lambda sample, least: opened.append(least) or open_photo(sample, least)
    )
    near, far = face(path, np.array([300, 200, 360, 260], np.float32)), face(path)
    cutter = Cutter(CropRule(), 48, 1.8)
    together, alone = cutter([far, near]), [cutter([item])[0] for item in (far, near)]
    assert len(opened) == 3 and opened[0] == max(opened[1:]) > min(opened[1:])
    np.testing.assert_array_equal(together[1].read(), alone[1].read())
    for one, other in zip(together, alone, strict=True):
        crops = [CropRule().crop(item.box, "face", 48).warp(item.read()) for item in (one, other)]
        assert np.abs(np.subtract(*crops, dtype=float)).mean() < 4


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("progressive")])
def test_a_part_of_a_progressive_photo_has_the_colours_of_the_whole(tmp_path: Path, kind: str) -> None:
    path = photo(tmp_path, kind)
    whole = read_image(path).astype(int)
    held = open_photo(face(path), 1.0)
    assert isinstance(held, Planes) and held.size == (803, 601) and held.divisor == 1
    for left, top, right, bottom in (
        (0, 0, 803, 601),
        (101, 57, 302, 158),
        (802, 600, 803, 601),
        (1, 1, 2, 4),
    ):
        difference = np.abs(held.part(left, top, right, bottom) - whole[top:bottom, left:right])
        assert difference.max() <= 4 and difference.mean() < 1.5


def test_only_whole_upright_colour_photos_are_held_as_planes(tmp_path: Path) -> None:
    path = photo(tmp_path, "progressive 4:2:0")
    content = path.read_bytes()
    assert not isinstance(open_photo(face(path), 0.5), Planes)  # half the size is decoded sooner
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(path).save(tmp_path / "turned.jpg", progressive=True, exif=exif)
    turned = open_photo(face(tmp_path / "turned.jpg"), 1.0)
    assert not isinstance(turned, Planes) and turned.size == (601, 803)
    Image.open(path).convert("L").save(tmp_path / "grey.jpg", progressive=True)
    assert open_photo(face(tmp_path / "grey.jpg"), 1.0).part(0, 0, 2, 2).shape == (2, 2, 3)
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    with pytest.raises(ImageError, match=r"half\.jpg: broken or truncated"):
        open_photo(face(tmp_path / "half.jpg"), 1.0)
    with pytest.raises(ImageError, match=r"absent\.jpg: no such file"):
        open_photo(face(tmp_path / "absent.jpg"), 1.0)
