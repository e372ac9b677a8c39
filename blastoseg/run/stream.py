"""The stages for a stream of frames, reading and measuring beside the network.

Reading ahead and finishing behind run in worker threads (their work is in libraries that release the
interpreter lock) while others keep the network busy. All queues are bounded, so that memory does not
grow with the number of frames, and results come in the order of the frames.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import cv2

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Frame, FrameRef, FrameResult, Labels
from blastoseg.settings import Settings
from blastoseg.stages import Networks, Segmented, failed_frame, measure_frame, segment_frames, try_twice

log = logging.getLogger(__name__)


class FrameLeftError(Exception):
    """A frame that must wait for the next run: its file still grows, or its share went away."""


Reading = tuple[FrameRef, Future[Frame]]
"""A frame that is being read."""


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
                        finishers.submit(_finish_frame, outcome, plan)
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


def _finish_frame(segmented: Segmented, plan: ScoringPlan) -> FrameResult:
    """Measure and save one frame. An unexpected error, twice, becomes a ``failed`` result."""
    ref = segmented.frame.ref

    def measure_and_save() -> tuple[Labels | None, FrameResult]:
        labels, result = measure_frame(segmented, plan.settings.quality, *plan.pixel_size(ref))
        result.mask_file, result.overlay_file = plan.save(segmented.frame, labels, result)
        return labels, result

    return try_twice(ref, measure_and_save)[1]


def _completed(result: FrameResult | None) -> Future[FrameResult | None]:
    future: Future[FrameResult | None] = Future()
    future.set_result(result)
    return future
