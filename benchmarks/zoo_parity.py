"""The published heat-map networks at full size against the stored answers of the original implementation."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from canthus.build import build_codec, build_landmarker
from canthus.checkpoints import converter_of
from canthus.codecs import Codec
from canthus.models.landmarker import Landmarker
from canthus.recipe import Part, Recipe, load_recipe, recipe_names

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the oracle's reader, graphs written out
import heatmap_rows
import published_graphs

#: Architecture as the oracle names it -> a row that has it.
ROWS = {
    "hrnetv2_w18_98": "wflw-hrnetv2_w18",
    "hrnetv2_w18_68": "300w-hrnetv2_w18",
    "hrnetv2_w18_29": "cofw-hrnetv2_w18",
    "hrnetv2_w18_19": "aflw-hrnetv2_w18",
    "hourglass52_68": "coco_wholebody_face-hourglass52",
    "res50_68": "coco_wholebody_face-resnet50",
    "mobilenetv2_68": "coco_wholebody_face-mobilenetv2",
    "scnet50_68": "coco_wholebody_face-scnet50",
}
#: What of a recipe its network's tensors depend on.
NETWORK = ("scheme", "size", "backbone", "neck", "head")
#: Networks written out from their description in the tests, for those without a stored answer.
WRITTEN_OUT = {
    "hourglass52_68": lambda p, x: published_graphs.hourglass(
        p, x, 128, [256, 256, 384, 384, 384, 512], [2, 2, 2, 2, 2, 4], 68
    ),
    "scnet50_68": lambda p, x: published_graphs.scnet(p, x, 64, [3, 4, 6, 3], 256, 68),
}
#: What the oracle's README allows: raw maps in standard deviations, points in px, and the points it judges.
RAW_TOLERANCE, POINT_TOLERANCE, FIRM = 1e-3, 0.05, 0.01
#: The stored answers were decoded with sigma 2, whatever the row's own sigma.
OPTIONS: dict[str, Any] = {
    "side": 64,
    "sigma": 2.0,
    "published": ["frame", "patch", "borders"],
    "flip_shift": "cell",
}
CODECS = {
    "biased": Part(name="heatmap", unbiased=False, **OPTIONS),
    "dark": Part(name="dark", unbiased=True, kernel=11, **OPTIONS),
}


@dataclass(frozen=True)
class Compared:
    """Largest differences of one architecture: of maps in standard deviations, of points in px.

    `firm` says how many of how many points were judged: those that a disturbance of the maps by a few times
    the rounding noise moves by less than 0.01 px.
    """

    architecture: str
    row: str
    against: str
    differences: dict[str, float]
    firm: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether everything is within the oracle's tolerances."""
        limits = {name: RAW_TOLERANCE if "maps" in name else POINT_TOLERANCE for name in self.differences}
        return all(value <= limits[name] for name, value in self.differences.items())

    def as_dict(self) -> dict[str, Any]:
        """For the JSON file."""
        return {**asdict(self), "passed": self.passed}


def compare_all(oracle_folder: Path) -> Iterator[Compared]:
    """Every architecture of a row that exists and has a stored answer or a graph written out."""
    oracle = heatmap_rows.Oracle(oracle_folder)
    for architecture, row in ROWS.items():
        fixture = oracle_folder / "fixtures" / f"forward_{architecture}.npz"
        if row in recipe_names() and (fixture.is_file() or architecture in WRITTEN_OUT):
            yield compare(architecture, load_recipe(row), oracle)


def load_official(landmarker: Landmarker, architecture: str, recipe: Recipe, oracle_folder: Path) -> None:
    """Give a network the oracle's weights as a published checkpoint is loaded."""
    official = heatmap_rows.Oracle(oracle_folder).weights(architecture)
    own = heatmap_rows.own_tensors(landmarker)
    state = converter_of(recipe).convert(official, own, architecture).state
    landmarker.load_state_dict(state, strict=False)


def architecture_of(recipe: Recipe) -> str | None:
    """The oracle's name of a row's network, if it has that network."""
    for architecture, row in ROWS.items():
        other = load_recipe(row)
        if all(getattr(recipe, name) == getattr(other, name) for name in NETWORK):
            return architecture
    return None


def compare(architecture: str, recipe: Recipe, oracle: heatmap_rows.Oracle) -> Compared:
    """One architecture with the oracle's weights, loaded as a published checkpoint is, on its input."""
    landmarker = build_landmarker(
        recipe.model_copy(update={"codec": CODECS["biased"]})  # the flip shift is the codec's
    ).eval()
    load_official(landmarker, architecture, recipe, oracle.folder)
    fixture = oracle.folder / "fixtures" / f"forward_{architecture}.npz"
    images = oracle.images()
    with torch.no_grad():
        if fixture.is_file():
            with np.load(fixture) as answers:
                differences, firm = against_answers(landmarker, recipe, images, dict(answers))
            return Compared(architecture, recipe.name, "original implementation", differences, firm)
        published = published_graphs.Published()
        published.update(oracle.weights(architecture))
        expected = WRITTEN_OUT[architecture](published, images)
        worst = (landmarker.predict(images)["heatmap"] - expected).abs().max() / expected.std()
        return Compared(architecture, recipe.name, "graph written out", {"maps": worst.item()}, {})


def against_answers(
    landmarker: Landmarker, recipe: Recipe, images: Tensor, answers: dict[str, np.ndarray]
) -> tuple[dict[str, float], dict[str, str]]:
    """Differences of maps and points, plain and with the flip test, and how many points were judged."""
    differences, firm = {}, {}
    for suffix, outputs in (("", landmarker.predict(images)), ("_flip", landmarker.flipped_outputs(images))):
        maps = outputs["heatmap"].numpy()
        differences[f"maps{suffix}"] = worst_map(maps, answers, suffix)
        for name, part in CODECS.items():
            codec: Codec = build_codec(recipe.model_copy(update={"codec": part}))
            points = codec.decode(outputs).points.numpy()
            judged = answers[f"spread_{name}{suffix}"] < FIRM
            moved = np.abs(points - answers[f"kpt_{name}{suffix}"]).max(-1)
            differences[f"{name}{suffix}"] = float(moved[judged].max())
            firm[f"{name}{suffix}"] = f"{judged.sum()}/{judged.size}"
    return differences, firm


def worst_map(maps: np.ndarray, answers: dict[str, np.ndarray], suffix: str) -> float:
    """Largest difference of the stored maps and of the statistics of all maps, in standard deviations."""
    flat = maps.reshape(*maps.shape[:2], -1).astype(np.float64)
    worst = np.abs(maps[0, answers["channels"]] - answers[f"heatmap{suffix}"]).max()
    for statistic in ("mean", "std", "max", "min"):
        found = getattr(flat, statistic)(-1)
        worst = max(worst, np.abs(found - answers[f"{statistic}{suffix}"]).max())
    return float(worst / answers[f"std{suffix}"].mean())
