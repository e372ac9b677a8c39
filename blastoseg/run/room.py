"""How many bytes of decoded frames a run holds at once, whatever the frames' size."""

import threading
from contextlib import AbstractContextManager, nullcontext

MOST_BYTES = 256_000_000
"""Beyond it no further frame is decoded, unless everything waits for that frame."""


class Room:
    """Counts decoded frames in bytes; ``enter`` holds back the decoding of more than fit.

    Frames have numbers in the order in which they are needed. A frame that is needed now goes in in any case:
    the one that everything waits for must never stand before a full room.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._held = 0
        self._needed = -1
        self._is_open = False
        self._changed = threading.Condition()
        self._alone = threading.Lock()

    def measuring(self, size: int) -> AbstractContextManager[object]:
        """For a frame of so many bytes: large ones are measured one after the other.

        Measuring takes a dozen times a frame's bytes for a while.
        """
        return self._alone if size > self._most // 8 else nullcontext()

    @property
    def is_full(self) -> bool:
        """Whether the next frame would have to wait."""
        return self._held >= self._most

    def enter(self, number: int) -> None:
        """Wait until there is room for a further frame, or until this one is needed."""
        with self._changed:
            self._changed.wait_for(lambda: not self.is_full or number <= self._needed or self._is_open)

    def take(self, size: int) -> None:
        """A frame of so many bytes was decoded."""
        with self._changed:
            self._held += size

    def leave(self, size: int) -> None:
        """A frame of so many bytes is done with."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()

    def need(self, number: int) -> None:
        """Everything waits for the frames up to this one."""
        with self._changed:
            self._needed = max(self._needed, number)
            self._changed.notify_all()

    def open(self) -> None:
        """Let everybody through: the run ends."""
        with self._changed:
            self._is_open = True
            self._changed.notify_all()
