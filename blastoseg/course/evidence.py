"""When something began that doesn't end, by the evidence of all frames; and measures that only go forward."""

import numpy as np
import pandas as pd
import scipy

from blastoseg.course.observed import Floats

PERSISTENCE = 3
"""Frames that must agree before they are an event."""
WINDOW = 5
"""Frames of a running median: two slips side by side change nothing."""
ROUNDS = 25
_SMALLEST_RESIDUAL = 0.005


def lasting_start(says: Floats) -> int | None:
    """The first frame of what lasts to the end, by most evidence; None without three frames' worth of it.

    ``says`` is 1 where a frame has it, 0 where it doesn't, NaN where it can't tell. Frames that contradict
    are outvoted: from the start on, frames for it outnumber those against it by as much as from no other.
    """
    votes = np.nan_to_num(2 * says - 1)
    if not votes.size:
        return None
    support = np.cumsum(votes[::-1])[::-1]
    best = support.max()
    if best < PERSISTENCE:
        return None
    # Of equals the latest: a frame for it and one against it cancel out and begin nothing.
    return int(np.flatnonzero(support == best)[-1])


def first_run(says: Floats, length: int = PERSISTENCE) -> int | None:
    """The first of so many frames in a row that have it, those that can't tell left out; None without any."""
    told = np.flatnonzero(np.isfinite(says))
    has = says[told] > 0
    if len(has) < length:
        return None
    runs = np.lib.stride_tricks.sliding_window_view(has, length).all(axis=1)
    return int(told[np.argmax(runs)]) if runs.any() else None


def running_median(values: Floats, window: int = WINDOW) -> Floats:
    """Median over a window of the defined values around each; NaN stays NaN."""
    known = np.isfinite(values)
    if np.count_nonzero(known) < 2:
        return np.where(known, values, np.nan)
    smooth = np.full(len(values), np.nan)
    medians = pd.Series(values[known]).rolling(window, center=True, min_periods=1).median()
    smooth[known] = medians.to_numpy(float)
    return smooth


def forward_only(values: Floats) -> Floats:
    """The rising curve nearest to the defined values, by absolute distance; NaN stays NaN.

    Isotonic regression, reweighted towards the least absolute distance, so that a stretch of
    slips pulls nothing towards it as long as it is outvoted.
    """
    known = np.isfinite(values)
    fitted = running_median(values)
    given = fitted[known]
    if given.size < 2:
        return fitted
    weights = np.ones(len(given))
    fit = given
    for _ in range(ROUNDS):
        fit = scipy.optimize.isotonic_regression(given, weights=weights).x
        weights = 1 / np.maximum(np.abs(given - fit), _SMALLEST_RESIDUAL)
    fitted[known] = fit
    return fitted
