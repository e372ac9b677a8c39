"""What the networks are trained on: streams and lists of samples, augmented, as tensors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from blastoseg.model.standardisation import standardise
from blastoseg.tissues import CHANNEL_OF_LABEL
from blastoseg.training.augmentation import augment, change_optics, change_place
from blastoseg.training.recipe import Job
from blastoseg.training.recipe_data import Augmentation, Source, SyntheticData
from blastoseg.training.recipe_unlabelled import Unlabelled
from blastoseg.training.sample import Sample, Target
from blastoseg.training.synthetic import VALIDATION_OFFSET, SyntheticPool, synthetic_sample


class Samples(Protocol):
    """Anything that can be trained on: a number of samples, each the same whenever it is asked for."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


def to_tensors(image: NDArray[np.float32], maps: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
    """An image as the network takes it ``(1, H, W)``, and its class channels or masks, uint8."""
    standard = torch.from_numpy(standardise(image))[None]
    if maps.ndim == 2:
        channels = np.asarray(CHANNEL_OF_LABEL, np.uint8)[maps]
        return standard, torch.from_numpy(channels)
    return standard, torch.from_numpy(np.ascontiguousarray(maps.transpose(2, 0, 1)))


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of a stream one process of several takes, and how many of its batches lie behind."""

    rank: int = 0
    processes: int = 1
    batches_done: int = 0


WHOLE = Share()


def _worker() -> tuple[int, int]:
    info = get_worker_info()
    return (info.id, info.num_workers) if info else (0, 1)


def shuffled_index(count: int, seed: int, place: int) -> int:
    """Which of so many samples stands at a place of an endless stream: each once before any comes again."""
    epoch, position = divmod(place, count)
    return int(_order(count, seed, epoch)[position])


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, 1, epoch]).permutation(count)


class LabelledStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless augmented samples, every one once before any comes again, in an order that the seed says.

    What stands at which place depends on the seed and the place only: neither on the number of workers, nor
    on where a resumed training began. Each worker makes whole batches, in turn.
    """

    def __init__(self, samples: list[Sample], job: Job, share: Share = WHOLE) -> None:
        self.samples, self.job, self.share = samples, job, share

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker, workers = _worker()
        size, seed = self.job.optimisation.batch_size, self.job.data.seed
        batch = self.share.batches_done + worker
        while True:
            first = (batch * self.share.processes + self.share.rank) * size
            for place in range(first, first + size):
                sample = self.samples[shuffled_index(len(self.samples), seed, place)]
                yield _augmented(sample, self.job.augmentation, np.random.default_rng([seed, 2, place]))
            batch += workers


def synthetic_data(job: Job) -> SyntheticData:
    """The job's synthetic images. Raises TypeError where it is trained on labelled images."""
    if not isinstance(job.data, SyntheticData):
        raise TypeError(f"{job.data.kind} data are not synthetic")
    return job.data


class SyntheticStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless augmented synthetic images; each worker of each process makes its own share of the numbers."""

    def __init__(
        self, job: Job, target: Target, share: Share = WHOLE, donors: Sequence[NDArray[Any]] = ()
    ) -> None:
        self.job, self.target, self.share, self.donors = job, target, share, donors

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker, workers = _worker()
        worker, workers = self.share.rank * workers + worker, self.share.processes * workers
        data = synthetic_data(self.job)
        done = self.share.batches_done * self.share.processes * self.job.optimisation.batch_size
        start = -(-done // data.reuse)
        rng = np.random.default_rng([data.seed, 1 + worker, start])
        pool = SyntheticPool(data, self.job.input_size, self.target)
        for given in count():
            number = start + worker + given // data.reuse * workers
            yield _augmented(pool.sample(number, rng), self.job.augmentation, rng, self.donors)


def _augmented(
    sample: Sample, settings: Augmentation, rng: np.random.Generator, donors: Sequence[NDArray[Any]] = ()
) -> tuple[Tensor, Tensor]:
    return to_tensors(*augment(standardise(sample.image), sample.maps, settings, rng, donors=donors))


@dataclass(frozen=True, slots=True)
class LoadedSource:
    """A source with the samples of its training and validation splits; synthetic images have none."""

    source: Source
    train: list[Sample]
    val: list[Sample]


class MixedStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless augmented samples of several sources, every batch with their shares as near as whole images go.

    What stands at which place depends on the seed and the place only, as in ``LabelledStream``; but where
    synthetic images are reused, which comes again depends on the worker too.
    """

    def __init__(
        self,
        sources: list[LoadedSource],
        job: Job,
        target: Target,
        share: Share = WHOLE,
        donors: Sequence[NDArray[Any]] = (),
    ) -> None:
        self.sources, self.job, self.target, self.share, self.donors = sources, job, target, share, donors

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker, workers = _worker()
        size = self.job.optimisation.batch_size
        pools = {
            index: SyntheticPool(loaded.source.data, self.job.input_size, self.target)
            for index, loaded in enumerate(self.sources)
            if isinstance(loaded.source.data, SyntheticData)
        }
        batch = self.share.batches_done + worker
        while True:
            number = batch * self.share.processes + self.share.rank
            for offset, index in enumerate(self._sources_of(number, size)):
                yield self._sample(self.sources[index], number * size + offset, pools.get(index))
            batch += workers

    def _sample(self, loaded: LoadedSource, place: int, pool: SyntheticPool | None) -> tuple[Tensor, Tensor]:
        """The augmented sample of a source at a place of the stream."""
        rng = np.random.default_rng([loaded.source.data.seed, 2, place])
        augmentation = loaded.source.augmentation or self.job.augmentation
        if pool is not None:
            return _augmented(pool.sample(place, rng), augmentation, rng, self.donors)
        return _augmented(loaded.train[int(rng.integers(len(loaded.train)))], augmentation, rng)

    def _sources_of(self, batch: int, size: int) -> list[int]:
        """Systematic sampling: one of ``size`` equal steps along the shares each, from a random start."""
        rng = np.random.default_rng([self.job.data.seed, 3, batch])
        ends = np.cumsum([loaded.source.share for loaded in self.sources])
        chosen = np.searchsorted(ends[:-1], (np.arange(size) + rng.random()) / size, side="right")
        return [int(index) for index in rng.permutation(chosen)]


class UnlabelledStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless frames without labels, each twice at one place: as it is, and with other gray values.

    What stands at which place depends on the seed and the place only, as in ``LabelledStream``.
    """

    def __init__(self, crops: Sequence[NDArray[Any]], settings: Unlabelled, share: Share = WHOLE) -> None:
        self.crops, self.settings, self.share = crops, settings, share

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker, workers = _worker()
        size = self.settings.batch_size
        batch = self.share.batches_done + worker
        while True:
            first = (batch * self.share.processes + self.share.rank) * size
            for place in range(first, first + size):
                yield self._pair(np.random.default_rng([self.settings.seed, 4, place]))
            batch += workers

    def _pair(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        crop = standardise(self.crops[int(rng.integers(len(self.crops)))])
        nothing = np.zeros(crop.shape, np.uint8)
        weak, _ = change_place(crop, nothing, self.settings.augmentation, rng)
        strong = change_optics(weak, self.settings.augmentation, rng)
        return torch.from_numpy(standardise(weak))[None], torch.from_numpy(standardise(strong))[None]


class SyntheticSamples:
    """``count`` held-out synthetic images of the given side, without augmentation."""

    def __init__(self, data: SyntheticData, side: int, target: Target, count: int) -> None:
        self.data, self.side, self.target, self.count = data, side, target, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.count:
            raise IndexError(index)
        return synthetic_sample(self.data, self.side, self.target, VALIDATION_OFFSET + index)


class TensorSamples(Dataset[tuple[Tensor, Tensor]]):
    """Any samples as tensors, for a loader; without augmentation."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        sample = self.samples[index]
        return to_tensors(cast(NDArray[np.float32], sample.image), sample.maps)
