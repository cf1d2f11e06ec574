"""ONNX graphs by hand that keep the contracts of the runtime, with results one can work out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from canthus.geometry import CropRule
from canthus.schemes import IBUG68

K = 68
RULE = CropRule(scale=1.0)


def _value(name: str, kind: int, *shape: int | str) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _save(path: Path, graph: onnx.GraphProto, metadata: dict[str, str]) -> Path:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return path


def landmark(path: Path, size: int, metadata: dict[str, str] | None = None) -> Path:
    """See the fixture `tiny_landmark_onnx`."""
    constants = {
        "coordinates": np.arange(size, dtype=np.float32),
        "tiny": np.array(1e-6, np.float32),
        "shift": np.stack([np.arange(K) / 10, np.zeros(K)], axis=-1).astype(np.float32)[None],
        "white": np.array(255, np.float32),
        "axis1": np.array([1], np.int64),
        "axis2": np.array([2], np.int64),
        "axis3": np.array([3], np.int64),
        "axes12": np.array([1, 2], np.int64),
        "ones": np.ones((1, K), np.float32),
        "visible": (np.arange(K) % 3 != 0).astype(np.float32)[None],
        "diagonal": np.tile(np.diag([4.0, 1.0]).astype(np.float32), (1, K, 1, 1)),
    }
    node = helper.make_node
    nodes = [
        node("Cast", ["images"], ["float"], to=TensorProto.FLOAT),
        node("ReduceSum", ["float", "axis3"], ["grey"], keepdims=0),  # (B, S, S)
        node("ReduceSum", ["grey", "axes12"], ["sum"], keepdims=0),  # (B,)
        node("Add", ["sum", "tiny"], ["total"]),
        node("ReduceSum", ["grey", "axis1"], ["columns"], keepdims=0),  # (B, S)
        node("ReduceSum", ["grey", "axis2"], ["rows"], keepdims=0),
        *(
            item
            for name in ("columns", "rows")
            for item in (
                node("Mul", [name, "coordinates"], [f"{name}_weighted"]),
                node("ReduceSum", [f"{name}_weighted", "axis1"], [f"{name}_sum"], keepdims=0),
                node("Div", [f"{name}_sum", "total"], [f"{name}_mean"]),
                node("Unsqueeze", [f"{name}_mean", "axes12"], [f"{name}_out"]),  # (B, 1, 1)
            )
        ),
        node("Concat", ["columns_out", "rows_out"], ["center"], axis=2),  # (B, 1, 2)
        node("Add", ["center", "shift"], ["points"]),
        node("Div", ["float", "white"], ["light"]),
        node("ReduceMean", ["light"], ["presence"], axes=[1, 2, 3], keepdims=0),
        node("Unsqueeze", ["presence", "axis1"], ["column"]),
        node("Mul", ["column", "ones"], ["scores"]),
        node("Mul", ["column", "tiny"], ["nothing"]),
        node("Add", ["nothing", "visible"], ["visibility"]),
        node("Unsqueeze", ["presence", "axes12"], ["p3"]),
        node("Unsqueeze", ["p3", "axis3"], ["p4"]),
        node("Mul", ["p4", "tiny"], ["zero"]),
        node("Add", ["zero", "diagonal"], ["covariance"]),
    ]
    outputs = [
        _value("points", TensorProto.FLOAT, "B", K, 2),
        _value("scores", TensorProto.FLOAT, "B", K),
        _value("presence", TensorProto.FLOAT, "B"),
        _value("visibility", TensorProto.FLOAT, "B", K),
        _value("covariance", TensorProto.FLOAT, "B", K, 2, 2),
    ]
    inputs = [_value("images", TensorProto.UINT8, "B", size, size, 3)]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny_landmarks", inputs, outputs, initializers)
    stated = {
        "scheme": IBUG68.name,
        "input_size": str(size),
        "crop_rule": RULE.model_dump_json(),
        "licence": "none",
        "card": '{"data": "nothing"}',
    }
    return _save(path, graph, stated if metadata is None else metadata)


def detector(path: Path) -> Path:
    """See the fixture `tiny_detector_onnx`."""
    node = helper.make_node
    cells = {  # constant offsets of a box and of five points from the cell's first pixel
        "box": np.array([0, 0, 31, 31], np.float32),
        "five": np.tile(np.float32(15.5), (1, 5, 2)),
    }
    constants = {
        **cells,
        "white": np.array(255, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "stride": np.array(32, np.float32),
        "axis2": np.array(2, np.int64),
        "axis3": np.array(3, np.int64),
        "flat": np.array([-1], np.int64),
        "as_column": np.array([-1, 1], np.int64),
        "as_points": np.array([-1, 1, 2], np.int64),
    }
    nodes = [
        node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        node("Transpose", ["float"], ["nchw"], perm=[0, 3, 1, 2]),
        node("ReduceMean", ["nchw"], ["grey"], axes=[1], keepdims=1),
        node("AveragePool", ["grey"], ["mean"], kernel_shape=[32, 32], strides=[32, 32]),
        node("Div", ["mean", "white"], ["light"]),  # (1, 1, H/32, W/32)
        node("Reshape", ["light", "flat"], ["scores"]),
        node("Mul", ["light", "zero"], ["none"]),
        node("Add", ["none", "one"], ["each"]),
        *(
            item
            for name, axis in (("x", "axis3"), ("y", "axis2"))
            for item in (
                node("CumSum", ["each", axis], [f"{name}_cell"], exclusive=1),
                node("Mul", [f"{name}_cell", "stride"], [f"{name}_px"]),
                node("Reshape", [f"{name}_px", "as_column"], [name]),
            )
        ),
        node("Concat", ["x", "y", "x", "y"], ["corner"], axis=1),
        node("Add", ["corner", "box"], ["boxes"]),
        node("Concat", ["x", "y"], ["first"], axis=1),
        node("Reshape", ["first", "as_points"], ["origin"]),
        node("Add", ["origin", "five"], ["five_points"]),
    ]
    outputs = [
        _value("boxes", TensorProto.FLOAT, "N", 4),
        _value("scores", TensorProto.FLOAT, "N"),
        _value("five_points", TensorProto.FLOAT, "N", 5, 2),
    ]
    inputs = [_value("image", TensorProto.UINT8, 1, "H", "W", 3)]
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny_detector", inputs, outputs, initializers)
    return _save(path, graph, {"score_threshold": "0.6", "nms_iou": "0.3", "licence": "none"})
