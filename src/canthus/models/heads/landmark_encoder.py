"""Landmarks as tokens: found beside the cells of the deepest map, then refined from samples of all maps.

The head of face_key_points (yeyuxmf, Apache-2.0), after Dai et al. 2024, "Cephalometric landmark regression
with CNN + dual encoder".
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate

from canthus.codecs.codec import Outputs, Stages
from canthus.models.heads.attributes import Shapes
from canthus.models.transformer import Block, index_sinusoid, position_map

#: Channels of one attention head.
HEAD_WIDTH = 64
#: First factors of the sampled maps, from the coarsest to the finest but one, and of the finest of four.
FACTORS, FINEST_FACTOR = (1.0, 0.4, 0.6), 0.8
#: Where the factors of the levels' samples start, and the first points.
HALF = 0.5
#: The spread of the errors, and how many numbers state it.
SPREADS = {"sigma": 2, "cholesky": 3}


class LandmarkEncoder(nn.Module):
    """Maps (B, C, h, w), finest first, of one width -> `points` (B, K, 2) and their spread at every stage.

    The first stage are `encoder` blocks over the cells of the doubled deepest map and one token a landmark;
    each of `decoder` blocks over the landmarks alone is a further stage. `positions` are the channels of the
    deepest map's position code, halved with each finer map; 0 for none. With `maps` the last of the maps is
    one of any width, from which the first stage tells coarse maps of the first so many landmarks.
    """

    index: Tensor

    def __init__(
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        *,
        encoder: int = 2,
        decoder: int = 3,
        positions: int = 128,
        maps: int = 0,
    ) -> None:
        super().__init__()
        spread = [name for name in SPREADS if name in fields]
        levels = len(channels) - bool(maps)
        width, count = channels[0], fields["points"][0]
        if set(channels[:levels]) != {width} or set(fields) - {"points", *spread}:
            raise ValueError(
                f"landmark_encoder: found maps of {channels} channels and the fields {sorted(fields)}, "
                "expected one width for all, and points with or without covariance"
            )
        if min(encoder, decoder) < 1 or not 0 <= maps <= count:
            raise ValueError(
                f"found {encoder} encoder and {decoder} decoder blocks and {maps} maps, expected 1 or more "
                f"of each and up to {count} maps, one a landmark"
            )
        self.positions, self.spread = positions, spread[0] if spread else None
        numbers = SPREADS[self.spread] if self.spread else 0
        heads = max(1, width // HEAD_WIDTH)
        self.register_buffer("index", index_sinusoid(count, width), persistent=False)
        self.maps = nn.Conv2d(channels[-1], maps, 1) if maps else None
        self.encoder = nn.ModuleList(Block(width, heads) for _ in range(encoder))
        last = nn.Linear(256, 2 + numbers)
        nn.init.constant_(last.bias[:2], HALF)
        self.first = nn.Sequential(nn.Linear(width, 256), nn.ReLU(inplace=True), last)
        self.decoder = nn.ModuleList(Level(width, heads, numbers) for _ in range(decoder))
        self.factors = _factors(levels)
        self.level_factors = nn.Parameter(torch.tensor([1.0, *[HALF] * (decoder - 1)]))
        self.places = self.place_factors = self.level_place_factors = None
        if positions:
            self.places = nn.ModuleList(
                nn.Conv2d(positions >> level, width, 1, bias=False) for level in range(levels)
            )
            self.place_factors = _factors(levels)
            self.level_place_factors = nn.Parameter(torch.full((decoder,), HALF))

    def forward(self, maps: list[Tensor]) -> Stages:
        """The outputs of every stage; always in float32: half precision resolves half a px at best."""
        device = maps[0].device.type
        if device != "meta" and torch.is_autocast_enabled(device):
            with torch.autocast(device, enabled=False):
                return self._stages([x.float() for x in maps])
        return self._stages(maps)

    def _stages(self, maps: list[Tensor]) -> Stages:
        kept = maps if self.maps is None else maps[:-1]
        deepest_first = kept[::-1]
        placed = self._place(deepest_first)
        stages = [self._find(deepest_first[0], placed[0] if placed else None)]
        if self.maps is not None:
            stages[0]["maps"] = self.maps(maps[-1])
        points = stages[0]["points"].detach()
        tokens = torch.zeros_like(self.index)
        for number, level in enumerate(self.decoder):
            assert isinstance(level, Level)
            found = self.level_factors[number] * self._sample(deepest_first, points.detach())
            tokens = level.block(tokens + found + self._position(placed, points.detach(), number))
            out, spread = level.read(tokens, points)
            stages.append(self._named(out, spread))
            points = level.moved(tokens, points)
        return stages

    def _place(self, maps: list[Tensor]) -> list[Tensor]:
        """The position codes (1, C, h, w) of the maps."""
        if self.places is None:
            return []
        codes = [
            position_map(x.shape[2], x.shape[3], self.positions >> i).to(x)[None] for i, x in enumerate(maps)
        ]
        return [layer(code) for layer, code in zip(self.places, codes, strict=True)]

    def _find(self, deepest: Tensor, placed: Tensor | None) -> Outputs:
        """The first stage."""
        cells = _double(deepest).flatten(2).mT  # (B, 4 h w, C)
        positions = torch.zeros_like(cells[:1]) if placed is None else _double(placed).flatten(2).mT
        positions = torch.cat([positions, self.index[None]], 1)
        count = len(self.index)
        tokens = torch.cat([cells, cells.new_zeros(cells.shape[0], count, cells.shape[-1])], 1)
        for block in self.encoder:
            tokens = block(tokens + positions)
        out = self.first(tokens[:, -count:]).float()
        return self._named(out[..., :2], out[..., 2:])

    def _sample(self, maps: list[Tensor], points: Tensor) -> Tensor:
        """What the maps show at points (B, K, 2), shares of the crop -> (B, K, C)."""
        return _weighted(maps, self.factors, points)

    def _position(self, placed: list[Tensor], points: Tensor, level: int) -> Tensor:
        """Which landmarks the tokens are, and where: (K, C) or (B, K, C)."""
        if self.place_factors is None or self.level_place_factors is None:
            return self.index
        codes = [code.expand(points.shape[0], -1, -1, -1) for code in placed]
        return self.index + self.level_place_factors[level] * _weighted(codes, self.place_factors, points)

    def _named(self, points: Tensor, spread: Tensor) -> Outputs:
        return {"points": points} if self.spread is None else {"points": points, self.spread: spread}


class Level(nn.Module):
    """One refinement: a `block` over the landmarks, the points moved, and what they are read as."""

    def __init__(self, width: int, heads: int, numbers: int) -> None:
        super().__init__()
        self.block = Block(width, heads)
        self.move, self.correct = _perceptron(width), _perceptron(width)
        self.spread = (
            nn.Sequential(nn.Linear(width, width), nn.Linear(width, width), Projection(width, numbers))
            if numbers
            else None
        )

    def moved(self, tokens: Tensor, points: Tensor) -> Tensor:
        """Tokens (B, K, C) and points (B, K, 2) in [0, 1] -> the points that the next level starts from."""
        return torch.sigmoid(self.move(tokens).float() + logit(points))

    def read(self, tokens: Tensor, points: Tensor) -> tuple[Tensor, Tensor]:
        """The points (B, K, 2) and spread (B, K, 0, 2 or 3) of this stage.

        The published network moves the points a second time for it, and its table counts so; an exported
        graph does it once.
        """
        out = self.moved(tokens, points) + self.correct(tokens).float()
        return out, out[..., :0] if self.spread is None else self.spread(tokens).float()


class Projection(nn.Module):
    """A linear layer that starts small, as residual log-likelihood has it for deviations (Li et al. 2021)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight, self.bias = (
            nn.Parameter(torch.empty(outputs, inputs)),
            nn.Parameter(torch.zeros(outputs)),
        )
        nn.init.xavier_uniform_(self.weight, gain=0.01)

    def forward(self, x: Tensor) -> Tensor:
        """(..., inputs) -> (..., outputs)."""
        out: Tensor = x @ self.weight.T + self.bias
        return out


def logit(share: Tensor) -> Tensor:
    """The inverse of the sigmoid, of shares kept 1e-5 off 0 and 1."""
    share = share.clamp(0, 1)
    return torch.log(share.clamp(min=1e-5) / (1 - share).clamp(min=1e-5))


def sample(x: Tensor, points: Tensor) -> Tensor:
    """A map (B, C, h, w) at points (B, K, 2), shares of its sides -> (B, K, C); bilinear, 0 outside."""
    grid = (2 * points - 1).clamp(-1, 1)[:, :, None]  # (B, K, 1, 2)
    found = grid_sample(x.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return found[..., 0].mT


def _weighted(maps: list[Tensor], factors: Tensor, points: Tensor) -> Tensor:
    parts = [factor * sample(x, points) for factor, x in zip(factors, maps, strict=True)]
    return torch.stack(parts).sum(0)


def _factors(levels: int) -> nn.Parameter:
    """The first factors of so many maps, deepest first."""
    return nn.Parameter(torch.tensor([*FACTORS, *[FINEST_FACTOR] * (levels - len(FACTORS))][:levels]))


def _double(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def _perceptron(width: int) -> nn.Sequential:
    """Tokens (..., C) -> a step (..., 2), 0 at first."""
    last = nn.Linear(width, 2)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(
        nn.Linear(width, width), nn.ReLU(inplace=True), nn.Linear(width, width), nn.ReLU(inplace=True), last
    )
