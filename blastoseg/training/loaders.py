"""Batches of synthetic or labelled samples, each process its own share, made by worker processes."""

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

import lightning
import torch
from lightning.pytorch.utilities import CombinedLoader
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from blastoseg.errors import DataError
from blastoseg.model.cores import usable_cores
from blastoseg.stopping import STOP_SIGNALS, ignore_stop_signals
from blastoseg.training.data import (
    WHOLE,
    LabelledStream,
    LoadedSource,
    MixedStream,
    Samples,
    Share,
    SyntheticSamples,
    SyntheticStream,
    TensorSamples,
    UnlabelledStream,
)
from blastoseg.training.device_data import DeviceBatches
from blastoseg.training.labelled import LabelledSplits, cut_samples
from blastoseg.training.recipe import Job
from blastoseg.training.recipe_data import LabelledData, Source, SyntheticData
from blastoseg.training.recipe_unlabelled import Unlabelled
from blastoseg.training.sample import Target
from blastoseg.training.unlabelled import UnlabelledFrames

LOADER_NICENESS = 5
"""Loader processes give way to the training step where cores are few."""
VALIDATION_BATCH = 8

Batches = DataLoader[tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class TrainingData:
    """What one network is trained on: a job and its sources, with the samples of those that are labelled.

    ``unlabelled`` are the frames without labels, where the job takes any.
    """

    job: Job
    target: Target
    sources: tuple[LoadedSource, ...]
    unlabelled: UnlabelledFrames | None = None

    @property
    def taught(self) -> Unlabelled | None:
        """How frames without labels are learnt from; None where there are none, or only their look counts."""
        settings = self.job.unlabelled
        return settings if self.unlabelled is not None and settings is not None and settings.teaches else None

    @property
    def donors(self) -> list[NDArray[Any]]:
        """The real images whose coarse tones synthetic ones take over: none where none do."""
        if not self.job.takes_tones:
            return []
        frames = () if self.unlabelled is None else self.unlabelled.crops
        return [*(sample.image for loaded in self.sources for sample in loaded.train), *frames]

    @property
    def validation_sets(self) -> dict[str, Samples]:
        """What validates the training, by source: validation splits, and held-out synthetic images."""
        found: dict[str, Samples] = {}
        for loaded in self.sources:
            data = loaded.source.data
            if isinstance(data, SyntheticData):
                side, count = self.job.input_size, data.validation_images
                found[loaded.source.name] = SyntheticSamples(data, side, self.target, count)
            elif loaded.val:
                found[loaded.source.name] = loaded.val
        return found

    @property
    def has_epochs(self) -> bool:
        """Whether the samples come to an end: those of one labelled source do."""
        return isinstance(self.job.data, LabelledData)

    def steps_per_epoch(self, processes: int) -> int:
        """Steps in which every labelled training sample is seen once, by all processes together."""
        settings = self.job.optimisation
        images = sum(len(loaded.train) for loaded in self.sources)
        return max(1, -(-images // (settings.batch_size * settings.accumulate * processes)))

    def total_steps(self, processes: int) -> int:
        """The length of the training in steps."""
        settings = self.job.optimisation
        if settings.epochs is None:
            return settings.total_steps
        return settings.epochs * self.steps_per_epoch(processes)


def load_training_data(
    job: Job, target: Target, splits: Mapping[str, LabelledSplits], unlabelled: UnlabelledFrames | None = None
) -> TrainingData:
    """The samples of a job, read and cut. Raises DataError where a source's labelled images are missing."""
    sources = tuple(_load(source, job, target, splits) for source in job.sources)
    if job.unlabelled is None:
        return TrainingData(job, target, sources)
    if unlabelled is None:
        raise DataError(
            "the recipe is for unlabelled frames too: name their folder,  blastoseg train --unlabelled DIR"
        )
    return TrainingData(job, target, sources, unlabelled)


def _load(source: Source, job: Job, target: Target, splits: Mapping[str, LabelledSplits]) -> LoadedSource:
    if isinstance(source.data, SyntheticData):
        return LoadedSource(source, [], [])
    if source.name not in splits:
        raise DataError("the recipe is for labelled images: name their folder,  blastoseg train DATA ...")
    of_source = splits[source.name]
    train, val = (cut_samples(cases, job.input_size, target) for cases in (of_source.train, of_source.val))
    return LoadedSource(source, train, val)


def training_loader(data: TrainingData, share: Share = WHOLE, workers: int = 0) -> Batches:
    """Endless batches of augmented samples, made by so many processes, or by this one.

    After a resume they go on where they stopped.
    """
    settings = data.job.optimisation
    stream: IterableDataset[tuple[Tensor, Tensor]]
    if len(data.sources) > 1:
        stream = MixedStream(list(data.sources), data.job, data.target, share, donors=data.donors)
    elif data.has_epochs:
        stream = LabelledStream(data.sources[0].train, data.job, share)
    else:
        stream = SyntheticStream(data.job, data.target, share, data.donors)
    return _loader(stream, settings.batch_size, workers)


def unlabelled_loader(data: TrainingData, share: Share = WHOLE, workers: int = 0) -> Batches:
    """Endless batches of the frames without labels, for the teacher and for the student."""
    settings = data.taught
    if settings is None or data.unlabelled is None:
        raise ValueError("the job learns from no unlabelled frames")
    stream = UnlabelledStream(data.unlabelled.crops, settings, share)
    return _loader(stream, settings.batch_size, workers)


def cores_of_one(processes: int) -> int:
    """The cores of this machine that each of so many processes that train has to itself; at least one."""
    return max(1, usable_cores() // processes)


def _loader(stream: IterableDataset[tuple[Tensor, Tensor]], batch_size: int, workers: int) -> Batches:
    return _CalmLoader(
        stream,
        batch_size=batch_size,
        num_workers=workers,
        worker_init_fn=_calm_worker,
        prefetch_factor=4 if workers else None,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),
        # Forked workers inherit the locks of OpenCV's and torch's threads, and wait for ever.
        multiprocessing_context="spawn" if workers else None,
    )


class _CalmLoader(DataLoader[tuple[Tensor, Tensor]]):
    """A loader whose worker processes never see a signal that asks to stop, not even while they start.

    What they inherit blocked stays blocked. This process gets its signals when they are started.
    """

    def __iter__(self) -> Any:
        if not self.num_workers or not hasattr(signal, "pthread_sigmask"):
            return super().__iter__()
        # Multiprocessing would start it with the first worker, and unblock the signals after that.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            return super().__iter__()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _calm_worker(_worker: int) -> None:
    ignore_stop_signals()
    torch.set_num_threads(1)
    if hasattr(os, "nice"):
        os.nice(LOADER_NICENESS)


def validation_loader(held_out: Samples) -> Batches:
    """Held-out samples, made once and kept; without augmentation."""
    samples = TensorSamples(held_out)
    images, truths = zip(*(samples[index] for index in range(len(samples))), strict=True)
    return DataLoader(TensorDataset(torch.stack(images), torch.stack(truths)), batch_size=VALIDATION_BATCH)  # type: ignore[arg-type]


class TrainingDataModule(lightning.LightningDataModule):
    """Makes the loaders once Lightning knows which process this is. All see all held-out samples."""

    def __init__(self, data: TrainingData, batches_done: int, take_signals: Callable[[], None]) -> None:
        super().__init__()
        self.data = data
        self.batches_done = batches_done
        self.take_signals = take_signals

    def train_dataloader(self) -> Any:
        # Lightning has just made SIGTERM its own: it would end the training without a checkpoint.
        self.take_signals()
        trainer: Any = self.trainer
        share = Share(trainer.global_rank, trainer.world_size, self.batches_done)
        if self.data.job.optimisation.on_device:
            device = trainer.strategy.root_device
            return DeviceBatches(self.data.sources[0].train, self.data.job, share, device)
        is_gpu = trainer.strategy.root_device.type == "cuda"
        workers = self.data.job.optimisation.workers_here(cores_of_one(trainer.num_devices), is_gpu)
        loader = training_loader(self.data, share, workers)
        if self.data.taught is None:
            return loader
        return CombinedLoader([loader, unlabelled_loader(self.data, share, workers)], "max_size_cycle")

    def val_dataloader(self) -> Any:
        return [validation_loader(held_out) for held_out in self.data.validation_sets.values()]
