"""Training samples a second of one process: ours against the widespread pipeline.

python benchmarks/pipeline.py [--root 300-W] [--faces 200] [--page docs/benchmarks.md]

The widespread one, for each sample of each epoch: decode the whole photo, mirror or not, one affine warp with
a random rotation and scale, one Gaussian patch a landmark in numpy; then stack. Ours: photos are cut once
(what the crops do not need of a JPEG is not decoded) and kept in a mapped file; each epoch mirrors, turns and
scales in one warp, changes the colours and stacks; targets are encoded for a whole batch, where the network
is.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from page import markdown_table, write_section

from canthus.codecs.heatmap import Heatmap
from canthus.datasets.w300 import W300
from canthus.geometry import CropRule, landmark_boxes
from canthus.sample import Sample
from canthus.schemes.ibug68 import IBUG68
from canthus.training.cutting import Cutter
from canthus.training.data import Batch, Views, collate
from canthus.training.packing import Coding, read_pack
from canthus.training.pictures import pack_photos
from canthus.transforms import Pipeline
from canthus.transforms.box_jitter import BoxJitter
from canthus.transforms.color import Color
from canthus.transforms.flip import Flip

SIZE, SIDE, SIGMA, BATCH, CONTEXT = 256, 64, 2.0, 32, 1.5
RULE = CropRule(box_kind="landmarks", center="pixel", antialias=False)
TRANSFORMS = (Flip(IBUG68), BoxJitter(), Color())
WIDESPREAD = "widespread"
PHOTO = Path(__file__).parents[1] / "samples" / "astronaut.jpg"


@dataclass(frozen=True)
class Kind:
    """Generated photos: their JPEG quality and order, faces a photo, the median side of a face in px and the
    spread of its logarithm."""

    quality: int
    progressive: bool
    faces: int
    side: float
    spread: float


#: WFLW's photos are progressive JPEGs of about a megapixel; the middle half of the faces of its test lists
#: measures 76 to 153 px, median 100.
KINDS = {
    "1 megapixel, large faces": Kind(90, False, 1, 350, 0.2),
    "1 megapixel, as in WFLW": Kind(80, True, 1, 100, 0.55),
    "1 megapixel, four faces each": Kind(80, False, 4, 150, 0.4),
}
Arrays = tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]


def widespread(sample: Sample, rng: np.random.Generator) -> Arrays:
    """Crop (3, S, S), maps (K, side, side) and weights (K,) of one sample, from its photo."""
    image = cv2.imread(str(sample.image), cv2.IMREAD_COLOR)
    assert image is not None
    image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    x1, y1, x2, y2 = sample.box
    middle, side = np.array([(x1 + x2) / 2, (y1 + y2) / 2]), 1.25 * max(x2 - x1, y2 - y1)
    points = sample.points
    if rng.random() < 0.5:
        image = image[:, ::-1]
        points, middle = points.copy(), middle.copy()
        points[:, 0], middle[0] = image.shape[1] - 1 - points[:, 0], image.shape[1] - 1 - middle[0]
        points = points[np.array(IBUG68.flip)]
    angle = math.radians(np.clip(rng.standard_normal(), -2, 2) * 30) * (rng.random() < 0.6)
    scale = SIZE / (side * (1 + np.clip(rng.standard_normal(), -1, 1) * 0.25))
    linear = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    matrix = np.column_stack([linear, SIZE / 2 - linear @ middle])
    crop = cv2.warpAffine(np.ascontiguousarray(image), matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    maps, weights = numpy_maps(points @ linear.T + matrix[:, 2])
    return np.ascontiguousarray(crop.transpose(2, 0, 1)), maps, weights


def numpy_maps(points: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Maps (K, side, side) of points (K, 2) crop px, a patch of three sigma about the nearest cell each."""
    maps = np.zeros((len(points), SIDE, SIDE), np.float32)
    weights = np.ones(len(points), np.float32)
    reach = int(3 * SIGMA)
    at = np.arange(2 * reach + 1, dtype=np.float32)
    patch = np.exp(-((at - reach) ** 2 + (at[:, None] - reach) ** 2) / (2 * SIGMA**2))
    for k, (x, y) in enumerate(np.floor(points * SIDE / SIZE + 0.5).astype(int)):
        left, top, right, bottom = x - reach, y - reach, x + reach + 1, y + reach + 1
        if left >= SIDE or top >= SIDE or right <= 0 or bottom <= 0:
            weights[k] = 0
            continue
        rows, columns = slice(max(0, top), min(SIDE, bottom)), slice(max(0, left), min(SIDE, right))
        part = patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        maps[k, rows, columns] = np.maximum(maps[k, rows, columns], part)
    return maps, weights


def widespread_epoch(samples: Sequence[Sample], seed: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """Batches of crops, maps and weights."""
    rng = np.random.default_rng(seed)
    for start in range(0, len(samples), BATCH):
        parts = [widespread(sample, rng) for sample in samples[start : start + BATCH]]
        yield tuple(torch.from_numpy(np.stack(arrays)) for arrays in zip(*parts, strict=True))


def our_epoch(samples: Sequence[Sample], epoch: int) -> Iterator[Batch]:
    """Batches as the training loop gets them."""
    views = Views(samples, Pipeline(RULE, SIZE, IBUG68, TRANSFORMS), seed=0)
    for start in range(0, len(samples), BATCH):
        yield collate([views[epoch, i] for i in range(start, min(start + BATCH, len(samples)))])


def seconds(work: Callable[[], object]) -> float:
    """Processor time of this process, which work beside it disturbs less than the clock."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(samples: Sequence[Sample], folder: Path, rounds: int) -> dict[str, list[float]]:
    """Pipeline -> samples a second in every round; in each round the pipelines take turns."""
    codec = Heatmap(IBUG68, SIZE, side=SIDE, sigma=SIGMA, unbiased=False)
    cutter = Cutter(RULE, SIZE, CONTEXT)
    found: dict[str, list[float]] = {}

    def keep(name: str, work: Callable[[], object]) -> None:
        found.setdefault(name, []).append(len(samples) / seconds(work))

    def packed(coding: Coding) -> list[Sample]:
        return read_pack(folder / coding)[1]

    def first_epoch(coding: Coding) -> None:
        pack_photos(folder / coding, samples, cutter, {"coding": coding}, processes=0)
        list(our_epoch(packed(coding), 0))

    def decode() -> None:
        for path in dict.fromkeys(sample.image for sample in samples):
            cv2.imread(str(path), cv2.IMREAD_COLOR)

    def encoded_epoch() -> None:
        for batch in our_epoch(packed("raw"), 2):
            codec.encode(batch.annotations)

    for epoch in range(rounds):
        keep(WIDESPREAD, lambda epoch=epoch: list(widespread_epoch(samples, epoch)))
        keep("each photo decoded whole by OpenCV, nothing else", decode)
        keep("ours, first epoch: photos cut and kept as they are", lambda: first_epoch("raw"))
        keep("ours, first epoch: photos cut and kept as JPEG", lambda: first_epoch("jpeg"))
        keep("ours, further epochs", lambda epoch=epoch: list(our_epoch(packed("raw"), epoch + 1)))
        keep(
            "ours, further epochs, from JPEG", lambda epoch=epoch: list(our_epoch(packed("jpeg"), epoch + 1))
        )
        keep("ours, further epochs, targets encoded on the processor too", encoded_epoch)
    return found


def generate(folder: Path, count: int, kind: Kind) -> list[Sample]:
    """Samples of photos of 1152 x 896 px."""
    folder.mkdir()
    photo = cv2.imread(str(PHOTO), cv2.IMREAD_COLOR)
    rng = np.random.default_rng(0)
    samples = []
    for number in range(count // kind.faces):
        turned = cv2.convertScaleAbs(photo, alpha=rng.uniform(0.6, 1.2), beta=rng.uniform(-20, 20))
        path = folder / f"{number}.jpg"
        large = cv2.resize(turned, (1152, 896), interpolation=cv2.INTER_CUBIC)
        options = [
            cv2.IMWRITE_JPEG_QUALITY,
            kind.quality,
            cv2.IMWRITE_JPEG_PROGRESSIVE,
            int(kind.progressive),
        ]
        cv2.imwrite(str(path), large, options)
        for face in range(kind.faces):
            side = np.clip(kind.side * math.exp(kind.spread * rng.standard_normal()), 60, 500)
            corner = rng.uniform(0, [1152 - side, 896 - side])
            points = (corner + side * rng.random((68, 2))).astype(np.float32)
            stated = np.full(68, np.nan, np.float32)
            box = landmark_boxes(points).astype(np.float32)
            samples.append(Sample(path, points, stated, box, "landmarks", f"{number} {face}", path.stem))
    return samples


def photos(root: Path, count: int) -> list[Sample]:
    """`count` faces of the training part of 300-W, evenly chosen."""
    dataset = W300(root, "train", allow_missing=True)
    return [dataset[i] for i in np.linspace(0, len(dataset) - 1, count).astype(int)]


def main() -> None:
    """Measure and write what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, help="the 300-W tree; without it generated photos alone")
    parser.add_argument("--faces", type=int, default=200, help="faces of each kind")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    results: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, kind in KINDS.items():
            place = folder / title
            results[title] = measure(generate(place, options.faces, kind), place, options.rounds)
        if options.root:
            results["300-W"] = measure(photos(options.root, options.faces), folder, options.rounds)
    head = ["pipeline", *(cell for title in results for cell in (title, "ratio"))]
    rows = []
    for name in next(iter(results.values())):
        cells = []
        for found in results.values():
            ratio = np.median(np.divide(found[name], found[WIDESPREAD]))
            cells += [f"{max(found[name]):.0f}", f"{ratio:.1f}"]
        rows.append([name, *cells])
    text = [
        f"Samples a second of processor time of one process: the best of {options.rounds} rounds in which",
        "the pipelines take turns, and the median of the rounds' ratios.",
        f"{options.faces} faces of each kind, {SIZE} px crops, {SIDE} x {SIDE} targets of 68 points, batches",
        f"of {BATCH}. Generated photos have 1152 x 896 px; those as in WFLW are progressive JPEGs, with",
        "faces of its sizes. The widespread pipeline decodes the whole photo and encodes targets in numpy",
        "for every sample of every epoch, and changes no colours; ours does. Except in the last row, our",
        "targets are made by the training loop, where the network is.",
        "",
        *markdown_table(head, rows),
    ]
    print("\n".join(text))
    if options.page:
        root = "--root 300W " if options.root else ""
        command = f"python benchmarks/pipeline.py {root}--faces {options.faces} --rounds {options.rounds}"
        write_section(options.page, "pipeline", "Training pipeline", command, text)


if __name__ == "__main__":
    main()
