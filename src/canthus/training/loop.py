"""The training loop, readable top to bottom."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn

from canthus.build import Source, build_landmarker, build_losses, build_pipeline
from canthus.cache import sha256_of
from canthus.checkpoints import converter_of, load_pretrained, native
from canthus.codecs import Target
from canthus.recipe import Recipe
from canthus.training.bar import bar
from canthus.training.cutting import exact
from canthus.training.data import Batches, Views, crop_labels, loader
from canthus.training.ema import Ema
from canthus.training.history import history
from canthus.training.journal import Journal
from canthus.training.optimizers import build_optimizer
from canthus.training.pictures import Pictures, processes_of_all
from canthus.training.schedules import build_schedule
from canthus.training.state import Progress, State
from canthus.training.validation import Validator


def train(
    recipe: Recipe,
    root: Path,
    output: Path,
    *,
    resume: bool = False,
    pack: Path | None = None,
    pretrained: Path | None = None,
) -> Path:
    """Train a recipe on the datasets below `root`; returns the weights file, `output`/NAME.safetensors.

    `output` gets log.jsonl, TensorBoard files, state.pt (for `resume`), best and final weights. One process
    or many (torchrun, accelerate launch), CPU or GPU: the same code; with as many samples in a step, the same
    numbers up to rounding. The cut pictures are read from the file `pack` if it is there, and kept in it if
    it is not; without `pack` they are in `output` until the training has ended. `pretrained` is a published
    classifier that the backbone starts from.
    """
    settings = recipe.train
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),  # without it, processes on CPUs would not find each other
        mixed_precision=settings.precision,
        log_with="tensorboard",
        project_dir=str(output),
    )
    output.mkdir(parents=True, exist_ok=True)
    set_seed(settings.seed)

    # Data: pictures are cut once into a file that all processes share; each takes its share of a batch.
    pictures = Pictures(recipe, root, pack or output / "pictures.pack", kept=pack is not None)
    sources, held_out = pictures.sources(processes_of_all(settings.workers, accelerator.num_processes))
    cropped = recipe.model_copy(update={"crop": exact(recipe.crop)})  # the cut pictures' boxes are for it
    samples = [sample for source in sources for sample in source.samples]
    repeats = [source.part.repeat for source in sources for _ in source.samples]
    views = Views(samples, build_pipeline(cropped, training=True), settings.seed)
    batches = Batches(
        repeats, settings.batch, settings.seed, accelerator.process_index, accelerator.num_processes
    )
    data = loader(views, batches, settings.workers)
    held_samples = [sample for source in held_out for sample in source.samples]
    names = [source.part.title for source in held_out for _ in source.samples]
    calibrates = [source.part.calibrate for source in held_out for _ in source.samples]
    plain = build_pipeline(cropped, training=False)
    validator = Validator(held_samples, names, calibrates, plain, settings.batch)

    # Network, losses, optimizer.
    landmarker = build_landmarker(recipe)
    landmarker.learn_labels(crop_labels(samples, cropped.crop, recipe.size))
    start = Progress()
    if pretrained is not None:
        load_pretrained(pretrained, landmarker.backbone, converter_of(recipe))
        start.start = f"{pretrained.name}, sha256 {sha256_of(pretrained)[:8]}"
    landmarker = landmarker.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    ema = Ema(landmarker, settings.ema)
    losses = build_losses(recipe).to(accelerator.device)
    optimizer = build_optimizer([landmarker, losses], settings.optimizer, settings.learning_rate)
    schedule = build_schedule(settings.schedule, settings.warmup, settings.epochs, len(batches))
    learning = {"model": landmarker, "ema": ema.model, "losses": losses, "optimizer": optimizer}
    state = State(output / "state.pt", recipe, learning)
    progress = state.load() if resume else start
    model, optimizer = accelerator.prepare(landmarker, optimizer)
    journal = Journal(accelerator, output, resume_epoch=progress.epoch)
    facts = {"training_data": _describe(sources), "initial_weights": progress.start}

    while progress.epoch < settings.epochs:
        batches.epoch = progress.epoch
        model.train()
        started, sums = time.perf_counter(), defaultdict[str, float](float)
        title = f"epoch {progress.epoch + 1}/{settings.epochs}"
        for batch in bar(data, title, shown=accelerator.is_main_process):
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * schedule(progress.step)
            batch = batch.to(accelerator.device)
            images = landmarker.normalize(batch.crops).contiguous(memory_format=torch.channels_last)
            with accelerator.autocast():
                outputs = model(images)
            targets = _share_totals(landmarker.codec.encode(batch.annotations), accelerator)
            loss, terms = losses(outputs, targets)
            accelerator.backward(loss)
            _average_gradients(losses, accelerator)
            if settings.clip is not None:
                accelerator.clip_grad_norm_([*model.parameters(), *losses.parameters()], settings.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            ema.update(landmarker, progress.step)
            progress.step += 1
            for name, value in {"loss": loss, **terms}.items():
                sums[name] += accelerator.reduce(value.detach(), "mean").item()
        progress.epoch += 1
        if not all(math.isfinite(value) for value in sums.values()):
            raise ValueError(
                f"the loss is not finite in epoch {progress.epoch}: lower train.learning_rate or train.clip"
            )

        entry = {f"train/{name}": value / len(batches) for name, value in sums.items()}
        entry |= {"learning_rate": optimizer.param_groups[0]["lr"], "seconds": time.perf_counter() - started}
        last = progress.epoch == settings.epochs
        if (
            held_samples
            and accelerator.is_main_process
            and (last or progress.epoch % settings.validate_every == 0)
        ):
            scores = validator.score(ema.model)
            entry |= {f"validation/{name}": value for name, value in scores.items()}
            if scores["nme"] < progress.best:
                progress.best = scores["nme"]
                native.save(output / "best.safetensors", ema.model, recipe, facts)
        journal.write(progress.epoch, progress.step, entry)
        if accelerator.is_main_process:
            state.save(progress)
        accelerator.wait_for_everyone()

    path = output / f"{recipe.name}.safetensors"
    if accelerator.is_main_process:
        if held_samples and "covariance" in landmarker.codec.attributes:
            facts["covariance_factor"] = str(validator.fit_covariance(ema.model))
        facts["training"] = history(recipe, journal.path, progress.step, accelerator)
        native.save(path, ema.model, recipe, facts)
    accelerator.wait_for_everyone()
    if accelerator.is_local_main_process:
        pictures.remove()
    accelerator.end_training()
    return path


def _average_gradients(losses: nn.Module, accelerator: Accelerator) -> None:
    """What the network's wrapper does for its own parameters, for the few of losses that learn."""
    for parameter in losses.parameters():
        if parameter.grad is not None:
            parameter.grad = accelerator.reduce(parameter.grad, "mean")


def _share_totals(targets: dict[str, Target], accelerator: Accelerator) -> dict[str, Target]:
    """Targets with the totals of all processes, scaled so that averaged gradients are the whole batch's."""
    totals = torch.stack([target.weight.sum() for target in targets.values()])
    totals = accelerator.reduce(totals, "sum") / accelerator.num_processes
    return {
        name: target._replace(total=total)
        for (name, target), total in zip(targets.items(), totals, strict=True)
    }


def _describe(sources: list[Source]) -> str:
    """The training data in one line: dataset, split, faces, and what was missing."""
    lines = []
    for source in sources:
        note = f", without {', '.join(source.missing)}" if source.missing else ""
        lines.append(f"{source.part.title} {source.part.split} ({len(source.samples)}{note})")
    return "; ".join(lines)
