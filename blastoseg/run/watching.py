"""Reading frames from folders that others write to: files that grow, and shares that go away, are noticed."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from blastoseg.errors import InputNotFoundError, UnreadableFrameError
from blastoseg.records import Frame, FrameRef
from blastoseg.run.journal import MISSING, FrameKeys, KnownBy
from blastoseg.run.stream import FrameLeftError
from blastoseg.stopping import StopRequest


def size_and_time(ref: FrameRef) -> str:
    """What tells at a glance whether the files of a frame changed; it never raises."""
    return FrameKeys(KnownBy.TIME).of(ref).content


class WatchedInputs:
    """The inputs of a run, between discovery and the last frame read.

    ``inputs`` are the given paths with the names they are shown under. ``settling`` are the files that are
    left for the next run because they are still being written. ``seen`` is how each frame's files were when
    it was found: size and time, as ``KnownBy.TIME`` has them. ``stop`` is asked for where an input is gone.
    """

    def __init__(
        self,
        inputs: Sequence[tuple[str, Path]],
        settling: Collection[Path],
        seen: Iterable[tuple[FrameRef, str]],
        stop: StopRequest,
    ) -> None:
        self.settling = set(settling)
        self._inputs = inputs
        self._stop = stop
        self._when_found = {ref.path: content for ref, content in seen}

    def read(self, ref: FrameRef, reader: Callable[[FrameRef], Frame]) -> Frame:
        """The frame as ``reader`` gives it, once it is sure that its file did not change since it was found.

        Raises FrameLeftError where it did, or where the whole input went away; else what ``reader`` raises.
        """
        try:
            frame = reader(ref)
        except UnreadableFrameError:
            self.leave_if_changed(ref)
            raise
        self.leave_if_changed(ref)
        return frame

    def when_found(self, ref: FrameRef) -> str:
        """``size_and_time`` of the frame's files when they were found."""
        return self._when_found[ref.path]

    def leave_if_changed(self, ref: FrameRef) -> None:
        """Raise FrameLeftError where the frame's file changed since then, or its whole input is gone."""
        now = size_and_time(ref)
        if now == self.when_found(ref):
            return
        if MISSING not in now:
            self.settling.add(ref.path)
            raise FrameLeftError
        for name, path in self._inputs:
            if _is_gone(path):
                self._stop.ask(f"{name} went away while it was read", InputNotFoundError.exit_code)
                raise FrameLeftError


def _is_gone(path: Path) -> bool:
    """Whether an input is no longer there: removed, or its share unmounted, which leaves an empty folder."""
    try:
        return not any(path.iterdir()) if path.is_dir() else not path.exists()
    except OSError:
        return True
