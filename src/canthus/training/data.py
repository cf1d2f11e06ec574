"""Batches for training: one random stream per epoch and sample."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from canthus.geometry import CropRule
from canthus.sample import Annotations, Sample
from canthus.transforms import Pipeline, View


@dataclass(frozen=True)
class Batch:
    """uint8 RGB crops (B, S, S, 3) and their labels."""

    crops: Tensor
    annotations: Annotations

    def to(self, device: torch.device) -> Batch:
        """The batch on another device."""
        a = self.annotations
        tags = {name: value.to(device) for name, value in a.tags.items()}
        labels = (a.points, a.visibility, a.presence, a.weight)
        points, visibility, presence, weight = (value.to(device) for value in labels)
        return Batch(self.crops.to(device), Annotations(points, visibility, presence, weight, tags))


def crop_labels(samples: Sequence[Sample], rule: CropRule, size: int) -> Annotations:
    """The points of all samples (N, K, 2) in px of their plain crops, with their weights; no picture is
    read."""
    points = [rule.crop(s.box, s.box_kind, size).to_crop(s.points) for s in samples]
    return Annotations(
        points=torch.from_numpy(np.stack(points).astype(np.float32)),
        visibility=torch.from_numpy(np.stack([s.visibility for s in samples]).astype(np.float32)),
        presence=torch.tensor([s.presence for s in samples]),
        weight=torch.tensor([s.weight for s in samples]),
    )


class Views(Dataset[View]):
    """(epoch, index) -> the finished view of that sample; its random stream depends on nothing else."""

    def __init__(self, samples: Sequence[Sample], pipeline: Pipeline, seed: int) -> None:
        self.samples, self.pipeline, self.seed = samples, pipeline, seed

    def __getitem__(self, key: tuple[int, int]) -> View:
        epoch, index = key
        rng = np.random.default_rng([self.seed, epoch, index])
        return self.pipeline(self.samples[index], rng)

    def __len__(self) -> int:
        return len(self.samples)


class Batches(Sampler[list[tuple[int, int]]]):
    """One epoch for one of `processes`, in batches of `batch`: all draw from one seeded order.

    `repeats` (N,) says how often each sample is shown per epoch; a fraction is drawn anew every epoch. What
    is left when it no longer fills a batch of every process is left out.
    """

    def __init__(
        self, repeats: Sequence[float], batch: int, seed: int, rank: int = 0, processes: int = 1
    ) -> None:
        self.repeats = np.asarray(repeats, dtype=np.float64)
        self.batch, self.seed, self.rank, self.processes = batch, seed, rank, processes
        self.epoch = 0
        if len(self) == 0:
            each = f" for each of {processes} processes" if processes > 1 else ""
            raise ValueError(
                f"train.batch: found {batch}{each}, but only {int(self.repeats.sum())} samples an epoch"
            )

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = np.concatenate([self._draw(rng, repeat) for repeat in np.unique(self.repeats)])
        order = rng.permutation(order)
        for step in range(len(self)):
            start = (step * self.processes + self.rank) * self.batch
            mine = order[start : start + self.batch]
            yield [(self.epoch, int(index)) for index in mine]

    def __len__(self) -> int:
        shown = sum(int(np.floor((self.repeats == r).sum() * r + 1e-9)) for r in np.unique(self.repeats))
        return shown // (self.batch * self.processes)

    def _draw(self, rng: np.random.Generator, repeat: float) -> np.ndarray:
        members = np.flatnonzero(self.repeats == repeat)
        count = int(np.floor(len(members) * repeat + 1e-9))
        whole, rest = divmod(count, len(members))
        return np.concatenate([np.tile(members, whole), rng.permutation(members)[:rest]])


def collate(views: Sequence[View]) -> Batch:
    """Views of one size as a batch; a tag that only some samples state is NaN for the others."""

    def stack(values: list[object]) -> Tensor:
        return torch.from_numpy(np.asarray(values, dtype=np.float32))

    names = sorted({name for view in views for name in view.sample.tags})
    annotations = Annotations(
        points=stack([view.points for view in views]),
        visibility=stack([view.visibility for view in views]),
        presence=stack([view.presence for view in views]),
        weight=stack([view.sample.weight for view in views]),
        tags={name: stack([view.sample.tags.get(name, np.nan) for view in views]) for name in names},
    )
    return Batch(torch.from_numpy(np.stack([view.image for view in views])), annotations)


def loader(views: Views, batches: Batches, workers: int) -> DataLoader[View]:
    """Batches in order, made by `workers` processes that live as long as the training."""
    return DataLoader(
        views,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        persistent_workers=workers > 0,
        multiprocessing_context="fork" if workers else None,
    )
