"""How the published networks start where no pretrained weights are given."""

from __future__ import annotations

from torch import nn

from canthus.models.residual import Residual


def initialize_normal(network: nn.Module, std: float = 0.001) -> None:
    """Weights of all convolutions from N(0, std), biases 0."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, std=std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def initialize_kaiming(network: nn.Module) -> None:
    """Weights of all convolutions for ReLU (He et al. 2015, by outputs); residual branches start at 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, Residual):
            last = list(module.layers.modules())[-1]
            assert isinstance(last, nn.BatchNorm2d)
            nn.init.zeros_(last.weight)
