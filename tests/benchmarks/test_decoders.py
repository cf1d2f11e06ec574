from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("side", [32, 8])
def test_the_numpy_decoders_are_the_codecs(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import decoders
    from published_decoders import PUBLISHED

    _, maps = decoders.draw(decoders.Case(noise=0.01), side, 1)
    for name, decoder in PUBLISHED.items():
        codec = decoders.DECODERS[name](side)
        found = codec.to_cells(codec.decode({"heatmap": maps}).points)[0].numpy()
        expected = np.array([decoder(heat) for heat in maps[0].numpy()])
        np.testing.assert_allclose(found, expected, atol=1e-3, err_msg=name)


def test_the_summary_divides_by_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import decoders

    errors = {"paraboloid": 1.0, "DARK": 4.0, "KeyPosS 2x2": 2.0, "KeyPosS top K": 8.0, "quarter cell": 5.0}
    table = {name: dict.fromkeys(decoders.SIDES, value) for name, value in errors.items()}
    rows = decoders.shares({case.title: table for case in decoders.CASES})
    assert rows["of DARK's, worst"][64] == 0.25 and rows["of the best published decoder's, worst"][4] == 0.5
