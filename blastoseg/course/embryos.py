"""The table with one row an embryo: the frame that stands for it, then its course."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from blastoseg.columns import (
    EMBRYO_COLUMNS,
    LAB_COLUMNS,
    LETTER_COLUMNS,
    PIXEL_COLUMNS,
    SERIES_COLUMNS,
    STEM_OF_EVENT,
    VERDICT_COLUMNS,
    dtypes_of,
)
from blastoseg.course.evidence import PERSISTENCE, first_run
from blastoseg.course.expansion import GARDNER, ISTANBUL_2011, ISTANBUL_2025, Expansion
from blastoseg.course.observed import Floats
from blastoseg.course.rates import Line, robust_slope
from blastoseg.course.series import Series
from blastoseg.course.standing import standing_frame
from blastoseg.records import NOTHING_TOLD, AboutEmbryo, Status

ENDS = 3
"""Frames at either end whose median stands for the first and the last area: one outlier changes nothing."""


def embryos_table(
    frames: pd.DataFrame, followed: list[Series], recent_h: float, about: Mapping[str, AboutEmbryo]
) -> pd.DataFrame:
    """One row an embryo with exactly ``EMBRYO_COLUMNS``, in the order in which embryos first appear.

    The values are those of the frame that stands for it (``standing.standing_frame``). An embryo that was
    never measured has the identity, status and reason of its last frame with the most telling status, and no
    measures. ``about`` holds by embryo what the lab tells of it.
    """
    standing = [standing_frame(series, recent_h) for series in followed]
    shown = np.array([place for place, _ in standing], int)
    table = frames.iloc[shown].reset_index(drop=True)
    measures = [column.name for column in PIXEL_COLUMNS]
    is_measured = np.array([series.observed.is_measured.any() for series in followed], bool)
    table.loc[~is_measured, measures] = pd.NA
    described = pd.DataFrame(
        [
            {"frame_choice": choice, **describe(series)}
            for series, (_, choice) in zip(followed, standing, strict=True)
        ],
        columns=[column.name for column in SERIES_COLUMNS],
    )
    told = pd.DataFrame(
        [about.get(series.embryo_id, NOTHING_TOLD).told() for series in followed],
        columns=[column.name for column in LAB_COLUMNS],
    )
    # Known once there are a lab's own grades, its archive, a person's verdicts: the report fills them in.
    later = [column.name for column in (*LETTER_COLUMNS, *VERDICT_COLUMNS)]
    empty = pd.DataFrame(index=table.index, columns=later)
    table = pd.concat([table, told, described, empty], axis=1)[[column.name for column in EMBRYO_COLUMNS]]
    return table.astype(dtypes_of(EMBRYO_COLUMNS))


def describe(series: Series) -> dict[str, Any]:
    """The ``SERIES_COLUMNS`` of one embryo but the choice of its frame.

    What is undefined is NaN, an undefined count None: there is no count of collapses in fewer than two
    frames.
    """
    observed, used = series.observed, series.steady.is_used
    hours, area = observed.hours[used], observed.area_px2[used]
    has_course = len(area) > 1
    marcos = [collapse for collapse in series.collapses if collapse.is_marcos]
    um2 = observed.um_per_px[used] ** 2
    return {
        "frames_total": len(observed),
        **{f"frames_{status}": int((observed.status == status.value).sum()) for status in Status},
        "frames_outlier": int(np.any(list(series.steady.outliers.values()), axis=0).sum()),
        "first_measured_h": hours[0] if len(hours) else math.nan,
        "last_measured_h": hours[-1] if len(hours) else math.nan,
        "blastocyst_area_change_frac": _relative_change(area),
        "blastocyst_area_rate_px2_per_h": robust_slope(hours, area),
        "blastocyst_area_rate_um2_per_h": robust_slope(hours, area * um2),
        **_expansion(series.expansion),
        "embryo_note": _two_icms(series),
        **_events(series),
        "collapse_count": len(series.collapses) if has_course else None,
        "collapse_marcos_count": len(marcos) if has_course else None,
        **_rates(series, float(np.median(observed.um_per_px[used])) if len(area) else math.nan),
    }


def _expansion(expansion: Expansion) -> dict[str, Any]:
    return {
        "expansion_stage": expansion.stage,
        "expansion_gardner": expansion.named(GARDNER),
        "expansion_istanbul_2025": expansion.named(ISTANBUL_2025),
        "expansion_istanbul_2011": expansion.named(ISTANBUL_2011),
        "expansion_note": expansion.note,
    }


def _two_icms(series: Series) -> str:
    """What a person must look at where two inner cell masses are seen, in frames in a row or in a still."""
    count = series.observed.icm_count
    says = np.where(series.steady.is_used & np.isfinite(count), count >= 2, np.nan)
    told = int(np.isfinite(says).sum())
    start = first_run(says, min(max(told, 1), PERSISTENCE))
    if start is None:
        return ""
    hours = series.observed.hours[start]
    first = f"first at {hours:.1f} h, " if np.isfinite(hours) and told > 1 else ""
    return f"two inner cell masses or more: {first}in {int(np.nansum(says))} of {told} frames"


def _events(series: Series) -> dict[str, Any]:
    hours = series.observed.hours
    described: dict[str, Any] = {}
    for name, stem in STEM_OF_EVENT.items():
        event = series.events[name]
        after, before = event.first_after, event.last_before
        # Before the first frame is no time at all.
        is_seen = after is not None and before is not None
        described[f"{stem}_h"] = hours[after] if is_seen else math.nan
        described[f"{stem}_last_before_h"] = hours[before] if before is not None else math.nan
        described[f"{stem}_note"] = event.note
    return described


def _rates(series: Series, um_per_px: float) -> dict[str, float]:
    def both(stem: str, line: Line, unit: str, factor: float) -> dict[str, float]:
        return {
            f"{stem}_rate_px{unit}_per_h": line.slope,
            f"{stem}_rate_um{unit}_per_h": line.slope * factor,
            f"{stem}_rate_se_px{unit}_per_h": line.error,
            f"{stem}_rate_se_um{unit}_per_h": line.error * factor,
        }

    # A zona that thins has a thickness that falls: what is reported is how fast it thins.
    zona = Line(-series.rates.zona.slope, series.rates.zona.error)
    return both("expansion", series.rates.area, "2", um_per_px**2) | both("zp_thinning", zona, "", um_per_px)


def _relative_change(area: Floats) -> float:
    if len(area) < 2:
        return math.nan
    ends = max(1, min(ENDS, len(area) // 2))
    first, last = np.median(area[:ends]), np.median(area[-ends:])
    return float((last - first) / first)
