"""The rules of the light-weight landmark challenge that a file can be held to: weights, or an ONNX file."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canthus.recipe import Recipe

#: Largest file, bytes.
LIMIT = 15_000_000
#: Tags that a face detector took part in.
DETECTED = ("reg_offset",)
HEADER = 1 << 26  # bytes: longer headers of a weights file are damaged ones
#: What an ONNX graph counts and chooses with; no values of a network.
_INDICES = {"INT64", "INT32", "BOOL"}
_HALVES = {"FLOAT16", "BFLOAT16", "DOUBLE"}
#: Parts of the names of operators that compute in whole numbers.
_WHOLE_NUMBERS = ("QuantizeLinear", "quantizeLinear", "QLinear", "Integer")


@dataclass(frozen=True)
class Rule:
    """A rule of the challenge, whether the model keeps it, and what was found."""

    name: str
    kept: bool
    found: str


def check(model: Path) -> list[Rule]:
    """The rules for a .safetensors or an .onnx file; ValueError for a file that is none."""
    return _check_graph(model) if model.suffix.lower() == ".onnx" else _check_weights(model)


def _check_weights(path: Path) -> list[Rule]:
    tensors, recipe, facts = read_weights(path)
    own = _network(recipe)
    counters = {name for name, value in own.items() if not value.is_floating_point()}
    found = {str(tensor["dtype"]) for name, tensor in tensors.items() if name not in counters}
    return [
        _float32(found - {"F32"}),
        Rule("one network", *_one_network(recipe, tensors, own)),
        _small(path.stat().st_size),
        Rule("no face detector", *_no_detector(recipe)),
        Rule("no other model", *_no_other_model(recipe, facts)),
    ]


def _check_graph(path: Path) -> list[Rule]:
    model = read_graph(path)
    facts = {item.key: item.value for item in model.metadata_props}
    inputs = [item.name for item in model.graph.input]
    tensors, nodes = list(_tensors(model.graph)), list(_nodes(model.graph))
    kinds = {kind for _, kind in tensors} - {"FLOAT"} - _INDICES
    kinds |= {node.op_type for node in nodes if any(word in node.op_type for word in _WHOLE_NUMBERS)}
    kinds |= {name for node in nodes for name in _casts(node)} & _HALVES
    one = len(inputs) == 1
    found = f"one input and {len(nodes)} operators" if one else f"the inputs {', '.join(inputs) or 'none'}"
    try:
        recipe = Recipe.model_validate_json(facts["recipe_content"])
    except (KeyError, ValueError):
        unknown = "the file does not hold the recipe that it was taught with; check its .safetensors"
        taught = [Rule("no face detector", False, unknown), Rule("no other model", False, unknown)]
    else:
        taught = [
            Rule("no face detector", *_no_detector(recipe)),
            Rule("no other model", *_no_other_model(recipe, facts)),
        ]
    beside = {path.parent / place for place, _ in tensors if place}
    size = path.stat().st_size + sum(place.stat().st_size for place in beside if place.is_file())
    return [_float32(kinds), Rule("one network", one, found), _small(size), *taught]


def _float32(others: set[str]) -> Rule:
    return Rule("float32", not others, f"values of {', '.join(sorted(others)) or 'float32 alone'}")


def _small(size: int) -> Rule:
    return Rule("at most 15 MB", size <= LIMIT, f"{size / 1e6:.2f} MB")


def read_weights(path: Path) -> tuple[dict[str, Any], Recipe, dict[str, str]]:
    """Name -> what the header of a .safetensors file says of a tensor, the recipe in it, the other facts."""
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else HEADER + 1
        if length > HEADER:
            raise ValueError(f"{path}: not a safetensors file")
        try:
            content = json.loads(file.read(length))
            facts = content.pop("__metadata__")
            recipe = Recipe.model_validate_json(facts["recipe"])
        except (ValueError, KeyError, AttributeError):
            raise ValueError(
                f"{path}: found no recipe in the header, expected a file written by canthus train or convert"
            ) from None
    return content, recipe, facts


def read_graph(path: Path) -> Any:
    """The content of an ONNX file, without the values that lie in other files; ValueError for none."""
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise _needs(error) from None
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:  # of protobuf, which is no dependency of ours
        raise ValueError(f"{path}: not an ONNX file ({' '.join(str(error).split())[:100]})") from None
    if not model.graph.node:
        raise ValueError(f"{path}: not an ONNX file (no operators)")
    return model


def _nodes(graph: Any) -> Iterator[Any]:
    """All operators, those of branches and loops among them."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _nodes(inner)


def _tensors(graph: Any) -> Iterator[tuple[str, str]]:
    """The file beside this one that holds a tensor, or "", and the kind of its values."""
    from onnx import TensorProto

    found = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            found += [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else [])]
            for inner in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from _tensors(inner)
    for sparse in graph.sparse_initializer:
        found.append(sparse.values)
    for tensor in found:
        places = [entry.value for entry in tensor.external_data if entry.key == "location"]
        yield (places[0] if places else ""), TensorProto.DataType.Name(tensor.data_type)


def _casts(node: Any) -> list[str]:
    """What a Cast makes of values."""
    from onnx import TensorProto

    kinds = [item.i for item in node.attribute if item.name == "to"] if node.op_type == "Cast" else []
    return [TensorProto.DataType.Name(kind) for kind in kinds]


def _network(recipe: Recipe) -> dict[str, Any]:
    """Name -> tensor without values of the recipe's network."""
    try:
        import torch

        from canthus.build import build_landmarker
    except ModuleNotFoundError as error:
        raise _needs(error) from None
    with torch.device("meta"):
        return dict(build_landmarker(recipe).state_dict())


def _needs(error: ModuleNotFoundError) -> ImportError:
    return ImportError(f"checking needs {error.name}: pip install 'canthus[train]'")


def _one_network(recipe: Recipe, tensors: dict[str, Any], own: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether every tensor belongs to the network of the recipe."""
    shapes = {name: list(value.shape) for name, value in own.items()}
    found = {name: tensor["shape"] for name, tensor in tensors.items()}
    if shapes == found:
        return True, f"the {len(found)} tensors of {recipe.backbone.name} and {recipe.head.name}"
    foreign = sorted(name for name in {*shapes, *found} if shapes.get(name) != found.get(name))
    return False, f"{foreign[0]} and {len(foreign) - 1} more are not as the recipe has them"


def _no_detector(recipe: Recipe) -> tuple[bool, str]:
    """Whether the boxes of all training data are labels or whole pictures, and no detector chose samples."""
    for part in recipe.datasets:
        used = [tag for tag in DETECTED if tag in part.filter]
        if used:
            return False, f"{part.title} is filtered by {used[0]}, which a detector measured"
        if part.boxes == "dataset":
            return False, (
                f"{part.title} is cropped at the boxes that it states, which may be a detector's; the recipe "
                "has to say boxes: landmarks or boxes: picture"
            )
    return True, "crops of " + ", ".join(f"{part.title} by {part.boxes}" for part in recipe.datasets)


def _no_other_model(recipe: Recipe, facts: Mapping[str, str]) -> tuple[bool, str]:
    """Whether the weights began at random and are scored in one pass."""
    start = facts.get("initial_weights")
    if start not in (None, "scratch"):
        return False, f"the training began with {start}"
    if recipe.test.flip or facts.get("flip_test") == "true":
        return False, "the recipe is scored with the mirrored picture too"
    stated = "taught from scratch" if start else "the file does not say what its training began with"
    return True, f"{stated}, scored in one pass"
