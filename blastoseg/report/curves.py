"""What the charts of an embryo show: two measures over time, and its events; the same wherever drawn."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from blastoseg.columns import BY_NAME
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
    """Makes the curves of any embryo of a report, ``unit`` being that of length."""

    def __init__(self, frames: pd.DataFrame, events: pd.DataFrame, unit: str) -> None:
        self._rows: dict[str, list[int]] = {}
        for place, embryo in enumerate(frames["embryo_id"]):
            self._rows.setdefault(str(embryo), []).append(place)
        self._area, self._cavity = f"blastocyst_area_{unit}2", "blastocoel_area_frac"
        names = ["time_h", "frame_index", self._area, self._cavity]
        names += [f"steady_{self._area}", f"steady_{self._cavity}", "blastocyst_area_px2"]
        self._values = {name: frames[name].to_numpy(dtype=float, na_value=np.nan) for name in names}
        is_flagged = frames["course_flags"].fillna("").to_numpy(str) != ""
        self._is_doubtful = (frames["status"].fillna("").to_numpy(str) != "ok") | is_flagged
        self._marks: dict[str, list[dict[Any, Any]]] = {}
        for event in events[["embryo_id", "event", "first_after_h", "first_after_frame"]].to_dict("records"):
            self._marks.setdefault(str(event["embryo_id"]), []).append(event)

    def has(self, embryo: str) -> bool:
        """Whether an embryo was measured in two frames or more."""
        measured = self._values["blastocyst_area_px2"][self._rows[embryo]]
        return int(np.isfinite(measured).sum()) >= 2

    def of(self, embryo: str) -> Curves:
        """The curves of one embryo; over the frames' numbers where a frame has no hours."""
        rows = self._rows[embryo]
        has_hours = bool(np.isfinite(self._values["time_h"][rows]).all())
        x_name, at = ("time_h", "first_after_h") if has_hours else ("frame_index", "first_after_frame")
        marks = [(str(one["event"]), one[at]) for one in self._marks.get(embryo, ()) if pd.notna(one[at])]
        return Curves(
            x=self._values[x_name][rows],
            x_title=_title_of(x_name),
            area=self._curve(self._area, rows),
            cavity=self._curve(self._cavity, rows),
            marks=tuple((name, float(x)) for name, x in sorted(marks, key=lambda one: one[1])[:MOST_MARKS]),
        )

    def _curve(self, name: str, rows: list[int]) -> Curve:
        own, course = self._values[name][rows], self._values[f"steady_{name}"][rows]
        is_doubtful = self._is_doubtful[rows]
        highest = np.nanmax(own, initial=0.0)
        return Curve(
            title=_title_of(name),
            top=1.0 if name.endswith("_frac") else _round_up(highest * HEADROOM),
            course=course,
            sure=np.where(is_doubtful, np.nan, own),
            doubtful=np.where(is_doubtful, own, np.nan),
        )


def _title_of(name: str) -> str:
    """An axis's title: a share is shown in percent."""
    return heading_of(BY_NAME[name]).replace(", fraction", "")


def _round_up(value: float) -> float:
    """The next number with two digits that count; 1 for 0, which leaves room for an axis."""
    if value <= 0:
        return 1.0
    step = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(math.ceil(value / step) * step)
