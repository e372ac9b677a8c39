"""What the charts of an embryo show: two measures over time, and its events; the same wherever drawn."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.columns import BY_NAME
from blastoseg.report.gathered import GatheredTables
from blastoseg.report.wording import heading_of

Floats = NDArray[np.float64]
MOST_MARKS = 12
"""Events and collapses that are marked; more would hide the curve."""
HEADROOM = 1.15


@dataclass(frozen=True, slots=True)
class Curve:
    """A measure over time, arrays with an element a frame, NaN where there is nothing to draw.

    ``course`` is the steady value; of the frames' own values ``doubtful`` has those of frames to review and
    of outliers, ``sure`` the others. The y axis goes from 0 to ``top``.
    """

    title: str
    top: float
    course: Floats
    sure: Floats
    doubtful: Floats

    @property
    def is_share(self) -> bool:
        """Whether the values are shares, which are shown in percent."""
        return self.top == 1.0


@dataclass(frozen=True, slots=True)
class Curves:
    """Blastocyst area and blastocoel share of one embryo over ``x``; ``marks`` are events by name and x."""

    x: Floats
    x_title: str
    area: Curve
    cavity: Curve
    marks: tuple[tuple[str, float], ...]

    @property
    def x_range(self) -> tuple[float, float]:
        """Where the x axis begins and ends: whole numbers around the data."""
        low, high = math.floor(np.min(self.x)), math.ceil(np.max(self.x))
        return float(low), float(max(high, low + 1))


class CurveMaker:
    """Makes the curves of any embryo of a report."""

    def __init__(self, tables: GatheredTables) -> None:
        self._tables = tables
        self._area, self._cavity = f"blastocyst_area_{tables.unit}2", "blastocoel_area_frac"
        self._drawn = ["time_h", "frame_index", self._area, self._cavity]
        self._drawn += [f"steady_{self._area}", f"steady_{self._cavity}"]
        self._marks: dict[str, list[dict[Any, Any]]] = {}
        names = ["embryo_id", "event", "first_after_h", "first_after_frame"]
        for event in tables.events[names].to_dict("records"):
            self._marks.setdefault(str(event["embryo_id"]), []).append(event)

    def has(self, embryo: str) -> bool:
        """Whether an embryo was measured in two frames or more."""
        return self._tables.measured_of_embryo[embryo] >= 2

    def of(self, embryo: str) -> Curves:
        """The curves of one embryo; over the frames' numbers where a frame has no hours."""
        frames = self._tables.rows_of("frames", embryo, [*self._drawn, "status", "course_flags"])
        has_hours = bool(frames["time_h"].notna().all())
        x_name, at = ("time_h", "first_after_h") if has_hours else ("frame_index", "first_after_frame")
        marks = [(str(one["event"]), one[at]) for one in self._marks.get(embryo, ()) if pd.notna(one[at])]
        return Curves(
            x=_floats(frames, x_name),
            x_title=_title_of(x_name),
            area=self._curve(self._area, frames),
            cavity=self._curve(self._cavity, frames),
            marks=tuple((name, float(x)) for name, x in sorted(marks, key=lambda one: one[1])[:MOST_MARKS]),
        )

    def _curve(self, name: str, frames: pd.DataFrame) -> Curve:
        own, course = _floats(frames, name), _floats(frames, f"steady_{name}")
        is_flagged = frames["course_flags"].fillna("").to_numpy(str) != ""
        is_doubtful = (frames["status"].fillna("").to_numpy(str) != "ok") | is_flagged
        highest = np.nanmax(own, initial=0.0)
        return Curve(
            title=_title_of(name),
            top=1.0 if name.endswith("_frac") else _round_up(highest * HEADROOM),
            course=course,
            sure=np.where(is_doubtful, np.nan, own),
            doubtful=np.where(is_doubtful, own, np.nan),
        )


def _floats(frames: pd.DataFrame, name: str) -> Floats:
    return frames[name].to_numpy(dtype=float, na_value=np.nan)


def _title_of(name: str) -> str:
    """An axis's title: a share is shown in percent."""
    return heading_of(BY_NAME[name]).replace(", fraction", "")


def _round_up(value: float) -> float:
    """The next number with two digits that count; 1 for 0, which leaves room for an axis."""
    if value <= 0:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(math.ceil(value / step) * step)
