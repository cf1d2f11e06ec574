"""Training samples a second of one process: ours against the widespread pipeline.

python benchmarks/pipeline.py [--root 300-W] [--photos 200] [--page docs/benchmarks.md]

The widespread one, for each sample of each epoch: decode the whole photo, mirror or not, one affine warp with
a random rotation and scale, one Gaussian patch a landmark in numpy; then stack. Ours: photos are cut once
(what the crop does not need of a JPEG is not decoded) and kept in memory or in a file; each epoch mirrors,
turns and scales in one warp, changes the colours and stacks; targets are encoded for a whole batch,
where the network is.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from page import markdown_table, write_section

from canthus.build import Source
from canthus.codecs.heatmap import Heatmap
from canthus.datasets.w300 import W300
from canthus.geometry import CropRule, landmark_boxes
from canthus.recipe import Recipe, load_recipe
from canthus.sample import Sample
from canthus.schemes.ibug68 import IBUG68
from canthus.training.data import Batch, Views, collate, cut
from canthus.training.packing import read_pack, write_pack
from canthus.transforms import Pipeline
from canthus.transforms.box_jitter import BoxJitter
from canthus.transforms.color import Color
from canthus.transforms.flip import Flip

SIZE, SIDE, SIGMA, BATCH, CONTEXT = 256, 64, 2.0, 32, 1.5
RULE = CropRule(box_kind="landmarks", center="pixel", antialias=False)
TRANSFORMS = (Flip(IBUG68), BoxJitter(), Color())
PHOTO = Path(__file__).parents[1] / "samples" / "astronaut.jpg"
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


def measure(samples: Sequence[Sample], recipe: Recipe, folder: Path, rounds: int) -> dict[str, float]:
    """Pipeline -> samples a second; all pipelines in every round, the best round of each."""
    codec = Heatmap(IBUG68, SIZE, side=SIDE, sigma=SIGMA, unbiased=False)
    cuts: list[Sample] = []
    best: dict[str, float] = {}

    def keep(name: str, work: Callable[[], object]) -> None:
        best[name] = max(best.get(name, 0.0), len(samples) / seconds(work))

    def first_epoch() -> None:
        cuts[:] = [cut(sample, RULE, SIZE, CONTEXT) for sample in samples]
        list(our_epoch(cuts, 0))

    def encoded_epoch() -> None:
        for batch in our_epoch(cuts, 2):
            codec.encode(batch.annotations)

    def packed_epoch() -> None:
        sources, _ = read_pack(folder / "pack.npz", recipe)
        list(our_epoch(sources[0].samples, 0))

    for epoch in range(rounds):
        keep("widespread", lambda epoch=epoch: list(widespread_epoch(samples, epoch)))
        keep("ours, first epoch: cut the photos", first_epoch)
        if not (folder / "pack.npz").is_file():
            part = recipe.datasets[0]
            training = [Source(part, tuple(cuts), ())]
            write_pack(folder / "pack.npz", recipe, training, [Source(part, (), ())])
        keep("ours, first epoch: read the pack", packed_epoch)
        keep("ours, every further epoch", lambda epoch=epoch: list(our_epoch(cuts, epoch + 1)))
        keep("ours, every further epoch, targets encoded on the processor too", encoded_epoch)
    return best


def generate(folder: Path, count: int) -> list[Sample]:
    """Samples of photos of one megapixel (1152 x 896, JPEG quality 90), faces of 250 to 500 px."""
    photo = cv2.imread(str(PHOTO), cv2.IMREAD_COLOR)
    rng = np.random.default_rng(0)
    samples = []
    for number in range(count):
        turned = cv2.convertScaleAbs(photo, alpha=rng.uniform(0.6, 1.2), beta=rng.uniform(-20, 20))
        path = folder / f"{number}.jpg"
        cv2.imwrite(str(path), cv2.resize(turned, (1152, 896), interpolation=cv2.INTER_CUBIC))
        side = rng.uniform(250, 500)
        corner = rng.uniform(0, [1152 - side, 896 - side])
        points = (corner + side * rng.random((68, 2))).astype(np.float32)
        stated = np.full(68, np.nan, np.float32)
        box = landmark_boxes(points).astype(np.float32)
        samples.append(Sample(path, points, stated, box, "landmarks", path.stem, path.stem))
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
    parser.add_argument("--photos", type=int, default=200, help="photos of each kind")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    recipe = load_recipe("300w-hrnetv2_w18")
    results: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        kinds = {"1-megapixel photos, generated": lambda: generate(Path(folder), options.photos)}
        if options.root:
            kinds["300-W photos"] = lambda: photos(options.root, options.photos)
        for number, (title, make) in enumerate(kinds.items()):
            place = Path(folder) / f"pack{number}"
            place.mkdir()
            results[title] = measure(make(), recipe, place, options.rounds)
    head = ["pipeline", *(cell for title in results for cell in (title, "ratio"))]
    rows = []
    for name in next(iter(results.values())):
        cells = [(found[name], found[name] / found["widespread"]) for found in results.values()]
        rows.append([name, *(cell for rate, ratio in cells for cell in (f"{rate:.0f}", f"{ratio:.1f}"))])
    text = [
        "Samples a second of processor time of one process, the best of",
        f"{options.rounds} rounds in which the pipelines take turns; {options.photos} photos of each kind,",
        f"{SIZE} px crops, {SIDE} x {SIDE} targets of 68 points, batches of {BATCH}. The widespread",
        "pipeline decodes the whole photo and encodes its targets in numpy for every sample of every epoch,",
        "and changes no colours; ours does. Except in the last row, our targets are made by the training",
        "loop, where the network is.",
        "",
        *markdown_table(head, rows),
    ]
    print("\n".join(text))
    if options.page:
        root = "--root 300W " if options.root else ""
        command = f"python benchmarks/pipeline.py {root}--photos {options.photos} --rounds {options.rounds}"
        write_section(options.page, "pipeline", "Training pipeline", command, text)


if __name__ == "__main__":
    main()
