"""Published checkpoints: reading them safely, and giving their tensors our names."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from canthus.recipe import Recipe

#: Where published files keep the weights, if they are not the file itself.
WRAPPERS = ("state_dict", "model", "net", "net_recon", "pfld_backbone", "plfd_backbone")
#: Further networks beside the weights, whose names are prefixed with these.
BESIDE = ("auxiliarynet",)
#: The record of a training beside the weights may hold numpy numbers (the best score), which are let in.
_SCALAR = np.float64(0).__reduce__()[0]
NUMPY_NUMBERS: list[Any] = [
    np.dtype,
    (_SCALAR, "numpy.core.multiarray.scalar"),
    (_SCALAR, "numpy._core.multiarray.scalar"),
    *(type(np.dtype(name)) for name in ("float64", "float32", "int64")),
]


@dataclass(frozen=True)
class Conversion:
    """Our name -> tensor, the official names of the tensors that were dropped as dead, and our names of those
    that the file may lack and lacks, which stay as they were built."""

    state: dict[str, Tensor]
    dropped: tuple[str, ...]
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class Converter:
    """How the tensors of one published network become ours.

    `renames` are (pattern, replacement) pairs, each applied to every name in turn. `dead` are patterns of
    official names that the published forward pass never uses; `unbuilt` are (pattern, our prefix) pairs of
    those that it uses in some variants only, dead where our network has nothing of that prefix. `shared` are
    pairs of our prefixes: where the official network has one layer for two of ours, the first takes the
    tensors of the second. `sign` is a pattern found in the names of this network's weights alone. `fresh` are
    our prefixes of layers that the classifier does not have from which the published training starts.
    `optional` are patterns of our names that a file may lack: constants, and what only training uses. `fit`
    changes a recipe to the published version of its network that the tensors are of, where there are several.
    `arrange` brings official tensors into other shapes, first of all.
    """

    renames: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...]
    dead: tuple[str, ...] = ()
    unbuilt: tuple[tuple[str, str], ...] = ()
    shared: tuple[tuple[str, str], ...] = ()
    sign: str = ""
    fresh: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    fit: Callable[[Recipe, Mapping[str, Tensor]], Recipe] = lambda recipe, state: recipe
    arrange: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = lambda state: state

    def claims(self, names: str) -> bool:
        """Whether official names, one a line, are of this network's weights."""
        return bool(self.sign) and re.search(self.sign, names) is not None

    def name(self, official: str) -> str:
        """Our name of a tensor."""
        for pattern, replacement in self.renames:
            official = re.sub(pattern, replacement, official)
        return official

    def convert(self, state: Mapping[str, Tensor], own: Mapping[str, Tensor], where: str) -> Conversion:
        """Every tensor of `own` (name -> tensor of the right shape) from an official `state`.

        ValueError lists all names that are unknown, missing, doubled or of another shape.
        """
        state = self.arrange(state)
        absent = [p for p, prefix in self.unbuilt if not any(name.startswith(prefix) for name in own)]
        out: dict[str, Tensor] = {}
        dropped, unknown, wrong = list[str](), list[str](), list[str]()
        for official, value in state.items():
            name = self.name(official)
            if name not in own:
                is_dead = any(re.match(pattern, official) for pattern in (*self.dead, *absent))
                (dropped if is_dead else unknown).append(official)
            elif name in out:
                wrong.append(f"{official} stands for {name} a second time")
            elif own[name].shape != value.shape:
                wrong.append(f"{official} has shape {tuple(value.shape)}, expected {tuple(own[name].shape)}")
            else:
                out[name] = value
        out |= self.doubles(out, own)
        named = {self.name(official) for official in state}
        absent_names = [name for name in own if name not in out and name not in named]
        kept = [name for name in absent_names if any(re.match(p, name) for p in self.optional)]
        missing = [name for name in absent_names if name not in kept]
        if unknown or missing or wrong:
            raise ValueError(_complaint(where, unknown=unknown, missing=missing, wrong=wrong))
        return Conversion(out, tuple(dropped), tuple(kept))

    def doubles(self, found: Mapping[str, Tensor], own: Iterable[str]) -> dict[str, Tensor]:
        """The tensors of `own` that `found` lacks and that the official network shares with another layer."""
        pairs = ((name, name.replace(a, b, 1)) for a, b in self.shared for name in own if name.startswith(a))
        return {name: found[source] for name, source in pairs if name not in found and source in found}


def residual_layer(match: re.Match[str]) -> str:
    """Our name of `bn2` or `conv2` (two groups) of a published residual block that norms before it convolves:
    norm and convolution of the block's second layer."""
    return f".layers.{int(match[2]) - 1}.{0 if match[1] == 'bn' else 2}."


def read_state(path: Path) -> dict[str, Tensor]:
    """Official name -> tensor of a .pth file, bare or wrapped, without `module.` prefixes; no code is run.

    ValueError for a file that is damaged, holds more than plain data, or holds no weights.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    try:
        with torch.serialization.safe_globals(NUMPY_NUMBERS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a file of another kind, which the error tells
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes the unpickler fail in any way
        foreign = re.search(r"GLOBAL (\S+)", str(error))
        if foreign:
            raise ValueError(
                f"{path}: found {foreign[1]} beside the weights, expected tensors and plain values; no code "
                "that a file names is run: save its state_dict alone with the program that made it"
            ) from None
        if "TorchScript" in str(error):
            raise ValueError(
                f"{path}: found a TorchScript archive, which is a program; expected its tensors alone: "
                "torch.save(torch.jit.load(FILE, map_location='cpu').state_dict(), OUT) keeps them"
            ) from None
        reason = re.split(r"\n|\. ", f"{type(error).__name__}: {error}")[0]
        raise ValueError(
            f"{path}: not readable as a PyTorch checkpoint; is the download whole? ({reason})"
        ) from None
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            whole, content = content, dict(content[wrapper])
            for name in BESIDE:
                further = whole.get(name)
                if isinstance(further, Mapping):
                    content |= {f"{name}.{key}": value for key, value in further.items()}
            break
    if not isinstance(content, Mapping) or not content:
        raise ValueError(f"{path}: found {type(content).__name__}, expected names and tensors")
    plain = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if plain:
        raise ValueError(
            f"{path}: found no tensors at {_listed(plain)}; expected names and tensors, "
            f"bare or under {' or '.join(WRAPPERS)}"
        )
    return {
        re.sub(r"(^|(?<=auxiliarynet\.))module\.", "", str(name)): value for name, value in content.items()
    }


def _complaint(where: str, **problems: list[str]) -> str:
    counts = ", ".join(f"{len(names)} {kind}" for kind, names in problems.items() if names)
    lists = "; ".join(f"{kind}: {_listed(names)}" for kind, names in problems.items() if names)
    return f"{where}: these are not the weights of that network ({counts}); {lists}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
