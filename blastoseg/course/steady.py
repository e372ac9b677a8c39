"""The steady course: what the frames of an embryo say once their neighbours have been heard."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from blastoseg.course.evidence import forward_only, lasting_start, running_median
from blastoseg.course.observed import Floats, Observed, Truths

AREA_TOLERANCE_FRAC = 0.10
CAVITY_TOLERANCE_FRAC = 0.12
"""What an outlier differs by from both of its neighbours, in relative area and in share of the area."""
LEAST_CONTRAST = 2.0
"""How many times nearer the neighbours are to each other than to a frame between them that is an outlier."""
HATCHING_TOLERANCE_FRAC = 0.10
"""What the share outside the zona may differ by from a course that only goes forward."""
LONGEST_SLIP = 2
"""Frames without a blastocyst that are a slip between frames with one; more may be a deep collapse."""
_WINDOW_OF_AREA = 3


class CourseFlag(StrEnum):
    """How a frame contradicts its neighbours on both sides."""

    AREA_OUTLIER = "area_outlier"
    CAVITY_OUTLIER = "cavity_outlier"
    BLASTOCYST_OUTLIER = "blastocyst_outlier"
    HATCHING_OUTLIER = "hatching_outlier"


_LEFT_OUT = "the frame is left out of the course"
MEANING_OF_COURSE_FLAG = {
    CourseFlag.AREA_OUTLIER: f"the area differs by over {AREA_TOLERANCE_FRAC:.0%} from the frames before and "
    f"after, which agree: {_LEFT_OUT}",
    CourseFlag.CAVITY_OUTLIER: "the blastocoel's share of the area differs by over "
    f"{CAVITY_TOLERANCE_FRAC * 100:.0f} points from the frames before and after, which agree: {_LEFT_OUT}",
    CourseFlag.BLASTOCYST_OUTLIER: "a blastocyst among frames without one, or none among frames with one: "
    f"{_LEFT_OUT}",
    CourseFlag.HATCHING_OUTLIER: "the share outside the zona differs by over "
    f"{HATCHING_TOLERANCE_FRAC * 100:.0f} points from a hatching that only goes forward: the frame's zona is "
    "left out of the course",
}


@dataclass(frozen=True, slots=True)
class Steady:
    """The course of one embryo, an element a frame; NaN in frames that are left out.

    ``is_used`` are the measured frames that agree with their neighbours. ``breached`` and ``extruded`` never
    fall. ``outliers`` says for each flag which frames have it.
    """

    is_used: Truths
    is_zona_used: Truths
    area_px2: Floats
    cavity: Floats
    zona_px: Floats
    extruded: Floats
    breached: Floats
    outliers: Mapping[CourseFlag, Truths]


def steady_course(observed: Observed) -> Steady:
    """What the frames of one embryo, in the order of time, say together."""
    misplaced = _misplaced(observed)
    area = _lone(np.log(np.where(misplaced, np.nan, observed.area_px2)), np.log1p(AREA_TOLERANCE_FRAC))
    cavity = _lone(np.where(misplaced | area, np.nan, observed.cavity), CAVITY_TOLERANCE_FRAC)
    is_used = observed.is_measured & ~(misplaced | area | cavity)
    extruded = forward_only(np.where(is_used, observed.extruded, np.nan))
    hatching = is_used & (np.abs(observed.extruded - extruded) > HATCHING_TOLERANCE_FRAC)
    is_zona_used = is_used & ~hatching

    def used(values: Floats) -> Floats:
        return np.where(is_used, values, np.nan)

    def zona(values: Floats) -> Floats:
        return np.where(is_zona_used, values, np.nan)

    return Steady(
        is_used=is_used,
        is_zona_used=is_zona_used,
        area_px2=running_median(used(observed.area_px2), _WINDOW_OF_AREA),
        cavity=running_median(used(observed.cavity), _WINDOW_OF_AREA),
        zona_px=running_median(zona(observed.zona_px)),
        extruded=zona(extruded),
        breached=_from_then_on(zona(observed.breached), is_used),
        outliers={
            CourseFlag.AREA_OUTLIER: area,
            CourseFlag.CAVITY_OUTLIER: cavity,
            CourseFlag.BLASTOCYST_OUTLIER: misplaced,
            CourseFlag.HATCHING_OUTLIER: hatching,
        },
    )


def blastocyst_seen(observed: Observed) -> Floats:
    """1 where a frame shows a blastocyst, 0 where it shows none, NaN where it can't tell."""
    return np.where(observed.is_measured, 1.0, np.where(observed.is_unformed, 0.0, np.nan))


def _misplaced(observed: Observed) -> Truths:
    """Blastocysts before the embryo was one, and frames without one where it was."""
    seen = blastocyst_seen(observed)
    start = lasting_start(seen)
    misplaced = np.zeros(len(seen), bool)
    told = np.flatnonzero(np.isfinite(seen))
    unformed = np.flatnonzero(seen == 0)
    if start is None or not unformed.size:
        return misplaced
    early = told[(told < start) & (told > unformed[0])]
    misplaced[early] = seen[early] == 1
    within = told[told >= start]
    edges = np.flatnonzero(np.diff(seen[within])) + 1
    for run in np.split(within, edges)[:-1]:
        misplaced[run] |= (seen[run] == 0) & (len(run) <= LONGEST_SLIP)
    return misplaced


def _lone(values: Floats, tolerance: float) -> Truths:
    """Which values lie beyond both neighbours by over a tolerance, while these two agree with each other."""
    is_lone = np.zeros(len(values), bool)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) < 3:
        return is_lone
    before, value, after = (values[known[start : len(known) - 2 + start]] for start in range(3))
    above, below = value - np.maximum(before, after), np.minimum(before, after) - value
    distance = np.maximum(above, below)
    is_lone[known[1:-1]] = (distance > tolerance) & (distance > LEAST_CONTRAST * np.abs(after - before))
    return is_lone


def _from_then_on(says: Floats, is_used: Truths) -> Floats:
    """0 before and 1 from the frame on that what the frames say lasts; NaN where neither can be told."""
    start = lasting_start(says)
    since = np.arange(len(says)) >= (len(says) if start is None else start)
    return np.where(is_used & since, 1.0, np.where(is_used & np.isfinite(says), 0.0, np.nan))
