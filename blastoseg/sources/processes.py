"""Work in processes of their own, beside the interpreter lock of this one: one that crashes or hangs is
replaced, and costs a job at most.

Each thread hands a job to an idle process and waits. A process that dies or takes too long is replaced, and
the job tried once more. On Linux they are forks of one process that has loaded everything they need: eight
start as fast as one. Elsewhere each is started anew.
"""

import contextlib
import logging
import multiprocessing
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from types import ModuleType
from typing import Any, NamedTuple, Self

from numpy.typing import NDArray

from blastoseg.errors import EnvironmentProblemError, UnreadableFrameError
from blastoseg.sources.line import SHARED_BYTES, Line, SharedMemory
from blastoseg.sources.serving import Arrays, Work, serve
from blastoseg.stopping import STOP_SIGNALS

log = logging.getLogger(__name__)

START_METHOD = "forkserver" if sys.platform == "linux" else "spawn"
"""Not fork: the parent has threads, and a network whose memory no child needs."""
STARTING_S = 60.0
_GOODBYE_S = 2.0
_STARTING = threading.Lock()


class Request(NamedTuple):
    """A job, what it is about and how it is called, for messages; and how long and often it may be tried."""

    job: Any
    arrays: Arrays
    source: str
    doing: str
    patience_s: float
    tries: int = 2

    @property
    def often(self) -> str:
        """The end of a sentence on how often it was tried."""
        return ", twice" if self.tries == 2 else ""


class ProcessLostError(Exception):
    """The process is gone, or has to go; the message continues a sentence."""


class WorkFailedError(Exception):
    """An error that nobody foresaw, by its name; the process lives."""


class Processes:
    """Context manager over ``count`` processes that do ``work``; ``ask`` may be called from any thread.

    With each they share ``shared_bytes`` of memory for arrays; larger ones take the slower way.
    """

    def __init__(self, work: Work, count: int, shared_bytes: int = SHARED_BYTES) -> None:
        self._work = work
        self._shared_bytes = shared_bytes
        self._idle: queue.SimpleQueue[_Child | None] = queue.SimpleQueue()
        self._count = count
        self._watch = _Watch()

    def __enter__(self) -> Self:
        for _ in range(self._count):
            self._idle.put(None)
        return self

    def begin(self) -> None:
        """Start what takes long to start, and wait for none of it: the first jobs would have to."""
        if START_METHOD == "spawn":
            for child in [self._idle.get() or self._start() for _ in range(self._count)]:
                self._idle.put(child)
            return
        # Whatever this process does next goes on beside it; the first job that comes makes its own child.
        threading.Thread(target=self._start_server, name="blastoseg-processes", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._watch.end()
        with contextlib.suppress(queue.Empty):
            while True:
                child = self._idle.get_nowait()
                if child is not None:
                    child.end()

    def ask(self, request: Request) -> tuple[Any, list[NDArray[Any]]]:
        """The answer to a job and the arrays beside it.

        Raises UnreadableFrameError as the job does; after as many tries as it has ProcessLostError or
        WorkFailedError.
        """
        child = self._idle.get()
        try:
            for left in reversed(range(request.tries)):
                child = child or self._start()
                try:
                    return child.answer(request)
                except ProcessLostError as error:
                    log.warning(
                        "%s: the process %s it %s: a new one is started", request.source, request.doing, error
                    )
                    child.end()
                    child = None
                    if not left:
                        raise
                except WorkFailedError:
                    if not left:
                        raise
            raise AssertionError("a job is tried once at least")
        finally:
            self._idle.put(child)

    def start_all(self) -> None:
        """Start every process that does not run yet, and wait until all are ready."""
        children = [self._idle.get() or self._start() for _ in range(self._count)]
        for child in children:
            child.wait_until_ready()
            self._idle.put(child)

    def _start(self) -> "_Child":
        self._preload()
        try:
            return _Child(self._work, self._watch, self._shared_bytes)
        except OSError as error:
            raise EnvironmentProblemError(
                f"no further process can be started ({error.strerror or error}): is memory left?"
            ) from error

    def _preload(self) -> None:
        if START_METHOD == "forkserver":
            multiprocessing.set_forkserver_preload([type(self._work).__module__, *self._work.libraries])

    def _start_server(self) -> None:
        from multiprocessing import forkserver  # noqa: PLC0415 (there is none on Windows)

        self._preload()
        with contextlib.suppress(OSError), _starting():  # the first job tells what is wrong
            forkserver.ensure_running()


class _Child:
    def __init__(self, work: Work, watch: "_Watch", shared_bytes: int) -> None:
        context = multiprocessing.get_context(START_METHOD)
        ours, theirs = context.Pipe()
        memory = SharedMemory.made(shared_bytes)
        self._line = Line(ours, memory)
        self._process = context.Process(  # type: ignore[attr-defined]
            target=serve, args=(theirs, memory, work), name="blastoseg-worker", daemon=True
        )
        with _starting():
            self._process.start()
        theirs.close()
        self._is_ready = False
        self._watch = watch

    def answer(self, request: Request) -> tuple[Any, list[NDArray[Any]]]:
        try:
            self.wait_until_ready()
            with self._watch.over(self._process, time.monotonic() + 2 * request.patience_s):
                self._line.send(request.job, request.arrays)
                (outcome, answer), arrays = self._receive(request.patience_s)
        except (EOFError, OSError) as error:
            self._process.join(_GOODBYE_S)
            raise ProcessLostError(f"died ({_in_words(self._process.exitcode)})") from error
        if outcome == "unreadable":
            raise UnreadableFrameError(answer)
        if outcome == "failed":
            doing = request.doing
            log.error("%s: unexpected error while %s:\n%s", request.source, doing, answer[1])
            raise WorkFailedError(answer[0])
        return answer, arrays

    def wait_until_ready(self) -> None:
        if not self._is_ready:
            self._receive(STARTING_S)
            self._is_ready = True

    def _receive(self, patience_s: float) -> tuple[Any, list[NDArray[Any]]]:
        if not self._line.wait(patience_s):
            raise ProcessLostError(f"gave no answer within {patience_s:g} s")
        return self._line.receive()

    def end(self) -> None:
        """Close its line, by which an idle child ends; a busy one is killed."""
        self._line.close()
        self._process.join(_GOODBYE_S if self._is_ready else 0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_GOODBYE_S)


class _Watch:
    """Kills a child that stands still in the middle of a message: it would hold this process for ever."""

    def __init__(self) -> None:
        self._due: dict[int, tuple[Any, float]] = {}
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def over(self, process: Any, until: float) -> Iterator[None]:
        """Kill the process where the block is not left by then (``time.monotonic``)."""
        with _STARTING:
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, name="blastoseg-watch", daemon=True)
                self._thread.start()
        own = threading.get_ident()
        self._due[own] = process, until
        try:
            yield
        finally:
            del self._due[own]

    def end(self) -> None:
        self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(1.0):
            for process, until in list(self._due.values()):
                if time.monotonic() > until:
                    process.kill()


@contextlib.contextmanager
def _starting() -> Iterator[None]:
    """Lets children start without the program's main file, which would run in each of them.

    They need nothing of it, and a script that scores frames at its top would score them in every child.
    What is started here is not stopped by the signals that ask this process to stop: it decides when.
    """
    with _STARTING, _stop_signals_held():
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@contextlib.contextmanager
def _stop_signals_held() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which lets signals through again when it starts
    held = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _in_words(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"
