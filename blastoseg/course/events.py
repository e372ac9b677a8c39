"""What happens to an embryo, each event between the last frame before it and the first one after it."""

from dataclasses import dataclass

import numpy as np

from blastoseg.course.evidence import PERSISTENCE, first_run, lasting_start, running_median
from blastoseg.course.observed import Floats, Observed
from blastoseg.course.steady import CourseFlag, Steady, blastocyst_seen
from blastoseg.quality import HATCHING_MIN_SHARE
from blastoseg.settings import Grades

BEFORE_FIRST = "before the first frame"
NOT_REACHED = "not reached"
NO_BASELINE = "cannot be told: the series begins with a full blastocyst"
HATCHED_FIRST = "cannot be told: hatching began before it"
TOO_FEW = f"fewer than {PERSISTENCE} frames can tell"


def event_rules(grades: Grades) -> dict[str, str]:
    """Every event but collapses, in the order in which they are expected, and the rule of each in words."""
    row = f"in {PERSISTENCE} frames in a row, before hatching"
    return {
        "tSB": "blastulation starts: from here on the frames show a blastocyst, with a cavity",
        "tB": f"full blastocyst: a cavity of {grades.full_volume_frac:.0%} of the volume or more "
        f"(estimated), under {grades.parted_frac:.0%} of the blastocyst parted from the zona, {row}",
        "tEB": f"expanded: after tB, the zona thinned to {grades.thinned_frac:.0%} or the area grown to "
        f"{grades.grown_frac:.0%} of what they were before tB, or an area of {grades.expanded_um2:,.0f} um2, "
        f"{row}",
        "zona breached": "from here on the zona is breached",
        "tHB": f"hatching starts: from here on at least {HATCHING_MIN_SHARE:.0%} of the blastocyst lies "
        f"outside; where the zona was breached {grades.late_frames} frames before or less, from the breach "
        "on",
        "hatched": f"over {grades.hatched_frac:.0%} of the blastocyst lies outside, or no zona is seen any "
        "more",
    }


@dataclass(frozen=True, slots=True)
class Event:
    """An event between two frames, given by their places in the series; a note where either is missing."""

    name: str
    last_before: int | None = None
    first_after: int | None = None
    note: str = ""


def find_events(observed: Observed, steady: Steady, grades: Grades) -> dict[str, Event]:
    """Every event of ``event_rules`` by name, of one embryo."""
    seen = np.where(steady.outliers[CourseFlag.BLASTOCYST_OUTLIER], np.nan, blastocyst_seen(observed))
    # What the outline says is asked frame by frame: a smoothed share would begin to rise before it does.
    outside = np.where(np.isfinite(observed.extruded), observed.extruded >= HATCHING_MIN_SHARE, np.nan)
    outside = np.where(steady.is_zona_used, outside, np.nan)
    breached = np.where(steady.is_zona_used, observed.breached, np.nan)
    breach = lasting_start(breached)
    blastulation, hatching = lasting_start(seen), lasting_start(outside)
    if hatching is not None and blastulation is not None:
        # Before there is a blastocyst nothing of it is outside.
        outside[:blastulation] = np.where(observed.is_unformed[:blastulation], 0.0, outside[:blastulation])
    if hatching is not None and breach is not None:
        hatching = _from_breach(hatching, breach, outside, grades.late_frames)
    full = _is_full(observed, steady, grades)
    t_b = _event("tB", full, first_run(full))
    expanded = _expanded(observed, steady, full, t_b=t_b, grades=grades)
    events = [
        _event("tSB", seen, blastulation),
        _unless_hatching(t_b, hatching),
        _unless_hatching(expanded, hatching),
        _event("zona breached", breached, breach),
        _event("tHB", outside, hatching),
    ]
    without = _has_left(observed, steady, hatching, grades.hatched_frac)
    events.append(_event("hatched", without, lasting_start(without)))
    return {event.name: event for event in events}


def _event(name: str, says: Floats, start: int | None) -> Event:
    told = np.flatnonzero(np.isfinite(says))
    if start is None:
        return Event(name, note=NOT_REACHED if len(told) >= PERSISTENCE else TOO_FEW)
    before = told[told < start]
    if not len(before):
        return Event(name, first_after=start, note=BEFORE_FIRST)
    return Event(name, int(before[-1]), start)


def _from_breach(hatching: int, breach: int, says: Floats, late_frames: int) -> int:
    """When hatching starts: with the breach, where its first tissue was seen outside soon after it."""
    if breach >= hatching:
        return hatching
    return breach if np.count_nonzero(np.isfinite(says[breach:hatching])) <= late_frames else hatching


def _unless_hatching(event: Event, hatching: int | None) -> Event:
    """The event, or that it cannot be told: what has left its zona neither fills nor thins it any more."""
    if hatching is None:
        return event
    is_late = event.note == NOT_REACHED if event.first_after is None else event.first_after > hatching
    return Event(event.name, note=HATCHED_FIRST) if is_late else event


def cavity_of(observed: Observed, steady: Steady, least_frac: float) -> Floats:
    """1 where the cavity has this share of the volume, 0 where it hasn't or there is no blastocyst yet.

    By a running median; NaN in frames left out.
    """
    volume = running_median(np.where(steady.is_used, observed.cavity_volume, np.nan), PERSISTENCE)
    return np.where(np.isfinite(volume), volume >= least_frac, np.where(observed.is_unformed, 0.0, np.nan))


def _is_full(observed: Observed, steady: Steady, grades: Grades) -> Floats:
    """1 where a blastocyst is full, 0 where it isn't or where there is none yet, NaN in frames left out."""
    filled = cavity_of(observed, steady, grades.full_volume_frac)
    parted = running_median(np.where(steady.is_zona_used, observed.parted, np.nan), PERSISTENCE)
    # Without a zona in sight nothing is parted from it.
    return np.where(np.isfinite(filled), (filled > 0) & ~(parted >= grades.parted_frac), np.nan)


def _expanded(observed: Observed, steady: Steady, full: Floats, *, t_b: Event, grades: Grades) -> Event:
    if t_b.first_after is None:
        return Event("tEB", note=t_b.note)
    is_early = np.arange(len(full)) < t_b.first_after
    says = steady.area_px2 * observed.um_per_px**2 >= grades.expanded_um2
    before = np.flatnonzero(steady.is_used & is_early)[-grades.baseline_frames :]
    if len(before):
        zona = steady.zona_px[before]
        if np.isfinite(zona).any():
            says |= steady.zona_px <= grades.thinned_frac * np.nanmedian(zona)
        says |= steady.area_px2 >= grades.grown_frac * np.median(steady.area_px2[before])
    told = np.where(np.isfinite(full), says & ~is_early, np.nan)
    event = _event("tEB", told, first_run(told))
    if not len(before) and event.note != BEFORE_FIRST:
        # It is expanded when it is large, at the latest; its zona may have thinned before.
        return Event("tEB", first_after=event.first_after, note=NO_BASELINE)
    return event


def _has_left(observed: Observed, steady: Steady, hatching: int | None, hatched_frac: float) -> Floats:
    """1 where an embryo that was hatching is out of its zona, 0 where it isn't."""
    if hatching is None:
        return np.where(steady.is_used, 0.0, np.nan)
    gone = (observed.extruded > hatched_frac) | ~np.isfinite(observed.zona_present)
    gone &= np.arange(len(gone)) >= hatching
    return np.where(steady.is_used, gone, np.nan)
