"""The whole network: backbone -> neck -> head, and its codec."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from canthus.codecs import Codec, Decoded, Outputs, Stages, prediction
from canthus.sample import Annotations


class Landmarker(nn.Module):
    """Normalised images (B, 3, S, S) -> `Outputs`; `locate` decodes them.

    A network that is supervised at several stages gives a list of outputs; `predict` gives the last of them.

    `mean` and `std` are per RGB channel in grey levels; `normalize` applies them to uint8 crops and gives
    the channels the `order` that the network was taught.
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
        order: Literal["rgb", "bgr"] = "rgb",
    ) -> None:
        super().__init__()
        self.backbone, self.neck, self.head, self.codec = backbone, neck, head, codec
        self.order = order
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1), persistent=False)

    def normalize(self, crops: Tensor) -> Tensor:
        """uint8 RGB crops (B, S, S, 3) as normalised images (B, 3, S, S) float32, in the network's order."""
        images = (crops.permute(0, 3, 1, 2).float() - self.mean) / self.std
        return images if self.order == "rgb" else images.flip(1)

    def forward(self, images: Tensor) -> Outputs | Stages:
        """Named fields of the codec, of every stage that is taught."""
        maps = self.backbone(images)
        outputs: Outputs | Stages = self.head(maps if self.neck is None else self.neck(maps))
        return outputs

    @torch.no_grad()
    def learn_labels(self, labels: Annotations) -> None:
        """Let a head that starts from the labels' mean take it from those of the training (crop px)."""
        learn = getattr(self.head, "learn_mean_face", None)
        if learn is not None:
            target = self.codec.encode(labels)["points"]
            learn(torch.where(target.weight[..., None] > 0, target.value, torch.nan))

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
