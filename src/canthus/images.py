"""Any picture as RGB uint8 (H, W, 3): EXIF orientation applied, errors that name the file."""

from __future__ import annotations

import io
import threading
import warnings
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

Picture: TypeAlias = str | Path | bytes | Image.Image | NDArray[Any]

#: Extensions that a folder is searched for.
EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".png", ".bmp", ".webp"),
    *(".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".avif", ".heic"),
)

_STRIP = 1 << 17  # px converted at a time, so that a large picture is never held three times
_OPEN = threading.Lock()  # warnings.catch_warnings is not safe between threads
_ORIENTATION = 0x0112
_LYING = (5, 6, 7, 8)  # orientations that exchange width and height
_JPEG_END = b"\xff\xd9"
_REDUCED = {1: 0, 2: 16, 4: 32, 8: 64}  # cv2.IMREAD_REDUCED_GRAYSCALE_*, to be joined with a colour flag


class ImageError(ValueError):
    """A picture that cannot be read; the message names it."""


def read_image(source: Picture) -> NDArray[np.uint8]:
    """The picture as RGB uint8 (H, W, 3), contiguous, upright.

    Files, bytes and PIL images: any mode that Pillow reads (palette, CMYK, grey, 16-bit, ...), the first
    frame. Arrays are taken as RGB: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) of uint8, uint16 (65535 is
    white), bool or float in [0, 1]. Alpha is ignored; of 16 bits the upper eight are kept. A uint8 RGB array
    is returned as it is, not copied. Raises `ImageError` for everything else.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source, "array")
    if isinstance(source, Image.Image):
        return _decode(source, "PIL image")[0]
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _open(io.BytesIO(source), len(source), f"{len(source)} bytes")[0]
    if isinstance(source, (str, Path)):
        return _open_file(Path(source))[0]
    raise ImageError(f"found a {type(source).__name__}, expected a path, bytes, a PIL image or an array")


def picture_size(source: Picture) -> tuple[int, int]:
    """Width and height of a picture as `read_image` gives it, from the head of a file where there is one.

    Raises what `read_image` raises.
    """
    if isinstance(source, str | Path):
        try:
            with Image.open(source) as picture:
                width, height = picture.size
                return (height, width) if _orientation(picture) in _LYING else (width, height)
        except (OSError, ValueError):
            pass  # reading it says what is wrong
    height, width = read_image(source).shape[:2]
    return width, height


def read_reduced(path: Path, least: float) -> tuple[NDArray[np.uint8], int]:
    """A picture file of which `least` of its size would do, and the whole number that its size is divided by.

    Colour JPEG files are decoded at a half, a quarter or an eighth where that is no less than `least`: pixel
    i averages the pixels `divisor * i` to `divisor * (i + 1) - 1`. Other files, and those that have to be
    turned, come whole, with divisor 1. Raises `ImageError` as `read_image` does.
    """
    return _open_file(path, next((d for d in (8, 4, 2) if d * least <= 1), 1))


def progressive_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a whole, upright colour JPEG that is stored progressively; None for other files."""
    try:
        with _opened(io.BytesIO(content)) as picture:
            fits = picture.format == "JPEG" and picture.mode == "RGB" and "progressive" in picture.info
            whole = content.endswith(_JPEG_END) and _orientation(picture) == 1
            return picture.size if fits and whole else None
    except Exception:  # decoders raise anything on hostile bytes; reading the picture says what is wrong
        return None


def _open_file(path: Path, divisor: int = 1) -> tuple[NDArray[np.uint8], int]:
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, expected a picture")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _open(file, size, str(path), divisor)
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror or error})") from error


def _open(file: Any, size: int, name: str, divisor: int = 1) -> tuple[NDArray[np.uint8], int]:
    """The pixels of a file, and the number (`divisor` or 1) that its size is divided by."""
    if size == 0:
        raise ImageError(f"{name}: the file is empty")
    try:
        picture = _opened(file)
    except UnidentifiedImageError:
        raise ImageError(f"{name}: not a picture in a known format, or its header is broken") from None
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: {error}; raise PIL.Image.MAX_IMAGE_PIXELS to allow it") from None
    except Exception as error:  # decoders raise anything on hostile bytes
        raise ImageError(f"{name}: broken header ({_one_line(error)})") from error
    return _decode(picture, name, divisor, ours=True)


def _opened(file: Any) -> Image.Image:
    with _OPEN, warnings.catch_warnings():
        # Pillow warns from 89 million px on and refuses from twice that; the warning stays unprinted.
        warnings.simplefilter("ignore")
        return Image.open(file)


def _decode(
    picture: Image.Image, name: str, divisor: int = 1, *, ours: bool = False
) -> tuple[NDArray[np.uint8], int]:
    """The upright pixels of a Pillow image, and the number that its size is divided by; one that is `ours`
    gives its memory back as early as possible."""
    if 0 in picture.size:
        raise ImageError(f"{name}: the picture has no pixels ({picture.width}x{picture.height})")
    try:
        orientation = _orientation(picture)
        divisor = divisor if ours and orientation == 1 else 1
        pixels = _whole_jpeg(picture, divisor) if ours else None
        if pixels is None:
            divisor = 1
            picture.load()
            pixels = _pixels(picture, name)
    except ImageError:
        raise
    except MemoryError:
        raise ImageError(f"{name}: {picture.width}x{picture.height} px do not fit into memory") from None
    except Exception as error:  # decoders raise anything on hostile bytes
        raise ImageError(f"{name}: broken or truncated ({_one_line(error)})") from error
    if ours:
        picture.close()
    return np.ascontiguousarray(_turn(pixels, orientation)), divisor


def _whole_jpeg(picture: Image.Image, divisor: int) -> NDArray[np.uint8] | None:
    """RGB (H, W, 3) of a colour JPEG that Pillow has only opened, its size divided by 1, 2, 4 or 8 and
    rounded up; None for other files.

    The usual photo, decoded by OpenCV to the same values (tested) in half the memory: Pillow would hold it
    once with four bytes a pixel and once more as an array. OpenCV fills up a file that ends early, so one
    without its end mark is left to Pillow, which refuses it.
    """
    file = getattr(picture, "fp", None)
    if picture.format != "JPEG" or picture.mode != "RGB" or file is None:
        return None
    file.seek(0)
    content = file.read()
    if not content.endswith(_JPEG_END):
        return None
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION | _REDUCED[divisor]
    pixels = cv2.imdecode(np.frombuffer(content, dtype=np.uint8), flags)
    if pixels is None or pixels.shape != (-(-picture.height // divisor), -(-picture.width // divisor), 3):
        return None
    return np.asarray(pixels, dtype=np.uint8)


def _pixels(picture: Image.Image, name: str) -> NDArray[np.uint8]:
    """RGB (H, W, 3) as stored; converted in strips of rows."""
    width, height = picture.size
    if picture.mode == "I":  # 32-bit integers: how some decoders give 16-bit files
        values = np.asarray(picture)
        if values.min() < 0 or values.max() > 65535:
            raise ImageError(f"{name}: 32-bit values {values.min()} to {values.max()}, expected 0 to 65535")
        return _from_array(values.astype(np.uint16), name)
    if picture.mode == "F" or picture.mode.startswith("I;16"):
        values = np.asarray(picture)
        return _from_array(values.astype(values.dtype.newbyteorder("=")), name)
    rows = max(1, _STRIP // width)
    out = np.empty((height, width, 3), dtype=np.uint8)
    for top in range(0, height, rows):
        strip = picture.crop((0, top, width, min(top + rows, height)))
        out[top : top + rows] = np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))
    return out


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block must not cost the picture
        return 1


def _turn(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The picture upright, for an EXIF orientation 1 to 8 (other values: as it is)."""
    if orientation in _LYING:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _from_array(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        hint = (
            "; it looks channels-first, move the channels last"
            if array.ndim == 3 and len(array) in (1, 3, 4)
            else ""
        )
        raise ImageError(
            f"{name}: found shape {array.shape}, expected (H, W), (H, W, 1), (H, W, 3) or (H, W, 4){hint}"
        )
    if 0 in array.shape:
        raise ImageError(f"{name}: the picture has no pixels, shape {array.shape}")
    array = _to_uint8(array[..., :3], name)
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    return np.ascontiguousarray(array)


def _to_uint8(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return np.asarray(array >> 8, dtype=np.uint8)
    if array.dtype == np.bool_:
        return np.where(array, np.uint8(255), np.uint8(0))
    if np.issubdtype(array.dtype, np.floating):
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1):
            raise ImageError(
                f"{name}: float values from {low:g} to {high:g}, expected [0, 1]; give uint8 for 0 to 255"
            )
        return np.asarray(np.rint(array * 255), dtype=np.uint8)
    raise ImageError(f"{name}: found {array.dtype}, expected uint8, uint16, bool or float in [0, 1]")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
