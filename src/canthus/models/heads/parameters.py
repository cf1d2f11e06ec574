"""The parameters of a shape model from the pooled deepest map, for the codecs of such models."""

from __future__ import annotations

from torch import Tensor, nn

from canthus.models.heads.attributes import Shapes, refuse_others


class ParametersHead(nn.Module):
    """[..., deepest map (B, C, h, h)] -> `parameters` (B, P): its mean over the cells, one linear layer."""

    def __init__(self, channels: tuple[int, ...], fields: Shapes, *, dropout: float = 0.0) -> None:
        super().__init__()
        refuse_others(fields, {"parameters"})
        self.dropout = nn.Dropout(dropout)
        self.parameters_of = nn.Linear(channels[-1], fields["parameters"][0])
        nn.init.normal_(self.parameters_of.weight, std=0.001)
        nn.init.zeros_(self.parameters_of.bias)

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Field name -> tensor."""
        pooled = maps[-1].mean((2, 3))
        return {"parameters": self.parameters_of(self.dropout(pooled)).float()}
