"""How fast a full blastocyst grows and its zona thins: straight lines through the hours after tB."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from blastoseg.course.collapses import Collapse
from blastoseg.course.events import Event
from blastoseg.course.observed import Floats, Observed
from blastoseg.course.steady import Steady

WINDOW_H = 10.0
LEAST_FRAMES = 6


@dataclass(frozen=True, slots=True)
class Line:
    """Slope of a least-squares line, an hour, and its standard error; NaN where there is no line."""

    slope: float = math.nan
    error: float = math.nan


@dataclass(frozen=True, slots=True)
class Rates:
    """The area's growth in px2 and the zona's growth (below 0: thinning) in px, an hour."""

    area: Line = Line()
    zona: Line = Line()


def expansion_rates(observed: Observed, steady: Steady, t_b: Event, collapses: Sequence[Collapse]) -> Rates:
    """Rates over ``WINDOW_H`` from tB; undefined where tB wasn't seen or a collapse falls into the window."""
    if t_b.first_after is None or t_b.last_before is None:
        return Rates()
    start_h = observed.hours[t_b.first_after]
    within = (observed.hours >= start_h) & (observed.hours <= start_h + WINDOW_H)
    within &= np.arange(len(within)) >= t_b.first_after
    inside = np.flatnonzero(within)
    if any(_overlaps(collapse, inside) for collapse in collapses):
        return Rates()
    area = np.where(within & steady.is_used, observed.area_px2, np.nan)
    zona = np.where(within & steady.is_zona_used, observed.zona_px, np.nan)
    return Rates(_line(observed.hours, area), _line(observed.hours, zona))


def robust_slope(hours: Floats, values: Floats) -> float:
    """Theil-Sen slope over the hours where both are defined; NaN with fewer than two different hours."""
    known = np.isfinite(hours) & np.isfinite(values)
    if len(np.unique(hours[known])) < 2:
        return math.nan
    return float(scipy.stats.theilslopes(values[known], hours[known]).slope)


def _overlaps(collapse: Collapse, inside: "np.ndarray[tuple[int], np.dtype[np.intp]]") -> bool:
    if not len(inside):
        return False
    is_over = collapse.recovery is not None and collapse.recovery <= inside[0]
    return collapse.first_low <= inside[-1] and not is_over


def _line(hours: Floats, values: Floats) -> Line:
    known = np.isfinite(values)
    if known.sum() < LEAST_FRAMES or not np.ptp(hours[known]) > 0:
        return Line()
    line = scipy.stats.linregress(hours[known], values[known])
    return Line(float(line.slope), float(line.stderr))
