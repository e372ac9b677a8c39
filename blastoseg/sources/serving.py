"""The life of a process that works for another."""

import contextlib
import multiprocessing
import os
import threading
import traceback
from collections.abc import Sequence
from multiprocessing.connection import wait
from typing import Any, Protocol

import cv2
from numpy.typing import NDArray

from blastoseg.errors import UnreadableFrameError, without_texts
from blastoseg.sources.line import Line, SharedMemory
from blastoseg.stopping import ignore_stop_signals

Arrays = Sequence[NDArray[Any]]


class Work(Protocol):
    """What the processes can do; it travels to each of them once."""

    @property
    def is_discreet(self) -> bool:
        """Whether a file's own name may appear in nothing that they say."""

    @property
    def libraries(self) -> Sequence[str]:
        """Modules that it loads where it first needs them: forks of one process have them from the start."""

    def done(self, job: Any, arrays: Arrays) -> tuple[Any, Arrays]:
        """The answer to a job, each with the arrays beside it. Raises UnreadableFrameError, or a defect."""


def serve(connection: Any, memory: SharedMemory | None, work: Work) -> None:
    """A child's life: jobs until the line is closed, as it is when the parent ends, however it does."""
    ignore_stop_signals()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    cv2.setNumThreads(1)
    if work.is_discreet:
        _fall_silent()
    line = Line(connection, memory)
    with contextlib.suppress(EOFError, OSError):
        line.send(("ready", None))
        while True:
            job, arrays = line.receive(is_kept=False)
            beside: Arrays = ()
            try:
                done, beside = work.done(job, arrays)
                answer: tuple[str, Any] = "answer", done
            except UnreadableFrameError as error:
                answer = "unreadable", str(error)
            except Exception as error:
                answer = "failed", _told(error, work.is_discreet)
            line.send(answer, beside)


def _end_with_parent() -> None:
    # Also one that is busy with a file that it never gets done with.
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(0)


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
