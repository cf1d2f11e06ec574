"""The detector's training, top to bottom: compose, predict, compare, step; now and then validate."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from canthus.face_detection.cells import Cells
from canthus.face_detection.checkpoint import load_weights, save_checkpoint
from canthus.face_detection.composition import Composer, pad_labels
from canthus.face_detection.losses import Truth, detection_losses
from canthus.face_detection.mining import with_hard_negatives
from canthus.face_detection.network import FaceDetector, normalize
from canthus.face_detection.recipe import DetectorRecipe, TrainingOptions
from canthus.face_detection.sources import training_pools
from canthus.face_detection.validation import ValidationSet, validate, validation_set

Batch = dict[str, Tensor]


@dataclass(frozen=True)
class ComposedBatches(Dataset[Batch]):
    """Batch number i of a training: composed when asked for, always the same for the same seed."""

    composer: Composer
    options: TrainingOptions

    def __len__(self) -> int:
        return self.options.steps

    def __getitem__(self, index: int) -> Batch:
        """`images` uint8 (B, S, S, 3) and the padded labels."""
        cv2.setNumThreads(1)
        made = [
            self.composer(np.random.default_rng((self.options.seed, index, i)))
            for i in range(self.options.batch)
        ]
        out = {
            name: torch.from_numpy(value)
            for name, value in pad_labels([m[1] for m in made], self.options.max_faces).items()
        }
        out["images"] = torch.from_numpy(np.stack([m[0] for m in made]))
        return out


def learning_rate_factor(step: int, options: TrainingOptions) -> float:
    """Linear warm-up, then half a cosine down to one hundredth."""
    if step < options.warmup:
        return (step + 1) / options.warmup
    done = (step - options.warmup) / max(1, options.steps - options.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def make_optimizer(network: nn.Module, options: TrainingOptions) -> torch.optim.AdamW:
    """AdamW; norms and biases do not decay."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    free = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": options.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.learning_rate)


class ExponentialAverage:
    """A second network whose weights follow those of the first: theirs times 1 - `decay`, its own times
    `decay`.

    The first `1 / (1 - decay)` updates take a plain mean, so that the start is soon forgotten.
    """

    def __init__(self, network: FaceDetector, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.decay, self.updates = decay, 0

    @torch.no_grad()
    def update(self, network: FaceDetector) -> None:
        """Move towards the weights and running statistics of `network`."""
        share = max(1 - self.decay, 1 / (self.updates + 1))
        self.updates += 1
        for own, new in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if own.is_floating_point():
                own.lerp_(new, share)
            else:
                own.copy_(new)


def training_step(
    network: FaceDetector, batch: Batch, options: TrainingOptions
) -> tuple[Tensor, dict[str, float]]:
    """The weighted loss of a batch (scalar), and its parts."""
    images = normalize(batch["images"]).contiguous(memory_format=torch.channels_last)
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=options.bfloat16):
        raw = network(images)
    cells = Cells.of(images.shape[2], images.shape[3], images.device)
    truth = Truth(batch["boxes"], batch["five"], batch["is_face"], batch["ignore"])
    losses = detection_losses(raw.float(), truth, cells)
    total = losses["score"] + options.box_weight * losses["box"] + options.points_weight * losses["points"]
    return total, {name: float(value.detach()) for name, value in losses.items()}


def train(
    recipe: DetectorRecipe, root: Path, output: Path, *, init: Path | None = None, workers: int = 1
) -> Path:
    """Train by the recipe on the data tree `root`; returns the checkpoint of the last averaged weights.

    Writes `log.jsonl` and `last.safetensors` (at every validation) into `output`. `init` starts from the
    weights of another checkpoint. `workers` processes compose pictures.
    """
    options = recipe.training
    output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    network = FaceDetector(**recipe.network.model_dump())
    pools = training_pools(root)
    if init is not None:
        load_weights(network, init)
        pools = with_hard_negatives(pools, network, options.hard_negatives)
    optimizer = make_optimizer(network, options)
    average = ExponentialAverage(network, options.ema)
    composer = Composer(pools, recipe.composition, options.size)
    batches = DataLoader(
        ComposedBatches(composer, options),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    checkpoint = output / "last.safetensors"
    with (output / "log.jsonl").open("a") as log:
        for row in _steps(network, average, optimizer, batches, recipe, validation_set(root)):
            log.write(json.dumps(row) + "\n")
            log.flush()
            if "photos" in row:
                save_checkpoint(average.network, recipe, checkpoint)
    return checkpoint


def _steps(
    network: FaceDetector,
    average: ExponentialAverage,
    optimizer: torch.optim.Optimizer,
    batches: DataLoader[Batch],
    recipe: DetectorRecipe,
    material: ValidationSet,
) -> Iterator[dict[str, float]]:
    """Train; yields a row for the log every 50 steps and at each validation."""
    options, started = recipe.training, time.perf_counter()
    for step, batch in enumerate(batches):
        network.train()
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate * learning_rate_factor(step, options)
        loss, parts = training_step(network, batch, options)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), options.clip)
        optimizer.step()
        if step >= options.warmup:
            average.update(network)
        done = step + 1
        if done % 50 == 0:
            yield {"step": done, "seconds": round(time.perf_counter() - started, 1), **parts}
        if done % options.validate_every == 0 or done == options.steps:
            yield {"step": done, **validate(average.network, material)}
