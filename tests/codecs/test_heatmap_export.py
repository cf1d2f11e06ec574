"""The decoders inside an ONNX graph compute what they compute in torch."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from canthus.codecs import CODECS
from canthus.schemes import SCHEMES
from canthus.session import Session

SCHEME = SCHEMES["five"]
NAMES = ("heatmap", "dark", "keyposs_block", "keyposs_topk", "paraboloid")


class Decoders(nn.Module):
    """Maps (B, 5, side, side) -> points and scores of every decoder, and of the first after mirroring."""

    def __init__(self, side: int) -> None:
        super().__init__()
        options = {"side": side, "published": ("frame", "borders")}
        self.codecs = nn.ModuleList(CODECS[name](SCHEME, 64, **options) for name in NAMES)
        self.codecs.append(CODECS["paraboloid"](SCHEME, 64, side=side, free_sigma=True))

    def forward(self, maps: Tensor) -> tuple[Tensor, ...]:
        out = []
        for codec in self.codecs:
            decoded = codec.decode({"heatmap": maps})
            out += [decoded.points, decoded.scores]
        mirrored = self.codecs[0].mirror({"heatmap": maps}, SCHEME)
        return (*out, self.codecs[0].decode(mirrored).points)


def test_the_graph_computes_what_torch_computes(tmp_path: Path) -> None:
    side = 16
    decoders = Decoders(side).eval()
    logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
    labels = [*NAMES, "free_sigma"]
    names = [f"{label}_{kind}" for label in labels for kind in ("points", "scores")] + ["mirrored"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            decoders,
            (torch.rand(2, 5, side, side),),
            dynamo=True,
            input_names=["maps"],
            output_names=names,
            dynamic_shapes={"maps": {0: torch.export.Dim("batch", min=1)}},
            verbose=False,
        )
    assert program is not None
    kinds = [node.op_type for node in program.model_proto.graph.node]
    assert kinds.count("Loop") == 1  # the steps of keyposs_topk, not twenty times the same nodes
    program.save(str(tmp_path / "decoders.onnx"), external_data=False)
    session = Session(tmp_path / "decoders.onnx", threads=1)
    generator = torch.Generator().manual_seed(0)
    for batch in (1, 7):
        cells = torch.rand(batch, 5, 2, generator=generator) * side - 0.5
        bell = torch.exp(-(torch.arange(side) - cells[..., None]).square() / 8)
        maps = bell[..., 1, :, None] * bell[..., 0, None, :]
        maps = maps + 0.02 * torch.randn(maps.shape, generator=generator)
        maps[0, 0] = -1.0
        maps[-1, 1] = torch.rand(side, side, generator=generator)  # no blob: many steps
        expected = decoders(maps)
        found = session.run(maps=maps.numpy())
        for name, value in zip(names, expected, strict=True):
            np.testing.assert_allclose(found[name], value.numpy(), atol=1e-3, err_msg=name)
