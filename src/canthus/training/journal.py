"""The record of a training: JSON lines always, TensorBoard through accelerate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from accelerate import Accelerator


class Journal:
    """`log.jsonl` in the output folder, a line per entry; on resuming, lines of later epochs are dropped."""

    def __init__(self, accelerator: Accelerator, output: Path, *, resume_epoch: int) -> None:
        self.accelerator, self.path = accelerator, output / "log.jsonl"
        accelerator.init_trackers("tensorboard")
        if not accelerator.is_main_process:
            return
        lines = self.path.read_text().splitlines() if resume_epoch and self.path.is_file() else []
        kept = [line for line in lines if json.loads(line)["epoch"] <= resume_epoch]
        self.path.write_text("".join(line + "\n" for line in kept))

    def write(self, epoch: int, step: int, values: Mapping[str, float]) -> None:
        """One entry, by the main process alone."""
        self.accelerator.log(dict(values), step=step)
        if self.accelerator.is_main_process:
            with self.path.open("a") as file:
                file.write(json.dumps({"epoch": epoch, "step": step, **values}) + "\n")
