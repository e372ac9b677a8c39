"""Stage 7: one embryo over time, and the table with one row an embryo."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import theilslopes

from blastoseg.columns import (
    CONFIDENCE_COLUMNS,
    EMBRYO_COLUMNS,
    MEASURE_COLUMNS,
    PANDAS_DTYPES,
    SERIES_COLUMNS,
)
from blastoseg.records import Flag, Status

MEASURED = (Status.OK, Status.REVIEW)
MOST_TELLING = (Status.REVIEW, Status.OK, Status.EXCLUDED, Status.FAILED)
"""Which frame stands for an embryo never measured: one that was seen says more than one that wasn't read."""
ENDS = 3
"""Frames at either end whose median stands for the first and the last area: one outlier changes nothing."""
COLLAPSE_FRAC = 0.10
RECOVERY_FRAC = 0.05
"""A collapse is over once the area is back within this share of the maximum before it."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Course:
    """What a series is described by, an element a frame."""

    status: NDArray[np.str_]
    hours: Floats
    area_px2: Floats
    area_um2: Floats
    is_hatching: NDArray[np.bool_]

    @property
    def is_measured(self) -> NDArray[np.bool_]:
        return np.isin(self.status, MEASURED) & np.isfinite(self.area_px2)

    def at(self, rows: NDArray[Any]) -> "_Course":
        return _Course(
            status=self.status[rows],
            hours=self.hours[rows],
            area_px2=self.area_px2[rows],
            area_um2=self.area_um2[rows],
            is_hatching=self.is_hatching[rows],
        )


def _course(frames: pd.DataFrame) -> _Course:
    flags = frames["flags"].fillna("")
    return _Course(
        status=frames["status"].fillna("").to_numpy(str),
        hours=frames["time_h"].to_numpy(float),
        area_px2=frames["blastocyst_area_px2"].to_numpy(float),
        area_um2=frames["blastocyst_area_um2"].to_numpy(float),
        is_hatching=np.array([Flag.HATCHING.value in text.split(";") for text in flags], bool),
    )


def embryos_table(frames: pd.DataFrame) -> pd.DataFrame:
    """One row an embryo with exactly ``EMBRYO_COLUMNS``, in the order in which embryos first appear.

    The values are those of its latest measured frame: status ok or review, its area defined. An embryo
    without one has the identity, status and reason of its last frame with the most telling status, and no
    measures. ``frames`` has each embryo's rows in order of time.
    """
    course = _course(frames)
    groups = _rows_by_embryo(frames["embryo_id"])
    shown = np.array([_row_shown(course.at(rows), rows) for rows in groups], int)
    table = frames.iloc[shown].reset_index(drop=True)
    measures = [column.name for column in MEASURE_COLUMNS + CONFIDENCE_COLUMNS]
    table.loc[~course.is_measured[shown], measures] = pd.NA
    described = pd.DataFrame(
        [_describe(course.at(rows)) for rows in groups], columns=[column.name for column in SERIES_COLUMNS]
    )
    table = pd.concat([table, described], axis=1)[[column.name for column in EMBRYO_COLUMNS]]
    return table.astype({column.name: PANDAS_DTYPES[column.dtype] for column in EMBRYO_COLUMNS})


def _rows_by_embryo(embryo_ids: "pd.Series[Any]") -> list[NDArray[np.intp]]:
    if not len(embryo_ids):
        return []
    codes, _ = pd.factorize(embryo_ids, use_na_sentinel=False)
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)


def _row_shown(course: _Course, rows: NDArray[np.intp]) -> int:
    candidates = (course.is_measured, *(course.status == status.value for status in MOST_TELLING))
    return next((int(rows[which][-1]) for which in candidates if which.any()), int(rows[-1]))


def describe_series(frames: pd.DataFrame) -> dict[str, Any]:
    """The ``SERIES_COLUMNS`` of one embryo, from its rows of the frames table in order of time.

    What is undefined is NaN, an undefined count None: there is no count of collapses in fewer than two
    measured frames.
    """
    return _describe(_course(frames))


def _describe(course: _Course) -> dict[str, Any]:
    measured = course.at(course.is_measured)
    hours, area = measured.hours, measured.area_px2
    hatching = hours[measured.is_hatching]
    return {
        "frames_total": len(course.status),
        **{f"frames_{status}": int((course.status == status.value).sum()) for status in Status},
        "first_measured_h": hours[0] if len(hours) else math.nan,
        "last_measured_h": hours[-1] if len(hours) else math.nan,
        "blastocyst_area_change_frac": _relative_change(area),
        "blastocyst_area_rate_px2_per_h": _rate(hours, area),
        "blastocyst_area_rate_um2_per_h": _rate(hours, measured.area_um2),
        "collapse_count": count_collapses(area) if len(area) > 1 else None,
        "hatching_start_h": hatching[0] if len(hatching) else math.nan,
    }


def count_collapses(area: Floats) -> int:
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


def _relative_change(area: Floats) -> float:
    if len(area) < 2:
        return math.nan
    ends = max(1, min(ENDS, len(area) // 2))
    first, last = np.median(area[:ends]), np.median(area[-ends:])
    return float((last - first) / first)


def _rate(hours: Floats, area: Floats) -> float:
    known = np.isfinite(hours) & np.isfinite(area)
    if len(np.unique(hours[known])) < 2:
        return math.nan
    return float(theilslopes(area[known], hours[known]).slope)
