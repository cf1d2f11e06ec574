"""Covariance, visibility and presence from the pooled deepest map; shared by the heads."""

from __future__ import annotations

from torch import Tensor, nn

Shapes = dict[str, tuple[int, ...]]
ATTRIBUTES = ("cholesky", "visibility", "presence")


class Attributes(nn.Module):
    """Deepest map (B, C, H, W) -> those of cholesky, visibility, presence that are among the `fields`."""

    def __init__(self, channels: int, fields: Shapes, *, hidden: int = 128) -> None:
        super().__init__()
        self.shapes = {name: fields[name] for name in ATTRIBUTES if name in fields}
        self.hidden = (
            nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(inplace=True))
            if self.shapes
            else nn.Identity()
        )
        self.layers = nn.ModuleDict(
            {name: nn.Linear(hidden, _size(shape)) for name, shape in self.shapes.items()}
        )

    def forward(self, deepest: Tensor) -> dict[str, Tensor]:
        """Field name -> (B, *shape)."""
        if not self.shapes:
            return {}
        x = self.hidden(deepest.mean((2, 3)))
        return {name: layer(x).reshape(-1, *self.shapes[name]) for name, layer in self.layers.items()}


def refuse_others(fields: Shapes, given: set[str]) -> None:
    """ValueError for a codec with fields that a head does not give."""
    if set(fields) != given:
        named = ", ".join(sorted(given))
        raise ValueError(f"found a codec with the fields {sorted(fields)}, this head gives {named} alone")


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size
