"""The frame that stands for an embryo: the best recent one."""

from typing import Any

import numpy as np

from blastoseg.course.series import Series
from blastoseg.records import Status

MOST_TELLING = (Status.REVIEW, Status.OK, Status.EXCLUDED, Status.FAILED)
"""Which frame stands for an embryo never measured: one that was seen says more than one that wasn't read."""
LATEST = "the latest measured frame"
NEVER_MEASURED = "never measured"


def standing_frame(series: Series, recent_h: float) -> tuple[int, str]:
    """The place in the frames table of the frame that stands for an embryo, and why it is this one.

    Of the measured frames that agree with their neighbours, not more than ``recent_h`` before the latest
    measured one: ok before review, in focus before out of focus, then the latest. Without hours, the latest.
    """
    observed = series.observed
    measured = np.flatnonzero(observed.is_measured)
    if not len(measured):
        return int(series.rows[_most_telling(observed.status)]), NEVER_MEASURED
    last = measured[-1]
    used = np.flatnonzero(series.steady.is_used)
    candidates = used if len(used) else measured
    age_h = observed.hours[last] - observed.hours[candidates]
    is_recent = (age_h <= recent_h) | (candidates == last)
    recent = candidates[is_recent] if is_recent.any() else candidates[-1:]
    order = np.lexsort((-recent, observed.is_blurred[recent], observed.status[recent] != Status.OK.value))
    chosen = recent[order[0]]
    if chosen == last:
        return int(series.rows[last]), LATEST
    return int(series.rows[chosen]), _reason(series, int(chosen), int(last))


def _reason(series: Series, chosen: int, last: int) -> str:
    hours = series.observed.hours
    before = (
        f"{hours[last] - hours[chosen]:.1f} h before "
        if np.isfinite(hours[[chosen, last]]).all()
        else "before "
    )
    if not series.steady.is_used[last]:
        why = "contradicts its neighbours"
    elif series.observed.status[chosen] != series.observed.status[last]:
        why = "is for review"
    elif series.observed.is_blurred[last]:
        why = "is out of focus"
    else:
        why = "says less"
    return f"{series.observed.status[chosen]}, {before}{LATEST}, which {why}"


def _most_telling(status: "np.ndarray[Any, np.dtype[np.str_]]") -> int:
    found = (np.flatnonzero(status == wanted.value) for wanted in MOST_TELLING)
    return next((int(which[-1]) for which in found if len(which)), len(status) - 1)
