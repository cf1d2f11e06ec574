"""Reading pictures of every kind, and the errors that name them."""

import io
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from canthus.images import ImageError, read_image, read_reduced

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (7, 5, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_path_bytes_pil_and_array_agree(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(RGB)))
    for source in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), Image.open(path), RGB):
        out = read_image(source)
        assert out.dtype == np.uint8
        assert out.flags.c_contiguous
        np.testing.assert_array_equal(out, RGB)


def test_a_pil_image_stays_usable() -> None:
    image = Image.open(io.BytesIO(encoded(Image.fromarray(RGB))))
    read_image(image)
    assert image.getpixel((0, 0)) == tuple(RGB[0, 0])


@pytest.mark.parametrize("array", [RGB[..., 0], RGB[..., :1]], ids=["(H,W)", "(H,W,1)"])
def test_grey_array_is_repeated(array: np.ndarray) -> None:
    np.testing.assert_array_equal(read_image(array), np.repeat(RGB[..., :1], 3, axis=2))


def test_alpha_is_ignored() -> None:
    rgba = np.concatenate([RGB, RNG.integers(0, 256, (7, 5, 1), dtype=np.uint8)], axis=2)
    np.testing.assert_array_equal(read_image(rgba), RGB)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(rgba))), RGB)


def test_sixteen_bits_keep_the_upper_eight() -> None:
    deep = RGB.astype(np.uint16) * 256 + 77
    np.testing.assert_array_equal(read_image(deep), RGB)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_files(kind: str) -> None:
    grey = RGB[..., 0].astype(np.uint16) * 257
    content = encoded(Image.fromarray(grey), kind)
    np.testing.assert_array_equal(read_image(content), np.repeat(RGB[..., :1], 3, axis=2))


def test_sixteen_bit_colour_png() -> None:
    import cv2

    ok, content = cv2.imencode(".png", RGB[..., ::-1].astype(np.uint16) * 257)
    assert ok
    np.testing.assert_array_equal(read_image(content.tobytes()), RGB)


def test_bool_and_float_arrays() -> None:
    np.testing.assert_array_equal(read_image(np.array([[True, False]]))[0, :, 0], [255, 0])
    np.testing.assert_array_equal(read_image(np.array([[0.0, 0.5, 1.0]]))[0, :, 1], [0, 128, 255])


def test_palette_file_equals_its_colours() -> None:
    palette = Image.fromarray(RGB).quantize(16)
    np.testing.assert_array_equal(read_image(encoded(palette)), np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize(
    "options", [{"quality": 80}, {"quality": 95, "subsampling": 0}, {"progressive": True}]
)
def test_colour_jpeg_equals_pillow(options: dict[str, Any]) -> None:
    """The values Pillow gives, turned as the file says; also with bytes after the picture."""
    exif = Image.Exif()
    exif[0x0112] = 8
    noise = RNG.integers(0, 256, (9, 13, 3), dtype=np.uint8)
    picture = Image.fromarray(noise).resize((130, 90), Image.Resampling.BICUBIC)
    content = encoded(picture, "JPEG", exif=exif.tobytes(), **options)
    expected = np.rot90(np.asarray(Image.open(io.BytesIO(content))))
    np.testing.assert_array_equal(read_image(content), expected)
    np.testing.assert_array_equal(read_image(content + b"trailer"), expected)


def test_cmyk_jpeg() -> None:
    flat = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # no cyan, full magenta and yellow: red
    out = read_image(encoded(flat, "JPEG", quality=95))
    assert np.abs(out.astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_as_pillow_turns_it(orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(RGB), "PNG", exif=exif.tobytes())
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    np.testing.assert_array_equal(read_image(content), expected)


def test_orientation_six_by_hand() -> None:
    """6 = the camera was turned: the stored top row is the right column of the upright picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    out = read_image(encoded(Image.fromarray(RGB), "PNG", exif=exif.tobytes()))
    np.testing.assert_array_equal(out[:, -1], RGB[0])


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(read_image(content)[0, 0], [255, 0, 0])


def test_strips_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("canthus.images._STRIP", 10)  # two rows of 5 px at a time, one at the end
    np.testing.assert_array_equal(read_image(Image.fromarray(RGB)), RGB)


def test_a_large_picture_neither_warns_nor_fails() -> None:
    content = encoded(Image.new("1", (12000, 9000)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_image(content).shape == (9000, 12000, 3)


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    good = encoded(Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)), "JPEG")
    cases = {
        "empty.jpg": (b"", "empty"),
        "text.jpg": (b"this is text\n" * 20, "not a picture"),
        "truncated.jpg": (good[: len(good) // 2], "broken or truncated"),
        "header.jpg": (good[:3], "not a picture|broken"),
        "noise.png": (
            b"\x89PNG\r\n\x1a\n" + bytes(RNG.integers(0, 256, 400, dtype=np.uint8)),
            "not a picture|broken",
        ),
    }
    for name, (content, reason) in cases.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ImageError, match=reason) as caught:
            read_image(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
@settings(max_examples=40)
@given(cut=st.floats(0, 1), changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8))
def test_damaged_files_are_pictures_or_image_errors(
    kind: str, cut: float, changes: list[tuple[float, int]]
) -> None:
    content = bytearray(encoded(Image.fromarray(RGB.repeat(4, axis=0)), kind))
    for place, value in changes:
        content[int(place * (len(content) - 1))] = value
    content = content[: round(cut * len(content))]
    try:
        assert read_image(bytes(content)).dtype == np.uint8
    except ImageError as error:
        assert "\n" not in str(error)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"nowhere\.jpg: no such file"):
        read_image(tmp_path / "nowhere.jpg")
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.zeros((3, 8, 8), np.uint8), "channels-first"),
        (np.zeros((8, 8, 2), np.uint8), "expected"),
        (np.zeros(8, np.uint8), "expected"),
        (np.zeros((0, 8, 3), np.uint8), "no pixels"),
        (np.zeros((8, 8, 3), np.int64), "found int64"),
        (np.full((8, 8), 200.0), "0, 1"),
        (np.full((8, 8), np.nan), "0, 1"),
    ],
)
def test_arrays_that_are_no_pictures(array: np.ndarray, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        read_image(array)


def test_another_type() -> None:
    with pytest.raises(ImageError, match="found a int"):
        read_image(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(("least", "divisor"), [(0.9, 1), (0.5, 2), (0.3, 2), (0.25, 4), (0.01, 8)])
@pytest.mark.parametrize("width", [96, 97, 103])
def test_reduced_jpegs_keep_their_place(tmp_path: Path, least: float, divisor: int, width: int) -> None:
    """Of a ramp, pixel i of the reduced picture is the value in the middle of the pixels it averages."""
    ramp = np.repeat(np.linspace(10, 240, width)[None], 64, 0)
    path = tmp_path / "ramp.jpg"
    Image.fromarray(np.repeat(ramp[..., None], 3, 2).astype(np.uint8)).save(path, quality=98)
    image, found = read_reduced(path, least)
    assert found == divisor and image.shape == (-(-64 // divisor), -(-width // divisor), 3)
    middles = (np.arange(width // divisor) + 0.5) * divisor - 0.5
    expected = np.interp(middles, np.arange(width), ramp[0])
    assert np.abs(image[image.shape[0] // 2, : len(middles), 1] - expected).max() < 2.5


def test_pictures_to_turn_and_other_formats_come_whole(tmp_path: Path) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.jpg", exif=exif)
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    assert read_reduced(tmp_path / "turned.jpg", 0.1)[0].shape == (60, 40, 3)
    assert read_reduced(tmp_path / "plain.png", 0.1)[1] == 1
    with pytest.raises(ImageError, match="no such file"):
        read_reduced(tmp_path / "absent.jpg", 0.1)
