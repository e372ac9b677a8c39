"""Fitting a recipe's two networks: loaders, checkpoints, resume, and the model folder at the end."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from blastoseg.errors import TrainingError
from blastoseg.network import I2CNet, I2CNetConfig, Locator, LocatorConfig
from blastoseg.training.data import SyntheticSamples, SyntheticStream, Target, TensorSamples
from blastoseg.training.fitting import Fitting
from blastoseg.training.recipe import Job, Recipe
from blastoseg.weights import CLASSES

log = logging.getLogger(__name__)

LOADER_NICENESS = 5
"""Loader processes give way to the training step where cores are few."""


@dataclass(frozen=True, slots=True)
class FitPlan:
    """One network's fit: where checkpoints go, how often, and whether to go on from the last one."""

    work: Path
    resume: bool = False
    checkpoint_steps: int = 500
    accelerator: str = "auto"

    def checkpoint(self, target: Target) -> Path:
        """The last checkpoint of one fit."""
        return self.work / target / "last.ckpt"


def build_network(job: Job, target: Target) -> nn.Module:
    """A fresh network as the recipe describes it. Raises TrainingError for an impossible description."""
    try:
        if target == "tissues":
            return I2CNet(I2CNetConfig(classes=len(CLASSES), **job.network))
        return Locator(LocatorConfig(**{**job.network, "widths": tuple(job.network["widths"])}))
    except (TypeError, ValueError, KeyError) as error:
        raise TrainingError(f"the recipe's network section is wrong: {error}") from error


def fit_network(recipe: Recipe, target: Target, plan: FitPlan) -> Fitting:
    """Fit one network of a recipe, to the end or to its time limit, and return the fit.

    Raises TrainingError where there is nothing to resume, or the loss is not a number.
    """
    # Before any worker is forked: OpenCV's threads do not survive that, a worker that sets them hangs.
    cv2.setNumThreads(1)
    job = recipe.segmenter if target == "tissues" else recipe.locator
    lightning.seed_everything(recipe.seed, verbose=False)
    checkpoint = plan.checkpoint(target)
    if plan.resume and not checkpoint.is_file():
        raise TrainingError(f"{checkpoint}: is missing: nothing to resume; start without --resume")
    steps_done = _steps_of(checkpoint) if plan.resume else 0
    fitting = Fitting(
        build_network(job, target).to(memory_format=torch.channels_last),  # type: ignore[call-overload]
        job,
        target,
    )
    trainer = _trainer(job, target, plan)
    trainer.fit(
        fitting,
        train_dataloaders=training_loader(job, target, steps_done),
        val_dataloaders=validation_loader(job, target),
        ckpt_path=str(checkpoint) if plan.resume else None,
        weights_only=True,
    )
    trainer.save_checkpoint(checkpoint)
    return fitting


def load_fit(recipe: Recipe, target: Target, plan: FitPlan) -> Fitting:
    """The fit as its last checkpoint left it. Raises TrainingError where there is none."""
    job = recipe.segmenter if target == "tissues" else recipe.locator
    checkpoint = plan.checkpoint(target)
    if not checkpoint.is_file():
        raise TrainingError(f"{checkpoint}: is missing: fit this network first")
    fitting = Fitting(build_network(job, target), job, target)
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    fitting.load_state_dict(content["state_dict"])
    return fitting


def _steps_of(checkpoint: Path) -> int:
    content = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return int(content["global_step"])


def _trainer(job: Job, target: Target, plan: FitPlan) -> Any:
    settings = job.optimisation
    keep_last = ModelCheckpoint(
        dirpath=plan.work / target,
        filename="last",
        every_n_train_steps=plan.checkpoint_steps,
        save_top_k=1,
        monitor=None,
        enable_version_counter=False,
    )
    return lightning.Trainer(
        accelerator=plan.accelerator,
        devices=1,
        max_steps=settings.steps,
        precision=settings.precision,
        gradient_clip_val=settings.gradient_clip or None,
        logger=CSVLogger(plan.work, name="log", version=target),
        callbacks=[keep_last],
        val_check_interval=plan.checkpoint_steps,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        log_every_n_steps=20,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def training_loader(job: Job, target: Target, steps_done: int = 0) -> DataLoader[tuple[Tensor, Tensor]]:
    """Endless batches of drawn, augmented images; after a resume the drawings go on where they stopped."""
    settings = job.optimisation
    start = -(-steps_done * settings.batch_size // job.data.reuse)
    return DataLoader(
        SyntheticStream(job, target, start),
        batch_size=settings.batch_size,
        num_workers=settings.workers,
        worker_init_fn=_calm_worker,
        prefetch_factor=4 if settings.workers else None,
        persistent_workers=settings.workers > 0,
        # Forked workers inherit the locks of OpenCV's and torch's threads, and wait for ever.
        multiprocessing_context="spawn" if settings.workers else None,
    )


def _calm_worker(_worker: int) -> None:
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(LOADER_NICENESS)


def validation_loader(job: Job, target: Target) -> DataLoader[tuple[Tensor, ...]]:
    """Held-back drawings, drawn once and kept."""
    samples = TensorSamples(SyntheticSamples(job, target, job.data.validation_images))
    images, truths = zip(*(samples[index] for index in range(len(samples))), strict=True)
    return DataLoader(TensorDataset(torch.stack(images), torch.stack(truths)), batch_size=8)
