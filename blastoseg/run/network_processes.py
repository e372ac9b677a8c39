"""The networks in processes of their own, one for each device that is named: several GPUs score one run.

They are asked as one ``Segmenter`` is, from several threads: whoever asks gets the device that is free. Each
frame's answer depends on no other frame, so it is the same bytes whichever of several like devices gives it.
"""

import logging
import queue
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from blastoseg.errors import BlastosegError, DeviceError
from blastoseg.model.batches import SIZES
from blastoseg.model.card import CLASSES, Card
from blastoseg.sources.processes import Processes, ProcessLostError, Request
from blastoseg.sources.serving import Arrays

if TYPE_CHECKING:
    from blastoseg.model.averaging import Averaging
    from blastoseg.model.segmenter import Segmenter

log = logging.getLogger(__name__)

PATIENCE_S = 600.0
"""For one batch. The first waits for torch and the weights too, on a machine that has other things to do."""
ASKING_PER_PROCESS = 2
"""While one batch is computed, the next is cut out of its frames."""
DESCRIBE = "describe"


class Described(NamedTuple):
    """What a process became: these must be alike, or it would show which device saw a frame."""

    engine: str
    precision: str
    batch_size: int


class Told(NamedTuple):
    """An answer; what the networks warned of meanwhile; an error that ends the run."""

    answer: Any = None
    warnings: tuple[str, ...] = ()
    error: BlastosegError | None = None


@dataclass(frozen=True)
class NetworkWork:
    """What a network process does. The networks are loaded there, with its first job."""

    card: Card
    device: str
    batch_size: int | None
    flips: "Averaging"
    engine: str

    is_discreet: ClassVar[bool] = False  # it is told of no file
    libraries: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def segmenter(self) -> "Segmenter":
        """The networks on this process's device."""
        from blastoseg.model.segmenter import Segmenter  # noqa: PLC0415  torch loads in the process alone

        return Segmenter(self.card, self.device, self.batch_size, flips=self.flips, engine=self.engine)

    def done(self, job: Any, arrays: Arrays) -> tuple[Told, Arrays]:
        """The networks described, or the answer to a stack of images for one of them."""
        with _warnings_kept() as warnings:
            try:
                answer, beside = self._done(job, arrays)
            except BlastosegError as error:
                return Told(warnings=tuple(warnings), error=error), ()
        return Told(answer, tuple(warnings)), beside

    def _done(self, job: Any, arrays: Arrays) -> tuple[Any, Arrays]:
        networks = self.segmenter
        with networks.side_by_side():
            if job == DESCRIBE:
                seen = Described(networks.engine, networks.precision, networks.batch_size)
                return (networks.device_in_words, seen), ()
            images = list(arrays[0])
            ask = networks.locate_batch if job == "locate" else networks.segment_batch
            return None, (ask(images),)


class NetworkProcesses:
    """Context manager: the networks of a model on several devices; stands where a ``Segmenter`` does.

    A process that dies is replaced and its batch computed once more. Entering waits until all are ready, and
    raises what a ``Segmenter`` raises, or DeviceError where the devices compute in different ways.
    """

    def __init__(self, work: NetworkWork, devices: Sequence[str]) -> None:
        self.card = card = work.card
        self.locator_side, self.locator_threshold = card.locator.input_size, card.locator.threshold
        self.input_side = card.segmenter.input_size
        self._work, self._devices = work, tuple(devices)
        self._idle: queue.SimpleQueue[_OneProcess] = queue.SimpleQueue()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            work, devices = self._work, self._devices
            processes = [opened.enter_context(_OneProcess(work, devices[0]))]
            if work.batch_size is None:
                # The first measures which size pays: each for itself could find another.
                _, first = processes[0].ask_networks(DESCRIBE).answer
                work = replace(work, batch_size=first.batch_size)
            processes += [opened.enter_context(_OneProcess(work, device)) for device in devices[1:]]
            with ThreadPoolExecutor(len(processes)) as asking:
                # Side by side: each loads the weights.
                described = list(asking.map(lambda one: one.ask_networks(DESCRIBE).answer, processes))
            words, ways = zip(*described, strict=True)
            if len(set(ways)) > 1:
                told = "; ".join(f"{word}: {way.engine}, {way.precision}" for word, way in described)
                raise DeviceError(f"these devices do not compute alike ({told}): name devices of one kind")
            self.engine, self.precision, self.batch_size = ways[0]
            self.device_in_words = ", ".join(words)
            for one in processes:
                self._idle.put(one)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def locate_batch(self, squares: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """As ``Segmenter``, by a device that is free. Raises DeviceError where its process dies twice."""
        return self._answer("locate", squares)

    def segment_batch(self, crops: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        """As ``Segmenter``, by a device that is free. Raises DeviceError where its process dies twice."""
        return self._answer("segment", crops)

    @contextmanager
    def side_by_side(self) -> Iterator[int]:
        """How many threads should ask at once."""
        yield ASKING_PER_PROCESS * len(self._devices)

    def _answer(self, job: str, images: Sequence[NDArray[Any]]) -> NDArray[np.float32]:
        one = self._idle.get()
        try:
            answer: NDArray[np.float32] = one.ask_networks(job, np.stack(images)).beside[0]
        finally:
            self._idle.put(one)
        return answer


class _Answer(NamedTuple):
    answer: Any
    beside: list[NDArray[Any]]


class _OneProcess(Processes):
    """The process of one device, replaced where it dies."""

    def __init__(self, work: NetworkWork, device: str) -> None:
        side = work.card.segmenter.input_size
        a_batch = (work.batch_size or SIZES[-1]) * side * side * len(CLASSES) * 4
        super().__init__(replace(work, device=device), 1, shared_bytes=max(2 * a_batch, 1 << 20))
        self._device = device

    def ask_networks(self, job: str, *arrays: NDArray[Any]) -> _Answer:
        request = Request(job, arrays, self._device, doing="computing on", patience_s=PATIENCE_S)
        try:
            told, beside = super().ask(request)
        except ProcessLostError as error:
            raise DeviceError(
                f"the network process of {self._device} {error}, twice: is memory left? what was "
                "scored before is kept: the next run goes on from there"
            ) from error
        for warning in told.warnings:
            log.warning("%s: %s", self._device, warning)
        if told.error is not None:
            raise told.error
        return _Answer(told.answer, beside)


class _Kept(logging.Handler):
    def __init__(self, kept: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(record.getMessage())


@contextmanager
def _warnings_kept() -> Iterator[list[str]]:
    """What this program logs meanwhile, for the run's log: a process has none of its own."""
    kept: list[str] = []
    logger, handler = logging.getLogger("blastoseg"), _Kept(kept)
    logger.addHandler(handler)
    try:
        yield kept
    finally:
        logger.removeHandler(handler)
