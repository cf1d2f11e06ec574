"""Landmarker -> one self-contained ONNX file: uint8 crops in, points out; checked before it is kept."""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxslim
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import canthus
from canthus.cache import exported_file
from canthus.checkpoints import native
from canthus.codecs import Decoded
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe
from canthus.session import Session

#: Largest difference of a raw output, in standard deviations of that output.
RAW_TOLERANCE = 1e-4
#: Differences of so many roundings of the largest value are none: a network that has learnt little says much
#: the same of every picture, and its outputs vary by little more than float32 resolves.
ROUNDINGS = 16
#: Largest difference of a point in crop px, unless the same file moves more under another thread count.
POINT_TOLERANCE = 1e-3


class ParityError(ValueError):
    """The ONNX file does not compute what the network computes."""


@dataclass(frozen=True)
class Parity:
    """The largest raw difference (standard deviations), the largest point difference (px), and the
    (crop, landmark) pairs whose peak is less clear than the raw noise, listed and not judged."""

    raw: float
    points: float
    ill_conditioned: tuple[tuple[int, int], ...]


class Graph(nn.Module):
    """uint8 crops (B, S, S, 3) -> points, scores, the codec's attributes, then the raw fields."""

    def __init__(self, landmarker: Landmarker, *, flip_test: bool = False) -> None:
        super().__init__()
        self.landmarker, self.flip_test = landmarker, flip_test
        self.raw_names = list(landmarker.codec.fields)

    @property
    def decoded_names(self) -> list[str]:
        """The outputs that stay in the exported file."""
        codec = self.landmarker.codec
        return ["points", "scores", *codec.attributes, *codec.further]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Outputs in the order `decoded_names`, `raw_names`."""
        landmarker = self.landmarker
        # The exporter would write the strides of channels last into the graph, as gathers.
        normalized = landmarker.normalize(images).contiguous()
        outputs = landmarker.flipped_outputs(normalized) if self.flip_test else landmarker.predict(normalized)
        decoded: Decoded = landmarker.codec.decode(outputs)
        scores = decoded.scores.clamp(0, 1)
        attributes = [getattr(decoded, name) for name in self.decoded_names[2:]]
        return (decoded.points, scores, *attributes, *(outputs[name] for name in self.raw_names))


def export(
    landmarker: Landmarker,
    recipe: Recipe,
    path: Path,
    *,
    flip_test: bool = False,
    crops: NDArray[np.uint8] | None = None,
    facts: Mapping[str, str] | None = None,
) -> Parity:
    """Write `path` aside, check it against the network on `crops` (N, S, S, 3), and rename it into place.

    Without `crops` the check runs on smooth random pictures. `facts` are further metadata.
    """
    graph = Graph(landmarker.cpu().eval(), flip_test=flip_test).eval()
    crops = random_crops(recipe.size) if crops is None else crops
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export-") as folder:
        full, final = Path(folder) / "full.onnx", Path(folder) / "final.onnx"
        _write_full(graph, recipe.size, full)
        parity = check_parity(graph, full, crops)
        model = share_weights(onnxslim.slim(_keep_outputs(onnx.load(full), graph.decoded_names)))
        for key, value in _metadata(
            landmarker, recipe, {"flip_test": str(flip_test).lower(), **(facts or {})}
        ).items():
            model.metadata_props.add(key=key, value=value)
        onnx.checker.check_model(model)
        onnx.save(model, final)
        _check_final(full, final, crops)
        final.replace(path)
    return parity


def check_parity(graph: Graph, path: Path, crops: NDArray[np.uint8]) -> Parity:
    """Compare every output of the file with the network; `ParityError` says what differs and by how much."""
    with torch.no_grad():
        outputs = dict(zip(_names(graph), graph(torch.from_numpy(crops)), strict=True))
    one, two = (Session(path, threads=threads).run(images=crops) for threads in (1, 2))
    raw = {f"raw_{name}": outputs[f"raw_{name}"] for name in graph.raw_names}
    noise, worst = 0.0, 0.0
    for name, value in raw.items():
        difference = float(np.abs(one[name] - value.numpy()).max())
        spread = float(value.std(correction=0)) or 1.0
        noise, worst = max(noise, difference), max(worst, difference / spread)
        if difference > raw_allowance(value.numpy()):
            raise ParityError(f"raw output {name}: differs by {difference / spread:.2e} standard deviations")
    margin = graph.landmarker.codec.margin({name.removeprefix("raw_"): value for name, value in raw.items()})
    ill = margin.numpy() <= 10 * noise
    moved = np.abs(one["points"] - two["points"]).max()
    distance = np.where(ill[..., None], 0, np.abs(one["points"] - outputs["points"].numpy())).max()
    allowed = max(POINT_TOLERANCE, 10 * float(moved))
    if distance > allowed:
        raise ParityError(f"points: differ by {distance:.2e} px, expected at most {allowed:.2e}")
    listed = tuple((int(crop), int(landmark)) for crop, landmark in np.argwhere(ill))
    return Parity(worst, float(distance), listed)


def raw_allowance(value: NDArray[np.float32]) -> float:
    """By how much a raw output may differ: a share of its spread, and no less than float32 resolves."""
    rounding = float(np.finfo(np.float32).eps) * float(np.abs(value).max())
    return max(RAW_TOLERANCE * float(value.std()), ROUNDINGS * rounding)


def cached_export(weights: Path, *, flip_test: bool = False) -> Path:
    """The ONNX file of a .safetensors, exported once into the cache and found there by the file's sha256."""
    out = exported_file(weights, flip_test=flip_test)
    if not out.is_file():
        landmarker, recipe = native.load(weights)
        export(landmarker, recipe, out, flip_test=flip_test, facts=facts_of(weights))
    return out


def facts_of(path: Path) -> dict[str, str]:
    """The facts in a weights file's header that belong into an exported file."""
    header = native.read_header(path)
    return {name: value for name, value in header.items() if name not in ("recipe", "canthus_version")}


def random_crops(size: int, count: int = 4, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth random pictures (count, size, size, 3) uint8."""
    coarse = torch.rand(count, 3, 7, 7, generator=torch.Generator().manual_seed(seed))
    smooth = nn.functional.interpolate(coarse, size=(size, size), mode="bicubic").clamp(0, 1)
    return np.asarray((smooth.permute(0, 2, 3, 1) * 255).to(torch.uint8).numpy())


def _names(graph: Graph) -> list[str]:
    return [*graph.decoded_names, *(f"raw_{name}" for name in graph.raw_names)]


def _write_full(graph: Graph, size: int, path: Path) -> None:
    example = torch.zeros(2, size, size, 3, dtype=torch.uint8)
    # The exporter tells of operators of packages that are not installed, of what it does not fold, and of its
    # own deprecations.
    for part in ("torch.onnx._internal.exporter._registration", "onnxscript.optimizer._constant_folding"):
        logging.getLogger(part).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph,
            (example,),
            dynamo=True,
            input_names=["images"],
            output_names=_names(graph),
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    assert program is not None
    program.save(str(path), external_data=False)


def _keep_outputs(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    """The model with these outputs alone; what only the others needed is left for the optimiser to drop."""
    kept = [output for output in model.graph.output if output.name in names]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    return model


def share_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with equal constants kept once: folding makes a copy for each of the flip test's passes."""
    graph = model.graph
    first: dict[tuple[int, tuple[int, ...], bytes], str] = {}
    renamed = {}
    for tensor in graph.initializer:
        content = onnx.numpy_helper.to_array(tensor).tobytes()
        name = first.setdefault((tensor.data_type, tuple(tensor.dims), content), tensor.name)
        if name != tensor.name:
            renamed[tensor.name] = name
    kept = [tensor for tensor in graph.initializer if tensor.name not in renamed]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    _rename_inputs(graph, renamed)
    return model


def _rename_inputs(graph: onnx.GraphProto, renamed: Mapping[str, str]) -> None:
    """In all nodes and, for loops read constants of the graph around them, in their inner graphs."""
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _rename_inputs(attribute.g, renamed)


def _check_final(full: Path, final: Path, crops: NDArray[np.uint8]) -> None:
    before, after = Session(full, threads=1).run(images=crops), Session(final, threads=1).run(images=crops)
    for name, value in after.items():
        if not np.allclose(value, before[name], atol=POINT_TOLERANCE, rtol=1e-4):
            worst = np.abs(value - before[name]).max()
            raise ParityError(f"{name}: optimising the file changed it by {worst:.2e}")


def _metadata(landmarker: Landmarker, recipe: Recipe, facts: Mapping[str, str]) -> dict[str, str]:
    parameters = sum(parameter.numel() for parameter in landmarker.parameters())
    card = {
        "name": recipe.name,
        "description": recipe.description,
        "licence": recipe.licence,
        "scheme": recipe.scheme,
        "parameters": parameters,
        "input_size": recipe.size,
        **facts,
    }
    return {
        "canthus_version": canthus.__version__,
        "scheme": recipe.scheme,
        "input_size": str(recipe.size),
        "crop_rule": recipe.crop.model_dump_json(exclude_none=True),
        "recipe": recipe.name,
        "recipe_content": native.stored(recipe, landmarker).model_dump_json(),
        "codec": recipe.codec.model_dump_json(),
        "licence": recipe.licence,
        **facts,
        "card": json.dumps(card),
    }
