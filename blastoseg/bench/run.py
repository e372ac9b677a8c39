"""Throughput of each stage, of the whole, and of the bare forward pass of the same batches, in one run.

Machines differ and are shared, so what counts are ratios within one run; nothing here is a test.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from blastoseg import columns
from blastoseg.anatomy import clean_labels
from blastoseg.errors import BlastosegError
from blastoseg.measure import measure_labels
from blastoseg.model.averaging import Averaging
from blastoseg.model.card import load_card
from blastoseg.model.locating import (
    WORKING_SIDE,
    crop_embryo,
    fit_square,
    locate_embryo,
    place_labels,
    resample_probabilities,
)
from blastoseg.model.segmenter import Segmenter
from blastoseg.records import Box, Frame, FrameResult, Probabilities, Status
from blastoseg.report.pictures import PictureStyle, PictureWriter, caption
from blastoseg.run.events import RunEnded, RunStarted
from blastoseg.run.outputs import PictureNames
from blastoseg.run.pipeline import score_folder
from blastoseg.run.request import RunRequest
from blastoseg.settings import Settings
from blastoseg.simulate import View, draw_frame
from blastoseg.sources import SourceOptions, discover_frames, read_frame

DIFFERENT_FRAMES = 40
STAGE_BATCHES = 5
DRAWN_SIDE = 256
SEED = 20_220_723


@dataclass(frozen=True, slots=True)
class BenchPlan:
    """What is measured: ``frames`` frames of ``side`` pixels, on ``device``."""

    folder: Path
    frames: int = 200
    side: int = 500
    weights: str = "starter"
    device: str = "auto"
    engine: str = "auto"
    batch_size: int = 8
    workers: int | None = None
    flips: Averaging = Settings().flips

    def segmenter(self) -> Segmenter:
        """The networks as a run of this plan has them."""
        card = load_card(self.weights)
        return Segmenter(card, self.device, self.batch_size, flips=self.flips, engine=self.engine)


class Stopwatch:
    """Times of stages, a frame each: the median over the batches."""

    def __init__(self) -> None:
        self._ms: dict[str, list[float]] = {}

    @contextmanager
    def of(self, stage: str, frames: int) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._ms.setdefault(stage, []).append(1000 * (time.perf_counter() - start) / frames)

    def ms_per_frame(self) -> dict[str, float]:
        return {stage: median(times) for stage, times in self._ms.items()}


def draw_folder(folder: Path, frames: int, side: int) -> None:
    """Write ``frames`` JPEG frames, 100 an embryo: ``DIFFERENT_FRAMES`` drawn ones, the rest hard links."""
    rng = np.random.default_rng(SEED)
    originals = []
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(min(frames, DIFFERENT_FRAMES)):
        drawn = draw_frame(rng, View(side, side, fill=(0.4, 0.8), scene="field"))
        path = folder / f"original_{index}"
        path.write_bytes(cv2.imencode(".jpg", drawn.image)[1].tobytes())
        originals.append(path)
    for index in range(frames):
        embryo = folder / f"WELL{index // 100 + 1}"
        embryo.mkdir(exist_ok=True)
        os.link(originals[index % len(originals)], embryo / f"frame_RUN{index % 100 + 1}.jpg")
    for path in originals:
        path.unlink()


def time_stages(plan: BenchPlan, frames_folder: Path) -> dict[str, float]:
    """Milliseconds a frame of each stage alone, in the order of the stages, on one thread.

    The two networks use the device with all its threads, in batches of the plan's size.
    """
    segmenter = plan.segmenter()
    options = SourceOptions(Settings().naming)
    refs = discover_frames([frames_folder], options).refs
    pictures = PictureWriter(plan.folder / "pictures", PictureNames(refs).place)
    watch = Stopwatch()
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        for start in range(0, min(len(refs), STAGE_BATCHES * plan.batch_size), plan.batch_size):
            batch = refs[start : start + plan.batch_size]
            with watch.of("decode", len(batch)):
                frames = [read_frame(ref, options) for ref in batch]
            found, answers = _time_networks(frames, segmenter, watch)
            _time_measuring(found, answers, pictures, watch)
    finally:
        cv2.setNumThreads(threads)
    return watch.ms_per_frame()


def _time_networks(
    frames: list[Frame], segmenter: Segmenter, watch: Stopwatch
) -> tuple[list[tuple[Frame, Box]], Probabilities]:
    with watch.of("shrink", len(frames)):
        fits = [fit_square(frame.image, segmenter.locator_side) for frame in frames]
    with watch.of("locator network", len(frames)):
        maps = segmenter.locate_batch([square for square, _ in fits])
    with watch.of("locate", len(frames)):
        threshold = segmenter.locator_threshold
        locations = [locate_embryo(map_, fit, threshold) for map_, (_, fit) in zip(maps, fits, strict=True)]
    found = [
        (frame, location.box)
        for frame, location in zip(frames, locations, strict=True)
        if location.box is not None
    ]
    with watch.of("crop", len(found)):
        crops = [crop_embryo(frame.image, box, segmenter.input_side) for frame, box in found]
    with watch.of("segmenter network", len(found)):
        answers = segmenter.segment_batch(crops)
    return found, answers


def _time_measuring(
    found: list[tuple[Frame, Box]], answers: Probabilities, pictures: PictureWriter, watch: Stopwatch
) -> None:
    with watch.of("resample", len(found)):
        sized = [
            resample_probabilities(answer, min(box.side, WORKING_SIDE))
            for answer, (_, box) in zip(answers, found, strict=True)
        ]
    with watch.of("anatomy", len(found)):
        cleaned = [clean_labels(probabilities) for probabilities in sized]
    with watch.of("place", len(found)):
        placed = [
            place_labels(labels, box, (frame.image.shape[0], frame.image.shape[1]))
            for labels, (frame, box) in zip(cleaned, found, strict=True)
        ]
    with watch.of("measure", len(found)):
        for labels in placed:
            columns.add_micrometres(measure_labels(labels), 0.5)
    with watch.of("masks and overlays", len(found)):
        for labels, (frame, _) in zip(placed, found, strict=True):
            words = caption(FrameResult(frame.ref, Status.OK))
            pictures.write(frame.ref, PictureStyle().draw(frame.image, labels, words))


def time_simulation() -> float:
    """Milliseconds in which the simulator draws one crop of ``DRAWN_SIDE`` pixels as training sees it."""
    rng = np.random.default_rng(SEED)
    view = View(DRAWN_SIDE, DRAWN_SIDE, fill=(0.6, 0.9), scene="crop")
    times = []
    for _ in range(DIFFERENT_FRAMES):
        start = time.perf_counter()
        draw_frame(rng, view)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.mean(times))


@dataclass(frozen=True, slots=True)
class Whole:
    """Seconds of a whole run, of its scoring alone, and of the bare forward passes of the same batches."""

    frames: int
    run_s: float
    forward_s: float
    network_s: float

    @property
    def share_of_forward(self) -> float:
        """Whole run's speed over that of the bare forward passes (both networks): 1 is perfect overlap."""
        return self.forward_s / self.run_s


def time_whole(plan: BenchPlan, frames_folder: Path) -> Whole:
    """A whole run, from the first frame read to the report on disk, between two bare forward passes."""
    before = _time_forward(plan, frames_folder)
    request = RunRequest(
        paths=[frames_folder],
        settings=Settings(weights=plan.weights, flips=plan.flips),
        out=plan.folder / "run",
        device=plan.device,
        engine=plan.engine,
        batch_size=plan.batch_size,
        workers=plan.workers,
        fresh=True,
    )
    start = end = 0.0
    for event in score_folder(request):
        if isinstance(event, RunStarted):
            start = time.perf_counter()
        if isinstance(event, RunEnded):
            end = time.perf_counter()
    after = _time_forward(plan, frames_folder)
    locator_s, network_s = ((a + b) / 2 for a, b in zip(before, after, strict=True))
    return Whole(plan.frames, end - start, locator_s + network_s, network_s)


def _time_forward(plan: BenchPlan, frames_folder: Path) -> tuple[float, float]:
    """Seconds of the locator's and the segmenter's forward passes over all frames, nothing else running."""
    segmenter = plan.segmenter()
    options = SourceOptions(Settings().naming)
    refs = discover_frames([frames_folder], options).refs[:DIFFERENT_FRAMES]
    images = [read_frame(ref, options).image for ref in refs]
    squares = [fit_square(image, segmenter.locator_side)[0] for image in images]
    crops = [crop_embryo(image, Box(0, 0, min(image.shape)), segmenter.input_side) for image in images]
    segmenter.segment_batch(crops[: plan.batch_size])
    locator_s = network_s = 0.0
    for start in range(0, plan.frames, plan.batch_size):
        batch = [(start + index) % len(images) for index in range(min(plan.batch_size, plan.frames - start))]
        began = time.perf_counter()
        segmenter.locate_batch([squares[index] for index in batch])
        middle = time.perf_counter()
        segmenter.segment_batch([crops[index] for index in batch])
        locator_s += middle - began
        network_s += time.perf_counter() - middle
    return locator_s, network_s


def peak_memory_mib(plan: BenchPlan, frames: int) -> float:
    """Largest resident memory of ``blastoseg run`` over that many frames, in a process of its own; MiB.

    NaN on systems that do not tell (Windows).
    """
    if not hasattr(os, "wait4"):
        return float("nan")
    folder = plan.folder / f"memory_{frames}"
    draw_folder(folder, frames, plan.side)
    command = [sys.executable, "-m", "blastoseg", "run", str(folder), "--out", f"{folder}-out", "--quiet"]
    command += ["--settle", "0"]
    command += ["--weights", plan.weights, "--device", plan.device, "--engine", plan.engine]
    command += ["--batch-size", str(plan.batch_size)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own command
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BlastosegError(f"the run for the memory measurement ended with {process.returncode}")
    kib_per_unit = 1 / 1024 if sys.platform == "darwin" else 1
    return usage.ru_maxrss * kib_per_unit / 1024
