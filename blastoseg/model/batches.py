"""How many images go through a GPU at once: as many as pay, and as memory holds."""

from collections.abc import Callable
from typing import NamedTuple

SIZES = (8, 16, 32, 64, 128)
"""Those that are tried. More than the last take memory, and hold results back."""
CPU_SIZE = 8
"""Frames that are handed on at once beside a CPU, whose passes have a size of their own."""
WORTH_IT = 1.1
"""A larger batch is taken where a smaller one takes so many times as long for an image: a measurement's noise
must not choose, for batches of different sizes round differently."""
SHARE_OF_FREE = 0.5
"""Of the memory that is free: other programs may want some, and the pool of freed memory has gaps."""


class Timed(NamedTuple):
    """Seconds of a pass, and bytes of the device's memory at its height."""

    seconds: float
    peak_bytes: int


def choose_batch_size(timed: Callable[[int], Timed | None], free_bytes: int, side_by_side: int) -> int:
    """The smallest of ``SIZES`` that is about as fast an image as the fastest that memory holds.

    ``timed`` measures a pass of a size, or says None where memory was too small for it; ``side_by_side``
    passes are in memory at once. Where not even the first fits, it is the first: a pass that runs out of
    memory is halved.
    """
    seconds: dict[int, float] = {}
    peak, before = 0, SIZES[0]
    for size in SIZES:
        if peak * (size / before) * side_by_side > SHARE_OF_FREE * free_bytes:
            break
        measured = timed(size)
        if measured is None:
            break
        seconds[size] = measured.seconds / size
        peak, before = measured.peak_bytes, size
    fastest = min(seconds.values(), default=0.0)
    return next((size for size, one in seconds.items() if one <= WORTH_IT * fastest), SIZES[0])
