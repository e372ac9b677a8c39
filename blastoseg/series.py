"""Stage 7: one embryo over time, and the table with one row an embryo."""

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import theilslopes

from blastoseg.columns import EMBRYO_COLUMNS, PANDAS_DTYPES
from blastoseg.records import Flag, Status

MEASURED = (Status.OK.value, Status.REVIEW.value)
ENDS = 3
"""Frames at either end whose median stands for the first and the last area: one outlier changes nothing."""
COLLAPSE_FRAC = 0.10
RECOVERY_FRAC = 0.05
"""A collapse is over once the area is back within this share of the maximum before it."""


def embryos_table(frames: pd.DataFrame) -> pd.DataFrame:
    """One row an embryo with exactly ``EMBRYO_COLUMNS``, in the order in which embryos first appear.

    The values are those of its latest measured frame. An embryo without one has the identity, status and
    reason of its last frame, and no measures.
    """
    rows = [_embryo_row(group) for _, group in frames.groupby("embryo_id", sort=False, dropna=False)]
    table = pd.DataFrame(rows, columns=[column.name for column in EMBRYO_COLUMNS])
    return table.astype({column.name: PANDAS_DTYPES[column.dtype] for column in EMBRYO_COLUMNS})


def _embryo_row(frames: pd.DataFrame) -> dict[str, Any]:
    measured = frames[frames["status"].isin(MEASURED)]
    latest = (measured if len(measured) else frames).iloc[-1]
    return {str(name): value for name, value in latest.items()} | describe_series(frames)


def describe_series(frames: pd.DataFrame) -> dict[str, Any]:
    """The ``SERIES_COLUMNS`` of one embryo, from its rows of the frames table in order of time."""
    measured = frames[frames["status"].isin(MEASURED)]
    hours = measured["time_h"].to_numpy(float)
    area_px2 = measured["blastocyst_area_px2"].to_numpy(float)
    area_um2 = measured["blastocyst_area_um2"].to_numpy(float)
    is_hatching = measured["flags"].fillna("").str.split(";").map(lambda flags: Flag.HATCHING.value in flags)
    counts = frames["status"].value_counts()
    return {
        "frames_total": len(frames),
        **{f"frames_{status}": int(counts.get(status.value, 0)) for status in Status},
        "first_measured_h": hours[0] if len(hours) else math.nan,
        "last_measured_h": hours[-1] if len(hours) else math.nan,
        "blastocyst_area_change_frac": _relative_change(area_px2),
        "blastocyst_area_rate_px2_per_h": _rate(hours, area_px2),
        "blastocyst_area_rate_um2_per_h": _rate(hours, area_um2),
        "collapse_count": count_collapses(area_px2) if len(area_px2) > 1 else None,
        "hatching_start_h": hours[is_hatching.to_numpy(bool)][0] if is_hatching.any() else math.nan,
    }


def count_collapses(area: np.ndarray[Any, np.dtype[np.float64]]) -> int:
    """Times the area fell by ``COLLAPSE_FRAC`` below its running maximum for two frames or more.

    A collapse counts once, until the area has recovered. A single low frame is a slip of the outline and
    counts for nothing.
    """
    # Two neighbouring frames must both be low: the larger of each pair stands for it.
    pairs = np.maximum(area[:-1], area[1:])
    count, peak, is_collapsed = 0, -math.inf, False
    for value in pairs[np.isfinite(pairs)]:
        if is_collapsed:
            is_collapsed = value < (1 - RECOVERY_FRAC) * peak
        elif value < (1 - COLLAPSE_FRAC) * peak:
            count, is_collapsed = count + 1, True
        peak = max(peak, value)
    return count


def _relative_change(area: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    if len(area) < 2:
        return math.nan
    ends = max(1, min(ENDS, len(area) // 2))
    first, last = np.median(area[:ends]), np.median(area[-ends:])
    return float((last - first) / first)


def _rate(hours: np.ndarray[Any, np.dtype[np.float64]], area: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = np.isfinite(hours) & np.isfinite(area)
    if len(np.unique(hours[known])) < 2:
        return math.nan
    return float(theilslopes(area[known], hours[known]).slope)
