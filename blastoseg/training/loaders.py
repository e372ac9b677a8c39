"""Batches for a fit: of drawn or labelled samples, each process its own share, made by worker processes."""

import os
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from blastoseg.errors import DataError
from blastoseg.training.data import (
    WHOLE,
    LabelledStream,
    Sample,
    Share,
    SyntheticSamples,
    SyntheticStream,
    Target,
    TensorSamples,
    drawn,
)
from blastoseg.training.labelled import LabelledLists, cut_samples
from blastoseg.training.recipe import Job, LabelledData

LOADER_NICENESS = 5
"""Loader processes give way to the training step where cores are few."""
VALIDATION_BATCH = 8

Batches = DataLoader[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class Material:
    """What one network is fitted to: a job, and where its data are labelled the cut samples of two lists."""

    job: Job
    target: Target
    train: list[Sample]
    val: list[Sample]

    def steps_per_epoch(self, processes: int) -> int:
        """Steps in which every training sample is seen once, by all processes together."""
        settings = self.job.optimisation
        return max(1, -(-len(self.train) // (settings.batch_size * settings.accumulate * processes)))

    def total_steps(self, processes: int) -> int:
        """The length of the fit in steps."""
        settings = self.job.optimisation
        if settings.epochs is None:
            return settings.total_steps
        return settings.epochs * self.steps_per_epoch(processes)


def gather_material(job: Job, target: Target, lists: LabelledLists | None) -> Material:
    """The samples of a job, read and cut. Raises DataError where labelled images are missing."""
    if not isinstance(job.data, LabelledData):
        return Material(job, target, [], [])
    if lists is None:
        raise DataError("the recipe is for labelled images: name their folder,  blastoseg train DATA ...")
    train, val = (cut_samples(cases, job.input_size, target) for cases in (lists.train, lists.val))
    return Material(job, target, train, val)


def training_loader(material: Material, share: Share = WHOLE) -> Batches:
    """Endless batches of augmented samples; after a resume they go on where they stopped."""
    settings = material.job.optimisation
    stream: IterableDataset[tuple[Tensor, Tensor]]
    if material.train:
        stream = LabelledStream(material.train, material.job, share)
    else:
        stream = SyntheticStream(material.job, material.target, share)
    return DataLoader(
        stream,
        batch_size=settings.batch_size,
        num_workers=settings.workers,
        worker_init_fn=_calm_worker,
        prefetch_factor=4 if settings.workers else None,
        persistent_workers=settings.workers > 0,
        pin_memory=torch.cuda.is_available(),
        # Forked workers inherit the locks of OpenCV's and torch's threads, and wait for ever.
        multiprocessing_context="spawn" if settings.workers else None,
    )


def _calm_worker(_worker: int) -> None:
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(LOADER_NICENESS)


def validation_loader(material: Material) -> Batches:
    """The validation list, or held-back drawings, made once and kept; without augmentation."""
    job, target = material.job, material.target
    held_back = material.val or SyntheticSamples(job, target, drawn(job).validation_images)
    samples = TensorSamples(held_back)
    images, truths = zip(*(samples[index] for index in range(len(samples))), strict=True)
    return DataLoader(TensorDataset(torch.stack(images), torch.stack(truths)), batch_size=VALIDATION_BATCH)  # type: ignore[arg-type]


class Loaders(lightning.LightningDataModule):
    """Makes a fit's loaders once Lightning knows which process this is. Every process sees all of ``val``."""

    def __init__(self, material: Material, batches_done: int) -> None:
        super().__init__()
        self.material = material
        self.batches_done = batches_done

    def train_dataloader(self) -> Any:
        trainer: Any = self.trainer
        share = Share(trainer.global_rank, trainer.world_size, self.batches_done)
        return training_loader(self.material, share)

    def val_dataloader(self) -> Any:
        return validation_loader(self.material)
