"""Backbones that start from a published classifier."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from canthus.checkpoints import CONVERTERS
from canthus.checkpoints.pretrained import load_pretrained
from canthus.models.backbones.resnet import ResNet
from canthus.models.residual import Residual


def torchvision_resnet(network: ResNet) -> dict[str, Tensor]:
    """The state of a ResNet of one bottleneck a stage under torchvision's names, with a classifier."""

    def layer(module: nn.Module, convolution: str, norm: str) -> dict[str, Tensor]:
        assert isinstance(module, nn.Sequential)
        entries = {f"{convolution}.weight": module[0].weight}
        return entries | {f"{norm}.{entry}": value for entry, value in module[1].state_dict().items()}

    state = layer(network.stem[0], "conv1", "bn1")
    for number, stage in enumerate(network.stages, start=1):
        assert isinstance(stage, nn.Sequential) and isinstance(stage[0], Residual)
        for i, part in enumerate(stage[0].layers, start=1):
            state |= layer(part, f"layer{number}.0.conv{i}", f"layer{number}.0.bn{i}")
        state |= layer(stage[0].shortcut, f"layer{number}.0.downsample.0", f"layer{number}.0.downsample.1")
    state |= {"fc.weight": torch.zeros(10, 64), "fc.bias": torch.zeros(10)}
    return {name: torch.rand_like(value.float()) for name, value in state.items()}


def backbone() -> ResNet:
    return ResNet(width=8, depths=(1, 1))


@pytest.mark.parametrize("prefix", ["", "backbone.", "module."])
@pytest.mark.parametrize("counters", [True, False])
def test_a_classifier_without_its_last_layer(prefix: str, counters: bool, tmp_path: Path) -> None:
    state = torchvision_resnet(backbone())
    kept = {name: v for name, v in state.items() if counters or not name.endswith("num_batches_tracked")}
    path = tmp_path / "resnet.pth"
    torch.save({f"{prefix}{name}": value for name, value in kept.items()}, path)
    network = backbone()
    found = load_pretrained(path, network, CONVERTERS["resnet"])
    assert len(found.state) == len(kept) - 2
    assert [name.rsplit(".", 2)[-2] for name in found.dropped] == ["fc", "fc"]
    assert torch.equal(network.stages[1][0].layers[1][0].weight, state["layer2.0.conv2.weight"])
    assert torch.equal(
        network.stages[0][0].shortcut[1].running_var, state["layer1.0.downsample.1.running_var"]
    )


def test_weights_of_another_backbone(tmp_path: Path) -> None:
    state = torchvision_resnet(backbone())
    del state["bn1.weight"]
    state["conv1.weight"] = torch.zeros(8, 3, 3, 3)
    torch.save(state, tmp_path / "resnet.pth")
    with pytest.raises(
        ValueError, match=r"missing stem\.0\.1\.weight; stem\.0\.0\.weight has shape \(8, 3, 3, 3\)"
    ):
        load_pretrained(tmp_path / "resnet.pth", backbone(), CONVERTERS["resnet"])
