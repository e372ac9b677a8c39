"""Polygons with holes to masks.

OpenCV also fills every pixel that an outline touches, half a pixel too much all round, which would thicken
a thin zona; here a pixel is inside when its centre is.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blastoseg.datasets.annotation import CaseError, ProblemKind
from blastoseg.records import Mask

FURTHEST = 100_000.0
MOST_CROSSINGS = 20_000_000
MOST_OUTLINES = 2_000
Ring = NDArray[np.float64]
"""Points ``(n, 2)`` as x, y: pixel ``i`` reaches from ``i`` to ``i + 1``. Closed by itself."""


def check_count(outlines: Sequence[Any], file: str) -> None:
    """Raises CaseError where there are more outlines than anyone draws."""
    if len(outlines) > MOST_OUTLINES:
        raise _bad(file, f"holds {len(outlines):,} outlines, more than {MOST_OUTLINES:,}")


def ring_from(points: Any, file: str) -> Ring:
    """A ring from untrusted JSON; CaseError where it is none."""
    try:
        # Some tools add a third coordinate.
        ring = np.array([(float(point[0]), float(point[1])) for point in points], np.float64)
    except (TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
        raise _bad(file, "an outline's points are not pairs of numbers") from error
    if len(ring) < 3:
        raise _bad(file, f"an outline has {len(ring)} points, not 3 or more")
    if not (np.isfinite(ring).all() and (np.abs(ring) <= FURTHEST).all()):
        raise _bad(file, "an outline lies far outside the image")
    return ring


def circle(centre: tuple[float, float], on_it: tuple[float, float], points: int = 720) -> Ring:
    """A circle's outline as x, y points, from its centre and a point on it."""
    radius = math.dist(centre, on_it)
    angles = np.linspace(0, 2 * math.pi, points, endpoint=False)
    return np.stack([centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)], 1)


def fill_rings(rings: Sequence[Ring], shape: tuple[int, int], file: str) -> Mask:
    """True ``(y, x)`` where a pixel's centre is inside an odd number of rings: a second ring is a hole."""
    parity = np.zeros((shape[0], shape[1] + 1), np.uint8)
    for ring in rings:
        rows, columns = _crossings(ring, shape, file)
        np.add.at(parity, (rows, columns), 1)
    return np.asarray(np.bitwise_and(np.cumsum(parity, axis=1, dtype=np.uint8), 1)[:, :-1] != 0)


def _crossings(ring: Ring, shape: tuple[int, int], file: str) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Row and first column beyond the outline, wherever it crosses a line of pixel centres."""
    start, end = ring, np.roll(ring, -1, axis=0)
    upper, lower = np.where((start[:, 1] <= end[:, 1])[:, None], [start, end], [end, start])
    # A row counts when its centre lies in [upper, lower): a corner belongs to one of its two edges.
    first = np.clip(np.ceil(upper[:, 1] - 0.5), 0, shape[0]).astype(np.intp)
    last = np.clip(np.ceil(lower[:, 1] - 0.5), 0, shape[0]).astype(np.intp)
    counts = last - first
    if counts.sum() > MOST_CROSSINGS:
        raise _bad(file, "an outline has too many points")
    edge = np.repeat(np.arange(len(ring)), counts)
    rows = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    height = np.maximum(lower[:, 1] - upper[:, 1], np.finfo(np.float64).tiny)
    share = (rows + 0.5 - upper[edge, 1]) / height[edge]
    x = upper[edge, 0] + share * (lower[edge, 0] - upper[edge, 0])
    return rows, np.clip(np.ceil(x - 0.5), 0, shape[1]).astype(np.intp)


def _bad(file: str, what: str) -> CaseError:
    return CaseError(ProblemKind.UNREADABLE, file, f"{what}: draw it again")
