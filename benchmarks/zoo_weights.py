"""Random weights that keep rounding as small as learnt ones do, for rows without weights of their own.

Four things made much of the last digit of plain random weights:

* A ReLU after a batch norm without bias passes half of the error's variance and a third (1/2 - 1/(2 pi))
  of the signal's: noise grows by sqrt(pi / (pi - 1)) = 1.21 a layer, hundredfold in 25 (the exploding
  gradients of Yang et al. 2019, "A mean field theory of batch normalization"). With a bias of 1.5 standard
  deviations the factor is 1.025; with much more of it the level swamps the signal.
* Pictures without texture: random depthwise kernels whose sum is near zero leave next to nothing of them but
  the rounding, which the norm then enlarges. Photographs have texture.
* Branches as loud as the way they are added to. Learnt ones are quieter.
* Points all over the plane are resolved in px of the plane. Some heads, besides, look where they think a
  point lies, and take the logit of its place: outside it is cut off at the crop's border, where the logit is
  steepest. Points that vary by a tenth of the crop side lie inside.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from canthus.export import random_crops
from canthus.models.landmarker import Landmarker

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
#: Mean of what a ReLU gets, in standard deviations.
BIAS = 1.5
#: What the norm at the end of a branch gives, against the others.
QUIET = 0.3
#: Channels from which on weights are centred over the channels that come in.
MANY = 16
#: Linear layers of so few outputs a token, or of two a landmark, give places and spreads. They vary by so
#: much, in shares of the crop side, as those of a face do.
FEW, PLACES = 5, 0.1
#: Level and spread of the maps that the last layer is set to: positive, with peaks below 1.
LEVEL, SPREAD = 0.5, 0.1
#: Pictures that the running statistics are measured on, and their seed: others than those compared.
PICTURES, SEED = 4, 1

#: What smooth pictures keep of their contrast, and the deviation of the grain laid over them, grey levels.
CONTRAST, GRAIN = 0.75, 32

Hook = Callable[[nn.Linear, tuple[Tensor, ...], Tensor], Tensor]


@torch.no_grad()
def enliven(landmarker: Landmarker, size: int) -> None:
    """Random weights under which every layer says something: He's, norms that fit what reaches them.

    The level that all channels share after a ReLU cancels, or two pictures would look alike to deep layers.
    """
    generator = torch.Generator().manual_seed(0)
    ends = branch_ends(landmarker)
    for module in landmarker.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            inputs = 0 if isinstance(module, nn.ConvTranspose2d) else 1
            if module.weight.shape[inputs] >= MANY:
                module.weight.sub_(module.weight.mean(inputs, keepdim=True))
        elif isinstance(module, NORMS):
            loud = QUIET if module in ends else 1.0
            nn.init.uniform_(module.weight, 0.5 * loud, 1.5 * loud, generator=generator)
            nn.init.normal_(module.bias, BIAS, 0.1, generator=generator)
            module.bias.mul_(module.weight)
            module.momentum = 1.0
    images = landmarker.normalize(torch.from_numpy(pictures(size, count=PICTURES, seed=SEED)))
    for module in landmarker.modules():
        module.train(isinstance(module, NORMS))
    handles = [layer.register_forward_hook(hook) for layer, hook in linear_hooks(landmarker)]
    landmarker(images)
    for handle in handles:
        handle.remove()
    landmarker.eval()
    last = getattr(landmarker.head, "last", None)
    if "heatmap" in landmarker.codec.fields and isinstance(last, nn.Conv2d):
        last.weight.mul_(SPREAD / landmarker.predict(images)["heatmap"].std())
        if last.bias is not None:
            last.bias.add_(LEVEL - landmarker.predict(images)["heatmap"].mean())


def pictures(size: int, *, count: int, seed: int) -> NDArray[np.uint8]:
    """Random pictures (count, size, size, 3) with large patches and grain."""
    smooth = random_crops(size, count=count, seed=seed).astype(np.float32)
    grain = np.random.default_rng(seed).normal(0, GRAIN, smooth.shape)
    return np.asarray((CONTRAST * (smooth - 128) + 128 + grain).clip(0, 255).astype(np.uint8))


def branch_ends(network: nn.Module) -> set[nn.Module]:
    """Norms that nothing of their sequence follows, as at the end of a branch beside a shortcut."""
    sequences = [
        sequence
        for name, sequence in network.named_modules()
        if isinstance(sequence, nn.Sequential) and len(sequence) and "shortcut" not in name
    ]
    return {sequence[-1] for sequence in sequences if isinstance(sequence[-1], NORMS)}


def linear_hooks(landmarker: Landmarker) -> list[tuple[nn.Linear, Hook]]:
    """The linear layers that one forward pass sets by what it gives, and how."""
    modules = list(landmarker.modules())
    pairs = [
        pair for sequence in modules if isinstance(sequence, nn.Sequential) for pair in pairwise(sequence)
    ]
    found: list[tuple[nn.Linear, Hook]] = [
        (layer, _lift)
        for layer, after in pairs
        if isinstance(layer, nn.Linear) and isinstance(after, nn.ReLU | nn.GELU)
    ]
    places = (*range(1, FEW + 1), 2 * len(landmarker.codec.scheme))
    layers = [module for module in modules if isinstance(module, nn.Linear) and module.out_features in places]
    return [*found, *((layer, _scale) for layer in layers)]


def _lift(layer: nn.Linear, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor:
    """The layer's output, and from now on the layer, `BIAS` of its deviations above 0."""
    varying = out - layer.bias
    layer.bias.fill_(BIAS * varying.std().item())
    return varying + layer.bias


def _scale(layer: nn.Linear, inputs: tuple[Tensor, ...], out: Tensor) -> Tensor:
    """The layer's output, and from now on the layer, varying by `PLACES` around its bias."""
    varying = out - layer.bias
    factor = PLACES / varying.std()
    layer.weight.mul_(factor)
    return varying * factor + layer.bias
