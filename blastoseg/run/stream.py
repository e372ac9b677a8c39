"""The stages for a stream of frames, reading and measuring beside the network.

Reading ahead and finishing behind happen in processes of their own (``workers.py``), each waited for by a
thread, while other threads keep the network busy. All queues are bounded, by frames and by bytes, so
that memory grows neither with the number of frames nor with their size, and results come in the order of the
frames.
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
from blastoseg.records import Frame, FrameRef, FrameResult
from blastoseg.run.room import MOST_BYTES, Room
from blastoseg.stages import Networks, Segmented, failed_frame, segment_frames, try_twice

log = logging.getLogger(__name__)

LARGEST_BATCH = MOST_BYTES // 4
"""Bytes of frames from which on a batch is closed, however few they are."""


class FrameLeftError(Exception):
    """A frame that must wait for the next run: its file still grows, or its share went away."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A frame that is being read; ``number`` is its place in the stream."""

    number: int
    ref: FrameRef
    future: Future[Frame]

    @property
    def size(self) -> int:
        """Bytes of its pixels once it is read, 0 where it cannot be."""
        return 0 if self.future.exception() else self.future.result().image.nbytes


@dataclass(frozen=True, slots=True)
class ScoringPlan:
    """How a stream of frames is scored.

    ``read`` decodes a frame; ``finish`` cleans, measures and judges what the networks saw, and stores its
    pictures; both are called from ``workers`` threads, or twice as many. Once ``is_stopped`` is true no
    further batch is begun. Decoded frames of ``most_bytes`` and more hold back the reading of further ones.
    """

    networks: Networks
    read: Callable[[FrameRef], Frame]
    finish: Callable[[Segmented], FrameResult]
    workers: int = 2
    is_stopped: Callable[[], bool] = bool
    most_bytes: int = MOST_BYTES


def score_frames(refs: Iterable[FrameRef], plan: ScoringPlan) -> Iterator[FrameResult | None]:
    """One result a frame, in order. A frame that cannot be read or processed is a ``failed`` result.

    None stands for a frame that ``plan.read`` left for the next run; frames that were not begun when the
    plan was stopped are missing at the end.
    Raises only what ends the whole run: a missing device, a full disk.
    """
    numbered = enumerate(refs)
    size = plan.networks.batch_size
    room = Room(plan.most_bytes)
    # Three pools: frames to be finished must not stand behind frames to be read, or the network starves.
    with (
        plan.networks.side_by_side() as passes,
        _one_opencv_thread(),
        ThreadPoolExecutor(plan.workers) as readers,
        ThreadPoolExecutor(passes) as networks,
        # While one frame's pictures go to the disk, the next is measured.
        ThreadPoolExecutor(2 * plan.workers) as finishers,
    ):
        reading: deque[Reading] = deque()
        segmenting: deque[Future[list[Segmented | FrameResult | None]]] = deque()
        finishing: deque[Future[FrameResult | None]] = deque()
        try:
            while True:
                for number, ref in islice(numbered, 2 * size - len(reading)):
                    future = readers.submit(_read_in_room, number, ref, plan, room)
                    reading.append(Reading(number, ref, future))
                while reading and len(segmenting) <= passes and not plan.is_stopped():
                    if _must_wait(reading[0], room) and (segmenting or finishing):
                        break
                    batch = _next_batch(reading, size, room)
                    segmenting.append(networks.submit(_segment_read, batch, plan.networks))
                if segmenting:
                    for outcome in segmenting.popleft().result():
                        finishing.append(
                            finishers.submit(_finish_frame, outcome, plan, room)
                            if isinstance(outcome, Segmented)
                            else _completed(outcome)
                        )
                elif finishing:
                    # The room is full of frames that are being finished, or nothing is left to be read.
                    yield finishing.popleft().result()
                else:
                    break
                while len(finishing) > 3 * size:
                    yield finishing.popleft().result()
        finally:
            room.open()
            futures: list[Future[Any]] = [*finishing, *segmenting, *(one.future for one in reading)]
            for future in futures:
                future.cancel()


def _read_in_room(number: int, ref: FrameRef, plan: ScoringPlan, room: Room) -> Frame:
    room.enter(number)
    frame = plan.read(ref)
    room.take(frame.image.nbytes)
    return frame


def _must_wait(one: Reading, room: Room) -> bool:
    return room.is_full and not one.future.done()


def _next_batch(reading: deque[Reading], most: int, room: Room) -> list[Reading]:
    """The next frames, read: at least one, fewer than ``most`` where they are large."""
    batch: list[Reading] = []
    held = 0
    while reading and len(batch) < most and held < LARGEST_BATCH:
        if batch and _must_wait(reading[0], room):
            break
        room.need(reading[0].number)
        batch.append(reading.popleft())
        held += batch[-1].size
    return batch


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
    for one in batch:
        ref = one.ref
        try:
            outcomes.append(one.future.result())
        except FrameLeftError:
            outcomes.append(None)
        except UnreadableFrameError as error:
            outcomes.append(failed_frame(ref, str(error)))
        except Exception as error:
            # One frame's surprise must not cost the night; the log keeps the traceback.
            log.exception("unexpected error while reading %s", ref.source)
            outcomes.append(
                failed_frame(ref, f"unexpected error while reading: {type(error).__name__}: see run.log")
            )
    frames = [outcome for outcome in outcomes if isinstance(outcome, Frame)]
    segmented = iter(segment_frames(frames, networks))
    return [next(segmented) if isinstance(outcome, Frame) else outcome for outcome in outcomes]


def _finish_frame(segmented: Segmented, plan: ScoringPlan, room: Room) -> FrameResult:
    """Measure and save one frame. An unexpected error, twice, becomes a ``failed`` result."""
    size = segmented.frame.image.nbytes
    try:
        with room.measuring(size):
            return try_twice(segmented.frame.ref, lambda: (None, plan.finish(segmented)))[1]
    finally:
        room.leave(size)


def _completed(result: FrameResult | None) -> Future[FrameResult | None]:
    future: Future[FrameResult | None] = Future()
    future.set_result(result)
    return future
