"""One ONNX file on ONNX Runtime: arrays in, named arrays out."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray


class Session:
    """An ONNX model, on the CPU unless told otherwise.

    `path_or_bytes`: the file or its content. `threads`: inside one operator; None leaves it to ONNX Runtime.
    `provider`: where it runs, by ONNX Runtime's name; what that cannot do runs on the CPU.
    Raises `FileNotFoundError` for a missing file, `ValueError` for one that is no ONNX model.
    """

    def __init__(
        self,
        path_or_bytes: str | Path | bytes,
        *,
        threads: int | None = None,
        provider: str = "CPUExecutionProvider",
    ) -> None:
        if threads is not None and threads < 1:
            raise ValueError(f"threads: found {threads}, expected at least 1")
        self.name = "ONNX model" if isinstance(path_or_bytes, bytes) else str(path_or_bytes)
        if not isinstance(path_or_bytes, bytes) and not Path(path_or_bytes).is_file():
            raise FileNotFoundError(f"{path_or_bytes}: no such model file")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Waiting threads that spin cost 2.5 times the time on a machine that does anything else.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        if threads is not None:
            options.intra_op_num_threads = threads
        model = path_or_bytes if isinstance(path_or_bytes, bytes) else str(path_or_bytes)
        providers = list(dict.fromkeys((provider, "CPUExecutionProvider")))
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=providers)
        except Exception as error:  # ONNX Runtime has its own classes, all derived from Exception
            reason = " ".join(str(error).split())
            raise ValueError(f"{self.name}: not a usable ONNX model ({reason[:300]})") from error
        _give_back_memory()
        self.metadata: dict[str, str] = dict(self._session.get_modelmeta().custom_metadata_map)
        self.inputs: tuple[str, ...] = tuple(item.name for item in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(item.name for item in self._session.get_outputs())

    def input_shape(self, name: str) -> tuple[int | str | None, ...]:
        """Declared shape of an input; names or None where it is free."""
        return tuple(self._input(name).shape)

    def input_dtype(self, name: str) -> np.dtype[Any]:
        """Declared element type of an input."""
        declared = str(self._input(name).type).removeprefix("tensor(").removesuffix(")")
        return np.dtype({"float": "float32", "double": "float64"}.get(declared, declared))

    def run(self, **arrays: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Every output by name for the named inputs."""
        if set(arrays) != set(self.inputs):
            raise ValueError(f"{self.name}: found inputs {sorted(arrays)}, expected {sorted(self.inputs)}")
        return dict(zip(self.outputs, self._session.run(None, arrays), strict=True))

    def _input(self, name: str) -> onnxruntime.NodeArg:
        for item in self._session.get_inputs():
            if item.name == name:
                return item
        raise ValueError(f"{self.name}: no input {name!r}; it has {', '.join(self.inputs)}")


def _give_back_memory() -> None:
    """Hand what is free to the system: loading a network leaves the size of its weights twice over unused,
    which glibc would keep."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # other C libraries have none
        if trim is not None:
            trim(0)
