from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.codecs.heatmap import Heatmap
from canthus.sample import Annotations
from canthus.schemes.ibug68 import IBUG68

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_both_pipelines_teach_the_same_targets() -> None:
    import pipeline

    points = np.random.default_rng(0).uniform(-40, 296, (68, 2))
    maps, weights = pipeline.numpy_maps(points)
    shown = torch.from_numpy(points).float()[None]
    codec = Heatmap(IBUG68, 256, sigma=pipeline.SIGMA, unbiased=False, published=("frame",))
    target = codec.encode(Annotations(shown, torch.ones(1, 68), torch.ones(1), torch.ones(1)))["heatmap"]
    np.testing.assert_allclose(target.value[0].numpy(), maps, atol=1e-6)
    np.testing.assert_array_equal(target.weight[0].numpy(), weights)
    assert 0 < weights.sum() < 68


def test_the_command_writes_its_section_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pipeline
    from page import write_section

    page = tmp_path / "benchmarks.md"
    write_section(page, "other", "Another", "make other", ["12 px"])
    monkeypatch.setattr(sys, "argv", ["pipeline.py", "--faces", "4", "--rounds", "1", "--page", str(page)])
    threads = torch.get_num_threads()
    for _ in range(2):
        pipeline.main()
    torch.set_num_threads(threads)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Benchmarks\n") and "## Another\n" in text and "12 px" in text
    assert text.count("## Training pipeline") == 1
    assert "python benchmarks/pipeline.py --faces 4 --rounds 1" in text
    row = next(line for line in text.splitlines() if line.startswith("| ours, further epochs |"))
    assert float(row.split("|")[2]) > 0
