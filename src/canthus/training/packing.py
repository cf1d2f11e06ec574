"""A training's pictures in one file: cut once, quick to start again, easy to carry to another machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.build import Source
from canthus.formats import aside
from canthus.recipe import Recipe
from canthus.sample import Sample

#: WebP quality of the kept pictures: hardly visible, a third of the size of a JPEG as good.
QUALITY = 90
_ARRAYS = ("points", "visibility", "box")


def fingerprint(recipe: Recipe) -> str:
    """What the content of a pack depends on: data, validation slice, crop rule and size."""
    keys = ("scheme", "datasets", "validation", "size", "crop")
    content = {key: value for key, value in recipe.model_dump(mode="json").items() if key in keys}
    content["context"] = recipe.train.context
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def write_pack(path: Path, recipe: Recipe, training: Sequence[Source], validation: Sequence[Source]) -> None:
    """Write sources whose samples hold their pictures in memory (`data.cut`); aside, then renamed."""
    parts = [*training, *validation]
    samples = [sample for part in parts for sample in part.samples]
    codes = [_encode(sample) for sample in samples]
    header = {
        "fingerprint": fingerprint(recipe),
        "counts": [len(part.samples) for part in parts],
        "missing": [part.missing for part in parts],
        "samples": [[s.id, s.group, s.box_kind, s.weight, s.presence, s.tags] for s in samples],
    }
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(sample, name)[None] for sample in samples]) for name in _ARRAYS
    }
    with aside(path) as part, part.open("wb") as file:
        np.savez(
            file,
            header=np.frombuffer(json.dumps(header).encode(), np.uint8),
            codes=np.concatenate(codes),
            ends=np.cumsum([len(code) for code in codes]),
            **arrays,
        )


def read_pack(path: Path, recipe: Recipe) -> tuple[list[Source], list[Source]]:
    """Training and validation sources of a pack made for the same data, crop and size; else ValueError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            content = {name: file[name] for name in ("header", "codes", "ends", *_ARRAYS)}
        header = json.loads(content["header"].tobytes())
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a pack of training pictures ({error})") from None
    if header["fingerprint"] != fingerprint(recipe):
        raise ValueError(
            f"{path}: packed for other data, crop or size than {recipe.name}; delete it to make it anew"
        )
    codes = np.split(content["codes"], content["ends"][:-1])
    samples = [
        Sample(
            image=_decode(code),
            points=content["points"][row],
            visibility=content["visibility"][row],
            box=content["box"][row],
            box_kind=box_kind,
            id=name,
            group=group,
            weight=weight,
            presence=presence,
            tags=tags,
        )
        for row, (code, (name, group, box_kind, weight, presence, tags)) in enumerate(
            zip(codes, header["samples"], strict=True)
        )
    ]
    ends = np.cumsum(header["counts"])
    parts = [
        Source(part, tuple(samples[end - count : end]), tuple(missing))
        for part, count, end, missing in zip(
            [*recipe.datasets, *recipe.datasets], header["counts"], ends, header["missing"], strict=True
        )
    ]
    return parts[: len(recipe.datasets)], parts[len(recipe.datasets) :]


def _encode(sample: Sample) -> NDArray[np.uint8]:
    assert isinstance(sample.image, np.ndarray)
    done, code = cv2.imencode(".webp", sample.image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    if not done:
        raise OSError(f"{sample.id}: its picture cannot be encoded")
    return np.asarray(code, dtype=np.uint8).reshape(-1)


def _decode(code: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = cv2.imdecode(code, cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("a picture of the pack cannot be decoded; delete the pack to make it anew")
    return np.ascontiguousarray(image[..., ::-1])
