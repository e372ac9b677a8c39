"""Decoding in processes of their own: a file that crashes, hangs or devours its reader costs one frame,
or, where its frames are listed, itself.

Decoders are native code, and the files come from a share that anybody writes to. Each reading thread hands
a frame to a child process and waits. A child that dies or takes too long is replaced and the frame tried
once more; after that it is unreadable.
"""

import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection
from types import ModuleType, TracebackType
from typing import Any, Self

from blastoseg.errors import EnvironmentProblemError, UnreadableFrameError, without_texts
from blastoseg.records import Frame, FrameRef
from blastoseg.sources.containers import Container, Contents, list_contents, unlisted
from blastoseg.sources.options import SourceOptions
from blastoseg.sources.reading import read_frame
from blastoseg.stopping import ignore_stop_signals

log = logging.getLogger(__name__)

START_METHOD = "spawn"
"""Not fork: the parent has threads, and a network whose memory no child needs."""
PATIENCE_S = 30.0
"""For one frame. A sleeping disk of a file server takes ten seconds to answer."""
LISTING_PATIENCE_S = 60.0
"""For what is in a slide file of many gigabytes on a slow share."""
STARTING_S = 60.0
MOST_MEMORY = 4 << 30
"""Bytes of address space of a child, where the system can hold it to that: Linux, macOS."""
_GOODBYE_S = 2.0
_STARTING = threading.Lock()

Job = FrameRef | Container
"""A frame to be decoded, or a file whose frames are to be listed."""


class IsolatedReaders:
    """Context manager over ``count`` reading processes; ``read`` may be called from as many threads.

    Entering starts them without waiting for them.
    """

    def __init__(self, options: SourceOptions, count: int) -> None:
        self._options = options
        self._idle: queue.SimpleQueue[_Child | None] = queue.SimpleQueue()
        self._count = count

    def __enter__(self) -> Self:
        for _ in range(self._count):
            self._idle.put(self._start())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                child = self._idle.get_nowait()
                if child is not None:
                    child.end()

    def read(self, ref: FrameRef) -> Frame:
        """Decode one frame. Raises UnreadableFrameError, which begins with the ref's source."""
        frame: Frame = self._answer(ref, PATIENCE_S, tries=2)
        return frame

    def contents_of(self, container: Container) -> Contents:
        """List a file that holds many frames; one shot with a problem where that takes too much."""
        try:
            contents: Contents = self._answer(container, LISTING_PATIENCE_S, tries=1)
        except UnreadableFrameError as error:
            return unlisted(container, str(error))
        return contents

    def _answer(self, job: Job, patience_s: float, tries: int) -> Any:
        often = ", twice" if tries == 2 else ""
        child = self._idle.get()
        try:
            for _ in range(tries):
                child = child or self._start()
                try:
                    return child.answer(job, patience_s)
                except _ReaderLostError as error:
                    log.warning("%s: the process reading it %s: a new one is started", job.source, error)
                    child.end()
                    child, problem = None, f"its reader {error}{often}: export it again"
                except _ReaderFailedError as error:
                    problem = f"unexpected error while reading: {error}{often}: see run.log"
            raise UnreadableFrameError(f"{job.source}: {problem}")
        finally:
            self._idle.put(child)

    def _start(self) -> "_Child":
        try:
            return _Child(self._options)
        except OSError as error:
            raise EnvironmentProblemError(
                f"no process for reading can be started ({error.strerror or error}): is memory left?"
            ) from error


class _ReaderLostError(Exception):
    """The child is gone, or has to go; the message continues a sentence."""


class _ReaderFailedError(Exception):
    """An error that nobody foresaw; the child lives."""


class _Child:
    def __init__(self, options: SourceOptions) -> None:
        context = multiprocessing.get_context(START_METHOD)
        self._connection, theirs = context.Pipe()
        self._process = context.Process(  # type: ignore[attr-defined]
            target=_serve, args=(theirs, options), name="blastoseg-reader", daemon=True
        )
        with _main_module_unseen():
            self._process.start()
        theirs.close()
        self._is_ready = False

    def answer(self, job: Job, patience_s: float) -> Any:
        try:
            if not self._is_ready:
                self._receive(STARTING_S)
                self._is_ready = True
            self._connection.send(job)
            outcome, answer = self._receive(patience_s)
        except (EOFError, OSError) as error:
            self._process.join(_GOODBYE_S)
            raise _ReaderLostError(f"died ({_in_words(self._process.exitcode)})") from error
        if outcome == "unreadable":
            raise UnreadableFrameError(answer)
        if outcome == "failed":
            log.error("%s: unexpected error while reading:\n%s", job.source, answer[1])
            raise _ReaderFailedError(answer[0])
        return answer

    def _receive(self, patience_s: float) -> Any:
        if not self._connection.poll(patience_s):
            raise _ReaderLostError(f"gave no answer within {patience_s:g} s")
        # One that stands still in the middle of its answer would hold this process for ever.
        watch = threading.Timer(patience_s, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            return self._connection.recv()
        finally:
            watch.cancel()

    def end(self) -> None:
        """Close its line, by which an idle child ends; a busy one is killed."""
        self._connection.close()
        self._process.join(_GOODBYE_S if self._is_ready else 0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(_GOODBYE_S)


@contextlib.contextmanager
def _main_module_unseen() -> Iterator[None]:
    """Lets children start without the program's main file, which ``spawn`` would run in each of them.

    They need nothing of it, and a script that scores frames at its top would score them in every child.
    """
    with _STARTING:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def _in_words(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"


def _serve(connection: Connection, options: SourceOptions) -> None:
    """A child's life: frames until the line is closed, as it is when the parent ends, however it does."""
    ignore_stop_signals()
    _limit_memory()
    if options.is_discreet:
        _fall_silent()
    with contextlib.suppress(EOFError, OSError):
        connection.send(("ready", None))
        while True:
            job: Job = connection.recv()
            try:
                answer: tuple[str, Any] = "answer", _done(job, options)
            except UnreadableFrameError as error:
                answer = "unreadable", str(error)
            except Exception as error:
                answer = "failed", _told(error, options.is_discreet)
            connection.send(answer)


def _done(job: Job, options: SourceOptions) -> Any:
    return list_contents(job) if isinstance(job, Container) else read_frame(job, options)


def _told(error: Exception, is_discreet: bool) -> tuple[str, str]:
    """An error that nobody foresaw, and where it came from; not its text, which may hold a file's name."""
    if not is_discreet:
        return repr(error), traceback.format_exc()
    return type(error).__name__, without_texts(error)


def _fall_silent() -> None:
    # Decoders warn on standard error, and name the file.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 (there is none on Windows)

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = MOST_MEMORY if most == resource.RLIM_INFINITY else min(MOST_MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))
