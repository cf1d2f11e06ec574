"""Starting a backbone from weights that were trained on pictures of things (ImageNet)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from canthus.checkpoints.official import Conversion, Converter, read_state

COUNTER = ".num_batches_tracked"  # older files do not have it; it starts at 0


def load_pretrained(path: Path, backbone: nn.Module, converter: Converter) -> Conversion:
    """Put the weights of a published classifier (.pth) into `backbone`, which is changed in place.

    Names may stand below `backbone.` or alone. What is not of the backbone, as the classifier's last
    layers, is dropped and named. ValueError where a tensor of the backbone is missing or has another shape.
    """
    own = backbone.state_dict()
    found = convert_backbone(read_state(path), own, converter)
    missing = [name for name in own if name not in found.state and not name.endswith(COUNTER)]
    wrong = [
        f"{name} has shape {tuple(value.shape)}, expected {tuple(own[name].shape)}"
        for name, value in found.state.items()
        if value.shape != own[name].shape
    ]
    if missing or wrong:
        problems = "; ".join([*(f"missing {name}" for name in missing), *wrong])
        raise ValueError(f"{path}: these are not weights of that backbone: {problems}")
    backbone.load_state_dict(found.state, strict=False)
    return found


def convert_backbone(
    state: Mapping[str, Tensor], own: Mapping[str, Tensor], converter: Converter
) -> Conversion:
    """The official tensors that are in `own`, without `backbone.` in their names; the rest is dropped."""
    nested = any(name.startswith("backbone.") for name in state)
    out, dropped = dict[str, Tensor](), list[str]()
    for official, value in state.items():
        name = converter.name(official if nested else f"backbone.{official}").removeprefix("backbone.")
        if name in own:
            out[name] = value
        else:
            dropped.append(official)
    return Conversion(out, tuple(dropped))
