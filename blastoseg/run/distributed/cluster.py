"""Frames scored by the machines of a cluster, in the order of the report.

Frames go out in batches and come back as rows with their pictures. A batch whose machine is lost goes to
another one; lost twice, it is halved, so that what kills machines is found: a single frame that did so, twice
and with nothing beside it, is a ``failed`` row.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Self

from blastoseg.errors import BlastosegError, DeviceError
from blastoseg.model.batches import CPU_SIZE
from blastoseg.model.card import Card
from blastoseg.records import FrameRef, FrameResult
from blastoseg.report.pictures import Pictures
from blastoseg.run.distributed.connection import connected
from blastoseg.run.distributed.machines import Machine, Machines, first_line
from blastoseg.run.distributed.remote import FrameToScore, Greeting, Scored
from blastoseg.run.request import RunRequest
from blastoseg.run.scoring import FrameCare
from blastoseg.run.stream import FrameLeftError
from blastoseg.run.workers import Finished
from blastoseg.stages import failed_frame

log = logging.getLogger(__name__)

BATCHES_A_MACHINE = 4
"""Batches that are neither finished nor reported: two are worked on, two may wait for one before them."""
TRIES = 2
PATIENCE_S, PATIENCE_A_FRAME_S = 600.0, 60.0
"""For a batch: the time limits of reading and measuring are kept on the machine itself."""
WRITERS = 4


class Row(NamedTuple):
    """A frame, and what became of it on which machine; None where its file was not as it had been found."""

    ref: FrameRef
    outcome: Finished | None
    host: str
    is_left: bool


@dataclass(eq=False)
class Batch:
    """Frames that are handed out together: by whom they are scored at present, and what became of them."""

    frames: list[FrameToScore]
    tries: int = 0
    machine: Machine | None = None
    answer: Any = None
    since: float = 0.0
    host: str = ""
    outcomes: Sequence[Finished | None] | None = None
    is_left: bool = False

    @property
    def is_waiting(self) -> bool:
        return self.answer is None and not self.is_done

    @property
    def is_done(self) -> bool:
        return self.is_left or self.outcomes is not None

    @property
    def is_suspect(self) -> bool:
        """Whether it was lost before: it is given to a machine alone, so that no other batch is suspected."""
        return self.tries > 0

    def rows(self) -> list[Row]:
        """The frames with what became of them."""
        outcomes = self.outcomes or [None] * len(self.frames)
        return [
            Row(frame.ref, outcome, self.host, self.is_left)
            for frame, outcome in zip(self.frames, outcomes, strict=True)
        ]

    def scored_by(self, host: str, scored: Scored) -> None:
        """Take in a machine's answer, and what it has to tell."""
        self.host, self.outcomes, self.machine, self.answer = host, scored.outcomes, None, None
        for told in scored.told:
            record = log.makeRecord(log.name, told.level, "", 0, "machine %s: %s", (host, told.text), None)
            record.exc_text = told.trace or None
            log.handle(record)

    def halves(self) -> "tuple[Batch, Batch]":
        """The batch in two. Lost once more, a half is halved again."""
        middle = len(self.frames) // 2
        return Batch(self.frames[:middle], TRIES - 1), Batch(self.frames[middle:], TRIES - 1)


class Cluster:
    """Context manager: a run's machines. Entering waits for the first of them."""

    def __init__(self, address: str, request: RunRequest, card: Card) -> None:
        self.card = card
        self._address = address
        self._request = request
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with self._open:
            self._ray = self._open.enter_context(connected(self._address, self._request.processes))
            self._machines = Machines(self._ray, self._request, self.card)
            self._machines.start(self._request.stop)
            self._open = self._open.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def _greeting(self) -> Greeting:
        assert self._machines.greeting is not None
        return self._machines.greeting

    @property
    def engine(self) -> str:
        """What computes the passes, on every machine."""
        return self._greeting.engine

    @property
    def precision(self) -> str:
        """That of the passes, on every machine."""
        return self._greeting.precision

    @property
    def device_in_words(self) -> str:
        """Where the first machine computes."""
        return f"{self._greeting.device}, on machines of Ray"

    @property
    def batch_size(self) -> int:
        """Frames in one pass, on every machine."""
        return self._request.batch_size or CPU_SIZE

    def prepare(self) -> None:
        """Nothing: the machines were greeted when this was entered."""

    def score(self, refs: Iterable[FrameRef], care: FrameCare) -> Iterator[FrameResult | None]:
        """One result a frame, in order, as ``stream.score_frames`` gives them."""
        source = iter(refs)
        line: list[Batch] = []
        with ThreadPoolExecutor(WRITERS) as writers:
            while True:
                self._machines.look(len(line))
                if problem := self._machines.problem():
                    care.stop.ask(f"--ray: {problem}", DeviceError.exit_code)
                if care.stop:
                    for batch in line:
                        batch.is_left = batch.is_left or batch.is_waiting
                else:
                    self._fill(line, source, care)
                    self._hand_out(line)
                if not line:
                    return
                if line[0].is_done:
                    yield from writers.map(partial(_result, care), line.pop(0).rows())
                else:
                    self._wait(line)

    def _fill(self, line: list[Batch], source: Iterator[FrameRef], care: FrameCare) -> None:
        # Enough for the machine's own network to be busy while the next batch is on its way.
        size = 2 * self.batch_size
        while len(line) < BATCHES_A_MACHINE * max(1, self._machines.count):
            frames = [
                FrameToScore(_absolute(ref), care.watched.when_found(ref), care.around(ref))
                for ref in islice(source, size)
            ]
            if not frames:
                return
            line.append(Batch(frames))

    def _hand_out(self, line: list[Batch]) -> None:
        for batch in line:
            if not batch.is_waiting:
                continue
            given = self._machines.give(batch.frames, alone=batch.is_suspect)
            if given is None:
                # Those behind one that must be alone wait, too: or no machine would ever be free for it.
                return
            batch.machine, batch.answer = given
            batch.since = time.monotonic()

    def _wait(self, line: list[Batch]) -> None:
        """Until a batch is done, or a machine ready, or a second is over."""
        running = {batch.answer: batch for batch in line if batch.answer is not None}
        answers = [*running, *self._machines.answers]
        if not answers:
            time.sleep(1.0)
            return
        done, _ = self._ray.wait(answers, timeout=1.0)
        for answer in done:
            if answer in running:
                self._take(running[answer], line)
        for batch in line:
            patience_s = PATIENCE_S + PATIENCE_A_FRAME_S * len(batch.frames)
            if batch.machine is not None and time.monotonic() - batch.since > patience_s:
                self._lose(batch, line, f"gave no answer within {patience_s:g} s")

    def _take(self, batch: Batch, line: list[Batch]) -> None:
        """Take in what became of a batch. Raises what ends the run."""
        assert batch.machine is not None
        errors = self._ray.exceptions
        try:
            scored: Scored = self._ray.get(batch.answer)
        except errors.RayTaskError as error:
            where = f"machine {batch.machine.host}"
            if isinstance(error.cause, BlastosegError):
                raise type(error.cause)(f"{where}: {error.cause}") from error
            shown = type(error.cause).__name__ if self._request.keyfile else str(error)
            log.error("%s: unexpected error while scoring:\n%s", where, shown)
            self._machines.take_back(batch.machine, alone=batch.is_suspect)
            self._again(batch, line, f"unexpected error while scoring: {type(error.cause).__name__}")
        except errors.RayError as error:
            self._lose(batch, line, f"died ({first_line(error)})")
        else:
            self._machines.take_back(batch.machine, alone=batch.is_suspect)
            batch.scored_by(batch.machine.host, scored)

    def _lose(self, batch: Batch, line: list[Batch], why: str) -> None:
        assert batch.machine is not None
        self._machines.lose(batch.machine, why)
        self._again(batch, line, "the machine scoring it was lost")

    def _again(self, batch: Batch, line: list[Batch], problem: str) -> None:
        """Put a batch back in line; in two where it was lost twice, until a single frame has failed."""
        batch.machine = batch.answer = None
        batch.tries += 1
        if batch.tries < TRIES:
            return
        if len(batch.frames) == 1:
            failed = failed_frame(
                batch.frames[0].ref, f"{batch.frames[0].ref.source}: {problem}, twice: see run.log"
            )
            batch.outcomes = [Finished(failed, Pictures())]
            return
        place = line.index(batch)
        line[place : place + 1] = batch.halves()


def _absolute(ref: FrameRef) -> FrameRef:
    """A frame as another machine finds it, which knows nothing of this one's working directory."""
    return replace(ref, path=ref.path.absolute())


def _result(care: FrameCare, row: Row) -> FrameResult | None:
    """A frame's result with its pictures stored; None for one that is left for the next run."""
    if row.outcome is not None:
        result, pictures = row.outcome
        result.mask_file, result.overlay_file = care.store(result.ref, pictures)
        return result
    if row.is_left:
        return None
    try:
        care.watched.leave_if_changed(row.ref)
    except FrameLeftError:
        return None
    return failed_frame(
        row.ref,
        f"{row.ref.source}: machine {row.host} does not see the file that this one sees: all machines need "
        "the same file system, at the same place",
    )
