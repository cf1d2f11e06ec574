"""The whole network: backbone -> neck -> head, and its codec."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.codecs import Codec, Decoded, Outputs, Stages, prediction


class Landmarker(nn.Module):
    """Normalised images (B, 3, S, S) -> `Outputs`; `locate` decodes them.

    A network that is supervised at several stages gives a list of outputs; `predict` gives the last of them.

    `mean` and `std` are per RGB channel in grey levels; `normalize` applies them to uint8 crops.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        neck: nn.Module | None,
        head: nn.Module,
        codec: Codec,
        *,
        mean: tuple[float, float, float] = (127.5, 127.5, 127.5),
        std: tuple[float, float, float] = (127.5, 127.5, 127.5),
    ) -> None:
        super().__init__()
        self.backbone, self.neck, self.head, self.codec = backbone, neck, head, codec
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1), persistent=False)

    def normalize(self, crops: Tensor) -> Tensor:
        """uint8 RGB crops (B, S, S, 3) as normalised images (B, 3, S, S) float32."""
        return (crops.permute(0, 3, 1, 2).float() - self.mean) / self.std

    def forward(self, images: Tensor) -> Outputs | Stages:
        """Named fields of the codec, of every stage that is taught."""
        maps = self.backbone(images)
        outputs: Outputs | Stages = self.head(maps if self.neck is None else self.neck(maps))
        return outputs

    def predict(self, images: Tensor) -> Outputs:
        """Named fields of the codec."""
        return prediction(self(images))

    def locate(self, images: Tensor) -> Decoded:
        """Points in crop px and what else the outputs tell."""
        decoded: Decoded = self.codec.decode(self.predict(images))
        return decoded

    def flipped_outputs(self, images: Tensor) -> Outputs:
        """The flip test: the mean of the outputs for the images and for their mirror images."""
        straight = self.predict(images)
        mirrored = self.codec.mirror(self.predict(images.flip(-1)), self.codec.scheme)
        return {name: (straight[name] + mirrored[name]) / 2 for name in straight}
