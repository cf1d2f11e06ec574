"""Starting a backbone from the weights of a published classifier (ImageNet)."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from canthus.checkpoints.official import Conversion, Converter, read_state

#: Older files do not have the number of batches seen; it starts at 0.
COUNTER = ".num_batches_tracked"


def load_pretrained(path: Path, backbone: nn.Module, converter: Converter) -> Conversion:
    """Put the weights of a published classifier (.pth) into `backbone`, which is changed in place.

    Names may stand below `backbone.` or alone. What is not of the backbone, as the classifier's last
    layers, is dropped and named. ValueError lists the tensors of the backbone that are missing or have
    another shape; what the classifier lacks by design (`Converter.fresh`) keeps its start.
    """
    own = {f"backbone.{name}": value for name, value in backbone.state_dict().items()}
    state = read_state(path)
    nested = any(name.startswith("backbone.") for name in state)
    found, dropped = {}, []
    for official, value in state.items():
        name = converter.name(official if nested else f"backbone.{official}")
        if name in own:
            found[name] = value
        else:
            dropped.append(official)
    found |= converter.doubles(found, own)
    missing = [
        name
        for name in own
        if name not in found and not name.endswith(COUNTER) and not name.startswith(converter.fresh)
    ]
    wrong = [
        f"{name} has shape {tuple(value.shape)}, expected {tuple(own[name].shape)}"
        for name, value in found.items()
        if value.shape != own[name].shape
    ]
    if missing or wrong:
        problems = "; ".join([*(f"missing {name}" for name in missing), *wrong])
        raise ValueError(
            f"{path}: these are not weights of that backbone, {len(missing)} of its {len(own)} tensors are "
            f"missing and {len(wrong)} have another shape: {problems}"
        )
    backbone.load_state_dict({k.removeprefix("backbone."): v for k, v in found.items()}, strict=False)
    return Conversion(found, tuple(dropped))
