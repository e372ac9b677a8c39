"""Messages between two processes: a small object through a pipe, its arrays through shared memory.

Arrays for which the memory has no room go through the pipe as well, and so do all where the system knows no
memory without a name: one with a name would stay behind after a kill.
"""

import mmap
import os
from collections.abc import Sequence
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SHARED_BYTES = 16 << 20
"""Memory between two processes. Only what is used of it is taken from the system."""
_ALIGNED = 64


class SharedMemory:
    """Nameless memory that a process started with it shares; the system frees it with the last of them."""

    def __init__(self, descriptor: int, size: int) -> None:
        self.size = size
        self._descriptor = descriptor
        self._bytes = mmap.mmap(descriptor, size)

    @classmethod
    def made(cls, size: int = SHARED_BYTES) -> "SharedMemory | None":
        """New memory; None where the system has none without a name (only Linux has). Raises OSError."""
        if not hasattr(os, "memfd_create"):
            return None
        descriptor = os.memfd_create("blastoseg")
        os.ftruncate(descriptor, size)
        return cls(descriptor, size)

    def array(self, place: "Place") -> NDArray[Any]:
        """The array at a place: the memory itself, which the next message overwrites."""
        return np.ndarray(place.shape, np.dtype(place.dtype), self._bytes, place.start or 0)

    def close(self) -> None:
        """Let go of it. Arrays in it keep it alive until they are gone."""
        os.close(self._descriptor)

    def __reduce__(self) -> tuple[Any, ...]:
        return _shared_with_child, (reduction.DupFd(self._descriptor), self.size)


def _shared_with_child(descriptor: Any, size: int) -> SharedMemory:
    return SharedMemory(descriptor.detach(), size)


class Place(NamedTuple):
    """An array of a message: ``start`` is its first byte in the shared memory, None if it follows by pipe."""

    dtype: str
    shape: tuple[int, ...]
    start: int | None


class Line:
    """One end of a line over which two processes take turns. Raises OSError and EOFError where it breaks."""

    def __init__(self, connection: Connection, memory: SharedMemory | None) -> None:
        self._connection = connection
        self._memory = memory

    def send(self, message: Any, arrays: Sequence[NDArray[Any]] = ()) -> None:
        """Send an object with arrays beside it."""
        places, following, start = [], [], 0
        for array in arrays:
            if self._memory is not None and start + array.nbytes <= self._memory.size:
                place = Place(array.dtype.str, array.shape, start)
                self._memory.array(place)[...] = array
                start += -(-array.nbytes // _ALIGNED) * _ALIGNED
            else:
                place = Place(array.dtype.str, array.shape, None)
                following.append(array)
            places.append(place)
        self._connection.send((message, places))
        for array in following:
            self._connection.send_bytes(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)

    def wait(self, patience_s: float) -> bool:
        """Whether a message begins to arrive within so many seconds."""
        return self._connection.poll(patience_s)

    def receive(self, is_kept: bool = True) -> tuple[Any, list[NDArray[Any]]]:
        """The next object and its arrays; not ``is_kept``: they are good until the next message alone."""
        message, places = self._connection.recv()
        return message, [self._taken(Place(*place), is_kept) for place in places]

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        if self._memory is not None:
            self._memory.close()

    def _taken(self, place: Place, is_kept: bool) -> NDArray[Any]:
        if place.start is not None:
            assert self._memory is not None
            shared = self._memory.array(place)
            return shared.copy() if is_kept else shared
        array = np.empty(place.shape, np.dtype(place.dtype))
        self._connection.recv_bytes_into(array.reshape(-1).view(np.uint8).data)
        return array
