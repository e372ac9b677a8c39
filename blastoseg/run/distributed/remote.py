"""The life of an actor: it holds the networks, and has processes beside them as a run has.

A batch is read, segmented, cleaned, measured and drawn where it was handed to, by ``stream.py``: what crosses
the network is where frames lie, and rows with their pictures.
"""

import logging
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

from blastoseg import __version__
from blastoseg.errors import BlastosegError, without_texts
from blastoseg.model.card import load_card
from blastoseg.records import Frame, FrameRef, FrameResult, Image
from blastoseg.report.pictures import Pictures
from blastoseg.run.request import RunRequest
from blastoseg.run.room import MOST_BYTES
from blastoseg.run.stream import FrameLeftError, ScoringPlan, score_frames
from blastoseg.run.surroundings import Surroundings
from blastoseg.run.watching import size_and_time
from blastoseg.run.workers import Finished, Workers
from blastoseg.stages import Segmented, stages_in_words

if TYPE_CHECKING:
    from blastoseg.model.segmenter import Segmenter

AT_ONCE = 2
"""Batches that a machine has at once: while one's last frames are measured, the next one's are read."""
MOST_TOLD = 1000


class FrameToScore(NamedTuple):
    """A frame; its files' ``size_and_time`` as the run found them; and what its overlay tells of it."""

    ref: FrameRef
    found: str
    around: Surroundings


class Told(NamedTuple):
    """A line for the log of the run, and a traceback where there is one."""

    level: int
    text: str
    trace: str


class Scored(NamedTuple):
    """What became of the frames of a batch, in order; None for one whose file is not as the run found it."""

    outcomes: list[Finished | None]
    told: list[Told]


class Greeting(NamedTuple):
    """What a machine scores with. All machines of a run must agree on it, ``host`` and ``device`` apart."""

    host: str
    device: str
    version: str
    stages: str
    weights: str
    engine: str
    precision: str


class Refusal(NamedTuple):
    """Why a machine cannot score."""

    host: str
    error: BlastosegError


class RemoteScorer:
    """Scores batches for a run on another machine; what it is asked is the run's own request."""

    def __init__(self, request: RunRequest) -> None:
        self._request = request
        self._told: deque[Told] = deque(maxlen=MOST_TOLD)
        self._open = ExitStack()

    def begin(self) -> Greeting | Refusal:
        """Load the networks and start the processes; what this machine scores with."""
        cv2.setNumThreads(1)
        self._listen()
        host = socket.gethostname()
        try:
            card = load_card(self._request.settings.weights)
            segmenter = self._request.networks(card)
            device = segmenter.device_in_words
            self._networks = _SharedNetworks(segmenter, self._open.enter_context(segmenter.side_by_side()))
            self._workers = self._open.enter_context(Workers.of(self._request))
            self._workers.begin()
        except BlastosegError as error:
            return Refusal(host, error)
        return Greeting(
            host=host,
            device=device,
            version=__version__,
            stages=stages_in_words(segmenter.engine),
            weights=card.fingerprint,
            engine=segmenter.engine,
            precision=segmenter.precision,
        )

    def score(self, frames: list[FrameToScore]) -> Scored:
        """Read, segment, measure and draw a batch. Raises only what ends a run, and what nobody foresaw."""
        found = {id(one.ref): one.found for one in frames}
        around = {(one.ref.embryo_id, one.ref.frame_index): one.around for one in frames}
        drawn: dict[int, Pictures] = {}

        def read(ref: FrameRef) -> Frame:
            try:
                return self._workers.read(ref)
            finally:
                if size_and_time(ref) != found[id(ref)]:
                    raise FrameLeftError

        def finish(segmented: Segmented) -> FrameResult:
            ref = segmented.frame.ref
            result, pictures = self._workers.finish(segmented, around[ref.embryo_id, ref.frame_index])
            drawn[id(result)] = pictures  # the very object comes out of the stream again
            return result

        plan = ScoringPlan(
            networks=self._networks,
            read=read,
            finish=finish,
            workers=self._request.processes,
            most_bytes=MOST_BYTES // AT_ONCE,
        )
        results = list(score_frames((one.ref for one in frames), plan))
        outcomes = [None if one is None else Finished(one, drawn.get(id(one), Pictures())) for one in results]
        return Scored(outcomes, self._told_since())

    def _told_since(self) -> list[Told]:
        told = []
        while self._told:
            told.append(self._told.popleft())
        return told

    def _listen(self) -> None:
        # Into the run's own log, and not into those of Ray, which stay on this machine.
        log = logging.getLogger("blastoseg")
        log.addHandler(_Listener(self._told, is_discreet=self._request.keyfile is not None))
        log.propagate = False


class _Listener(logging.Handler):
    def __init__(self, told: deque[Told], is_discreet: bool) -> None:
        super().__init__(logging.WARNING)
        self._to = told
        self._is_discreet = is_discreet
        self._words = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        trace = record.exc_text or ""
        if record.exc_info and record.exc_info[1]:
            error = record.exc_info[1]
            trace = (
                without_texts(error) if self._is_discreet else self._words.formatException(record.exc_info)
            )
        self._to.append(Told(record.levelno, record.getMessage(), trace))


class _SharedNetworks:
    """One segmenter for several batches at once, which together make as many passes as one would."""

    def __init__(self, segmenter: "Segmenter", passes: int) -> None:
        self.locator_side = segmenter.locator_side
        self.locator_threshold = segmenter.locator_threshold
        self.input_side = segmenter.input_side
        self.batch_size = segmenter.batch_size
        self._segmenter = segmenter
        self._passes = passes
        self._turns = threading.BoundedSemaphore(passes)

    def locate_batch(self, squares: list[Image]) -> np.ndarray[Any, Any]:
        with self._turns:
            return self._segmenter.locate_batch(squares)

    def segment_batch(self, crops: list[Image]) -> np.ndarray[Any, Any]:
        with self._turns:
            return self._segmenter.segment_batch(crops)

    @contextmanager
    def side_by_side(self) -> Iterator[int]:
        yield self._passes
