"""`canthus doctor`: what is installed, and whether a dataset is whole."""

from __future__ import annotations

import importlib.metadata
import platform
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime

from canthus import __version__
from canthus.cache import cache_folder
from canthus.commands.splits import Split
from canthus.datasets import SampleList
from canthus.runtime.models import BUNDLED, model_file

PACKAGES = {
    "base": (
        "numpy",
        "opencv-python-headless",
        "Pillow",
        "onnxruntime",
        "PyYAML",
        "pydantic",
        "rich",
        "typer",
    ),
    "train": (
        "torch",
        "accelerate",
        "safetensors",
        "tensorboard",
        "onnx",
        "onnxscript",
        "onnxslim",
    ),
    "mat": ("scipy", "h5py"),
    "plot": ("matplotlib",),
    "tables": ("pyarrow",),
}
SHOWN = 20  # problems that are listed one by one


def doctor(
    dataset: str | None, root: Path | None = None, split: str | None = None, scheme: str | None = None
) -> int:
    """Print the state of the installation, and of a dataset where one is named; 1 when that is not whole."""
    given = {"--root": root, "--split": split, "--scheme": scheme}
    unused = [name for name, value in given.items() if value is not None]
    if dataset is None and unused:
        raise ValueError(f"{', '.join(unused)}: of which dataset? add --dataset NAME")
    data = None if dataset is None else Split(dataset, root or Path(), split, scheme)
    if data is not None:
        data.reader(), data.name(), data.asked_scheme()  # a wrong name is bad usage, not a fault of the data
    lines = [*_installation(), *_devices(), *_models(), f"cache: {cache_folder()}"]
    sys.stdout.write("\n".join(lines) + "\n")
    if data is None:
        return 0
    lines, whole = examine(data)
    sys.stdout.write("\n".join(["", *lines]) + "\n")
    return 0 if whole else 1


def _installation() -> list[str]:
    lines = [f"canthus {__version__}", f"python {platform.python_version()} on {platform.platform()}"]
    for extra, packages in PACKAGES.items():
        found = {name: _version(name) for name in packages}
        absent = [name for name, version in found.items() if version is None]
        lines.append(
            f"{extra}: " + ", ".join(f"{name} {version}" for name, version in found.items() if version)
        )
        if absent:
            lines.append(
                f"  absent: {', '.join(absent)}"
                + (f" (pip install 'canthus[{extra}]')" if extra != "base" else "")
            )
    return lines


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    lines = [f"onnxruntime providers: {', '.join(onnxruntime.get_available_providers())}"]
    if _version("torch") is not None:
        try:
            import torch

            count = torch.cuda.device_count()
            names = ", ".join(torch.cuda.get_device_name(i) for i in range(count)) or "none"
            lines.append(f"torch devices: cpu ({torch.get_num_threads()} threads), cuda: {names}")
        except (ImportError, OSError, RuntimeError) as error:
            lines.append(f"torch devices: torch does not start ({' '.join(str(error).split())[:200]})")
    return lines


def _models() -> list[str]:
    rows = {name: model_file(name) for name in BUNDLED}
    rows["face_detector"] = next(iter(rows.values())).with_name("face_detector.onnx")
    found = (f"{path.stat().st_size / 1e6:.2f} MB" if path.is_file() else "absent" for path in rows.values())
    return [f"bundled {name}: {state}" for name, state in zip(rows, found, strict=True)]


def examine(data: Split) -> tuple[list[str], bool]:
    """Lines about a split on disk, and whether it is whole and usable."""
    problems: list[str] = []
    try:
        reader, scheme = data.reader(), data.asked_scheme()
        lines = [f"dataset {reader.name}, split {data.name()}, root {data.root}"]
        dataset = reader(data.root, data.name(), scheme=scheme, allow_missing=True, report=problems.append)
    except (ValueError, OSError, ImportError) as error:
        return [" ".join(str(error).split())], False
    lines += _counts(dataset, problems)
    lines += [f"missing: {name}" for name in dataset.missing[:SHOWN]] + _rest(len(dataset.missing))
    lines += [f"unusable: {text}" for text in problems[:SHOWN]] + _rest(len(problems))
    whole = not problems and not dataset.missing and len(dataset) > 0
    if not whole:
        lines += [f"expected: {reader.tree}", f"the data comes from: {reader.source}"]
    return [*lines, "whole" if whole else "not whole"], whole


def _rest(count: int) -> list[str]:
    return [f"  ... and {count - SHOWN} more"] if count > SHOWN else []


def _counts(dataset: SampleList, problems: list[str]) -> list[str]:
    samples = list(dataset)
    pictures = {str(sample.image) for sample in samples}
    suffixes = Counter(Path(name).suffix for name in pictures)
    kinds = ", ".join(f"{count} {suffix}" for suffix, count in sorted(suffixes.items()))
    lines = [f"faces: {len(samples)} in {len(pictures)} pictures ({kinds}), scheme {dataset.scheme.name}"]
    lines.append(f"groups: {len({sample.group for sample in samples})}")
    if samples:
        positions = np.stack([~np.isnan(sample.points).any(-1) for sample in samples])
        visibility = np.stack([sample.visibility for sample in samples])
        stated = int((~np.isnan(visibility)).sum())
        lines.append(
            f"points with a position: {positions.mean():.1%}; "
            f"visibility stated: {stated / visibility.size:.1%}"
        )
    subsets = Counter(
        tag for sample in samples for tag, value in sample.tags.items() if tag.startswith("subset/") and value
    )
    lines += [f"{name}: {count}" for name, count in sorted(subsets.items())]
    return [*lines, f"missing parts or pictures: {len(dataset.missing)}; unusable files: {len(problems)}"]
