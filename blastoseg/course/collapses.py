"""Falls of the blastocyst's area: when they start, how deep they go, and when they are made up for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from blastoseg.course.events import Event
from blastoseg.course.evidence import PERSISTENCE
from blastoseg.course.observed import Floats, Observed, Rows
from blastoseg.course.steady import Steady

COLLAPSE_FRAC = 0.10
RECOVERY_FRAC = 0.05
"""A collapse is over once the area is back within this share of the maximum before it."""
MARCOS_FRAC = 0.5
"""Share of the blastocyst's outline parted from the zona from which Marcos 2015 speaks of a collapse."""
LOST_FRAC = 0.5
"""Share of the part outside, and of the area that a fall takes, from which the part was not seen any more."""


@dataclass(frozen=True, slots=True)
class Collapse:
    """One collapse; ``start``, ``first_low``, ``minimum`` and ``recovery`` are places in the series.

    ``start`` is the last frame before the fall, ``first_low`` the first one in it, ``recovery`` None where
    the series ends before it. ``depth`` is the share of the area lost at the minimum, ``depth_volume`` that
    of the volume, estimated for a sphere. ``parted`` is the largest share of B parted from the zona.
    """

    start: int
    first_low: int
    minimum: int
    recovery: int | None
    depth: float
    parted: float

    @property
    def depth_volume(self) -> float:
        return float(1 - (1 - self.depth) ** 1.5)

    @property
    def is_marcos(self) -> bool:
        """Whether half of the outline or more was parted; False where the zona was not seen."""
        return self.parted >= MARCOS_FRAC


def find_collapses(observed: Observed, steady: Steady, events: Mapping[str, Event]) -> list[Collapse]:
    """The collapses of one embryo: falls of ``COLLAPSE_FRAC`` below the greatest area since tSB.

    A fall lasts two frames or more and counts once, until the area has recovered. A single low frame is a
    slip of the outline and counts for nothing. The maximum begins anew once the embryo has hatched: what it
    leaves behind in its zona is no collapse. Nor is a fall that takes the part outside alone.
    """
    blastulation, hatched = events["tSB"].first_after, events["hatched"].first_after
    if blastulation is None:
        return []
    used = np.flatnonzero(steady.is_used)
    used = used[used >= blastulation]
    left = len(observed) if hatched is None else hatched
    parts = np.split(used, [np.searchsorted(used, left)])
    return [collapse for part in parts for collapse in _collapses_within(observed, steady, part)]


def _collapses_within(observed: Observed, steady: Steady, used: Rows) -> list[Collapse]:
    """Those of some frames of the series, ``used`` their places."""
    # Two slips in a row, one up and one down, are no fall: the median of three frames tells where falls lie.
    steady_area, area = steady.area_px2[used], observed.area_px2[used]
    parted = np.where(steady.is_zona_used, observed.parted, np.nan)[used]
    outside = (observed.extruded * observed.area_px2)[used]
    found = []
    for start, low, end in _falls(steady_area):
        if _is_loss_of_outside(area, outside, start, low):
            continue
        minimum = low + int(np.argmin(area[low:end]))
        within = parted[low:end]
        found.append(
            Collapse(
                start=int(used[start]),
                first_low=int(used[low]),
                minimum=int(used[minimum]),
                recovery=int(used[end]) if end < len(used) else None,
                depth=float(1 - area[minimum] / steady_area[:low].max()),
                parted=float(np.nanmax(within)) if np.isfinite(within).any() else math.nan,
            )
        )
    return found


def _is_loss_of_outside(area: Floats, outside: Floats, start: int, low: int) -> bool:
    """Whether the part outside the zona was lost from sight: what collapses shrinks on both sides of it."""
    after = slice(low, low + PERSISTENCE)
    lost = outside[start] - np.median(outside[after])
    fallen = area[start] - np.median(area[after])
    return bool(lost > LOST_FRAC * outside[start] and lost > LOST_FRAC * fallen)


def _falls(area: Floats) -> list[tuple[int, int, int]]:
    """The last frame before each fall, the first low one and the first one that has recovered."""
    falls: list[tuple[int, int, int]] = []
    peak, low = 0, None
    for index in range(len(area)):
        if low is not None:
            if area[index] >= (1 - RECOVERY_FRAC) * area[peak]:
                falls.append((_before_fall(area, peak, low), low, index))
                low = None
        elif index + 1 < len(area) and max(area[index : index + 2]) < (1 - COLLAPSE_FRAC) * area[peak]:
            low = index
        if area[index] > area[peak]:
            peak = index
    if low is not None:
        falls.append((_before_fall(area, peak, low), low, len(area)))
    return falls


def _before_fall(area: Floats, peak: int, low: int) -> int:
    """The last frame before a fall that was as near to the maximum as one that has recovered."""
    high = np.flatnonzero(area[peak:low] >= (1 - RECOVERY_FRAC) * area[peak])
    return peak + int(high[-1])
