"""Decoding in processes of their own: a file that crashes, hangs or devours its reader costs one frame,
or, where its frames are listed, itself.

Decoders are native code, and the files come from a share that anybody writes to.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, ClassVar, Self

from blastoseg.errors import UnreadableFrameError
from blastoseg.records import Frame, FrameRef
from blastoseg.sources.containers import Container, Contents, list_contents, unlisted
from blastoseg.sources.options import SourceOptions
from blastoseg.sources.processes import Processes, ProcessLostError, Request, WorkFailedError
from blastoseg.sources.reading import read_frame
from blastoseg.sources.serving import Arrays

PATIENCE_S = 30.0
"""For one frame. A sleeping disk of a file server takes ten seconds to answer."""
LISTING_PATIENCE_S = 60.0
"""For what is in a slide file of many gigabytes on a slow share."""
MOST_MEMORY = 4 << 30
"""Bytes of address space while a file is read, where the system can hold a process to that: Linux, macOS."""


@dataclass(frozen=True)
class ReadingWork:
    """What a process does that reads: a frame is decoded, or a file's frames are listed."""

    options: SourceOptions

    libraries: ClassVar[tuple[str, ...]] = ()

    @property
    def is_discreet(self) -> bool:
        """Whether a file's own name may appear in nothing that the process says."""
        return self.options.is_discreet

    def done(self, job: Any, arrays: Arrays) -> tuple[Any, Arrays]:
        """For a Container its Contents, for a FrameRef the frame's ref and damage, beside its pixels."""
        with memory_limited():
            if isinstance(job, Container):
                return list_contents(job), ()
            frame = read_frame(job, self.options)
        return (frame.ref, frame.damage), (frame.image,)


class IsolatedReaders:
    """Context manager over ``count`` reading processes; ``read`` may be called from as many threads.

    Entering does not wait for them. ``work`` is what they can do, if more than to read.
    """

    def __init__(self, options: SourceOptions, count: int, work: ReadingWork | None = None) -> None:
        self.processes = Processes(work or ReadingWork(options), count)

    def __enter__(self) -> Self:
        self.processes.__enter__()
        return self

    def begin(self) -> None:
        """Start the processes, without waiting for them: otherwise the first files wait for that."""
        self.processes.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.processes.__exit__(kind, error, trace)

    def read(self, ref: FrameRef) -> Frame:
        """Decode one frame. Raises UnreadableFrameError, which begins with the ref's source."""
        request = Request(ref, (), ref.source, doing="reading", patience_s=PATIENCE_S)
        (read, damage), (image,) = self._answered(request)
        return Frame(read, image, damage)

    def contents_of(self, container: Container) -> Contents:
        """List a file that holds many frames; one shot with a problem where that takes too much."""
        request = Request(
            container, (), container.source, doing="reading", patience_s=LISTING_PATIENCE_S, tries=1
        )
        try:
            contents: Contents
            contents, _ = self._answered(request)
        except UnreadableFrameError as error:
            return unlisted(container, str(error))
        return contents

    def _answered(self, request: Request) -> tuple[Any, Arrays]:
        try:
            return self.processes.ask(request)
        except ProcessLostError as error:
            problem = f"its reader {error}{request.often}: export it again"
        except WorkFailedError as error:
            problem = f"unexpected error while reading: {error}{request.often}: see run.log"
        raise UnreadableFrameError(f"{request.source}: {problem}")


@contextlib.contextmanager
def memory_limited() -> Iterator[None]:
    """Hold this process to ``MOST_MEMORY`` for a while: it is for a process with one thread that reads."""
    try:
        import resource  # noqa: PLC0415 (there is none on Windows)
    except ImportError:
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = MOST_MEMORY if before == resource.RLIM_INFINITY else min(MOST_MEMORY, before)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_AS, (before, most))
