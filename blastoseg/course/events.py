"""What happens to an embryo, each event between the last frame before it and the first one after it."""

from dataclasses import dataclass

import numpy as np

from blastoseg.course.evidence import PERSISTENCE, first_run, lasting_start, running_median
from blastoseg.course.observed import Floats, Observed
from blastoseg.course.steady import CourseFlag, Steady, blastocyst_seen
from blastoseg.quality import HATCHING_MIN_SHARE

FULL_VOLUME_FRAC = 0.25
TOUCHING_FRAC = 0.25
"""A full blastocyst: a cavity of this share of its volume, less than this parted from the zona. The volume is
estimated from the area: of 200 real stills of day 5 and 6 the network finds half of it in 15 and a quarter in
129, and a course passes the half so slowly that a bias of 2 points moves it by tens of frames."""
THINNED_FRAC = 0.8
GROWN_FRAC = 1.3
EXPANDED_UM2 = 24_000
"""An expanded blastocyst: a zona thinned to this share, an area grown to this share, or one this large."""
BASELINE_FRAMES = 5
"""Frames at most, the last before the blastocyst is full, that say how thick its zona and how large its area
were: around a cavity that has just appeared the network draws the zona a quarter too thick."""
LATE_FRAMES = 3
"""What bulges out of a fresh gap is seen as outside so many frames late at most: the zona outline, closed
across the gap, runs along it."""
HATCHED_FRAC = 0.95

BEFORE_FIRST = "before the first frame"
NOT_REACHED = "not reached"
NO_BASELINE = "cannot be told: the series begins with a full blastocyst"
HATCHED_FIRST = "cannot be told: hatching began before it"
TOO_FEW = f"fewer than {PERSISTENCE} frames can tell"

EVENTS = {
    "tSB": "blastulation starts: from here on the frames show a blastocyst, with a cavity",
    "tB": f"full blastocyst: a cavity of {FULL_VOLUME_FRAC:.0%} of the volume or more (estimated), under "
    f"{TOUCHING_FRAC:.0%} of the blastocyst parted from the zona, in {PERSISTENCE} frames in a row, "
    "before hatching",
    "tEB": f"expanded: after tB, the zona thinned to {THINNED_FRAC:.0%} or the area grown to "
    f"{GROWN_FRAC:.0%} of what they were before tB, or an area of {EXPANDED_UM2:,} um2, "
    f"in {PERSISTENCE} frames in a row, before hatching",
    "zona breached": "from here on the zona is breached",
    "tHB": f"hatching starts: from here on at least {HATCHING_MIN_SHARE:.0%} of the blastocyst lies outside; "
    f"where the zona was breached {LATE_FRAMES} frames before or less, from the breach on",
    "hatched": f"over {HATCHED_FRAC:.0%} of the blastocyst lies outside, or no zona is seen any more",
}
"""Every event but collapses, in the order in which they are expected, and the rule of each."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event between two frames, given by their places in the series; a note where either is missing."""

    name: str
    last_before: int | None = None
    first_after: int | None = None
    note: str = ""


def find_events(observed: Observed, steady: Steady) -> dict[str, Event]:
    """Every event of ``EVENTS`` by name, of one embryo."""
    seen = np.where(steady.outliers[CourseFlag.BLASTOCYST_OUTLIER], np.nan, blastocyst_seen(observed))
    # What the outline says is asked frame by frame: a smoothed share would begin to rise before it does.
    outside = np.where(np.isfinite(observed.extruded), observed.extruded >= HATCHING_MIN_SHARE, np.nan)
    outside = np.where(steady.is_zona_used, outside, np.nan)
    breached = np.where(steady.is_zona_used, observed.breached, np.nan)
    breach = lasting_start(breached)
    hatching = _from_breach(lasting_start(outside), breach, outside)
    full = _is_full(observed, steady)
    t_b = _event("tB", full, first_run(full))
    events = [
        _event("tSB", seen, lasting_start(seen)),
        _unless_hatching(t_b, hatching),
        _unless_hatching(_expanded(observed, steady, full, t_b), hatching),
        _event("zona breached", breached, breach),
        _event("tHB", outside, hatching),
    ]
    without = _has_left(observed, steady, hatching)
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


def _from_breach(hatching: int | None, breach: int | None, says: Floats) -> int | None:
    """When hatching starts: with the breach, where its first tissue was seen outside soon after it."""
    if hatching is None or breach is None or breach >= hatching:
        return hatching
    between = np.count_nonzero(np.isfinite(says[breach:hatching]))
    return breach if between <= LATE_FRAMES else hatching


def _unless_hatching(event: Event, hatching: int | None) -> Event:
    """The event, or that it cannot be told: what has left its zona neither fills nor thins it any more."""
    if hatching is None:
        return event
    is_late = event.note == NOT_REACHED if event.first_after is None else event.first_after > hatching
    return Event(event.name, note=HATCHED_FIRST) if is_late else event


def _is_full(observed: Observed, steady: Steady) -> Floats:
    """1 where a blastocyst is full, 0 where it isn't or where there is none yet, NaN in frames left out."""
    volume = running_median(np.where(steady.is_used, observed.cavity_volume, np.nan), PERSISTENCE)
    parted = running_median(np.where(steady.is_zona_used, observed.parted, np.nan), PERSISTENCE)
    # Without a zona in sight nothing is parted from it.
    full = (volume >= FULL_VOLUME_FRAC) & ~(parted >= TOUCHING_FRAC)
    return np.where(np.isfinite(volume), full, np.where(observed.is_unformed, 0.0, np.nan))


def _expanded(observed: Observed, steady: Steady, full: Floats, t_b: Event) -> Event:
    if t_b.first_after is None:
        return Event("tEB", note=t_b.note)
    is_large = steady.area_px2 * observed.um_per_px**2 >= EXPANDED_UM2
    says = np.where(np.isfinite(full), is_large, np.nan)
    before = np.flatnonzero(steady.is_used & (np.arange(len(full)) < t_b.first_after))[-BASELINE_FRAMES:]
    if len(before):
        thin = steady.zona_px <= THINNED_FRAC * np.nanmedian(steady.zona_px[before])
        grown = steady.area_px2 >= GROWN_FRAC * np.median(steady.area_px2[before])
        says = np.where(np.isfinite(full), is_large | thin | grown, np.nan)
    says = np.where(np.arange(len(full)) < t_b.first_after, np.where(np.isfinite(full), 0.0, np.nan), says)
    event = _event("tEB", says, first_run(says))
    if not len(before) and event.first_after is None:
        return Event("tEB", note=NO_BASELINE)
    return event


def _has_left(observed: Observed, steady: Steady, hatching: int | None) -> Floats:
    """1 where an embryo that was hatching is out of its zona, 0 where it isn't."""
    if hatching is None:
        return np.where(steady.is_used, 0.0, np.nan)
    gone = (observed.extruded > HATCHED_FRAC) | ~np.isfinite(observed.zona_present)
    gone &= np.arange(len(gone)) >= hatching
    return np.where(steady.is_used, gone, np.nan)
