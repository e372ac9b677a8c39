"""Stages 1 to 6 for a stream of frames: read, locate, segment, clean, measure, judge.

Reading ahead and finishing behind run in worker threads (their work is in libraries that release the
interpreter lock) while others keep the network busy. All queues are bounded, so that memory does not
grow with the number of frames, and results come in the order of the frames.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import cv2
import numpy as np

from blastoseg import columns
from blastoseg.anatomy import clean_labels
from blastoseg.errors import BlastosegError, UnreadableFrameError
from blastoseg.locate import (
    WORKING_SIDE,
    crop_embryo,
    fit_square,
    locate_embryo,
    place_labels,
    resample_labels,
    resample_probabilities,
)
from blastoseg.measure import measure_labels
from blastoseg.quality import Findings, assess_frame, border_contact, judge_image, tissue_confidence
from blastoseg.records import (
    Flag,
    Frame,
    FrameRef,
    FrameResult,
    Image,
    Labels,
    Location,
    Probabilities,
    Segmentation,
    Status,
)
from blastoseg.settings import Settings

log = logging.getLogger(__name__)

UNMEASURED: dict[str, float | int | bool | None] = {
    column.name: float("nan") if column.dtype == "float" else None
    for column in columns.MEASURE_COLUMNS + columns.CONFIDENCE_COLUMNS
}
"""The measures of a frame in which there is nothing to measure."""


class Networks(Protocol):
    """What the stages need of ``segment.Segmenter``."""

    locator_side: int
    input_side: int
    batch_size: int

    def locate_batch(self, squares: list[Image]) -> np.ndarray[Any, Any]: ...

    def segment_batch(self, crops: list[Image]) -> np.ndarray[Any, Any]: ...

    def side_by_side(self) -> AbstractContextManager[int]: ...


class FrameLeftError(Exception):
    """A frame that must wait for the next run: its file still grows, or its share went away."""


Reading = tuple[FrameRef, Future[Frame]]
"""A frame that is being read."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """A frame between the network and the measuring; without a segmentation where no embryo was found."""

    frame: Frame
    location: Location
    crop: Image | None = None
    segmentation: Segmentation | None = None


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """How a stream of frames is scored.

    ``read`` decodes a frame; ``pixel_size`` gives um/px and its source; ``save`` stores a finished
    frame's pictures and returns their paths (mask, overlay) relative to OUT. Once ``is_stopped`` is true no
    further batch is begun.
    """

    networks: Networks
    settings: Settings
    read: Callable[[FrameRef], Frame]
    pixel_size: Callable[[FrameRef], tuple[float, str]]
    save: Callable[[Frame, Labels | None, FrameResult], tuple[str, str]]
    workers: int = 2
    is_stopped: Callable[[], bool] = bool


def score_frames(refs: Iterable[FrameRef], plan: ScoringPlan) -> Iterator[FrameResult | None]:
    """One result a frame, in order. A frame that cannot be read or processed is a ``failed`` result.

    None stands for a frame that ``plan.read`` left for the next run; frames that were not begun when the
    plan was stopped are missing at the end.
    Raises only what ends the whole run: a missing device, a full disk.
    """
    remaining = iter(refs)
    size = plan.networks.batch_size
    # Three pools: frames to be finished must not stand behind frames to be read, or the network starves.
    with (
        plan.networks.side_by_side() as passes,
        _one_opencv_thread(),
        ThreadPoolExecutor(plan.workers) as readers,
        ThreadPoolExecutor(passes) as networks,
        ThreadPoolExecutor(plan.workers) as finishers,
    ):
        reading: deque[Reading] = deque()
        segmenting: deque[Future[list[Segmented | FrameResult | None]]] = deque()
        finishing: deque[Future[FrameResult | None]] = deque()
        try:
            while True:
                for ref in islice(remaining, 2 * size - len(reading)):
                    reading.append((ref, readers.submit(plan.read, ref)))
                while reading and len(segmenting) <= passes and not plan.is_stopped():
                    batch = [reading.popleft() for _ in range(min(size, len(reading)))]
                    segmenting.append(networks.submit(_segment_read, batch, plan.networks))
                if not segmenting:
                    break
                for outcome in segmenting.popleft().result():
                    finishing.append(
                        finishers.submit(finish_frame, outcome, plan)
                        if isinstance(outcome, Segmented)
                        else _completed(outcome)
                    )
                while len(finishing) > 3 * size:
                    yield finishing.popleft().result()
            while finishing:
                yield finishing.popleft().result()
        finally:
            futures: list[Future[Any]] = [*finishing, *segmenting, *(read for _, read in reading)]
            for future in futures:
                future.cancel()


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    # Frames are worked on side by side: threads within one would only stand in each other's way.
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)


def _segment_read(batch: list[Reading], networks: Networks) -> list[Segmented | FrameResult | None]:
    """A batch through the networks once its frames are read; those that cannot be are ``failed``."""
    outcomes: list[Frame | FrameResult | None] = []
    for ref, future in batch:
        try:
            outcomes.append(future.result())
        except FrameLeftError:
            outcomes.append(None)
        except UnreadableFrameError as error:
            outcomes.append(failed_frame(ref, str(error)))
        except Exception as error:
            # One frame's surprise must not cost the night; the log keeps the traceback.
            log.exception("unexpected error while reading %s", ref.source)
            outcomes.append(failed_frame(ref, f"unexpected error while reading: {error!r}: see run.log"))
    frames = [outcome for outcome in outcomes if isinstance(outcome, Frame)]
    segmented = iter(segment_frames(frames, networks))
    return [next(segmented) if isinstance(outcome, Frame) else outcome for outcome in outcomes]


def segment_frames(frames: list[Frame], networks: Networks) -> list[Segmented]:
    """Locate and segment a batch: two passes of small networks, one a frame, one a crop."""
    if not frames:
        return []
    squares, fits = zip(*(fit_square(frame.image, networks.locator_side) for frame in frames), strict=True)
    maps = networks.locate_batch(list(squares))
    locations = [locate_embryo(probability, fit) for probability, fit in zip(maps, fits, strict=True)]
    crops = {
        index: crop_embryo(frames[index].image, location.box, networks.input_side)
        for index, location in enumerate(locations)
        if location.box is not None
    }
    answers = dict(zip(crops, networks.segment_batch(list(crops.values())), strict=True)) if crops else {}
    return [
        Segmented(
            frame,
            location,
            crops.get(index),
            Segmentation(answers[index], location.box) if location.box is not None else None,
        )
        for index, (frame, location) in enumerate(zip(frames, locations, strict=True))
    ]


def finish_frame(segmented: Segmented, plan: ScoringPlan) -> FrameResult:
    """Clean, measure, judge and save one frame. An unexpected error, twice, becomes a ``failed`` result."""
    ref = segmented.frame.ref
    problem = ""
    for _ in range(2):
        try:
            labels, result = _measure_frame(segmented, plan)
            result.mask_file, result.overlay_file = plan.save(segmented.frame, labels, result)
            return result
        except BlastosegError:
            raise
        except Exception as error:
            log.exception("unexpected error while measuring %s", ref.source)
            problem = repr(error)
    return failed_frame(ref, f"unexpected error while measuring: {problem}, twice: see run.log")


def _measure_frame(segmented: Segmented, plan: ScoringPlan) -> tuple[Labels | None, FrameResult]:
    ref = segmented.frame.ref
    um_per_px, um_per_px_source = plan.pixel_size(ref)
    measures = dict(UNMEASURED)
    border: set[int] = set()
    labels: Labels | None = None
    image_quality = judge_image(segmented.frame.image, np.zeros(segmented.frame.image.shape, bool))
    if segmented.segmentation is not None and segmented.crop is not None:
        crop_labels, labels = label_frame(segmented.segmentation, segmented.frame.image.shape)
        measures |= columns.calibrate(measure_labels(labels), um_per_px)
        probabilities = segmented.segmentation.probabilities
        at_input = resample_labels(crop_labels, probabilities.shape[1])
        measures |= tissue_confidence(probabilities, at_input)
        image_quality = judge_image(segmented.crop, at_input > 0)
        border = border_contact(labels)
    findings = Findings(segmented.location, image_quality, border, measures, um_per_px)
    verdict = assess_frame(findings, plan.settings.quality)
    if verdict.status is Status.EXCLUDED:
        measures = dict(UNMEASURED)
    return labels, FrameResult(
        ref, verdict.status, verdict.flags, verdict.reason, um_per_px, um_per_px_source, measures
    )


def label_frame(segmentation: Segmentation, frame_shape: tuple[int, ...]) -> tuple[Labels, Labels]:
    """Anatomically clean labels, as a crop and placed in the frame's own geometry ``(y, x)``."""
    side = min(segmentation.box.side, WORKING_SIDE)
    probabilities: Probabilities = resample_probabilities(segmentation.probabilities, side)
    crop_labels = clean_labels(probabilities)
    height, width = frame_shape
    return crop_labels, place_labels(crop_labels, segmentation.box, (height, width))


def failed_frame(ref: FrameRef, reason: str, flags: tuple[Flag, ...] = ()) -> FrameResult:
    """The row of a frame that could not be read or processed."""
    return FrameResult(ref, Status.FAILED, flags, reason, measures=dict(UNMEASURED))


def _completed(result: FrameResult | None) -> Future[FrameResult | None]:
    future: Future[FrameResult | None] = Future()
    future.set_result(result)
    return future
