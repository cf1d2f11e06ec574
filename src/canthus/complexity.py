"""How large a network is, and how much it computes for one crop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from canthus.build import build_landmarker
from canthus.checkpoints import native
from canthus.recipe import Recipe, load_recipe


@dataclass(frozen=True)
class Complexity:
    """Counts of one network and one crop of `size` x `size` px.

    `params` are stored, `params_executed` are those that the forward pass reads; batch statistics are none.
    `macs` are the products of convolutions, linear layers and attention. `macs_thop` and `params_thop` are
    what the widely used counter thop says, None where there are no layers to ask (an ONNX file): products of
    convolution and linear layers, four operations a value in normalisations, an addition a value in poolings;
    nothing of attention, of functions that are no layers and of parameters outside of layers.
    """

    name: str
    size: int
    params: int
    params_executed: int
    macs: int
    macs_thop: int | None = None
    params_thop: int | None = None


def complexity(model: str) -> Complexity:
    """The counts of a zoo row, a .yaml recipe, a .safetensors or an .onnx file.

    ValueError and FileNotFoundError as of their readers.
    """
    path = Path(model)
    if path.suffix == ".onnx":
        return complexity_of_onnx(path)
    recipe = native.read_recipe(path) if path.suffix == ".safetensors" else load_recipe(model)
    return complexity_of_recipe(recipe)


def complexity_of_recipe(recipe: Recipe) -> Complexity:
    """The counts of the network of a recipe, which is built without memory for its weights."""
    with torch.device("meta"):
        landmarker = build_landmarker(recipe).eval()
        images = torch.empty(1, 3, recipe.size, recipe.size)
    return Complexity(recipe.name, recipe.size, **count(landmarker, images))


def count(network: nn.Module, images: Tensor) -> dict[str, int]:
    """The numbers of `Complexity` of a network in evaluation mode on images (1, 3, S, S), on any device."""
    used, layers = _Used(network), _Layers(network)
    # Fused attention is one operation on some devices; its products are counted where it is two.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as flops, used:
        network(images)
    layers.remove()
    return {
        "params": sum(parameter.numel() for parameter in network.parameters()),
        "params_executed": sum(parameter.numel() for parameter in used.found.values()),
        "macs": flops.get_total_flops() // 2,
        "macs_thop": layers.macs,
        "params_thop": sum(parameter.numel() for parameter in layers.parameters.values()),
    }


def complexity_of_onnx(path: Path) -> Complexity:
    """The counts of an ONNX file; its stored numbers are all parameters, batch norms are part of them."""
    import onnx

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such model file")
    try:
        model = onnx.load(path)
    except Exception as error:  # whatever the parser of a damaged file raises
        raise ValueError(f"{path}: not readable as ONNX ({' '.join(str(error).split())[:100]})") from None
    graph = model.graph
    del graph.value_info[:]
    for dimension in graph.input[0].type.tensor_type.shape.dim[:1]:
        dimension.dim_value = 1
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in
              [*inferred.input, *inferred.value_info, *inferred.output]}  # fmt: skip
    shapes |= {value.name: list(value.dims) for value in graph.initializer}
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)
    params = sum(math.prod(value.dims) for value in graph.initializer if value.data_type in floats)
    macs = sum(_onnx_macs(node, shapes, path) for node in graph.node)
    size = max(shapes[graph.input[0].name])
    return Complexity(path.name, size, params, params, macs)


def _onnx_macs(node: Any, shapes: dict[str, list[int]], path: Path) -> int:
    """The products of one node."""
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    values = [shapes.get(name, [0]) for name in (node.input[0], node.input[1], node.output[0])]
    if not all(math.prod(value) for value in values):
        raise ValueError(
            f"{path}: the shapes at {node.op_type} {node.name!r} are not fixed by the file, "
            "expected one for pictures of one size"
        )
    left, right, out = values
    if node.op_type == "Conv":
        return math.prod(out) * math.prod(right[1:])
    if node.op_type == "ConvTranspose":
        return math.prod(left) * math.prod(right[1:])
    transposed = any(a.name == "transA" and a.i for a in node.attribute)
    return math.prod(out) * (left[0] if transposed else left[-1])


class _Used(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Remembers which parameters any operation reads."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.parameters = {id(parameter): parameter for parameter in network.parameters()}
        self.found: dict[int, nn.Parameter] = {}

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), options: dict[str, Any] | None = None
    ) -> Any:
        for value in arguments:
            if id(value) in self.parameters:
                self.found[id(value)] = self.parameters[id(value)]
        return function(*arguments, **(options or {}))


class _Layers:
    """thop's rules: each call of a layer of exactly these types counts, and its parameters once."""

    def __init__(self, network: nn.Module) -> None:
        self.macs, self.parameters = 0, dict[int, nn.Parameter]()
        self.handles = [
            module.register_forward_hook(self._count) for module in network.modules() if type(module) in RULES
        ]

    def _count(self, module: nn.Module, inputs: tuple[Tensor, ...], out: Tensor) -> None:
        self.macs += RULES[type(module)](module, inputs[0], out)
        self.parameters |= {id(parameter): parameter for parameter in module.parameters()}

    def remove(self) -> None:
        """Leave the network as it was."""
        for handle in self.handles:
            handle.remove()


def _convolution(layer: Any, x: Tensor, out: Tensor) -> int:
    return int(out.numel() * (x.shape[1] // layer.groups) * math.prod(layer.weight.shape[2:]))


def _linear(layer: Any, x: Tensor, out: Tensor) -> int:
    return out.numel() * int(layer.in_features)


def _norm(layer: Any, x: Tensor, out: Tensor) -> int:
    return (4 if layer.weight is not None else 2) * x.numel()


def _pooling(layer: Any, x: Tensor, out: Tensor) -> int:
    return out.numel()


def _adaptive_pooling(layer: Any, x: Tensor, out: Tensor) -> int:
    cells = math.prod(side // cell for side, cell in zip(x.shape[2:], out.shape[2:], strict=True))
    return out.numel() * (cells + 1)


def _upsampling(layer: Any, x: Tensor, out: Tensor) -> int:
    return out.numel() * {"nearest": 1, "linear": 5, "bilinear": 11}.get(layer.mode, 0)


RULES: dict[type[nn.Module], Callable[[Any, Tensor, Tensor], int]] = {
    nn.Conv2d: _convolution,
    nn.ConvTranspose2d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm1d: _norm,
    nn.BatchNorm2d: _norm,
    nn.LayerNorm: _norm,
    nn.InstanceNorm2d: _norm,
    nn.AvgPool2d: _pooling,
    nn.AdaptiveAvgPool2d: _adaptive_pooling,
    nn.Upsample: _upsampling,
}
