"""What a run does beside the networks, on 1, 2, 4 and 8 processes, with networks that answer at once.

A run with one process of them uses more than one core, for the ledger is written beside it. What another core
brings is told by a run that is kept to one.
"""

import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blastoseg.bench.run import DIFFERENT_FRAMES, BenchPlan
from blastoseg.model.card import load_card
from blastoseg.model.cores import usable_cores
from blastoseg.model.segmenter import FloatArray, Segmenter
from blastoseg.run.events import FrameScored, RunStarted
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.run.workers import Workers
from blastoseg.settings import Settings
from blastoseg.sources import SourceOptions, discover_frames, read_frame
from blastoseg.stages import segment_frames

COUNTS = (1, 2, 4, 8)
ROUNDS = 2
"""Every count has its turn so often, one after the other, and its best counts: other work slows all alike."""


@dataclass(frozen=True, slots=True)
class Rate:
    """What so many processes do on so many cores, and when all are ready in a program just begun (s)."""

    processes: int
    cores: int
    frames_per_s: float
    ready_s: float


class RememberedAnswers(Segmenter):
    """Networks that answer at once what they have seen before."""

    def __init__(self, plan: BenchPlan) -> None:
        super().__init__(load_card(plan.weights), plan.device, plan.batch_size, flips=plan.flips)
        self._known: dict[tuple[str, bytes], FloatArray] = {}

    def locate_batch(self, squares: Sequence[NDArray[Any]]) -> FloatArray:
        """As ``Segmenter``."""
        return self._answers("locate", squares)

    def segment_batch(self, crops: Sequence[NDArray[Any]] | NDArray[Any]) -> FloatArray:
        """As ``Segmenter``."""
        return self._answers("segment", crops)

    def _answers(self, stage: str, images: Sequence[NDArray[Any]] | NDArray[Any]) -> FloatArray:
        keys = [(stage, hashlib.blake2b(image.tobytes(), digest_size=16).digest()) for image in images]
        if not all(key in self._known for key in keys):
            ask = super().locate_batch if stage == "locate" else super().segment_batch
            self._known.update(zip(keys, ask(list(images)), strict=True))
        return np.stack([self._known[key] for key in keys])


def time_beside_network(plan: BenchPlan, frames_folder: Path) -> Iterator[Rate]:
    """The rates of ``COUNTS`` processes over the same frames, report and start-up apart.

    The first is that of two processes and all else on one core, where the system can keep a program to one.
    """
    if hasattr(os, "sched_setaffinity"):
        yield Rate(2, 1, _in_own_process(rate_on_one_core, plan, frames_folder), _ready_s(2))
    networks = _remembering(plan, frames_folder)
    best = dict.fromkeys(COUNTS, 0.0)
    for _ in range(ROUNDS):
        for count in COUNTS:
            best[count] = max(best[count], _frames_per_s(plan, frames_folder, networks, count))
    for count, rate in best.items():
        yield Rate(count, usable_cores(), rate, _ready_s(count))


def rate_on_one_core(plan: BenchPlan, frames_folder: Path) -> float:
    """Frames a second of two processes and all else on one core; the process that asks is kept to it."""
    if not hasattr(os, "sched_setaffinity"):
        raise RuntimeError("this system cannot keep a program to one core")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    networks = _remembering(plan, frames_folder)
    return max(_frames_per_s(plan, frames_folder, networks, 2) for _ in range(ROUNDS))


def _remembering(plan: BenchPlan, frames_folder: Path) -> RememberedAnswers:
    """Networks that have seen the frames."""
    networks = RememberedAnswers(replace(plan, flips=False))
    options = SourceOptions(Settings().naming)
    refs = discover_frames([frames_folder], options).refs[:DIFFERENT_FRAMES]
    for start in range(0, len(refs), plan.batch_size):
        batch = refs[start : start + plan.batch_size]
        segment_frames([read_frame(ref, options) for ref in batch], networks)
    return networks


def _frames_per_s(plan: BenchPlan, frames_folder: Path, networks: Segmenter, workers: int) -> float:
    request = RunRequest(
        paths=[frames_folder],
        settings=Settings(weights=plan.weights, flips=networks.flips),
        out=plan.folder / "run",
        workers=workers,
        fresh=True,
    )
    scored, start, end = 0, 0.0, 0.0
    with closing(score_folder(request, networks)) as events:
        for event in events:
            if isinstance(event, RunStarted):
                start = time.perf_counter()
            if isinstance(event, FrameScored):
                scored, end = scored + 1, time.perf_counter()
            if scored == plan.frames:
                break  # without a report
    return scored / (end - start)


def _ready_s(workers: int) -> float:
    """In a process of its own, as a run is: in this one all has been started before."""
    return _in_own_process(start_workers, workers)


def _in_own_process(measure: Callable[..., float], *arguments: object) -> float:
    """What a function of this module measures in a process just begun."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
        return own.submit(measure, *arguments).result()


def start_workers(count: int) -> float:
    """Seconds until so many processes are ready for a run, this one's own imports apart."""
    request = RunRequest(paths=[], settings=Settings(), workers=count)
    began = time.perf_counter()
    with Workers.of(request) as workers:
        workers.processes.start_all()
        return time.perf_counter() - began
